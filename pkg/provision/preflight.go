package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/provision/blueprint"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// survey is what is known before anything is changed.
type survey struct {
	manifest state.Manifest
	version  state.Version
	problems resources.Problems
	choices  blueprint.Choices
	account  string // e-mail of the VMs' service account, when it was looked at
	nodes    []*resources.Node
	live     map[resources.ID]*resources.Observation
}

// depth is how much a survey asks.
type depth int

const (
	changes  depth = iota // what a plan needs: nothing when the records say that all is as wanted
	news                  // and whether there is a newer image, which plan tells
	everyone              // and everything else, permissions among it: validate
)

// survey reads all that a plan for the settings depends on: the records first, then, side by side, what they leave open. It
// changes nothing anywhere. Problems are in the survey; the error joins what could not be read: neither hides the other.
//
// A deployment whose records say that all is there as the settings want it needs nothing of the project, so nothing is asked.
func (e *Engine) survey(ctx context.Context, cfg *config.Config, how depth) (*survey, error) {
	g := &survey{}
	var err error
	g.manifest, g.version, err = e.Store.Load(ctx)
	if ctx.Err() != nil {
		return g, err
	}
	if err == nil {
		var adopted error
		if g.manifest, adopted = e.adopt(g.manifest); adopted != nil {
			return g, adopted
		}
	}
	recorded := texts(g.manifest.Choices)
	if e.UpgradeImage {
		recorded = blueprint.Forget(recorded)
	}
	ch, settled := blueprint.Recorded(cfg, recorded)
	drafts, draftErr := e.Registry.Nodes(blueprint.Build(cfg, ch)) // good for what they need, even while choices are open
	if draftErr != nil {
		return g, once(err, draftErr)
	}
	need := requirements(drafts, &g.manifest, blueprint.Needs(cfg))
	ask := how == everyone || err != nil || !settled || !asRecorded(drafts, &g.manifest)
	answer, asked := e.ask(ctx, cfg, recorded, need, ask, how)
	g.choices, g.problems = blueprint.Choose(cfg, recorded, answer)
	if answer.ServiceAccount != nil {
		g.account = answer.ServiceAccount.Email
	}
	err = once(err, asked, e.short(need.Quotas, answer.Quotas))
	if err == nil && g.problems.Err() == nil {
		g.manifest.Choices = record(g.manifest.Choices, g.choices.Record)
		err = e.check(ctx, cfg, g, ask)
	}
	if how == everyone && asked == nil && ctx.Err() == nil {
		err = once(err, e.permissions(ctx, g, cfg, need.Permissions))
	}
	return g, err
}

// ask looks at the bucket and the project, side by side. When nothing is to be changed, only a notice may be worth a call.
func (e *Engine) ask(ctx context.Context, cfg *config.Config, recorded map[string]string, need resources.Requirements, ask bool, how depth) (*offer.Answer, error) {
	if !ask {
		if how == changes {
			return &offer.Answer{}, nil
		}
		answer, err := e.Catalog.Look(ctx, blueprint.AskNewer(cfg, recorded))
		if err != nil && ctx.Err() == nil {
			err = nil // it was for a notice only
		}
		return answer, err
	}
	query := blueprint.Ask(cfg, recorded, how == everyone)
	query.APIs, query.Quotas = need.APIs, places(need.Quotas)
	var answer *offer.Answer
	var bucket, looked error
	beside(
		func() { bucket = e.Store.CheckBucket(ctx) },
		func() { answer, looked = e.Catalog.Look(ctx, query) },
	)
	return answer, once(bucket, looked)
}

// check binds the nodes and lets every kind check its own.
func (e *Engine) check(ctx context.Context, cfg *config.Config, g *survey, preflight bool) error {
	var err error
	if g.nodes, err = e.Registry.Nodes(blueprint.Build(cfg, g.choices)); err != nil {
		return err
	}
	found := make([]resources.Problems, len(g.nodes))
	var wait sync.WaitGroup
	for i, n := range g.nodes {
		found[i] = n.Check()
		if preflight && found[i].Err() == nil {
			wait.Go(func() { found[i] = append(found[i], n.Preflight(ctx)...) })
		}
	}
	wait.Wait()
	for i, n := range g.nodes {
		for _, p := range found[i] {
			p.Path = strings.TrimSpace(n.Address.String() + " " + p.Path)
			g.problems = append(g.problems, p)
		}
	}
	return nil
}

