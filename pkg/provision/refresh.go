package provision

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/graph"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// computed is the name that was computed for a record's resource when it was recorded.
func computed(r state.Record) resources.ID { return resources.ID(cmp.Or(r.Computed, r.ID)) }

// refresh reads every wanted resource, side by side, under the name that the manifest has for it, and fills in what those that
// are there publish, in the order of the graph: a promise that an existing resource holds is then as known as anything else.
func (e *Engine) refresh(ctx context.Context, g *survey) error {
	for _, n := range g.nodes {
		if r, known := g.manifest.Find(n.Address.String()); known {
			n.Named(resources.ID(r.ID), computed(r))
		}
	}
	ids := map[resources.ID]resources.Kind{}
	for _, n := range g.nodes {
		ids[n.ID] = n.Address.Kind
	}
	var err error
	if g.live, err = e.read(ctx, ids); err != nil {
		return err
	}
	return e.resolve(g)
}

// resolve gives nodes what live nodes publish. What is not ours publishes nothing: it will be refused.
func (e *Engine) resolve(g *survey) error {
	outputs := map[resources.Address]json.RawMessage{}
	look := func(a resources.Address) (json.RawMessage, bool) {
		raw, ok := outputs[a]
		return raw, ok
	}
	sorted, err := inOrder(g.nodes)
	if err != nil {
		return err
	}
	for _, n := range sorted {
		if err := n.ResolveKnown(look); err != nil {
			return fmt.Errorf("%s: %w", n.Address, err)
		}
		if live := g.live[n.ID]; live != nil && (live.Unmarked || live.Owner == e.Owner) {
			outputs[n.Address] = live.Outputs
		}
	}
	return nil
}

// inOrder sorts nodes so that each comes after what it needs.
func inOrder(nodes []*resources.Node) ([]*resources.Node, error) {
	byName := map[string]*resources.Node{}
	g := graph.New[string]()
	for _, n := range nodes {
		byName[n.Address.String()] = n
		var needs []string
		for _, need := range n.Needs {
			needs = append(needs, need.String())
		}
		g.Add(n.Address.String(), needs...)
	}
	order, err := g.Order()
	out := make([]*resources.Node, 0, len(nodes))
	for _, name := range order {
		out = append(out, byName[name])
	}
	return out, err
}

// read looks at resources, side by side, each to its end: one that cannot be read does not hide the others. What is absent is
// not in the answer.
func (e *Engine) read(ctx context.Context, ids map[resources.ID]resources.Kind) (map[resources.ID]*resources.Observation, error) {
	type found struct {
		id  resources.ID
		obs *resources.Observation
		err error
	}
	results := make(chan found, len(ids))
	asked := 0
	for id, kind := range ids {
		h, ok := e.Registry.Handler(kind)
		if !ok {
			continue // a kind of a newer program: kept, and reported when it would have to be changed
		}
		asked++
		go func() {
			obs, err := h.Read(ctx, id)
			results <- found{id, obs, err}
		}()
	}
	live := map[resources.ID]*resources.Observation{}
	var errs []error
	for range asked {
		switch f := <-results; {
		case errors.Is(f.err, resources.ErrNotFound):
		case f.err != nil:
			errs = append(errs, f.err)
		default:
			live[f.id] = f.obs
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return live, once(errs...)
}

// settle waits for what an interrupted run may have left under way on resources that are wanted and there, side by side: a
// deletion above all, which a read does not show. When there are such resources what was read before is worth nothing, and it says
// so: what was under way may have ended since.
func (e *Engine) settle(ctx context.Context, g *survey) (stale bool, err error) {
	results := make(chan error, len(g.nodes))
	asked := 0
	for _, n := range g.nodes {
		h, ok := e.Registry.Handler(n.Address.Kind)
		if !ok || g.live[n.ID] == nil || !unsettled(&g.manifest, n) {
			continue
		}
		asked++
		go func() {
			_, err := h.Settle(ctx, n.ID)
			results <- err
		}()
	}
	var errs []error
	for range asked {
		errs = append(errs, <-results)
	}
	return asked > 0, once(errs...)
}

// foresee plans as a create will: what an interrupted run has left under way is waited for first, within bounds. Where that is not
// enough the plan says so.
func (e *Engine) foresee(ctx context.Context, g *survey) (*plan.Plan, error) {
	p, err := e.plan(ctx, g)
	if err != nil {
		return nil, err
	}
	var open []resources.Address
	for _, n := range g.nodes {
		if g.live[n.ID] != nil && unsettled(&g.manifest, n) {
			open = append(open, n.Address)
		}
	}
	if len(open) == 0 {
		return p, nil
	}
	word := time.AfterFunc(e.scaled(firstWord), func() {
		e.note(progress.Info, fmt.Sprintf("waiting for what an interrupted run has left under way on %v, at most %s", open, foresight))
	})
	defer word.Stop()
	limited, cancel := context.WithTimeout(ctx, e.scaled(foresight))
	defer cancel()
	if _, err = e.settle(limited, g); err != nil && (limited.Err() == nil || ctx.Err() != nil) {
		return nil, err
	}
	late := err != nil
	if p, err = e.plan(ctx, g); err == nil && late {
		p.Open = open
	}
	return p, err
}

// unsettled says whether an earlier run may have begun to make or to delete a node's resource, and not have seen the end of it.
func unsettled(m *state.Manifest, n *resources.Node) bool {
	r, known := m.Find(n.Address.String())
	if !known {
		return false
	}
	if r.ID == string(n.ID) {
		return r.Status != state.Ready && r.Status != state.Updating
	}
	return slices.ContainsFunc(r.Former, func(f state.Former) bool { return f.ID == string(n.ID) })
}

// plan refreshes and computes what is to be done.
func (e *Engine) plan(ctx context.Context, g *survey) (*plan.Plan, error) {
	if err := e.refresh(ctx, g); err != nil {
		return nil, err
	}
	return e.compute(g)
}

// compute computes what is to be done from what is known.
func (e *Engine) compute(g *survey) (*plan.Plan, error) {
	return plan.Compute(plan.Input{Nodes: g.nodes, Have: g.manifest, Live: g.live, Owner: e.Owner, Kinds: recorded{e.Registry}})
}

// recorded tells the plan of recorded resources, which may be of kinds that this build does not know.
type recorded struct{ registry *resources.Registry }

// Takes is how long deleting usually takes.
func (k recorded) Takes(kind resources.Kind, inputs json.RawMessage) time.Duration {
	if h, ok := k.registry.Handler(kind); ok {
		return h.Estimate(resources.VerbDelete, inputs)
	}
	return 0
}

// Exclusive is the group in which the deletion must be alone.
func (k recorded) Exclusive(kind resources.Kind, id resources.ID, inputs json.RawMessage) string {
	if h, ok := k.registry.Handler(kind); ok {
		return h.Exclusive(id, inputs)
	}
	return ""
}
