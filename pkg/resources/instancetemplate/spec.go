package instancetemplate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/resources"
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

// Outputs is what a template publishes.
type Outputs struct {
	URL resources.TemplateURL `json:"url"`
}

// Handle stands for a template that is wanted.
type Handle struct {
	address resources.Address
	id      resources.ID
}

// Add wants a template PREFIX-base-DIGEST, where DIGEST is eight digits of the content's SHA-256.
func Add(set *resources.Set, base string, s Spec) Handle {
	name := fmt.Sprintf("%s-%s", base, digest(s))
	return Handle{address: set.Put(Kind, name, s), id: id(set.Scope, name)}
}

// digest names a content. Maps are sorted by encoding/json, so equal contents give equal names.
func digest(s Spec) string {
	raw, err := json.Marshal(s)
	if err != nil { // unreachable: a Spec holds nothing that JSON cannot
		panic(err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:4])
}

// URL is the template's path, known before the template exists.
func (h Handle) URL() resources.Ref[resources.TemplateURL] {
	return resources.Link(h.address, resources.TemplateURL(h.id))
}

func id(scope resources.Scope, name string) resources.ID {
	return scope.Global("instanceTemplates", scope.Name(name))
}
