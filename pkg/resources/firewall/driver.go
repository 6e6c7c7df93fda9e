package firewall

import (
	"context"
	"net/netip"
	"slices"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Driver makes, changes and removes firewall rules.
type Driver struct {
	gce.Collection[Spec, Outputs, *computepb.Firewall]
}

// New gives the driver. Durations follow public logs of 2020 to 2026: operations 4 to 14 s to create, 3 to 10 s to delete. An
// update replaces the rule as a whole: lists that are empty would be lost in a patch.
func New(c *gcp.Clients) Driver {
	return Driver{gce.Collection[Spec, Outputs, *computepb.Firewall]{
		Clients: c, Noun: Kind, Plural: plural, Place: gce.Global, Live: live,
		Permissions: []string{"update", "compute.networks.updatePolicy"}, Quota: "FIREWALLS",
		Takes: gce.Durations{Create: 7 * time.Second, Update: 6 * time.Second, Delete: 6 * time.Second},
		Fetch: func(ctx context.Context, id resources.ID) (*computepb.Firewall, error) {
			return c.Firewalls.Get(ctx, &computepb.GetFirewallRequest{Project: id.Project(), Firewall: id.Base()})
		},
		Insert: func(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp, request *string) (*compute.Operation, error) {
			return c.Firewalls.Insert(ctx, &computepb.InsertFirewallRequest{Project: id.Project(), FirewallResource: body(id, s, stamp), RequestId: request})
		},
		Change: func(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp, request *string) (*compute.Operation, error) {
			return c.Firewalls.Update(ctx, &computepb.UpdateFirewallRequest{Project: id.Project(), Firewall: id.Base(), FirewallResource: body(id, s, stamp), RequestId: request})
		},
		Remove: func(ctx context.Context, id resources.ID, request *string) (*compute.Operation, error) {
			return c.Firewalls.Delete(ctx, &computepb.DeleteFirewallRequest{Project: id.Project(), Firewall: id.Base(), RequestId: request})
		},
		List: func(ctx context.Context, project string, filter *string) ([]*computepb.Firewall, error) {
			return gcp.Collect(c.Firewalls.List(ctx, &computepb.ListFirewallsRequest{Project: project, Filter: filter}).Next)
		},
	}}
}

// Refs is the network.
func (Driver) Refs(s *Spec) []resources.Dep { return []resources.Dep{&s.Network} }

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
		if p, err := netip.ParsePrefix(r); err != nil || p.Bits() == 0 {
			out = append(out, resources.Problem{Path: "sourceRanges", Value: r, Message: "is not a range, or is the whole world"})
		}
	}
	if s.Priority < 0 || s.Priority > 65535 {
		out = append(out, resources.Problem{Path: "priority", Message: "must be between 0 and 65535"})
	}
	return out
}

// Compare says what differs: all but network and direction changes in place; the order of ranges, rules means nothing.
func (Driver) Compare(want, have Spec) []resources.Change {
	return resources.Join(
		resources.RefField("network", want.Network, have.Network, resources.Replace),
		resources.Field("egress", want.Egress, have.Egress, resources.Replace),
		resources.Field("priority", want.Priority, have.Priority, resources.InPlace),
		resources.List("sourceRanges", sorted(want.SourceRanges), sorted(have.SourceRanges), resources.InPlace),
		resources.List("allow", sorted(want.Allow), sorted(have.Allow), resources.InPlace),
		resources.List("deny", sorted(want.Deny), sorted(have.Deny), resources.InPlace),
		resources.Field("disabled", want.Disabled, have.Disabled, resources.InPlace),
		resources.List("narrowed", sorted(want.Narrowed), sorted(have.Narrowed), resources.InPlace),
	)
}

func sorted(in []string) []string { return slices.Sorted(slices.Values(in)) }