// asRecorded says whether the records hold exactly the nodes, all of them ready and as they are wanted now.
func asRecorded(nodes []*resources.Node, m *state.Manifest) bool {
	for _, n := range nodes {
		r, known := m.Find(n.Address.String())
		if !known || r.Status != state.Ready || len(r.Former) > 0 || !n.Named(resources.ID(r.ID), computed(r)) {
			return false
		}
		if changes, err := n.Changed(r.Inputs); err != nil || len(changes) > 0 {
			return false
		}
	}
	return len(nodes) == len(m.Resources)
}

// beside runs functions side by side, each to its end.
func beside(all ...func()) {
	var wait sync.WaitGroup
	for _, f := range all {
		wait.Go(f)
	}
	wait.Wait()
}

// once joins errors, each text once: of two that say the same the one that says more stays. How often each was tried is no
// difference.
func once(errs ...error) error {
	var out []error
	says := func(err, other error) bool {
		return strings.Contains(resources.Cause(err.Error()), resources.Cause(other.Error()))
	}
	for _, err := range flat(errs) {
		if slices.ContainsFunc(out, func(have error) bool { return says(have, err) }) {
			continue
		}
		out = slices.DeleteFunc(out, func(have error) bool { return says(err, have) })
		out = append(out, err)
	}
	return errors.Join(out...)
}

// flat takes joined errors apart.
func flat(errs []error) []error {
	var out []error
	for _, err := range errs {
		var joined interface{ Unwrap() []error }
		switch {
		case err == nil:
		case errors.As(err, &joined) && errors.Join(joined.Unwrap()...).Error() == err.Error(): // nothing but a join
			out = append(out, flat(joined.Unwrap())...)
		default:
			out = append(out, err)
		}
	}
	return out
}

// texts gives the choices that are plain texts.
func texts(choices map[string]json.RawMessage) map[string]string {
	out := make(map[string]string, len(choices))
	for k, raw := range choices {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			out[k] = s
		}
	}
	return out
}

// record gives the manifest's choices with those of this run. What is no text is another version's and stays.
func record(had map[string]json.RawMessage, chosen map[string]string) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for k, raw := range had {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			out[k] = raw
		}
	}
	for k, s := range chosen {
		if raw, err := json.Marshal(s); err == nil { // a string is always JSON
			out[k] = raw
		}
	}
	return out
}

// adopt starts a manifest, or makes sure that the one that is there is this deployment's.
func (e *Engine) adopt(m state.Manifest) (state.Manifest, error) {
	if m.Lineage == "" {
		return state.Manifest{
			Lineage: newID(), Owner: e.Owner, Project: e.Scope.Project, Prefix: e.Scope.Prefix, Zone: e.Scope.Zone,
		}, nil
	}
	if m.Project != e.Scope.Project || m.Prefix != e.Scope.Prefix {
		return m, resources.Problems{{
			Path: "TERRAFORM_GCS_PATH", Value: e.Store.Location(),
			Message: fmt.Sprintf("holds the state of %s in project %s", m.Prefix, m.Project), Hint: "use another NAME_PREFIX or another folder",
		}}
	}
	return m, e.named(m)
}

// named refuses a manifest whose names are not of their kinds: nothing is called by them.
func (e *Engine) named(m state.Manifest) error {
	var errs []error
	for _, r := range m.Resources {
		h, known := e.Registry.Handler(resources.Kind(r.Kind()))
		ids := []string{r.ID}
		for _, f := range r.Former {
			ids = append(ids, f.ID)
		}
		for _, id := range ids {
			if known && !h.Names(resources.ID(id)) {
				errs = append(errs, fmt.Errorf("%s: %q is no name of a %s", r.Address, id, r.Kind()))
			}
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return &state.DamagedError{Where: e.Store.Location() + "manifest.json", Why: errors.Join(errs...),
		Mend: "go back to an earlier generation; they are listed by: gcloud storage ls --all-versions " + e.Store.Location()}
}
