package router

import (
	"context"
	"slices"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Driver makes, changes and removes routers.
type Driver struct {
	gce.Collection[Spec, Outputs, *computepb.Router]
}

// New gives the driver. Durations follow public logs of 2020 to 2026: router and NAT, operations 3 to 14 s to create, 2 to 10 s
// to delete. An update replaces the router as a whole: a patch without NATs leaves the old ones in place (recorded).
func New(c *gcp.Clients) Driver {
	return Driver{gce.Collection[Spec, Outputs, *computepb.Router]{
		Clients: c, Noun: Kind, Plural: plural, Place: gce.Regional, Live: live,
		Permissions: []string{"update", "compute.networks.updatePolicy"}, Quota: "ROUTERS",
		Takes: gce.Durations{Create: 6 * time.Second, Update: 6 * time.Second, Delete: 5 * time.Second},
		Fetch: func(ctx context.Context, id resources.ID) (*computepb.Router, error) {
			return c.Routers.Get(ctx, &computepb.GetRouterRequest{Project: id.Project(), Region: gce.Region(id), Router: id.Base()})
		},
		Insert: func(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp, request *string) (*compute.Operation, error) {
			return c.Routers.Insert(ctx, &computepb.InsertRouterRequest{Project: id.Project(), Region: gce.Region(id), RouterResource: body(id, s, stamp), RequestId: request})
		},
		Change: func(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp, request *string) (*compute.Operation, error) {
			return c.Routers.Update(ctx, &computepb.UpdateRouterRequest{
				Project: id.Project(), Region: gce.Region(id), Router: id.Base(), RouterResource: body(id, s, stamp), RequestId: request,
			})
		},
		Remove: func(ctx context.Context, id resources.ID, request *string) (*compute.Operation, error) {
			return c.Routers.Delete(ctx, &computepb.DeleteRouterRequest{Project: id.Project(), Region: gce.Region(id), Router: id.Base(), RequestId: request})
		},
		List: func(ctx context.Context, project string, filter *string) ([]*computepb.Router, error) {
			return gce.Aggregate(ctx, c.Routers.AggregatedList(ctx, &computepb.AggregatedListRoutersRequest{Project: project, Filter: filter}).Next,
				func(p compute.RoutersScopedListPair) []*computepb.Router { return p.Value.GetRouters() })
		},
	}}
}

// Refs is the network.
func (Driver) Refs(s *Spec) []resources.Dep { return []resources.Dep{&s.Network} }

// Check refuses NATs without a name.
func (Driver) Check(s Spec) []resources.Problem {
	nameless := slices.ContainsFunc(s.NATs, func(n NAT) bool { return n.Name == "" })
	return gce.Refuse(nameless, "nats", "every NAT needs a name")
}

// Compare says what differs: NATs change in place, the network does not.
func (Driver) Compare(want, have Spec) []resources.Change {
	return resources.Join(
		resources.RefField("network", want.Network, have.Network, resources.Replace),
		resources.List("nats", want.NATs, have.NATs, resources.InPlace),
	)
}

// What our NATs always are; a NAT that somebody made otherwise shows as a difference.
const (
	allRanges   = "ALL_SUBNETWORKS_ALL_IP_RANGES"
	autoAddress = "AUTO_ONLY"
)

func live(r *computepb.Router) resources.Live[Spec, Outputs] {
	s := Spec{Network: resources.Known(resources.NetworkURL(gcp.Path(r.GetNetwork())))}
	for _, n := range r.GetNats() {
		nat := NAT{Name: n.GetName()}
		if n.GetSourceSubnetworkIpRangesToNat() != allRanges || n.GetNatIpAllocateOption() != autoAddress {
			nat.Ranges = n.GetSourceSubnetworkIpRangesToNat() + " " + n.GetNatIpAllocateOption()
		}
		s.NATs = append(s.NATs, nat)
	}
	return resources.Live[Spec, Outputs]{Spec: s}
}

func body(id resources.ID, s Spec, stamp resources.Stamp) *computepb.Router {
	r := &computepb.Router{
		Name: proto.String(id.Base()), Description: proto.String(gce.Describe(stamp.Owner)), Network: proto.String(string(s.Network.Get())),
	}
	for _, n := range s.NATs {
		r.Nats = append(r.Nats, &computepb.RouterNat{
			Name: proto.String(n.Name), NatIpAllocateOption: proto.String(autoAddress), SourceSubnetworkIpRangesToNat: proto.String(allRanges),
		})
	}
	return r
}
