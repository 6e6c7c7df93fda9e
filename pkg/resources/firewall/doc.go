// Package firewall is the kind "firewall": a rule that lets traffic into a network.
//
// Worked example:
//
//	firewall.Add(set, "allow-iap-ssh", firewall.Spec{
//		Network: vpc.URL(), Priority: 1000, SourceRanges: []string{"35.235.240.0/20"},
//		Allow: []firewall.Rule{{Protocol: "tcp", Ports: []string{"22"}}},
//	})
package firewall
