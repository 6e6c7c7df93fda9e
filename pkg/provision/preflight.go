package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/aiinfra/cluster-provision/pkg/provision/blueprint"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// groundwork is what is known before anything is changed.
type groundwork struct {
	manifest state.Manifest
	version  state.Version
	problems resources.Problems
	choices  blueprint.Choices
	account  string // e-mail of the VMs' service account, when it was looked at
	nodes    []*resources.Node
	live     map[resources.ID]*resources.Observation
}

// survey reads all that a plan for the settings depends on: the records first, then, side by side, what they leave open. It
// changes nothing anywhere. Problems are in the groundwork; the error joins what could not be read: neither hides the other.
//
// A deployment whose records say that all is there as the settings want it needs nothing of the project, so nothing is asked but
// whether its image has a newer one. full, for validate, asks in any case, and tests permissions.
func (e *Engine) survey(ctx context.Context, cfg *config.Config, full bool) (*groundwork, error) {
	g := &groundwork{}
	var bucket, load error
	beside(
		func() { bucket = e.Store.CheckBucket(ctx) },
		func() { g.manifest, g.version, load = e.Store.Load(ctx) },
	)
	err := once(bucket, load)
	if load == nil {
		var adopted error
		if g.manifest, adopted = e.adopt(g.manifest); adopted != nil {
			return g, once(err, adopted)
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
	query := blueprint.AskNewer(cfg, recorded)
	need := requirements(drafts, &g.manifest, blueprint.Needs(cfg))
	ask := full || err != nil || !settled || !asRecorded(drafts, &g.manifest)
	if ask {
		query = blueprint.Ask(cfg, recorded)
		query.APIs, query.Quotas = need.APIs, places(need.Quotas)
	}
	answer, looked := e.Catalog.Look(ctx, query)
	if !ask && ctx.Err() == nil {
		looked = nil // it was for a notice only
	}
	g.choices, g.problems = blueprint.Choose(cfg, recorded, answer)
	if answer.ServiceAccount != nil {
		g.account = answer.ServiceAccount.Email
	}
	err = once(err, looked, e.short(need.Quotas, answer.Quotas))
	if err == nil && g.problems.Err() == nil {
		g.manifest.Choices = record(g.manifest.Choices, g.choices.Record)
		err = e.check(ctx, cfg, g, ask)
	}
	if full && looked == nil && ctx.Err() == nil {
		err = once(err, e.permissions(ctx, g, cfg, need.Permissions))
	}
	return g, err
}

// check binds the nodes and lets every kind check its own.
func (e *Engine) check(ctx context.Context, cfg *config.Config, g *groundwork, preflight bool) error {
	var err error
	if g.nodes, err = e.Registry.Nodes(blueprint.Build(cfg, g.choices)); err != nil {
		return err
	}
	found := make([]resources.Problems, len(g.nodes))
	var group errgroup.Group
	for i, n := range g.nodes {
		found[i] = n.Check()
		if preflight && found[i].Err() == nil {
			group.Go(func() error { found[i] = append(found[i], n.Preflight(ctx, e.Scope)...); return nil })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
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
		if !known || r.Status != state.Ready || r.ID != string(n.ID) {
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

// once joins errors, each text once.
func once(errs ...error) error {
	var out []error
	for _, err := range errs {
		if err != nil && !slices.ContainsFunc(out, func(have error) bool { return have.Error() == err.Error() }) {
			out = append(out, err)
		}
	}
	return errors.Join(out...)
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
	return m, nil
}

// observe reads every wanted and every recorded resource, side by side.
func (e *Engine) observe(ctx context.Context, g *groundwork) error {
	ids := map[resources.ID]resources.Kind{}
	for _, n := range g.nodes {
		ids[n.ID] = n.Address.Kind
	}
	for _, r := range g.manifest.Resources {
		ids[resources.ID(r.ID)] = resources.Kind(r.Kind())
	}
	type found struct {
		id  resources.ID
		obs *resources.Observation
	}
	results := make(chan found, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	for id, kind := range ids {
		h, ok := e.Registry.Handler(kind)
		if !ok {
			continue // a kind of a newer program: kept, and reported when it would have to be changed
		}
		group.Go(func() error {
			obs, err := h.Read(ctx, id)
			if errors.Is(err, resources.ErrNotFound) {
				return nil
			}
			results <- found{id, obs}
			return err
		})
	}
	err := group.Wait()
	close(results)
	g.live = map[resources.ID]*resources.Observation{}
	for f := range results {
		if f.obs != nil {
			g.live[f.id] = f.obs
		}
	}
	return err
}
