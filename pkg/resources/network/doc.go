// Package network is the kind "network": a VPC network in custom mode.
//
// Worked example:
//
//	vpc := network.Add(set, "net", network.Spec{MTU: 8896})
//	subnetwork.Add(set, "subnet", subnetwork.Spec{Network: vpc.URL(), CIDR: "10.8.0.0/20"})
package network
