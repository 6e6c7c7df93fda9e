// Package projects is Resource Manager, cloudresourcemanager.googleapis.com: reading projects in v1 and v3, and testIamPermissions.
//
// Worked example:
//
//	c, err := cloud.New(cloud.Options{Denied: []string{"compute.networks.create"}}, []cloud.Service{projects.Service()})
package projects
