// Package places is the catalogue of regions and zones that all services share: which there are, and which machine types and GPUs
// each zone has. It is read from zones.tsv and offers.tsv, which say where they come from and from when.
//
// Worked example:
//
//	r, ok := places.OfZone("us-central1-a") // us-central1, with zones a, b, c, f
//	for _, zone := range r.ZoneNames() { … }
//	places.Offered("a4x-highgpu-4g", "us-central1-a") // true
package places
