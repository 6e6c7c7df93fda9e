package firewall

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

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
			return gcp.Collect(ctx, c.Firewalls.List(ctx, &computepb.ListFirewallsRequest{Project: project, Filter: filter}).Next)
		},
	}}
}

// Refs is the network.
func (Driver) Refs(s *Spec) []resources.Dep { return []resources.Dep{&s.Network} }

// Check refuses a rule that is open to the world, allows nothing, names no ranges, or does something else than letting in.
func (Driver) Check(s Spec) []resources.Problem {
	worldwide := func(r string) bool { p, _ := netip.ParsePrefix(r); return p.Bits() <= 0 } // -1 for what is no range
	return slices.Concat(
		gce.Refuse(len(s.Allow) == 0, "allow", "must not be empty"),
		gce.Refuse(len(s.SourceRanges) == 0, "sourceRanges", "must not be empty: the API would open the rule to the world"),
		gce.Refuse(slices.ContainsFunc(s.SourceRanges, worldwide), "sourceRanges", "holds the whole world, or what is not a range"),
		gce.Refuse(s.Priority < 0 || s.Priority > 65535, "priority", "must be between 0 and 65535"),
		gce.Refuse(s.Disabled || s.Denies || s.Egress || len(s.Narrowed) > 0, "allow", "a rule lets in, for all VMs: anything else is found and never wanted"),
	)
}

// Compare says what differs: all but network and direction changes in place; the order of ranges, rules means nothing.
func (Driver) Compare(want, have Spec) []resources.Change {
	return resources.Join(
		resources.RefField("network", want.Network, have.Network, resources.Replace),
		resources.Field("egress", want.Egress, have.Egress, resources.Replace),
		resources.Field("priority", want.Priority, have.Priority, resources.InPlace),
		resources.List("sourceRanges", sorted(want.SourceRanges), sorted(have.SourceRanges), resources.InPlace),
		resources.List("allow", sorted(want.Allow), sorted(have.Allow), resources.InPlace),
		resources.Field("denies", want.Denies, have.Denies, resources.InPlace),
		resources.Field("disabled", want.Disabled, have.Disabled, resources.InPlace),
		resources.List("narrowed", sorted(want.Narrowed), sorted(have.Narrowed), resources.InPlace),
	)
}

func sorted(in []string) []string { return slices.Sorted(slices.Values(in)) }

// body writes a rule as the API wants it. What is never wanted is left out, so an update takes it away.
func body(id resources.ID, s Spec, stamp resources.Stamp) *computepb.Firewall {
	f := &computepb.Firewall{
		Name: proto.String(id.Base()), Description: proto.String(gce.Describe(stamp.Owner)), Network: proto.String(string(s.Network.Get())),
		Direction: proto.String("INGRESS"), Priority: proto.Int32(int32(s.Priority)), //nolint:gosec // checked: at most 65535
		SourceRanges: s.SourceRanges,
	}
	for _, r := range s.Allow {
		protocol, ports, _ := strings.Cut(r, ":")
		f.Allowed = append(f.Allowed, &computepb.Allowed{IPProtocol: &protocol, Ports: strings.FieldsFunc(ports, func(r rune) bool { return r == ',' })})
	}
	return f
}

// live reads a rule back.
func live(f *computepb.Firewall) resources.Live[Spec, Outputs] {
	s := Spec{
		Network: resources.Known(resources.NetworkURL(gcp.Path(f.GetNetwork()))), Priority: int(f.GetPriority()), SourceRanges: f.GetSourceRanges(),
		Disabled: f.GetDisabled(), Denies: len(f.GetDenied()) > 0, Egress: f.GetDirection() == "EGRESS",
		Narrowed: slices.Concat(f.GetTargetTags(), f.GetTargetServiceAccounts(), f.GetSourceTags(), f.GetSourceServiceAccounts(), f.GetDestinationRanges()),
	}
	for _, a := range f.GetAllowed() {
		s.Allow = append(s.Allow, strings.TrimSuffix(a.GetIPProtocol()+":"+strings.Join(a.GetPorts(), ","), ":"))
	}
	return resources.Live[Spec, Outputs]{Spec: s}
}
