// Package front is the door of the emulator: a transport for clients in the same process and an http.Handler for everybody else.
// It takes calls apart (compressed, several in one, with another method in a header), logs them all, lets faults strike, routes them
// by host, and gives answers the form that was asked for (fields, prettyPrint, gzip). It knows no service.
//
// Worked example:
//
//	f, err := front.Open(c, dir) // c is a *cloud.Cloud
//	client := &http.Client{Transport: f.Transport()}
package front
