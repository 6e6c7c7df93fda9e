// Package emulator is a Google Cloud in a box: the APIs that this program uses, as strict as the real ones, with all state in
// memory or in a directory. It is one handler behind two doors: a transport for clients in the same process, and an
// http.Handler for everybody else (gcloud, Terraform, other programs).
//
// What it answers comes from recordings of the real cloud, from the discovery documents, and from the descriptors in
// computepb: the paths and the shapes of bodies are read from there and typed nowhere. Where no source says how the cloud
// behaves, the comment at that place says so. What it does not know it answers with 501: never with a made-up success.
//
// Operations take the time that a Profile gives them, divided by the time scale, and end at their time whether or not a
// process runs. A FaultPlan makes chosen calls go wrong.
//
// This package is what others import. Below it are the services (compute, storage, projects, serviceusage, iam, billing), which do
// not know each other, over a common part that knows none of them: cloud (what all share), front (the two doors), operations,
// rest (methods from descriptors), wire (calls and refusals), faults, latency, calls, world, and the small doc, draws, places,
// listfilter. A service is its package and a line in services.go.
//
// Worked example:
//
//	em, err := emulator.New(emulator.Options{Dir: "emulated", TimeScale: 10})
//	client, err := compute.NewNetworksRESTClient(ctx, option.WithHTTPClient(&http.Client{Transport: em.Transport()}))
package emulator
