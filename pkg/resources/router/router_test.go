package router_test

import (
	"context"
	"testing"
	"testing/synctest"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/network"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
	"github.com/aiinfra/cluster-provision/pkg/resources/router"
)

func TestContract(t *testing.T) {
	vpc := resources.Link(resources.Address{Kind: network.Kind, Name: "net"}, "url", resources.NetworkURL(gce.Global(resourcetest.Scope, "networks", "demo-net").Path()))
	resourcetest.Run(t, resourcetest.Suite[router.Spec, router.Outputs]{
		New:  func(c *gcp.Clients) resources.Driver[router.Spec, router.Outputs] { return router.New(c) },
		Name: "router", Spec: router.Spec{Network: vpc, NATs: []router.NAT{{Name: "demo-nat"}}},
		Changed: []router.Spec{
			{Network: vpc, NATs: []router.NAT{{Name: "demo-nat"}, {Name: "second"}}},
			{Network: vpc}, // the last NAT goes: a patch could not say so
			{Network: resources.Known(resources.NetworkURL("projects/p/global/networks/other"))},
		},
		Before: func(ctx context.Context, t *testing.T, c *gcp.Clients) {
			resourcetest.Make(ctx, t, network.New(c), "net", network.Spec{})
		},
	})
}

// A NAT that somebody has removed or narrowed by hand must show and be mended: VMs without external addresses lose their way out.
func TestANATThatIsChangedByHandIsMended(t *testing.T) {
	for name, change := range map[string]func(*computepb.Router){
		"removed": func(r *computepb.Router) { r.Nats = nil },
		"renamed": func(r *computepb.Router) { r.Nats[0].Name = proto.String("other") },
		"one more": func(r *computepb.Router) {
			r.Nats = append(r.Nats, &computepb.RouterNat{Name: proto.String("more"), NatIpAllocateOption: proto.String("AUTO_ONLY"), SourceSubnetworkIpRangesToNat: proto.String("ALL_SUBNETWORKS_ALL_IP_RANGES")})
		},
		"narrowed": func(r *computepb.Router) {
			r.Nats[0].SourceSubnetworkIpRangesToNat = proto.String("ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES")
		},
		"with manual address": func(r *computepb.Router) { r.Nats[0].NatIpAllocateOption = proto.String("MANUAL_ONLY") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := resourcetest.NewClients(t.Context(), t, resourcetest.Emulate(t, ""))
				resourcetest.Make(t.Context(), t, network.New(c), "net", network.Spec{})
				d := router.New(c)
				want := router.Spec{Network: resources.Known(resources.NetworkURL(gce.Global(resourcetest.Scope, "networks", "demo-net").Path())), NATs: []router.NAT{{Name: "demo-nat"}}}
				resourcetest.Make(t.Context(), t, d, "router", want)
				id := d.ID(resourcetest.Scope, "router", want)
				r, err := d.Fetch(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				change(r)
				op, err := c.Routers.Update(t.Context(), &computepb.UpdateRouterRequest{Project: id.Project(), Region: gce.Region(id), Router: id.Base(), RouterResource: r})
				if err != nil || op.Wait(t.Context()) != nil {
					t.Fatal(err)
				}
				live, err := d.Read(t.Context(), id)
				changes := d.Compare(want, live.Spec)
				if err != nil || len(changes) != 1 || changes[0].Path != "nats" {
					t.Errorf("it does not show: %v %v", changes, err)
				}
				if err := d.Update(t.Context(), live, want, changes, resourcetest.Stamp()); err != nil {
					t.Error(err)
				}
				if live, err = d.Read(t.Context(), id); err != nil || len(d.Compare(want, live.Spec)) > 0 {
					t.Errorf("not mended: %v %v", d.Compare(want, live.Spec), err)
				}
			})
		})
	}
}
