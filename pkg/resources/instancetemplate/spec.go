package instancetemplate

import (
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
)

// Kind is the kind's name.
const Kind resources.Kind = "instancetemplate"

// Accelerator is a type of GPU and how many of it.
type Accelerator struct {
	Type  string `json:"type"`
	Count int    `json:"count"`
}

// NIC is a network interface.
type NIC struct {
	Network    resources.Ref[resources.NetworkURL]    `json:"network"`
	Subnetwork resources.Ref[resources.SubnetworkURL] `json:"subnetwork"` // empty: the network's own in the region
	ExternalIP bool                                   `json:"externalIp,omitempty"`
	Type       string                                 `json:"type,omitempty"` // "GVNIC"; empty is the cloud's default
}

// Spec is a wanted template.
type Spec struct {
	MachineType       string                      `json:"machineType"`
	Image             string                      `json:"image"` // path of an image or an image family
	DiskSizeGB        int                         `json:"diskSizeGb"`
	DiskType          string                      `json:"diskType"`
	Accelerators      []Accelerator               `json:"accelerators,omitempty"`
	NICs              []NIC                       `json:"nics"`
	Metadata          map[string]resources.Sealed `json:"metadata,omitempty"` // values may be secrets
	Labels            map[string]string           `json:"labels,omitempty"`
	ServiceAccount    string                      `json:"serviceAccount"` // e-mail, or "default"
	Scopes            []string                    `json:"scopes,omitempty"`
	OnHostMaintenance string                      `json:"onHostMaintenance"` // "TERMINATE" or "MIGRATE"
	AutomaticRestart  bool                        `json:"automaticRestart"`
	MaxRunSeconds     int64                       `json:"maxRunSeconds,omitempty"` // the cloud deletes the VM after it; 0 never
}

type (
	// Outputs is what a template publishes.
	Outputs = gce.Outputs[resources.TemplateURL]
	// Handle stands for a template that is wanted.
	Handle = gce.Handle[resources.TemplateURL]
)

const plural = "instanceTemplates"

// Add wants a template PREFIX-base-DIGEST, where DIGEST names the content's meaning.
func Add(set *resources.Set, base string, s Spec) Handle {
	name := fmt.Sprintf("%s-%s", base, digest(s))
	return gce.Want[resources.TemplateURL](set, Kind, name, s, gce.Global(set.Scope, plural, set.Scope.Name(name)))
}
