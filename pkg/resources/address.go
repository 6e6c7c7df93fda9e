package resources

import (
	"cmp"
	"fmt"
	"strings"
)

// Kind names a kind of resource, for example "network" or "mig". It is the folder's name.
type Kind string

// Address is our own stable name of a node: kind and a name inside the deployment, for example "network/main".
// It holds neither zone nor project, so that a node keeps its address when the cluster lands in another zone.
type Address struct {
	Kind Kind
	Name string
}

// String gives the form used in the manifest, in plans and in logs: "kind/name".
func (a Address) String() string { return string(a.Kind) + "/" + a.Name }

// Compare orders addresses by kind, then by name.
func (a Address) Compare(b Address) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

// MarshalText gives "kind/name".
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads "kind/name".
func (a *Address) UnmarshalText(text []byte) error {
	parsed, err := ParseAddress(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// ParseAddress reads "kind/name".
func ParseAddress(s string) (Address, error) {
	kind, name, ok := strings.Cut(s, "/")
	if !ok || kind == "" || name == "" {
		return Address{}, fmt.Errorf("address %q is not of the form kind/name", s)
	}
	return Address{Kind: Kind(kind), Name: name}, nil
}

// ID is the cloud's own name of a resource, computed before it is created: the path below the API's version,
// for example "projects/p/global/networks/demo-net".
type ID string

// Base is the last part of the path, the name that users see.
func (id ID) Base() string {
	return string(id[strings.LastIndexByte(string(id), '/')+1:])
}

// Scope is where a deployment lives. Kinds compute names from it.
type Scope struct {
	Project string // project id
	Region  string // for example "us-central1"
	Zone    string // for example "us-central1-a"
	Prefix  string // NAME_PREFIX
}

// Name joins the prefix and a suffix: "demo" and "net" give "demo-net".
func (s Scope) Name(suffix string) string { return s.Prefix + "-" + suffix }

// Global gives the ID of a global resource of the project.
func (s Scope) Global(collection, name string) ID {
	return ID(fmt.Sprintf("projects/%s/global/%s/%s", s.Project, collection, name))
}

// Regional gives the ID of a resource of the scope's region.
func (s Scope) Regional(collection, name string) ID {
	return ID(fmt.Sprintf("projects/%s/regions/%s/%s/%s", s.Project, s.Region, collection, name))
}

// Zonal gives the ID of a resource of the scope's zone.
func (s Scope) Zonal(collection, name string) ID {
	return ID(fmt.Sprintf("projects/%s/zones/%s/%s/%s", s.Project, s.Zone, collection, name))
}

// Link types. They keep the wiring of a blueprint honest: a subnetwork's link does not fit where a network's is due.
// Each holds a path below the API's version, as an ID does; a kind's Read brings the cloud's URLs into this form.
type (
	// NetworkURL is the path of a VPC network.
	NetworkURL string
	// SubnetworkURL is the path of a subnetwork.
	SubnetworkURL string
	// TemplateURL is the path of an instance template.
	TemplateURL string
	// GroupURL is the path of a managed instance group.
	GroupURL string
)
