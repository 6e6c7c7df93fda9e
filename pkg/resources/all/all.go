// Package all lists every kind of this build. It is the only place that knows them all: a new kind is its folder and a line
// here.
//
// Worked example:
//
//	registry := all.Registry(clients)
//	registry.Kinds() // [firewall instancetemplate mig network router subnetwork]
package all

import (
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/firewall"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/instancetemplate"
	"github.com/aiinfra/cluster-provision/pkg/resources/mig"
	"github.com/aiinfra/cluster-provision/pkg/resources/network"
	"github.com/aiinfra/cluster-provision/pkg/resources/router"
	"github.com/aiinfra/cluster-provision/pkg/resources/subnetwork"
)

// Registry gives the handlers of all kinds over the clients.
func Registry(c *gcp.Clients) *resources.Registry {
	return resources.NewRegistry(
		resources.Erase(firewall.New(c)),
		resources.Erase(instancetemplate.New(c)),
		resources.Erase(mig.New(c)),
		resources.Erase(network.New(c)),
		resources.Erase(router.New(c)),
		resources.Erase(subnetwork.New(c)),
	)
}
