package resources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Handler is all that the engine sees of a kind. Erase makes one out of a Driver.
type Handler interface {
	Kind() Kind
	// Node binds a wanted spec, of the kind's own type, to the kind.
	Node(scope Scope, name string, spec any) (*Node, error)
	// Read gives what is there; ErrNotFound when absent.
	Read(context.Context, ID) (*Observation, error)
	// Delete removes what the stamp's owner owns; see Driver.Delete. What is not ours is a *ForeignError.
	Delete(context.Context, ID, Stamp) error
	// Settle waits for what is under way on a resource, and says whether anything was; see Driver.Settle.
	Settle(context.Context, ID) (bool, error)
	// Names says whether an id can be one of this kind's.
	Names(ID) bool
	// Sweep lists what the owner owns of this kind; nil for a kind that cannot.
	Sweep(ctx context.Context, scope Scope, owner string) ([]ID, error)
	// Exclusive is the group in which a step on the resource must be alone; empty for none. The spec is a recorded one.
	Exclusive(id ID, spec json.RawMessage) string
	// Drift lists the managed fields in which what is there differs from a recorded spec.
	Drift(recorded json.RawMessage, obs *Observation) ([]Change, error)
	// Estimate is how long the verb usually takes on a recorded spec; 0 when nobody knows.
	Estimate(verb Verb, spec json.RawMessage) time.Duration
}

// Node is one wanted resource: what the engine plans and executes.
type Node struct {
	Address Address
	ID      ID        // the name in the cloud: computed, or the one that the manifest has for it
	Needs   []Address // what must be there first, sorted, without repetition: references, and order without a value
	Refs    []Address // the part of Needs that the spec refers to: replacing one of these replaces this one

	computed ID
	scope    Scope

	spec any // *S
	bind binding
}

// binding is the typed half of a Node behind closed doors.
type binding interface {
	resolve(spec any, look Lookup) error
	check(spec any) []Problem
	compare(spec any, obs *Observation) ([]Change, error)
	changed(spec any, recorded json.RawMessage) ([]Change, error)
	create(ctx context.Context, id ID, spec any, s Stamp) error
	update(ctx context.Context, obs *Observation, spec any, changes []Change, s Stamp) error
	preflight(ctx context.Context, scope Scope, spec any) []Problem
	require(scope Scope, spec any) Requirements
	estimate(v Verb, spec any, on Impact) time.Duration
	exclusive(id ID, spec any) string
	mayExist(spec any) bool
	promised(spec any) []Address
	publishes() bool
}

// Computed is the name that the kind computes for the node.
func (n *Node) Computed() ID { return n.computed }

// Named gives the node the name that the manifest has for it. computed is what was computed when that name was recorded: when
// it is no longer what is computed, the node has moved to another place and the recorded name is that of another thing. It
// says whether the name was taken.
func (n *Node) Named(id, computed ID) bool {
	if computed != n.computed || id == "" {
		return false
	}
	n.ID = id
	return true
}

// ResolveKnown fills in what nodes that are there publish, and leaves the rest as promises.
func (n *Node) ResolveKnown(look Lookup) error {
	err := n.bind.resolve(n.spec, look)
	var open *UnresolvedError
	if errors.As(err, &open) {
		return nil
	}
	return err
}

// Resolve fills in values from the outputs of nodes that are there; a promise that stays open is an *UnresolvedError.
func (n *Node) Resolve(look Lookup) error { return n.bind.resolve(n.spec, look) }

// Check finds what is wrong with the spec without asking anybody.
func (n *Node) Check() []Problem { return n.bind.check(n.spec) }

// Compare lists the managed fields in which what is there differs from what is wanted.
func (n *Node) Compare(obs *Observation) ([]Change, error) { return n.bind.compare(n.spec, obs) }

// Changed lists the managed fields in which the recorded inputs differ from what is wanted: what the user changed.
func (n *Node) Changed(recorded json.RawMessage) ([]Change, error) {
	return n.bind.changed(n.spec, recorded)
}

// Create makes it; see Driver.Create.
func (n *Node) Create(ctx context.Context, s Stamp) error { return n.bind.create(ctx, n.ID, n.spec, s) }

// Update changes it; see Driver.Update.
func (n *Node) Update(ctx context.Context, obs *Observation, changes []Change, s Stamp) error {
	return n.bind.update(ctx, obs, n.spec, changes, s)
}

