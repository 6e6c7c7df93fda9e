package router

import (
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
)

// Kind is the kind's name.
const Kind resources.Kind = "router"

// NAT translates for all ranges of all subnetworks of the network in the region, with addresses that the cloud allocates.
type NAT struct {
	Name   string `json:"name"`
	Ranges string `json:"ranges,omitempty"` // what it translates when it was changed by hand; empty: everything, with automatic addresses
}

// Spec is a wanted router.
type Spec struct {
	Network resources.Ref[resources.NetworkURL] `json:"network"`
	NATs    []NAT                               `json:"nats,omitempty"`
}

// Outputs is empty: nothing refers to a router.
type Outputs struct{}

// Handle stands for a router that is wanted.
type Handle = gce.Handle[string]

const plural = "routers"

// Add wants a router PREFIX-name in the scope's region.
func Add(set *resources.Set, name string, s Spec) Handle {
	return gce.Want[string](set, Kind, name, s, gce.Regional(set.Scope, plural, set.Scope.Name(name)))
}
