package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

type timestamp = time.Time

func now() timestamp { return time.Now().UTC().Round(0) }

// work carries out a plan.
type work struct {
	e      *Engine
	s      *session
	nodes  map[resources.Address]*resources.Node
	live   map[resources.ID]*resources.Observation
	labels map[string]string

	mu      sync.Mutex
	outputs map[resources.Address]json.RawMessage
}

// apply runs the steps and answers how each ended.
func (e *Engine) apply(s *session, g *groundwork, p *plan.Plan) ([]exec.Result, error) {
	w := &work{
		e: e, s: s, live: g.live, nodes: map[resources.Address]*resources.Node{}, outputs: map[resources.Address]json.RawMessage{},
		labels: map[string]string{resources.OwnerLabel: e.Owner},
	}
	for _, n := range g.nodes {
		w.nodes[n.Address] = n
	}
	for _, r := range g.manifest.Resources { // what is ready and stays as it is can be referred to
		if a, err := resources.ParseAddress(r.Address); err == nil && r.Status == state.Ready {
			w.outputs[a] = r.Outputs
		}
	}
	tasks := make([]exec.Task, len(p.Steps))
	for i, step := range p.Steps {
		tasks[i] = exec.Task{ID: step.ID, Needs: step.Needs, Run: func(ctx context.Context) error { return w.step(ctx, step) }}
	}
	opt := exec.Options{Stop: e.stopOr(s.context(), s.journal.Failed()), Grace: e.scaled(grace)}
	if e.Printer != nil {
		opt.Observe = e.Printer.Event
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

func (w *work) step(ctx context.Context, step plan.Step) error {
	ctx, cancel := context.WithTimeout(ctx, w.e.scaled(stepLimit))
	defer cancel()
	var err error
	switch step.Action {
	case plan.Create:
		err = w.create(ctx, step)
	case plan.Update:
		err = w.update(ctx, step)
	case plan.Adopt:
		err = w.ready(ctx, step, w.nodes[step.Address])
	case plan.Delete:
		return w.remove(ctx, step)
	}
	if err != nil {
		w.s.journal.Post(func(m *state.Manifest) {
			if r, ok := m.Find(step.Address.String()); ok {
				r.Status, r.Error, r.Updated = state.Failed, err.Error(), now()
				if resources.ClassOf(err) == resources.ClassInterrupted {
					r.Status = state.Intended // it may still come to be: the next run asks with the same request id
				}
				m.Put(r)
			}
		})
	}
	return err
}

// stamp gives the mark and the request id of a step. Different actions of one record must not share an id.
func (w *work) stamp(step plan.Step) resources.Stamp {
	m := w.s.journal.Manifest()
	r, _ := m.Find(step.Address.String())
	request := r.RequestID
	if id, err := uuid.Parse(request); err == nil {
		request = uuid.NewSHA1(id, []byte(step.Action)).String()
	}
	return resources.Stamp{Owner: w.e.Owner, Labels: w.labels, RequestID: request}
}

func (w *work) lookup(a resources.Address) (json.RawMessage, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	raw, ok := w.outputs[a]
	return raw, ok
}

// create makes a resource. One that is there already is looked at: ours is gone on with, another's is refused.
func (w *work) create(ctx context.Context, step plan.Step) error {
	n := w.nodes[step.Address]
	if err := n.Resolve(w.lookup); err != nil {
		return err
	}
	err := n.Create(ctx, w.stamp(step))
	if resources.ClassOf(err) != resources.ClassExists {
		if err != nil {
			return err
		}
		return w.ready(ctx, step, n)
	}
	obs, readErr := w.read(ctx, n)
	switch {
	case readErr != nil:
		return errors.Join(err, readErr)
	case obs.Owner != w.e.Owner:
		return &resources.ForeignError{ID: n.ID, Owner: obs.Owner}
	}
	if err := w.bring(ctx, n, obs, step); err != nil {
		return err
	}
	return w.ready(ctx, step, n)
}

// update changes a resource to what is wanted. When it has moved on since it was read, it is read again, once.
func (w *work) update(ctx context.Context, step plan.Step) error {
	n := w.nodes[step.Address]
	if err := n.Resolve(w.lookup); err != nil {
		return err
	}
	err := w.bring(ctx, n, w.live[n.ID], step)
	if resources.ClassOf(err) == resources.ClassConflict {
		obs, readErr := w.read(ctx, n)
		if readErr != nil {
			return errors.Join(err, readErr)
		}
		err = w.bring(ctx, n, obs, step)
	}
	if err != nil {
		return err
	}
	return w.ready(ctx, step, n)
}

func (w *work) bring(ctx context.Context, n *resources.Node, obs *resources.Observation, step plan.Step) error {
	changes, err := n.Compare(obs)
	if err != nil {
		return err
	}
	if resources.Worst(changes) == resources.Replace {
		return fmt.Errorf("%s is not as planned (%v): run the same action again", n.ID, changes)
	}
	return n.Update(ctx, obs, changes, w.stamp(step))
}

// read gives what is there. Right after a creation a read may lag: absent is tried again for a while.
func (w *work) read(ctx context.Context, n *resources.Node) (*resources.Observation, error) {
	h, ok := w.e.Registry.Handler(n.Address.Kind)
	if !ok {
		return nil, fmt.Errorf("this build knows no kind %q", n.Address.Kind)
	}
	for try := 0; ; try++ {
		obs, err := h.Read(ctx, n.ID)
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

// ready reads a resource back and records it: what enters the manifest always comes from there.
func (w *work) ready(ctx context.Context, step plan.Step, n *resources.Node) error {
	obs, err := w.read(ctx, n)
	if err != nil {
		return err
	}
	inputs, err := n.Inputs()
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.outputs[n.Address] = obs.Outputs
	w.mu.Unlock()
	w.s.journal.Post(func(m *state.Manifest) {
		r, _ := m.Find(step.Address.String())
		r.Address, r.ID, r.Status, r.Error, r.Updated = step.Address.String(), string(n.ID), state.Ready, "", now()
		r.Inputs, r.Outputs, r.Needs = inputs, obs.Outputs, nil
		for _, need := range n.Needs {
			r.Needs = append(r.Needs, need.String())
		}
		if r.Created.IsZero() {
			r.Created = r.Updated
		}
		m.Put(r)
	})
	return nil
}

// remove deletes a resource. Its record goes only when it is gone.
func (w *work) remove(ctx context.Context, step plan.Step) error {
	h, ok := w.e.Registry.Handler(step.Address.Kind)
	if !ok {
		return fmt.Errorf("this build knows no kind %q: destroy with the version that made it", step.Address.Kind)
	}
	err := h.Delete(ctx, step.Target, w.stamp(step))
	w.s.journal.Post(func(m *state.Manifest) {
		r, ok := m.Find(step.Address.String())
		switch {
		case !ok || r.ID != string(step.Target):
		case err == nil && r.Status == state.Doomed:
			m.Drop(step.Address.String())
		case err != nil:
			r.Error, r.Updated = err.Error(), now()
			m.Put(r)
		}
	})
	return err
}
