package mig

import "github.com/aiinfra/cluster-provision/pkg/resources"

// Kind is the kind's name.
const Kind resources.Kind = "mig"

// Spec is a wanted group.
type Spec struct {
	Template         resources.Ref[resources.TemplateURL] `json:"template"`
	BaseInstanceName string                               `json:"baseInstanceName"` // ends in "#"s for numbered VMs
	TargetSize       int                                  `json:"targetSize"`       // 0 to 1000 VMs
}

// Outputs is what a group publishes.
type Outputs struct {
	URL resources.GroupURL `json:"url"`
}

// Handle stands for a group that is wanted.
type Handle struct {
	address resources.Address
	id      resources.ID
}

// Add wants a group PREFIX-name in the scope's zone.
func Add(set *resources.Set, name string, s Spec) Handle {
	return Handle{address: set.Put(Kind, name, s), id: id(set.Scope, name)}
}

// Address is the group's node, for an order without a value.
func (h Handle) Address() resources.Address { return h.address }

// URL is the group's path, known before the group exists.
func (h Handle) URL() resources.Ref[resources.GroupURL] {
	return resources.Link(h.address, resources.GroupURL(h.id))
}

func id(scope resources.Scope, name string) resources.ID {
	return scope.Zonal("instanceGroupManagers", scope.Name(name))
}
