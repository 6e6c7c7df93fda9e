package subnetwork

import "github.com/aiinfra/cluster-provision/pkg/resources"

// Kind is the kind's name.
const Kind resources.Kind = "subnetwork"

// Spec is a wanted subnetwork.
type Spec struct {
	Network             resources.Ref[resources.NetworkURL] `json:"network"`
	CIDR                string                              `json:"cidr"`                          // primary IPv4 range
	PrivateGoogleAccess bool                                `json:"privateGoogleAccess,omitempty"` // VMs without external address reach Google's APIs
}

// Outputs is what a subnetwork publishes.
type Outputs struct {
	URL resources.SubnetworkURL `json:"url"`
}

// Handle stands for a subnetwork that is wanted.
type Handle struct {
	address resources.Address
	id      resources.ID
}

// Add wants a subnetwork PREFIX-name in the scope's region.
func Add(set *resources.Set, name string, s Spec) Handle {
	return Handle{address: set.Put(Kind, name, s), id: id(set.Scope, name)}
}

// URL is the subnetwork's path, known before the subnetwork exists.
func (h Handle) URL() resources.Ref[resources.SubnetworkURL] {
	return resources.Link(h.address, resources.SubnetworkURL(h.id))
}

func id(scope resources.Scope, name string) resources.ID {
	return scope.Regional("subnetworks", scope.Name(name))
}
