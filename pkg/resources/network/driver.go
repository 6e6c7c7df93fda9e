package network

import (
	"cmp"
	"context"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Driver makes and removes networks.
type Driver struct {
	gce.Collection[Spec, Outputs, *computepb.Network]
}

// New gives the driver. Durations follow public logs of 2020 to 2026: operations 9 to 25 s to create, 8 to 20 s to delete.
func New(c *gcp.Clients) Driver {
	return Driver{gce.Collection[Spec, Outputs, *computepb.Network]{
		Clients: c, Noun: Kind, Plural: plural, Place: gce.Global,
		Permissions: []string{"updatePolicy"}, Quota: "NETWORKS",
		Takes: gce.Durations{Create: 14 * time.Second, Update: 6 * time.Second, Delete: 14 * time.Second},
		Fetch: func(ctx context.Context, id resources.ID) (*computepb.Network, error) {
			return c.Networks.Get(ctx, &computepb.GetNetworkRequest{Project: id.Project(), Network: id.Base()})
		},
		Insert: func(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp, request *string) (*compute.Operation, error) {
			return c.Networks.Insert(ctx, &computepb.InsertNetworkRequest{Project: id.Project(), NetworkResource: body(id, s, stamp), RequestId: request})
		},
		Remove: func(ctx context.Context, id resources.ID, request *string) (*compute.Operation, error) {
			return c.Networks.Delete(ctx, &computepb.DeleteNetworkRequest{Project: id.Project(), Network: id.Base(), RequestId: request})
		},
		List: func(ctx context.Context, project string, filter *string) ([]*computepb.Network, error) {
			return gcp.Collect(ctx, c.Networks.List(ctx, &computepb.ListNetworksRequest{Project: project, Filter: filter}).Next)
		},
		Live: func(n *computepb.Network) resources.Live[Spec, Outputs] {
			return resources.Live[Spec, Outputs]{Spec: Spec{MTU: int(n.GetMtu())}, Outputs: gce.Published[resources.NetworkURL](n.GetSelfLink())}
		},
	}}
}

// Refs is empty: a network refers to nothing.
func (Driver) Refs(*Spec) []resources.Dep { return nil }

// Check refuses an MTU that the API refuses.
func (Driver) Check(s Spec) []resources.Problem {
	return gce.Refuse(s.MTU != 0 && (s.MTU < 1300 || s.MTU > 8896), "mtu", "must be between 1300 and 8896")
}

// defaultMTU is what a network has when none is given (compute v1 discovery document, Network.mtu).
const defaultMTU = 1460

// Compare looks at the MTU. The API can change it only while no VM runs, so a change replaces the network.
func (Driver) Compare(want, have Spec) []resources.Change {
	return resources.Field("mtu", cmp.Or(want.MTU, defaultMTU), cmp.Or(have.MTU, defaultMTU), resources.Replace)
}

// body is a network in custom mode.
func body(id resources.ID, s Spec, stamp resources.Stamp) *computepb.Network {
	n := &computepb.Network{
		Name: proto.String(id.Base()), Description: proto.String(gce.Describe(stamp.Owner)),
		AutoCreateSubnetworks: proto.Bool(false), // sent always: without it the API makes a legacy network
		RoutingConfig:         &computepb.NetworkRoutingConfig{RoutingMode: proto.String("REGIONAL")},
	}
	if s.MTU != 0 {
		n.Mtu = proto.Int32(int32(s.MTU)) //nolint:gosec // checked: at most 8896
	}
	return n
}
