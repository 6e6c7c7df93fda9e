package firewall

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Check refuses a rule that is open to the world, allows nothing, or names no ranges.
func (Driver) Check(s Spec) []resources.Problem {
	var out []resources.Problem
	if len(s.Allow) == 0 {
		out = append(out, resources.Problem{Path: "allow", Message: "must not be empty"})
	}
	if len(s.SourceRanges) == 0 {
		out = append(out, resources.Problem{Path: "sourceRanges", Message: "must not be empty", Hint: "the API would open the rule to the world"})
	}
	for _, r := range s.SourceRanges {
		p, err := netip.ParsePrefix(r)
		if err != nil || p.Bits() == 0 {
			out = append(out, resources.Problem{Path: "sourceRanges", Value: r, Message: "is not a range, or is the whole world"})
		}
	}
	if s.Priority < 0 || s.Priority > 65535 {
		out = append(out, resources.Problem{Path: "priority", Message: "must be between 0 and 65535"})
	}
	return out
}

// Compare says what differs: everything but the network changes in place; the order of ranges, rules and ports means nothing.
func (Driver) Compare(want, have Spec) []resources.Change {
	return resources.Join(
		resources.RefField("network", want.Network, have.Network, resources.Replace),
		resources.Field("priority", want.Priority, have.Priority, resources.InPlace),
		resources.List("sourceRanges", sorted(want.SourceRanges), sorted(have.SourceRanges), resources.InPlace),
		resources.List("allow", lines(want.Allow), lines(have.Allow), resources.InPlace),
	)
}

func sorted(in []string) []string { return slices.Sorted(slices.Values(in)) }

func lines(rules []Rule) []string {
	out := make([]string, len(rules))
	for i, r := range rules {
		out[i] = strings.TrimSpace(r.Protocol + " " + strings.Join(sorted(r.Ports), ","))
	}
	return sorted(out)
}
