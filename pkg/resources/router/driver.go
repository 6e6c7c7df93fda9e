package router

import (
	"context"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Driver makes, changes and removes routers.
type Driver struct{ c *gcp.Clients }

// New gives the driver.
func New(c *gcp.Clients) Driver { return Driver{c} }

// Kind is "router".
func (Driver) Kind() resources.Kind { return Kind }

// Refs is the network.
func (Driver) Refs(s *Spec) []resources.Dep { return []resources.Dep{&s.Network} }

// ID is the regional path of PREFIX-name.
func (Driver) ID(scope resources.Scope, name string, _ Spec) resources.ID {
	return scope.Regional("routers", scope.Name(name))
}

// What our NATs always are; a NAT that somebody made otherwise shows as a difference by its name.
const (
	allRanges   = "ALL_SUBNETWORKS_ALL_IP_RANGES"
	autoAddress = "AUTO_ONLY"
)

// Read gives the router as it is.
func (d Driver) Read(ctx context.Context, id resources.ID) (resources.Live[Spec, Outputs], error) {
	r, err := d.c.Routers.Get(ctx, &computepb.GetRouterRequest{Project: gcp.Project(id), Region: gcp.Region(id), Router: id.Base()})
	if err != nil {
		return resources.Live[Spec, Outputs]{}, gcp.Wrap(id, err)
	}
	s := Spec{Network: resources.Known(resources.NetworkURL(gcp.Path(r.GetNetwork())))}
	for _, n := range r.GetNats() {
		name := n.GetName()
		if n.GetSourceSubnetworkIpRangesToNat() != allRanges || n.GetNatIpAllocateOption() != autoAddress {
			name += " (changed by hand)"
		}
		s.NATs = append(s.NATs, NAT{Name: name})
	}
	return resources.Live[Spec, Outputs]{ID: id, Owner: gcp.OwnerOf(r.GetDescription()), Spec: s}, nil
}

func body(id resources.ID, s Spec, stamp resources.Stamp) *computepb.Router {
	r := &computepb.Router{
		Name: proto.String(id.Base()), Description: proto.String(gcp.Describe(stamp.Owner)), Network: proto.String(string(s.Network.Get())),
	}
	for _, n := range s.NATs {
		r.Nats = append(r.Nats, &computepb.RouterNat{
			Name: proto.String(n.Name), NatIpAllocateOption: proto.String(autoAddress), SourceSubnetworkIpRangesToNat: proto.String(allRanges),
		})
	}
	return r
}

// Create inserts the router with its NATs in one call.
func (d Driver) Create(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp) error {
	return d.c.Do(ctx, id, func(ctx context.Context) (*compute.Operation, error) {
		return d.c.Routers.Insert(ctx, &computepb.InsertRouterRequest{
			Project: gcp.Project(id), Region: gcp.Region(id), RouterResource: body(id, s, stamp), RequestId: proto.String(stamp.RequestID),
		})
	})
}

// Update replaces the router as a whole: a patch without NATs leaves the old ones in place (recorded).
func (d Driver) Update(ctx context.Context, live resources.Live[Spec, Outputs], s Spec, changes []resources.Change, stamp resources.Stamp) error {
	if len(changes) == 0 {
		return nil
	}
	return d.c.Do(ctx, live.ID, func(ctx context.Context) (*compute.Operation, error) {
		return d.c.Routers.Update(ctx, &computepb.UpdateRouterRequest{
			Project: gcp.Project(live.ID), Region: gcp.Region(live.ID), Router: live.ID.Base(), RouterResource: body(live.ID, s, stamp),
			RequestId: proto.String(stamp.RequestID),
		})
	})
}

// Delete removes the router; its NATs go with it.
func (d Driver) Delete(ctx context.Context, id resources.ID, stamp resources.Stamp) error {
	return d.c.Remove(ctx, id, stamp, func(ctx context.Context) (*compute.Operation, error) {
		return d.c.Routers.Delete(ctx, &computepb.DeleteRouterRequest{
			Project: gcp.Project(id), Region: gcp.Region(id), Router: id.Base(), RequestId: proto.String(stamp.RequestID),
		})
	})
}

// Settle waits for operations under way on the router.
func (d Driver) Settle(ctx context.Context, id resources.ID) (bool, error) {
	return d.c.Settle(ctx, id)
}

// Sweep lists the owner's routers in all regions.
func (d Driver) Sweep(ctx context.Context, scope resources.Scope, owner string) ([]resources.ID, error) {
	pairs, err := gcp.Collect("", d.c.Routers.AggregatedList(ctx, &computepb.AggregatedListRoutersRequest{
		Project: scope.Project, Filter: proto.String(gcp.OwnerFilter(owner)),
	}).Next)
	var ids []resources.ID
	for _, pair := range pairs {
		for _, r := range pair.Value.GetRouters() {
			if gcp.OwnerOf(r.GetDescription()) == owner {
				ids = append(ids, resources.ID(gcp.Path(r.GetSelfLink())))
			}
		}
	}
	return ids, err
}

// Require is what making and removing a router needs.
func (Driver) Require(Spec) resources.Requirements { return gcp.Needs("routers", "update") }

// Estimate follows public logs of 2020 to 2026: router and NAT, operations 3 to 14 s to create, 2 to 10 s to delete.
func (Driver) Estimate(v resources.Verb, _ Spec, _ resources.Impact) time.Duration {
	return gcp.Usually(v, 6*time.Second, 6*time.Second, 5*time.Second)
}
