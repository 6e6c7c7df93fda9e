package firewall_test

import (
	"context"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/firewall"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/network"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
)

func spec(change func(*firewall.Spec)) firewall.Spec {
	s := firewall.Spec{
		Network:  resources.Link(resources.Address{Kind: network.Kind, Name: "net"}, resources.NetworkURL(resourcetest.Scope.Global("networks", "demo-net"))),
		Priority: 1000, SourceRanges: []string{"10.8.0.0/20", "10.0.0.0/20"},
		Allow: []firewall.Rule{{Protocol: "tcp", Ports: []string{"22", "80-90"}}, {Protocol: "icmp"}},
	}
	if change != nil {
		change(&s)
	}
	return s
}

func TestContract(t *testing.T) {
	resourcetest.Run(t, resourcetest.Suite[firewall.Spec, firewall.Outputs]{
		New:  func(c *gcp.Clients) resources.Driver[firewall.Spec, firewall.Outputs] { return firewall.New(c) },
		Name: "allow-internal", Spec: spec(nil),
		Changed: []firewall.Spec{
			spec(func(s *firewall.Spec) { s.Priority = 0 }),
			spec(func(s *firewall.Spec) { s.SourceRanges = []string{"10.8.0.0/20"} }),
			spec(func(s *firewall.Spec) { s.Allow = []firewall.Rule{{Protocol: "udp"}} }),
			spec(func(s *firewall.Spec) {
				s.Network = resources.Known(resources.NetworkURL("projects/p/global/networks/other"))
			}),
		},
		Before: func(ctx context.Context, t *testing.T, c *gcp.Clients) {
			resourcetest.Make(ctx, t, network.New(c), "net", network.Spec{})
		},
	})
}

func TestARuleThatIsOpenToTheWorldIsRefused(t *testing.T) {
	for name, s := range map[string]firewall.Spec{
		"the whole world":  spec(func(s *firewall.Spec) { s.SourceRanges = []string{"0.0.0.0/0"} }),
		"no ranges at all": spec(func(s *firewall.Spec) { s.SourceRanges = nil }),
		"nothing allowed":  spec(func(s *firewall.Spec) { s.Allow = nil }),
		"a bad priority":   spec(func(s *firewall.Spec) { s.Priority = -1 }),
	} {
		if p := (firewall.Driver{}).Check(s); len(p) != 1 {
			t.Errorf("%s gave %v", name, p)
		}
	}
}