// Preflight checks the spec against the cloud, reading only.
func (n *Node) Preflight(ctx context.Context) []Problem {
	return n.bind.preflight(ctx, n.scope, n.spec)
}

// Require is what the spec needs of the project.
func (n *Node) Require() Requirements { return n.bind.require(n.scope, n.spec) }

// Exclusive is the group in which steps on the node must be alone; empty for none.
func (n *Node) Exclusive() string { return n.bind.exclusive(n.ID, n.spec) }

// Publishes says whether the kind has outputs that others can refer to.
func (n *Node) Publishes() bool { return n.bind.publishes() }

// Promised lists the nodes of whose outputs the spec still waits for one.
func (n *Node) Promised() []Address { return n.bind.promised(n.spec) }

// MayExist says that another resource's call may have made it: read before creating.
func (n *Node) MayExist() bool { return n.bind.mayExist(n.spec) }

// Estimate is how long the verb usually takes; 0 when nobody knows.
func (n *Node) Estimate(v Verb, on Impact) time.Duration { return n.bind.estimate(v, n.spec, on) }

// Inputs is the spec as the manifest records it, with resolved references as plain values.
func (n *Node) Inputs() (json.RawMessage, error) { return json.Marshal(n.spec) }

// Erase makes a Handler out of a typed Driver. It is the only crossing between typed kinds and the untyped engine.
func Erase[S, O any](d Driver[S, O]) Handler { return erased[S, O]{d} }

type erased[S, O any] struct{ d Driver[S, O] }

func (e erased[S, O]) Kind() Kind { return e.d.Kind() }

func (e erased[S, O]) Node(scope Scope, name string, spec any) (*Node, error) {
	s, ok := spec.(S)
	if !ok {
		return nil, fmt.Errorf("%s/%s: spec is a %T, not a %T", e.d.Kind(), name, spec, s)
	}
	id := e.d.ID(scope, name, s)
	n := &Node{Address: Address{Kind: e.d.Kind(), Name: name}, ID: id, computed: id, scope: scope, spec: &s, bind: e}
	for _, dep := range e.d.Refs(&s) {
		if from, ok := dep.From(); ok {
			n.Refs = append(n.Refs, from)
		}
	}
	n.Refs = sortedAddresses(n.Refs)
	n.Needs = slices.Clone(n.Refs)
	return n, nil
}

func sortedAddresses(list []Address) []Address {
	slices.SortFunc(list, Address.Compare)
	return slices.Compact(list)
}

