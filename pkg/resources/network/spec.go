package network

import "github.com/aiinfra/cluster-provision/pkg/resources"

// Kind is the kind's name.
const Kind resources.Kind = "network"

// Spec is a wanted network.
type Spec struct {
	MTU int `json:"mtu,omitempty"` // bytes, 1300 to 8896; 0 is the cloud's default, 1460
}

// Outputs is what a network publishes.
type Outputs struct {
	URL resources.NetworkURL `json:"url"`
}

// Handle stands for a network that is wanted.
type Handle struct {
	address resources.Address
	id      resources.ID
}

// Add wants a network PREFIX-name.
func Add(set *resources.Set, name string, s Spec) Handle {
	return Handle{address: set.Put(Kind, name, s), id: id(set.Scope, name)}
}

// URL is the network's path, known before the network exists.
func (h Handle) URL() resources.Ref[resources.NetworkURL] {
	return resources.Link(h.address, resources.NetworkURL(h.id))
}

func id(scope resources.Scope, name string) resources.ID {
	return scope.Global("networks", scope.Name(name))
}
