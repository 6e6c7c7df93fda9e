// Package billing is Cloud Billing v1, cloudbilling.googleapis.com, as far as a caller asks whether a project is billed: it is.
//
// Worked example:
//
//	c, err := cloud.New(cloud.Options{}, []cloud.Service{billing.Service()})
package billing
