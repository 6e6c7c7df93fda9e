package router_test

import (
	"context"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/network"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
	"github.com/aiinfra/cluster-provision/pkg/resources/router"
)

func TestContract(t *testing.T) {
	vpc := resources.Link(resources.Address{Kind: network.Kind, Name: "net"}, resources.NetworkURL(resourcetest.Scope.Global("networks", "demo-net")))
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
