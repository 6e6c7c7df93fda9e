package resources

import (
	"encoding/json"
	"fmt"
)

// Ref is a value of a Spec that another node may publish. It is one of three things:
// a plain value (Known), a value that another node publishes and that is known beforehand because names are computed
// (Link), or a value that only exists after that node is done (Promise), such as an address that the cloud picks.
// The edge of the graph is the reference: a Link or a Promise makes its holder need the other node.
type Ref[T any] struct {
	value    T
	known    bool
	from     Address
	output   string
	computed *T // a link's value as computed
}

// Known is a plain value; it makes no edge.
func Known[T any](v T) Ref[T] { return Ref[T]{value: v, known: true} }

// Link is the output of node a with the given JSON name, whose value is known before a exists because names are computed.
// What a publishes once it is there wins: something adopted has kept its own name. Only the Handle methods of a kind call it.
func Link[T any](a Address, output string, v T) Ref[T] {
	return Ref[T]{value: v, known: true, from: a, output: output, computed: &v}
}

// Promise is the output of node a with the given JSON name, known once a is done.
// Only the Handle methods of a kind call it.
func Promise[T any](a Address, output string) Ref[T] { return Ref[T]{from: a, output: output} }

// Value is the value and whether it is known yet. The zero Ref is the zero value, known.
func (r Ref[T]) Value() (T, bool) { return r.value, r.known || r.from == Address{} }

// Get is the value; the zero value while it is not known. A driver's Create may rely on it: the engine resolves first.
func (r Ref[T]) Get() T { return r.value }

// From names the node that the value comes from; false for a plain value.
func (r Ref[T]) From() (Address, bool) { return r.from, r.from != Address{} }

// Output is the JSON name of the output that the value comes from; empty for a plain value.
func (r Ref[T]) Output() string { return r.output }

// After names the node after which the value is known; false when it is known already.
func (r Ref[T]) After() (Address, bool) {
	_, known := r.Value()
	return r.from, !known
}

// MarshalJSON gives the plain value, or the words "known after NODE" in their own object while it is not known.
func (r Ref[T]) MarshalJSON() ([]byte, error) {
	if v, known := r.Value(); known {
		return json.Marshal(v)
	}
	return json.Marshal(map[string]string{"knownAfter": r.from.String(), "output": r.output})
}

// UnmarshalJSON reads the plain value, as manifests hold it.
func (r *Ref[T]) UnmarshalJSON(data []byte) error {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*r = Known(v)
	return nil
}

// Lookup gives the outputs, as JSON, of a node that is there; false while it is not.
type Lookup func(Address) (json.RawMessage, bool)

// Dep is a Ref without its type: an edge, and a value to fill in. Only Ref implements it.
type Dep interface {
	// From names the node that the value comes from; false for a plain value.
	From() (Address, bool)
	resolve(Lookup) error
	open() bool
}

// resolve fills in what the other node publishes. While that node is not there a link has the value that was computed, and a
// promise is an error, not a wait: whatever an earlier one published, before it was made again, is forgotten.
func (r *Ref[T]) resolve(look Lookup) error {
	if r.from == (Address{}) {
		return nil
	}
	raw, ok := look(r.from)
	if !ok {
		if r.computed != nil {
			r.value = *r.computed
			return nil
		}
		var none T
		r.value, r.known = none, false
		return &UnresolvedError{Node: r.from, Output: r.output}
	}
	var outputs map[string]json.RawMessage
	if err := json.Unmarshal(raw, &outputs); err != nil {
		return fmt.Errorf("outputs of %s: %w", r.from, err)
	}
	one, ok := outputs[r.output]
	if !ok {
		return fmt.Errorf("%s publishes no output %q", r.from, r.output)
	}
	if err := json.Unmarshal(one, &r.value); err != nil {
		return fmt.Errorf("output %q of %s: %w", r.output, r.from, err)
	}
	r.known = true
	return nil
}

// open says that the value is not known yet.
func (r *Ref[T]) open() bool { return r.from != (Address{}) && !r.known }

// UnresolvedError says that a promised value was asked for before the node that publishes it was there.
type UnresolvedError struct {
	Node   Address
	Output string
}

// Error names the node and the output.
func (e *UnresolvedError) Error() string {
	return fmt.Sprintf("output %q of %s is not known before that node is there", e.Output, e.Node)
}
