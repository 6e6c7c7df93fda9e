package gce

import (
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Outputs is what a resource publishes that is referred to by its link, of a type of its own.
type Outputs[T ~string] struct {
	URL T `json:"url"`
}

// Published is what Read gives for a resource with the link of an answer.
func Published[T ~string](link string) Outputs[T] { return Outputs[T]{URL: T(gcp.Path(link))} }

// Handle stands for a resource that is wanted, in the hands of a blueprint.
type Handle[T ~string] struct {
	address resources.Address
	id      resources.ID
}

// Want puts a resource into a set; id is the name that the kind computes for it.
func Want[T ~string](set *resources.Set, kind resources.Kind, name string, spec any, id resources.ID) Handle[T] {
	return Handle[T]{address: set.Put(kind, name, spec), id: id}
}

// Address is the resource's node, for an order without a value.
func (h Handle[T]) Address() resources.Address { return h.address }

// URL is the resource's path, known before it exists.
func (h Handle[T]) URL() resources.Ref[T] { return resources.Link(h.address, "url", T(h.id.Path())) }
