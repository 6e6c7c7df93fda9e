// Package billing is Cloud Billing, cloudbilling.googleapis.com v1: whether a project is billed, turning that on and off, and the
// one billing account that there is. What other services refuse without billing is theirs: cloud.CheckBilled.
//
// Worked example:
//
//	c, err := cloud.New(cloud.Options{}, []cloud.Service{billing.Service()})
package billing
