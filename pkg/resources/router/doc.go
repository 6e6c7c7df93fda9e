// Package router is the kind "router": a Cloud Router and its NATs, which give VMs without external address a way out.
// The NATs are entries of the router in the API, so they are fields of its Spec and not a kind.
//
// Worked example:
//
//	router.Add(set, "router", router.Spec{Network: vpc.URL(), NATs: []router.NAT{{Name: "demo-nat"}}})
package router
