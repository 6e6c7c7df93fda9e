package network

import (
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
)

// Kind is the kind's name.
const Kind resources.Kind = "network"

// Spec is a wanted network.
type Spec struct {
	MTU int `json:"mtu,omitempty"` // bytes, 1300 to 8896; 0 is the cloud's default, 1460
}

type (
	// Outputs is what a network publishes.
	Outputs = gce.Outputs[resources.NetworkURL]
	// Handle stands for a network that is wanted.
	Handle = gce.Handle[resources.NetworkURL]
)

const plural = "networks"

// Add wants a network PREFIX-name.
func Add(set *resources.Set, name string, s Spec) Handle {
	return gce.Want[resources.NetworkURL](set, Kind, name, s, gce.Global(set.Scope, plural, set.Scope.Name(name)))
}

// Path is the path of a network of the scope's project that somebody else has made.
func Path(scope resources.Scope, name string) string { return gce.Global(scope, plural, name).Path() }
