// Package rest reads the methods of an API from the google.api.http annotations in its descriptors: paths and shapes of bodies are
// typed nowhere. It finds the method of a call, and checks its query and its body as strictly as the real front end. A body stays as it
// was sent: what is null, empty or zero in it is there, and what was not sent is not.
//
// Worked example:
//
//	router, err := rest.NewRouter([]string{"Networks.Insert"}, computepb.File_google_cloud_compute_v1_compute_proto)
//	m, vars := router.Find("POST", "/compute/v1/projects/p/global/networks") // m.Name "Networks.Insert", vars["project"] "p"
//	body, err := m.DecodeBody(raw)           // a name that is unknown is refused
//	body, ignored, err := m.DecodeKnown(raw) // for Compute Engine, which ignores it
package rest
