// Package storage is Cloud Storage's JSON API v1: buckets and their policies, objects with generations, versions and preconditions,
// media, multipart and resumable uploads.
//
// Worked example:
//
//	c, err := cloud.New(cloud.Options{}, []cloud.Service{storage.Service()})
//	f, err := front.Open(c, "")
//	client, err := storage.NewClient(ctx, option.WithHTTPClient(&http.Client{Transport: f.Transport()}))
package storage
