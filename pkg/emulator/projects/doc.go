// Package projects is Resource Manager, cloudresourcemanager.googleapis.com, v1 and v3: projects are read, listed, searched, made,
// changed, deleted and had back; their IAM policies, and of v1 the organization policies that services here heed.
//
// Whatever the IAM policy of a project says, the caller has the permissions that cloud.Options names: which permissions a role
// holds is not known here.
//
// Worked example:
//
//	c, err := cloud.New(cloud.Options{Denied: []string{"compute.networks.create"}}, []cloud.Service{projects.Service()})
package projects
