// Package resourcetest holds the suite that every kind must pass, over the emulator and in virtual time.
//
// Worked example, in a kind's own test:
//
//	resourcetest.Run(t, resourcetest.Suite[Spec, Outputs]{
//		New:  func(c *gcp.Clients) resources.Driver[Spec, Outputs] { return New(c) },
//		Name: "net", Spec: Spec{}, Changed: []Spec{{MTU: 8896}},
//	})
package resourcetest
