// Package subnetwork is the kind "subnetwork": a range of addresses of a network in the region.
//
// Worked example:
//
//	sub := subnetwork.Add(set, "subnet", subnetwork.Spec{Network: vpc.URL(), CIDR: "10.8.0.0/20", PrivateGoogleAccess: true})
//	nic := instancetemplate.NIC{Network: vpc.URL(), Subnetwork: sub.URL()}
package subnetwork
