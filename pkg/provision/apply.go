package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// work carries out a plan.
type work struct {
	e      *Engine
	s      *session
	nodes  map[resources.Address]*resources.Node
	live   map[resources.ID]*resources.Observation
	labels map[string]string
	// promised are those of whose outputs somebody waits for one that nobody can compute.
	promised map[resources.Address]bool

	mu      sync.Mutex
	outputs map[resources.Address]json.RawMessage
}

// apply runs the steps and answers how each ended.
func (e *Engine) apply(s *session, g *survey, p *plan.Plan) ([]exec.Result, error) {
	w := &work{
		e: e, s: s, live: g.live, nodes: map[resources.Address]*resources.Node{}, outputs: map[resources.Address]json.RawMessage{},
		labels: map[string]string{resources.OwnerLabel: e.Owner}, promised: map[resources.Address]bool{},
	}
	made := map[resources.Address]bool{}
	for _, step := range p.Steps {
		made[step.Address] = made[step.Address] || step.Action == plan.Create
	}
	for _, n := range g.nodes {
		w.nodes[n.Address] = n
		// What is there can be referred to, but not what is made again: it will publish something else.
		if obs := g.live[n.ID]; obs != nil && !made[n.Address] {
			w.outputs[n.Address] = obs.Outputs
		}
	}
	for _, n := range g.nodes {
		if err := n.ResolveKnown(w.lookup); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Address, err)
		}
		for _, a := range n.Promised() {
			w.promised[a] = true
		}
	}
	tasks := make([]exec.Task, len(p.Steps))
	for i, step := range p.Steps {
		tasks[i] = exec.Task{ID: step.ID, Needs: step.Needs, Exclusive: step.Exclusive, Run: func(ctx context.Context, voice exec.Voice) error {
			return w.step(resources.WithProgress(ctx, func(p resources.Progress) { voice.Tell(p.String()) }), step, voice.Usable)
		}}
	}
	opt := exec.Options{Stop: e.stopOr(s.context(), s.journal.Failed()), Grace: e.scaled(grace)}
	if e.Printer != nil {
		opt.Observe = func(ev exec.Event) {
			if ev.Detail != "" {
				e.Printer.Detail(ev.ID, ev.Detail)
				return
			}
			e.Printer.Event(ev)
		}
	}
	return exec.Run(s.context(), tasks, opt)
}

// stopOr is closed when the user or the journal wants nothing more to be started. Its goroutine ends with the lease.
func (e *Engine) stopOr(ctx context.Context, failed <-chan struct{}) <-chan struct{} {
	if e.Stop == nil {
		return failed
	}
	either := make(chan struct{})
	go func() {
		defer close(either)
		select {
		case <-e.Stop:
		case <-failed:
		case <-ctx.Done():
		}
	}()
	return either
}

func (w *work) step(ctx context.Context, step plan.Step, usable func()) error {
	ctx, cancel := context.WithTimeout(ctx, w.e.scaled(stepLimit))
	defer cancel()
	var err error
	switch step.Action {
	case plan.Create:
		err = w.create(ctx, step, usable)
	case plan.Update:
		err = w.update(ctx, step)
	case plan.Adopt:
		err = w.adopt(step)
	case plan.Delete:
		return w.remove(ctx, step)
	}
	if err = resources.Ended(err); err != nil {
		w.s.journal.Post(func(m *state.Manifest) {
			if r, ok := m.Find(step.Address.String()); ok {
				r.Error, r.Updated = err.Error(), now()
				if resources.ClassOf(err) == resources.ClassInterrupted {
					r.Error = "" // it may still come to be: the next run asks with the same request id
				} else if r.Status == state.Intended {
					r.Status = state.Failed
				}
				m.Put(r)
			}
		})
	}
	return err
}

// stamp gives the mark and the request id of a step: that of the record, or of what it stood for before.
func (w *work) stamp(step plan.Step) resources.Stamp {
	m := w.s.journal.Manifest()
	r, _ := m.Find(step.Address.String())
	request := r.RequestID
	for _, f := range r.Former {
		if f.ID == string(step.Target) {
			request = f.RequestID
		}
	}
	return resources.Stamp{Owner: w.e.Owner, Labels: w.labels, RequestID: request}
}

func (w *work) lookup(a resources.Address) (json.RawMessage, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	raw, ok := w.outputs[a]
	return raw, ok
}

// create makes a resource. One that is there already is looked at: ours is gone on with, another's is refused. Where another
// resource's call may have made it, it is looked for first. What refers to it by names that were computed may start as soon as it
// is made; reading it back goes on beside that.
func (w *work) create(ctx context.Context, step plan.Step, usable func()) error {
	n := w.nodes[step.Address]
	if err := n.Resolve(w.lookup); err != nil {
		return err
	}
	var err error
	var obs *resources.Observation
	if n.MayExist() {
		if obs, err = w.look(ctx, n); err != nil && !errors.Is(err, resources.ErrNotFound) {
			return err
		}
	}
	if obs == nil {
		err = n.Create(ctx, w.stamp(step))
		switch {
		case err != nil && resources.ClassOf(err) != resources.ClassExists:
			return err
		case err == nil && n.ID == n.Computed() && !n.ID.StandIn() && !w.promised[n.Address]:
			usable()
			if !n.Publishes() && w.s.fresh[n.Address.String()] {
				return w.record(n, &resources.Observation{ID: n.ID, Outputs: json.RawMessage("{}")}) // reading it back would tell nothing
			}
		}
		var unseen error
		if obs, unseen = w.read(ctx, n); unseen != nil {
			return errors.Join(err, unseen)
		}
	}
	// Ours by its mark, or, where there is no place for one, because it was not there when the intent was recorded.
	if !obs.Ours(w.e.Owner, true) {
		return &resources.ForeignError{ID: obs.ID, Owner: obs.Owner}
	}
	// An interrupted run may have begun it with other settings, and another call may have made it otherwise.
	if obs, err = w.converge(ctx, n, obs, step); err != nil {
		return err
	}
	return w.record(n, obs)
}

