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

// ID is the cloud's own full name of a resource, with the service that it belongs to, so that equal paths of two APIs differ:
// "//compute.googleapis.com/projects/p/global/networks/demo-net" (AIP-122, "Full resource names"). It is computed before the
// resource is created. A kind whose names the server picks computes a stand-in that holds the mark to look for, with "-" where the name
// would be: "…/things/-/OWNER/NAME". Its Read turns the stand-in into the real one.
type ID string

// NewID puts a service and the path of a resource below the API's version together.
func NewID(service, path string) ID { return ID("//" + service + "/" + path) }

// Service is the API that the resource belongs to: "compute.googleapis.com".
func (id ID) Service() string {
	service, _ := id.cut()
	return service
}

// Path is the path below the API's version: "projects/p/global/networks/demo-net". It is how users see a resource.
func (id ID) Path() string {
	_, path := id.cut()
	return path
}

// cut parts a full name; what is none is a path.
func (id ID) cut() (service, path string) {
	rest, full := strings.CutPrefix(string(id), "//")
	if !full {
		return "", string(id)
	}
	service, path, _ = strings.Cut(rest, "/")
	return service, path
}

// Base is the last part of the path, the name that users see.
func (id ID) Base() string {
	return string(id[strings.LastIndexByte(string(id), '/')+1:])
}

// Part gives what follows a collection's name in the path: Part("zones") of "…/zones/z/instances/i" is "z"; empty when the
// collection is not in it.
func (id ID) Part(collection string) string {
	parts := strings.Split(id.Path(), "/")
	for i := 0; i+1 < len(parts); i++ {
		if parts[i] == collection {
			return parts[i+1]
		}
	}
	return ""
}

// StandIn says that the id is no name but holds the mark to look for, since the server picks the name.
func (id ID) StandIn() bool { return strings.Contains(string(id), "/-/") }

// Project is the project in the path.
func (id ID) Project() string { return id.Part("projects") }

// Scope is where a deployment lives, and whose its resources are. Kinds compute names from it.
type Scope struct {
	Project string // project id
	Region  string // for example "us-central1"
	Zone    string // for example "us-central1-a"
	Prefix  string // NAME_PREFIX
	Owner   string // deployment id, the owner mark
}

// Name joins the prefix and a suffix: "demo" and "net" give "demo-net".
func (s Scope) Name(suffix string) string { return s.Prefix + "-" + suffix }

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
