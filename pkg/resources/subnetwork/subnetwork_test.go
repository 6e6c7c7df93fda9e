package subnetwork_test

import (
	"context"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/network"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
	"github.com/aiinfra/cluster-provision/pkg/resources/subnetwork"
)

var (
	vpc   = resources.Link(resources.Address{Kind: network.Kind, Name: "net"}, "url", resources.NetworkURL(gce.Global(resourcetest.Scope, "networks", "demo-net").Path()))
	other = resources.Known(resources.NetworkURL("projects/p/global/networks/other"))
)

func TestContract(t *testing.T) {
	resourcetest.Run(t, resourcetest.Suite[subnetwork.Spec, subnetwork.Outputs]{
		New:  func(c *gcp.Clients) resources.Driver[subnetwork.Spec, subnetwork.Outputs] { return subnetwork.New(c) },
		Name: "subnet", Spec: subnetwork.Spec{Network: vpc, CIDR: "10.8.0.0/20", PrivateGoogleAccess: true},
		Changed: []subnetwork.Spec{
			{Network: vpc, CIDR: "10.8.0.0/16", PrivateGoogleAccess: false}, // two changes in place at once
			{Network: other, CIDR: "10.8.0.0/16"},
		},
		Before: func(ctx context.Context, t *testing.T, c *gcp.Clients) {
			resourcetest.Make(ctx, t, network.New(c), "net", network.Spec{})
		},
	})
}

func TestGrowingIsInPlaceAndAnythingElseReplaces(t *testing.T) {
	for name, tc := range map[string]struct {
		want, have string
		impact     resources.Impact
	}{
		"a range around the old one":    {"10.8.0.0/16", "10.8.16.0/20", resources.InPlace},
		"a smaller range":               {"10.8.0.0/24", "10.8.0.0/20", resources.Replace},
		"a larger range somewhere else": {"10.9.0.0/16", "10.8.0.0/20", resources.Replace},
	} {
		changes := subnetwork.Driver{}.Compare(subnetwork.Spec{CIDR: tc.want}, subnetwork.Spec{CIDR: tc.have})
		if len(changes) != 1 || changes[0].Impact != tc.impact {
			t.Errorf("%s: %v", name, changes)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, cidr := range []string{"", "10.8.0.0", "10.8.0.1/20", "fd00::/64", "nonsense"} {
		if p := (subnetwork.Driver{}).Check(subnetwork.Spec{CIDR: cidr}); len(p) != 1 {
			t.Errorf("%q gave %v", cidr, p)
		}
	}
}