// update changes a resource to what is wanted. When it has moved on since it was read, it is read again, once.
func (w *work) update(ctx context.Context, step plan.Step) error {
	n := w.nodes[step.Address]
	if err := n.Resolve(w.lookup); err != nil {
		return err
	}
	obs, err := w.change(ctx, n, w.live[n.ID], step)
	if resources.ClassOf(err) == resources.ClassConflict {
		again, unseen := w.read(ctx, n)
		if unseen != nil {
			return errors.Join(err, unseen)
		}
		obs, err = w.converge(ctx, n, again, step)
	}
	if err != nil {
		return err
	}
	return w.record(n, obs)
}

// adopt records what is there.
func (w *work) adopt(step plan.Step) error {
	n := w.nodes[step.Address]
	if err := n.Resolve(w.lookup); err != nil {
		return err
	}
	return w.record(n, w.live[n.ID])
}

// converge changes a resource as far as it differs or is not usable yet, and gives it as it is then.
func (w *work) converge(ctx context.Context, n *resources.Node, obs *resources.Observation, step plan.Step) (*resources.Observation, error) {
	if changes, err := n.Compare(obs); err != nil || len(changes) == 0 && !obs.Pending {
		return obs, err
	}
	return w.change(ctx, n, obs, step)
}

func (w *work) change(ctx context.Context, n *resources.Node, obs *resources.Observation, step plan.Step) (*resources.Observation, error) {
	changes, err := n.Compare(obs)
	if err != nil {
		return nil, err
	}
	if resources.Worst(changes) == resources.Replace {
		return nil, &StaleError{ID: n.ID, Changes: changes}
	}
	if err := n.Update(ctx, obs, changes, w.stamp(step)); err != nil {
		return nil, err
	}
	return w.read(ctx, n)
}

// StaleError says that a resource is not as it was when the plan was made: it would have to be replaced, and no step says so.
type StaleError struct {
	ID      resources.ID
	Changes []resources.Change
}

// Error says which, and how it differs.
func (e *StaleError) Error() string {
	return fmt.Sprintf("%s is not as planned any more (%v): run the same command again", e.ID.Path(), e.Changes)
}

// look reads a resource once.
func (w *work) look(ctx context.Context, n *resources.Node) (*resources.Observation, error) {
	h, ok := w.e.Registry.Handler(n.Address.Kind)
	if !ok { // unreachable: a node has its kind from the registry
		return nil, fmt.Errorf("this build knows no kind %q", n.Address.Kind)
	}
	return h.Read(ctx, n.ID)
}

// read gives what is there. Right after a creation a read may lag: absent is tried again for a while.
func (w *work) read(ctx context.Context, n *resources.Node) (*resources.Observation, error) {
	for try := 0; ; try++ {
		obs, err := w.look(ctx, n)
		if !errors.Is(err, resources.ErrNotFound) || try == 5 {
			return obs, err
		}
		t := time.NewTimer(w.e.scaled(time.Second << try))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

// record notes a resource that is as wanted. What others refer to always comes from what was read.
func (w *work) record(n *resources.Node, obs *resources.Observation) error {
	inputs, err := n.Inputs()
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.outputs[n.Address] = obs.Outputs
	w.mu.Unlock()
	w.s.journal.Post(func(m *state.Manifest) {
		r, _ := m.Find(n.Address.String())
		r.Address, r.ID, r.Computed, r.Status, r.Error, r.Updated = n.Address.String(), string(obs.ID), "", state.Ready, "", now()
		if obs.ID != n.Computed() {
			r.Computed = string(n.Computed())
		}
		r.Inputs, r.Wanted, r.Outputs, r.Needs = inputs, nil, obs.Outputs, needs(n)
		if r.Created.IsZero() {
			r.Created = r.Updated
		}
		m.Put(r)
	})
	return nil
}

// remove deletes a resource. It leaves its record only when it is gone.
func (w *work) remove(ctx context.Context, step plan.Step) error {
	h, ok := w.e.Registry.Handler(step.Address.Kind)
	if !ok {
		return fmt.Errorf("this build knows no kind %q: destroy with the version that made it", step.Address.Kind)
	}
	err := resources.Ended(h.Delete(ctx, step.Target, w.stamp(step)))
	w.s.journal.Post(func(m *state.Manifest) {
		r, ok := m.Find(step.Address.String())
		switch {
		case !ok:
		case err != nil:
			note(&r, step.Target, err)
			m.Put(r)
		case r.ID == string(step.Target) && r.Status != state.Doomed: // it is made again under the same name
		case r.Forget(string(step.Target)):
			m.Put(r)
		default:
			m.Drop(step.Address.String())
		}
	})
	return err
}

// note keeps why something could not be deleted. After an interrupt the next run asks with the same request id.
func note(r *state.Record, id resources.ID, err error) {
	text := err.Error()
	if resources.ClassOf(err) == resources.ClassInterrupted {
		text = ""
	}
	for i := range r.Former {
		if r.Former[i].ID == string(id) {
			r.Former = slices.Clone(r.Former)
			r.Former[i].Error = text
		}
	}
	if r.ID == string(id) {
		r.Error, r.Updated = text, now()
	}
}
