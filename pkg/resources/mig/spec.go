package mig

import (
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
)

// Kind is the kind's name.
const Kind resources.Kind = "mig"

// Spec is a wanted group.
type Spec struct {
	Template         resources.Ref[resources.TemplateURL] `json:"template"`
	BaseInstanceName string                               `json:"baseInstanceName"` // ends in "#"s for numbered VMs
	TargetSize       int                                  `json:"targetSize"`       // 0 to 1000 VMs
}

type (
	// Outputs is what a group publishes.
	Outputs = gce.Outputs[resources.GroupURL]
	// Handle stands for a group that is wanted.
	Handle = gce.Handle[resources.GroupURL]
)

const plural = "instanceGroupManagers"

// Add wants a group PREFIX-name in the scope's zone.
func Add(set *resources.Set, name string, s Spec) Handle {
	return gce.Want[resources.GroupURL](set, Kind, name, s, gce.Zonal(set.Scope, plural, set.Scope.Name(name)))
}
