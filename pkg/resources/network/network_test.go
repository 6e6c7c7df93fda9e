package network_test

import (
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/network"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
)

func TestContract(t *testing.T) {
	resourcetest.Run(t, resourcetest.Suite[network.Spec, network.Outputs]{
		New:  func(c *gcp.Clients) resources.Driver[network.Spec, network.Outputs] { return network.New(c) },
		Name: "net", Spec: network.Spec{}, Changed: []network.Spec{{MTU: 8896}},
	})
}

func TestCheck(t *testing.T) {
	if p := (network.Driver{}).Check(network.Spec{MTU: 9000}); len(p) != 1 {
		t.Errorf("an MTU of 9000 gave %v", p)
	}
}
