// Package rest reads the methods of an API from the google.api.http annotations in its descriptors: paths and shapes of bodies are
// typed nowhere. It finds the method of a call, and checks its query and its body as strictly as the real front end.
//
// Worked example:
//
//	router, err := rest.NewRouter([]string{"Networks.Insert"}, computepb.File_google_cloud_compute_v1_compute_proto)
//	m, vars := router.Find("POST", "/compute/v1/projects/p/global/networks") // m.Name "Networks.Insert", vars["project"] "p"
//	body, err := m.DecodeBody(raw)
package rest
