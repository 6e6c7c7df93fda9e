package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// begin stores every intent of a plan in one write, before its first change. It may come again within one lease: a plan that
// was computed anew after a part of the first has failed.
func (s *session) begin(ctx context.Context, g *survey, p *plan.Plan, action string, size int) error {
	if s.journal == nil {
		s.journal = state.Start(s.context(), s.e.Store, g.manifest, s.version, state.Pace{Write: s.e.scaled(writeInterval), Gather: s.e.scaled(gatherInterval)})
		s.fresh = map[string]bool{}
	}
	return resources.Ended(s.journal.Change(ctx, func(m *state.Manifest) {
		m.Writer, m.Tool, m.Action, m.Owner = s.run, s.e.Tool, action, s.e.Owner
		m.By = state.Self(action, s.run).Owner
		if action == "create" {
			m.Size, m.Zone, m.Choices = size, s.e.Scope.Zone, g.manifest.Choices
		}
		s.intend(m, g, p, now())
	}))
}

// intend records what the steps of a plan mean to do. Whatever an address has stood for stays in its record until it is gone.
func (s *session) intend(m *state.Manifest, g *survey, p *plan.Plan, at timestamp) {
	nodes := map[resources.Address]*resources.Node{}
	for _, n := range g.nodes {
		nodes[n.Address] = n
		if r, known := m.Find(n.Address.String()); known && r.ID != string(n.ID) {
			r.Supersede(string(n.ID))
			r.Created = at
			m.Put(r)
		}
	}
	for _, step := range p.Steps {
		r, known := m.Find(step.Address.String())
		if !known {
			r = state.Record{Address: step.Address.String(), ID: string(step.Target), Status: state.Intended, Created: at}
		}
		if i := slices.IndexFunc(r.Former, func(f state.Former) bool { return f.ID == string(step.Target) }); i >= 0 {
			r.Former = slices.Clone(r.Former)
			f := &r.Former[i]
			f.RequestID, f.Error = requestID(f.RequestID, f.RequestID != "" && f.Error == ""), ""
			m.Put(r)
			continue
		}
		had := r.RequestID
		r = intended(r, step, nodes[step.Address], at)
		s.fresh[r.Address] = r.RequestID != had
		m.Put(r)
	}
}

// intended is a record with the intent of a step. A request id that an interrupted run has recorded is used again: the cloud then
// answers with what that run has started. The id of a run that heard of a failure is not: it would only hear of it again.
func intended(r state.Record, step plan.Step, n *resources.Node, at timestamp) state.Record {
	var wanted json.RawMessage
	if n != nil {
		wanted, _ = n.Inputs() // a spec is always JSON; without it a status only says less
	}
	resumed := r.Error == "" && (r.Status == state.Intended && step.Action == plan.Create || r.Status == state.Doomed && step.Action == plan.Delete ||
		r.Status == state.Updating && step.Action == plan.Update && bytes.Equal(r.Wanted, wanted)) // another change is another call
	replaced := step.Action == plan.Delete && n != nil && r.ID == string(n.ID) // it is made again under the same name
	r.RequestID, r.Updated, r.Error = requestID(r.RequestID, resumed), at, ""
	switch step.Action {
	case plan.Delete:
		if !replaced {
			r.Status = state.Doomed
		}
	case plan.Create:
		r.Status, r.Needs = state.Intended, needs(n)
		r.Inputs, r.Wanted, r.Outputs = nil, nil, nil
	case plan.Update:
		if len(step.Changes) > 0 {
			r.Status, r.Wanted = state.Updating, wanted
		}
		r.Needs = union(r.Needs, needs(n)) // of the old and the new, until it has switched
	case plan.Adopt:
		r.Needs = union(r.Needs, needs(n))
	}
	if n != nil && n.Computed() != n.ID {
		r.Computed = string(n.Computed())
	}
	return r
}

func requestID(had string, again bool) string {
	if again && had != "" {
		return had
	}
	return newID()
}

func needs(n *resources.Node) []string {
	var out []string
	for _, need := range n.Needs {
		out = append(out, need.String())
	}
	return out
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
