// Package places is the catalogue of regions and zones that all services share.
//
// Worked example:
//
//	r, ok := places.OfZone("us-central1-a") // us-central1, with zones a, b, c, f
//	for _, zone := range r.ZoneNames() { … }
package places
