package provision

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Validate checks the settings against the cloud, reading only. Problems that are errors are the error.
func (e *Engine) Validate(ctx context.Context, cfg *config.Config) (resources.Problems, error) {
	g, err := e.survey(ctx, cfg, true)
	if err != nil || g.problems.Err() != nil {
		return g.problems.Warnings(), errors.Join(g.problems.Err(), err)
	}
	_, err = e.reckon(ctx, g) // finds names that somebody else's resources have
	return g.problems.Warnings(), err
}

// Plan tells what create would do. It changes nothing.
func (e *Engine) Plan(ctx context.Context, cfg *config.Config) (*plan.Plan, error) {
	g, err := e.survey(ctx, cfg, false)
	e.show(g.problems.Warnings())
	if err = errors.Join(g.problems.Err(), err); err != nil {
		return nil, err
	}
	return e.reckon(ctx, g)
}

// Nodes gives the resources that the settings mean, for a drawing of their graph. An image or a range that is not settled yet
// is looked up as create would.
func (e *Engine) Nodes(ctx context.Context, cfg *config.Config) ([]*resources.Node, error) {
	g, err := e.survey(ctx, cfg, false)
	return g.nodes, errors.Join(g.problems.Err(), err)
}

// ResourceStatus is one line of a status.
type ResourceStatus struct {
	Address  string       `json:"address"`
	ID       string       `json:"id"`
	Recorded state.Status `json:"recorded"`
	Live     string       `json:"live"` // "as recorded", "missing", "not ours", "drifted: …", "unknown kind"
	Drift    []string     `json:"drift,omitempty"`
}

// Status is what the manifest says against what is live.
type Status struct {
	Location  string           `json:"state"`
	Manifest  state.Manifest   `json:"manifest"`
	Known     bool             `json:"known"` // there is a manifest
	Resources []ResourceStatus `json:"resources"`
	VMs       []resources.VM   `json:"vms"`
	Holder    *state.Holder    `json:"leaseHolder,omitempty"`
}

// Status compares the manifest with what is live. It changes nothing.
func (e *Engine) Status(ctx context.Context) (*Status, error) {
	st := &Status{Location: e.Store.Location(), Resources: []ResourceStatus{}, VMs: []resources.VM{}}
	if _, err := e.Store.FindBucket(ctx); err != nil {
		return nil, err
	}
	m, version, err := e.Store.Load(ctx)
	if err != nil {
		return nil, err
	}
	st.Manifest, st.Known = m, version != 0
	if h, _, err := e.Store.Holder(ctx); err == nil {
		st.Holder = &h
	} else if !errors.Is(err, state.ErrNotLocked) {
		return nil, err
	}
	g := &groundwork{manifest: m}
	if err := e.observe(ctx, g); err != nil {
		return nil, err
	}
	for _, r := range m.Resources {
		line := ResourceStatus{Address: r.Address, ID: r.ID, Recorded: r.Status}
		line.Live, line.Drift = e.compare(r, g.live[resources.ID(r.ID)])
		st.Resources = append(st.Resources, line)
	}
	if len(m.Resources) > 0 {
		if st.VMs, err = e.Fleet.List(ctx, e.Owner); err != nil {
			return nil, err
		}
	}
	return st, nil
}

func (e *Engine) compare(r state.Record, live *resources.Observation) (string, []string) {
	h, known := e.Registry.Handler(resources.Kind(r.Kind()))
	switch {
	case !known:
		return "unknown kind", nil
	case live == nil:
		return "missing", nil
	case live.Owner != e.Owner:
		return "not ours", nil
	case len(r.Inputs) == 0:
		return "there, not recorded as ready", nil
	}
	changes, err := h.Drift(r.Inputs, live)
	if err != nil {
		return "cannot be compared: " + err.Error(), nil
	}
	var drift []string
	for _, c := range changes {
		drift = append(drift, c.String())
	}
	switch {
	case len(drift) > 0:
		return "drifted", drift
	case live.Pending:
		return "as recorded, but not all of it is up", nil
	}
	return "as recorded", nil
}

// List gives every deployment in the bucket, by prefix.
func (e *Engine) List(ctx context.Context) ([]state.Manifest, error) {
	list, err := e.Store.List(ctx)
	slices.SortFunc(list, func(a, b state.Manifest) int { return strings.Compare(a.Prefix, b.Prefix) })
	return list, err
}
