// Package iam is Identity and Access Management v1, iam.googleapis.com: the service accounts of a project, among them the one that
// VMs use unless they are told another, and their policies. Keys, signing and roles are not emulated.
//
// Worked example:
//
//	c, err := cloud.New(cloud.Options{}, []cloud.Service{iam.Service()})
//	f, err := front.Open(c, "")
//	// GET https://iam.googleapis.com/v1/projects/-/serviceAccounts/EMAIL through f.Transport()
package iam
