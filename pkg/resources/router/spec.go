package router

import "github.com/aiinfra/cluster-provision/pkg/resources"

// Kind is the kind's name.
const Kind resources.Kind = "router"

// NAT translates for all ranges of all subnetworks of the network in the region, with addresses that the cloud allocates.
type NAT struct {
	Name string `json:"name"`
}

// Spec is a wanted router.
type Spec struct {
	Network resources.Ref[resources.NetworkURL] `json:"network"`
	NATs    []NAT                               `json:"nats,omitempty"`
}

// Outputs is empty: nothing refers to a router.
type Outputs struct{}

// Handle stands for a router that is wanted.
type Handle struct{ address resources.Address }

// Address is the router's node, for an order without a value.
func (h Handle) Address() resources.Address { return h.address }

// Add wants a router PREFIX-name in the scope's region.
func Add(set *resources.Set, name string, s Spec) Handle {
	return Handle{address: set.Put(Kind, name, s)}
}