func (e erased[S, O]) Read(ctx context.Context, id ID) (*Observation, error) {
	live, err := e.d.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	spec, err := json.Marshal(live.Spec)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	outputs, err := json.Marshal(live.Outputs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	return &Observation{
		ID: live.ID, Spec: spec, Outputs: outputs, Owner: live.Owner, Unmarked: live.Unmarked,
		Version: live.Version, Pending: live.Pending, live: live,
	}, nil
}

// Delete looks first: a thing that carries another owner's mark, or none where it could carry one, is not ours to remove,
// whatever the manifest says. It looks again after whatever was under way: a creation that was accepted just before a crash
// may appear only now.
func (e erased[S, O]) Delete(ctx context.Context, id ID, s Stamp) error {
	for {
		live, err := e.d.Read(ctx, id)
		switch {
		case errors.Is(err, ErrNotFound):
			if busy, err := e.d.Settle(ctx, id); err != nil || !busy {
				return err
			}
			continue
		case err != nil:
			return err
		case live.Owner != s.Owner && !live.Unmarked:
			return &ForeignError{ID: live.ID, Owner: live.Owner}
		}
		return e.d.Delete(ctx, live.ID, s)
	}
}

func (e erased[S, O]) Names(id ID) bool {
	n, ok := e.d.(Namer)
	return !ok || n.Names(id)
}

func (e erased[S, O]) Settle(ctx context.Context, id ID) (bool, error) { return e.d.Settle(ctx, id) }

func (e erased[S, O]) Sweep(ctx context.Context, scope Scope, owner string) ([]ID, error) {
	sweeper, ok := e.d.(Sweeper)
	if !ok {
		return nil, nil
	}
	return sweeper.Sweep(ctx, scope, owner)
}

func (e erased[S, O]) Drift(recorded json.RawMessage, obs *Observation) ([]Change, error) {
	var want S
	if err := json.Unmarshal(recorded, &want); err != nil {
		return nil, fmt.Errorf("recorded inputs: %w", err)
	}
	return e.compare(&want, obs)
}

func (e erased[S, O]) Estimate(v Verb, recorded json.RawMessage) time.Duration {
	s, ok := e.recorded(recorded)
	if !ok {
		return 0
	}
	return e.estimate(v, s, InPlace)
}

func (e erased[S, O]) Exclusive(id ID, recorded json.RawMessage) string {
	s, _ := e.recorded(recorded)
	return e.exclusive(id, s)
}

// recorded reads a spec out of a manifest; the zero spec when there is none.
func (e erased[S, O]) recorded(raw json.RawMessage) (*S, bool) {
	var s S
	if len(raw) > 0 && json.Unmarshal(raw, &s) != nil {
		return new(S), false
	}
	return &s, true
}

func (e erased[S, O]) of(spec any) *S {
	s, ok := spec.(*S)
	if !ok { // unreachable: only Node makes specs, and only of this type
		panic(fmt.Sprintf("%s: spec is a %T", e.d.Kind(), spec))
	}
	return s
}

func (e erased[S, O]) resolve(spec any, look Lookup) error {
	var open error // the others are filled in all the same
	for _, dep := range e.d.Refs(e.of(spec)) {
		err := dep.resolve(look)
		var unresolved *UnresolvedError
		switch {
		case errors.As(err, &unresolved):
			open = err
		case err != nil:
			return err
		}
	}
	return open
}

func (e erased[S, O]) check(spec any) []Problem { return e.d.Check(*e.of(spec)) }

func (e erased[S, O]) compare(spec any, obs *Observation) ([]Change, error) {
	live, ok := obs.live.(Live[S, O])
	if !ok {
		return nil, fmt.Errorf("%s: observation is of another kind", obs.ID)
	}
	return e.d.Compare(*e.of(spec), live.Spec), nil
}

func (e erased[S, O]) changed(spec any, recorded json.RawMessage) ([]Change, error) {
	var have S
	if err := json.Unmarshal(recorded, &have); err != nil {
		return nil, fmt.Errorf("recorded inputs: %w", err)
	}
	return e.d.Compare(*e.of(spec), have), nil
}

func (e erased[S, O]) create(ctx context.Context, id ID, spec any, s Stamp) error {
	return e.d.Create(ctx, id, *e.of(spec), s)
}

func (e erased[S, O]) update(ctx context.Context, obs *Observation, spec any, changes []Change, s Stamp) error {
	live, ok := obs.live.(Live[S, O])
	if !ok {
		return fmt.Errorf("%s: observation is of another kind", obs.ID)
	}
	return e.d.Update(ctx, live, *e.of(spec), changes, s)
}

func (e erased[S, O]) preflight(ctx context.Context, scope Scope, spec any) []Problem {
	if p, ok := e.d.(Preflighter[S]); ok {
		return p.Preflight(ctx, scope, *e.of(spec))
	}
	return nil
}

func (e erased[S, O]) require(scope Scope, spec any) Requirements {
	if r, ok := e.d.(Requirer[S]); ok {
		return r.Require(scope, *e.of(spec))
	}
	return Requirements{}
}

func (e erased[S, O]) estimate(v Verb, spec any, on Impact) time.Duration {
	if est, ok := e.d.(Estimator[S]); ok {
		return est.Estimate(v, *e.of(spec), on)
	}
	return 0
}

func (e erased[S, O]) exclusive(id ID, spec any) string {
	if x, ok := e.d.(Excluder[S]); ok {
		return x.Exclusive(id, *e.of(spec))
	}
	return ""
}

func (e erased[S, O]) mayExist(spec any) bool {
	f, ok := e.d.(Foreseer[S])
	return ok && f.MayExist(*e.of(spec))
}

func (e erased[S, O]) promised(spec any) []Address {
	var out []Address
	for _, dep := range e.d.Refs(e.of(spec)) {
		if from, ok := dep.From(); ok && dep.open() {
			out = append(out, from)
		}
	}
	return sortedAddresses(out)
}

func (e erased[S, O]) publishes() bool {
	var none O
	raw, err := json.Marshal(none)
	return err != nil || string(raw) != "{}"
}
