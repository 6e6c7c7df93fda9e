package resources

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Set is what a blueprint wants: specs by address, not yet bound to anything that talks to a cloud.
type Set struct {
	Scope Scope

	specs map[Address]any
	after map[Address][]Address
	errs  []error
}

// NewSet starts an empty set for a scope.
func NewSet(scope Scope) *Set {
	return &Set{Scope: scope, specs: map[Address]any{}, after: map[Address][]Address{}}
}

// Put adds a wanted resource. Only the Add functions of kinds call it. An address that is taken is reported by Nodes.
func (s *Set) Put(kind Kind, name string, spec any) Address {
	a := Address{Kind: kind, Name: name}
	if _, taken := s.specs[a]; taken {
		s.errs = append(s.errs, fmt.Errorf("%s is wanted twice", a))
	}
	s.specs[a] = spec
	return a
}

// After makes a need b without a value passing between them: a is made after b and removed before it. It is order only: when b
// is replaced, a stays.
func (s *Set) After(a, b Address) { s.after[a] = append(s.after[a], b) }

// Addresses lists what is wanted, sorted.
func (s *Set) Addresses() []Address {
	return slices.SortedFunc(maps.Keys(s.specs), Address.Compare)
}

// Registry finds the handler of a kind.
type Registry struct{ handlers map[Kind]Handler }

// NewRegistry lists the kinds of this build.
func NewRegistry(handlers ...Handler) *Registry {
	r := &Registry{handlers: make(map[Kind]Handler, len(handlers))}
	for _, h := range handlers {
		r.handlers[h.Kind()] = h
	}
	return r
}

// Handler gives the handler of a kind; false for a kind that this build does not know.
func (r *Registry) Handler(k Kind) (Handler, bool) {
	h, ok := r.handlers[k]
	return h, ok
}

// Kinds lists the kinds, sorted.
func (r *Registry) Kinds() []Kind { return slices.Sorted(maps.Keys(r.handlers)) }

// Nodes binds every spec of a set to its kind, in the order of the addresses. It reports every fault at once: an address
// used twice, a kind that is not registered, a need that is not in the set.
func (r *Registry) Nodes(s *Set) ([]*Node, error) {
	errs := slices.Clone(s.errs)
	var nodes []*Node
	for _, a := range s.Addresses() {
		h, ok := r.handlers[a.Kind]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: this build knows no kind %q", a, a.Kind))
			continue
		}
		n, err := h.Node(s.Scope, a.Name, s.specs[a])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		n.Needs = sortedAddresses(append(n.Needs, s.after[a]...))
		for _, need := range n.Needs {
			if _, ok := s.specs[need]; !ok {
				errs = append(errs, fmt.Errorf("%s needs %s, which is not wanted", a, need))
			}
		}
		nodes = append(nodes, n)
	}
	return nodes, errors.Join(errs...)
}
