// Package serviceusage is Service Usage v1, serviceusage.googleapis.com: reading, enabling and disabling the APIs of a project.
//
// Worked example:
//
//	c, err := cloud.New(cloud.Options{Disabled: []string{"file.googleapis.com"}}, []cloud.Service{serviceusage.Service()})
package serviceusage
