package subnetwork

import (
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
)

// Kind is the kind's name.
const Kind resources.Kind = "subnetwork"

// Spec is a wanted subnetwork.
type Spec struct {
	Network             resources.Ref[resources.NetworkURL] `json:"network"`
	CIDR                string                              `json:"cidr"`                          // primary IPv4 range
	PrivateGoogleAccess bool                                `json:"privateGoogleAccess,omitempty"` // VMs without external address reach Google's APIs
}

type (
	// Outputs is what a subnetwork publishes.
	Outputs = gce.Outputs[resources.SubnetworkURL]
	// Handle stands for a subnetwork that is wanted.
	Handle = gce.Handle[resources.SubnetworkURL]
)

const plural = "subnetworks"

// Add wants a subnetwork PREFIX-name in the scope's region.
func Add(set *resources.Set, name string, s Spec) Handle {
	return gce.Want[resources.SubnetworkURL](set, Kind, name, s, gce.Regional(set.Scope, plural, set.Scope.Name(name)))
}
