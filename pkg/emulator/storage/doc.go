// Package storage is Cloud Storage: the JSON API v1 and reads by the XML API. It has buckets with their settings and policies, and
// objects with generations, versions, conditions, holds, retention and soft delete; media, multipart and resumable uploads; batches.
//
// A call is matched to a method (methods.go), which all check the bucket, who pays and the permission (carryOut). Settings of
// buckets are applied by settings.go, new generations are written by store.go, and what keeps an object is in keep.go.
//
// Where a comment says "measured", the fact comes from the tests and documents of a public client library that were held against
// Cloud Storage in September and October 2026; "reported" is from public threads and logs.
//
// A call with the bearer token "service-account:EMAIL" is that service account's, as a VM's programs are, and is held to the
// bucket's policy; every other caller owns all projects. Lifecycle rules, logging and website settings are kept and not carried out.
//
// Worked example:
//
//	c, err := cloud.New(cloud.Options{}, []cloud.Service{storage.Service()})
//	f, err := front.Open(c, "")
//	client, err := storage.NewClient(ctx, option.WithHTTPClient(&http.Client{Transport: f.Transport()}))
package storage
