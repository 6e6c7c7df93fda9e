package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

func newID() string { return uuid.NewString() }

// session is one run that may change things: it holds the lease, and the journal once there are intents.
type session struct {
	e       *Engine
	run     string
	lease   state.Lease
	journal *state.Journal
}

// open takes the lease.
func (e *Engine) open(ctx context.Context, action string) (*session, error) {
	s := &session{e: e, run: newID()}
	who := state.Self(action, s.run)
	who.Version = e.Tool
	var err error
	if s.lease, err = e.Store.Lock(ctx, who); err != nil {
		var held *state.HeldError
		if errors.As(err, &held) {
			held.Command = "cluster-provision unlock " + e.Flags
		}
		return nil, err
	}
	if p := s.lease.Previous(); p != nil {
		e.note(progress.Warning, fmt.Sprintf("took over the lease of %s on %s (%s since %s), which has ended", p.Owner, p.Host, p.Action, p.Since.UTC().Format("2006-01-02 15:04:05Z")))
	}
	return s, nil
}

// context is what changes run under: it outlives the user's interrupt and ends with the lease.
func (s *session) context() context.Context { return s.lease.Context() }

// close stores what is not stored yet and gives the lease back. It keeps every error.
func (s *session) close(ctx context.Context) error {
	var errs []error
	errs = append(errs, s.flush(ctx))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.e.scaled(grace))
	defer cancel()
	return errors.Join(append(errs, s.lease.Release(ctx))...)
}

// flush ends the journal. What could not be stored is rescued beside the manifest and on this machine.
func (s *session) flush(ctx context.Context) error {
	j := s.journal
	if j == nil {
		return nil
	}
	s.journal = nil
	err := j.Close()
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.e.scaled(grace))
	defer cancel()
	if !j.Begun() {
		return err // nothing was changed, so there is nothing to rescue
	}
	local := filepath.Join(s.e.Rescue, "recovery-"+s.run+".json")
	where, rescued := s.e.Store.Rescue(ctx, s.lease, s.run, j.Manifest())
	if errors.Is(rescued, state.ErrLeaseLost) {
		where, rescued = "", nil // the folder may be another run's by now: only the local file
	}
	if raw, encoded := state.Encode(j.Manifest()); encoded == nil && os.WriteFile(local, raw, 0o600) == nil {
		where = strings.TrimPrefix(where+" and "+local, " and ")
	}
	return errors.Join(fmt.Errorf("%w; what happened since is in %s: run the same action again, it finds what was made by its mark", err, where), rescued)
}

// discard ends the journal and forgets what is not stored yet.
func (s *session) discard() {
	if s.journal != nil {
		s.journal.Discard()
		s.journal = nil
	}
}

// begin stores every intent in one write, before the first change.
func (s *session) begin(ctx context.Context, g *groundwork, p *plan.Plan, action string, size int) error {
	s.journal = state.Start(s.context(), s.e.Store, g.manifest, g.version, state.Pace{Write: s.e.scaled(writeInterval), Gather: s.e.scaled(gatherTime)})
	return s.journal.Change(ctx, func(m *state.Manifest) {
		m.Writer, m.Tool, m.Action, m.Owner = s.run, s.e.Tool, action, s.e.Owner
		m.By = state.Self(action, s.run).Owner
		if action == "create" {
			m.Size, m.Zone = size, s.e.Scope.Zone
		}
		now := now()
		for _, step := range p.Steps {
			intend(m, g, step, now)
		}
	})
}

// intend records what a step means to do. A request id that an interrupted run has recorded is used again: the cloud then
// answers with what that run has started. The id of a run that heard of a failure is not: it would only hear of it again.
func intend(m *state.Manifest, g *groundwork, step plan.Step, at timestamp) {
	address := step.Address.String()
	r, known := m.Find(address)
	resumed := r.Error == "" && (r.Status == state.Intended && step.Action == plan.Create || r.Status == state.Doomed && step.Action == plan.Delete)
	if !known {
		r = state.Record{Address: address, Created: at}
	}
	if !resumed || r.RequestID == "" {
		r.RequestID = newID()
	}
	r.Updated, r.Error = at, ""
	switch step.Action {
	case plan.Delete:
		if i := slices.IndexFunc(g.nodes, func(n *resources.Node) bool { return n.Address == step.Address }); i >= 0 && r.ID == string(g.nodes[i].ID) && known {
			break // it is made again under the same name: the intent to create covers both
		}
		r.Status = state.Doomed
	case plan.Create:
		r.Status, r.ID = state.Intended, string(step.Target)
		r.Needs = needsOf(g, step.Address)
	case plan.Update, plan.Adopt:
		r.ID = string(step.Target)
		r.Needs = union(r.Needs, needsOf(g, step.Address)) // of the old and the new, until it has switched
	}
	m.Put(r)
}

func needsOf(g *groundwork, a resources.Address) []string {
	var out []string
	for _, n := range g.nodes {
		if n.Address == a {
			for _, need := range n.Needs {
				out = append(out, need.String())
			}
		}
	}
	return out
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
