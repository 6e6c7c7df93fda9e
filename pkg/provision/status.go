package provision

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// ResourceStatus is one line of a status.
type ResourceStatus struct {
	Address  string       `json:"address"`
	ID       string       `json:"id"`
	Recorded state.Status `json:"recorded"`
	Live     string       `json:"live"` // "as recorded", "missing", "not ours", "drifted", "unknown kind", …
	Drift    []string     `json:"drift,omitempty"`
	Former   bool         `json:"former,omitempty"` // what the address stood for before: in another zone, say
}

// Status is what the manifest says against what is live.
type Status struct {
	Location  string           `json:"state"`
	Manifest  state.Manifest   `json:"manifest"`
	Known     bool             `json:"known"` // there is a manifest
	Resources []ResourceStatus `json:"resources"`
	VMs       []resources.VM   `json:"vms"`
	Holder    *state.Holder    `json:"leaseHolder,omitempty"`
	Ended     string           `json:"leaseEnded,omitempty"` // why the holder holds the lease no more, if that is known
}

// Status compares the manifest with what is live. It changes nothing.
func (e *Engine) Status(ctx context.Context) (*Status, error) {
	ctx, cancel := e.interruptible(ctx)
	defer cancel()
	st := &Status{Location: e.Store.Location(), Resources: []ResourceStatus{}, VMs: []resources.VM{}}
	there, err := e.Store.FindBucket(ctx)
	if err != nil {
		return nil, err // what could not be read is not absent
	}
	if !there {
		return st, nil
	}
	var version state.Version
	var holder state.Holder
	var loaded, locked error
	beside(
		func() { st.Manifest, version, loaded = e.Store.Load(ctx) },
		func() { holder, _, locked = e.Store.Holder(ctx) },
	)
	if locked == nil {
		st.Holder, st.Ended = &holder, holder.Ended(now())
	} else if errors.Is(locked, state.ErrNotLocked) {
		locked = nil
	}
	if err := once(loaded, locked); err != nil {
		return nil, err
	}
	if err := e.named(st.Manifest); err != nil {
		return nil, err
	}
	st.Known = version != 0
	if len(st.Manifest.Resources) == 0 {
		return st, nil
	}
	return st, e.statusOf(ctx, st)
}

// statusOf reads all that the manifest has, and the VMs, side by side.
func (e *Engine) statusOf(ctx context.Context, st *Status) error {
	ids := map[resources.ID]resources.Kind{}
	for _, r := range st.Manifest.Resources {
		ids[resources.ID(r.ID)] = resources.Kind(r.Kind())
		for _, f := range r.Former {
			ids[resources.ID(f.ID)] = resources.Kind(r.Kind())
		}
	}
	var live map[resources.ID]*resources.Observation
	var seen, listed error
	beside(
		func() { live, seen = e.read(ctx, ids) },
		func() { st.VMs, listed = e.Fleet.List(ctx, e.Owner) },
	)
	for _, r := range st.Manifest.Resources {
		line := ResourceStatus{Address: r.Address, ID: r.ID, Recorded: r.Status}
		line.Live, line.Drift = e.compare(r, live[resources.ID(r.ID)])
		st.Resources = append(st.Resources, line)
		for _, f := range r.Former {
			line := ResourceStatus{Address: r.Address, ID: f.ID, Recorded: state.Doomed, Former: true, Live: "of an earlier run, still to be deleted"}
			if live[resources.ID(f.ID)] == nil {
				line.Live = "of an earlier run, missing"
			}
			st.Resources = append(st.Resources, line)
		}
	}
	return once(seen, listed)
}

func (e *Engine) compare(r state.Record, live *resources.Observation) (string, []string) {
	h, known := e.Registry.Handler(resources.Kind(r.Kind()))
	switch {
	case !known:
		return "unknown kind", nil
	case live == nil:
		return "missing", nil
	case !live.Ours(e.Owner, true):
		return "not ours", nil
	case r.Status == state.Updating:
		return "an update was not finished: run the same create again", nil
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
