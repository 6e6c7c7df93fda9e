package firewall

import (
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
)

// Kind is the kind's name.
const Kind resources.Kind = "firewall"

// Spec is a wanted rule for incoming traffic. The last fields are never wanted: what somebody has narrowed or switched off by
// hand is a difference.
type Spec struct {
	Network      resources.Ref[resources.NetworkURL] `json:"network"`
	Priority     int                                 `json:"priority"` // 0 to 65535, the lowest number wins
	SourceRanges []string                            `json:"sourceRanges"`
	Allow        []string                            `json:"allow"`              // "icmp", "tcp:22", "tcp:22,8000-8080"
	Denies       bool                                `json:"denies,omitempty"`   // the rule keeps out instead of letting in
	Egress       bool                                `json:"egress,omitempty"`   // the rule is about what goes out
	Disabled     bool                                `json:"disabled,omitempty"` // the rule does nothing
	Narrowed     []string                            `json:"narrowed,omitempty"` // tags, service accounts and destinations to which it is limited
}

// Outputs is empty: nothing refers to a rule.
type Outputs struct{}

// Handle stands for a rule that is wanted.
type Handle = gce.Handle[string]

const plural = "firewalls"

// Add wants a rule PREFIX-name.
func Add(set *resources.Set, name string, s Spec) Handle {
	return gce.Want[string](set, Kind, name, s, gce.Global(set.Scope, plural, set.Scope.Name(name)))
}
