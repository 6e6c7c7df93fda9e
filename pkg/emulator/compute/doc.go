// Package compute is Compute Engine v1: networks, subnetworks, firewalls, routers, routes, templates, machines, disks, addresses,
// managed instance groups, and the catalogues of regions, zones, machine types and images.
//
// A collection is a function that gives a *collection: networks.go is the model. Insert, get, list and delete are common to all.
// Paths and shapes of bodies are read from the descriptors in computepb. Answers are recorded where recordings exist; what is
// documented or assumed says so.
//
// Worked example:
//
//	c, err := cloud.New(cloud.Options{}, []cloud.Service{compute.Service()})
//	f, err := front.Open(c, "")
//	client, err := compute.NewNetworksRESTClient(ctx, option.WithHTTPClient(&http.Client{Transport: f.Transport()}))
package compute
