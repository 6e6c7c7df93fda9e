package firewall

import "github.com/aiinfra/cluster-provision/pkg/resources"

// Kind is the kind's name.
const Kind resources.Kind = "firewall"

// Rule is a protocol and the ports that are let in.
type Rule struct {
	Protocol string   `json:"protocol"`        // "tcp", "udp", "icmp", …
	Ports    []string `json:"ports,omitempty"` // "22", "8000-8080"; none for all
}

// Spec is a wanted rule for incoming traffic.
type Spec struct {
	Network      resources.Ref[resources.NetworkURL] `json:"network"`
	Priority     int                                 `json:"priority"` // 0 to 65535, the lowest number wins
	SourceRanges []string                            `json:"sourceRanges"`
	Allow        []Rule                              `json:"allow"`
}

// Outputs is empty: nothing refers to a rule.
type Outputs struct{}

// Handle stands for a rule that is wanted.
type Handle struct{ address resources.Address }

// Address is the rule's node, for an order without a value.
func (h Handle) Address() resources.Address { return h.address }

// Add wants a rule PREFIX-name.
func Add(set *resources.Set, name string, s Spec) Handle {
	return Handle{address: set.Put(Kind, name, s)}
}
