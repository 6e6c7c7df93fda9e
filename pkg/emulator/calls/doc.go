// Package calls remembers which API calls were made, in memory or in a directory that several processes share.
//
// Worked example:
//
//	log, err := calls.Open(dir)
//	log.Add(calls.Call{Method: "GET", Path: "/compute.googleapis.com/compute/v1/projects/p", Status: 200, Start: start, End: end})
//	all, err := log.Calls()
package calls
