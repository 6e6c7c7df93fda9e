package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Destroy removes everything that the deployment owns, lists again to prove it, then clears its folder in the bucket. It needs
// no settings but which deployment is meant. What others have put into our network is named and stays.
func (e *Engine) Destroy(ctx context.Context, approve Approve) (*Report, error) {
	report := e.report("destroy")
	early, cancel := e.interruptible(ctx)
	defer cancel()
	there, err := e.Store.FindBucket(early)
	if err != nil {
		return report, err
	}
	manifest, version, err := e.Store.Load(early)
	if err != nil {
		return report, err
	}
	if version == 0 {
		return report, e.destroyUnknown(early, there, report)
	}
	if manifest, err = e.adopt(manifest); err != nil {
		return report, err
	}
	s, err := e.open(early, "destroy")
	if err != nil {
		return report, err
	}
	err = e.destroyUnder(early, s, &groundwork{manifest: manifest, version: version}, approve, report)
	return report, errors.Join(err, s.close(ctx))
}

// dissolve ends a destroy under its lease.
func (e *Engine) dissolve(ctx context.Context, s *session, report *Report) error {
	d, err := e.Store.Dissolve(ctx, s.lease)
	report.BucketRemoved = d.BucketRemoved
	for _, name := range d.Kept {
		e.note(progress.Warning, "not ours, left alone: "+name)
	}
	if d.Why != "" {
		e.note(progress.Warning, "the state bucket stays: "+d.Why)
	}
	return err
}

// destroyUnknown is a destroy without a manifest: there may still be things that carry the mark.
func (e *Engine) destroyUnknown(ctx context.Context, there bool, report *Report) error {
	var s *session
	if there { // a run that lives is a *state.HeldError; what a dead one has left in the folder goes
		var err error
		if s, err = e.open(ctx, "destroy"); err != nil {
			return err
		}
		defer s.close(ctx) //nolint:errcheck // a lease that could not be given back ends by itself
	}
	left, err := e.sweep(ctx)
	if err != nil {
		return err
	}
	if len(left) == 0 {
		report.Nothing = true
		if there {
			if err := e.dissolve(ctx, s, report); err != nil {
				return err
			}
		}
		e.note(progress.Info, fmt.Sprintf("nothing to destroy: there is no manifest at %s and nothing carries the mark of %s", e.Store.Location(), e.Owner))
		return nil
	}
	if !e.Sweep {
		return &PartialError{Err: leftovers(left), Next: "there is no manifest at " + e.Store.Location() +
			"; give the TERRAFORM_GCS_PATH that it was created with, or remove what carries its mark with: cluster-provision destroy --sweep"}
	}
	return e.removeStrays(ctx, left)
}

// destroyUnder is a destroy that holds the lease.
func (e *Engine) destroyUnder(ctx context.Context, s *session, g *groundwork, approve Approve, report *Report) error {
	p, err := plan.Compute(plan.Input{Have: g.manifest, Owner: e.Owner, Cost: e.cost})
	if err != nil {
		return err
	}
	report.plan(p)
	if approve != nil {
		if ok, err := approve(p); err != nil || !ok {
			return errors.Join(err, ErrDeclined)
		}
	}
	if !p.Empty() {
		e.note(progress.Info, p.Summary())
		if err := s.begin(ctx, g, p, "destroy", 0); err != nil {
			return err
		}
		results, err := e.apply(s, g, p)
		report.results(p, results)
		if err != nil {
			return &PartialError{Err: err, Next: e.next("destroy")}
		}
	}
	left, err := e.sweep(s.context())
	if err == nil && len(left) > 0 && e.Sweep {
		err = e.removeStrays(s.context(), left)
		left = nil
	}
	if err == nil && len(left) > 0 {
		err = leftovers(left)
	}
	if err != nil {
		return &PartialError{Err: err, Next: "remove what carries the deployment's mark and is not in its manifest with: cluster-provision destroy --sweep"}
	}
	s.discard() // the manifest itself goes now
	if err := e.dissolve(ctx, s, report); err != nil {
		return &PartialError{Err: fmt.Errorf("everything is removed, but the folder could not be cleared: %w", err), Next: e.next("destroy")}
	}
	e.note(progress.Info, fmt.Sprintf("%d resources are removed, listing again found none, and %s is cleared", p.Count(plan.Delete), e.Store.Location()))
	return nil
}

// sweep lists, by mark and exactly, what the deployment owns of every kind.
func (e *Engine) sweep(ctx context.Context) ([]stray, error) {
	type answer struct {
		kind resources.Kind
		ids  []resources.ID
		err  error
	}
	kinds := e.Registry.Kinds()
	answers := make(chan answer, len(kinds))
	for _, k := range kinds {
		h, _ := e.Registry.Handler(k)
		go func() {
			ids, err := h.Sweep(ctx, e.Scope, e.Owner)
			answers <- answer{k, ids, err}
		}()
	}
	var left []stray
	var errs []error
	for range kinds {
		a := <-answers
		if resources.ClassOf(a.err) != resources.ClassDisabled { // a disabled API holds nothing
			errs = append(errs, a.err)
		}
		for _, id := range a.ids {
			left = append(left, stray{a.kind, id})
		}
	}
	slices.SortFunc(left, func(a, b stray) int { return strings.Compare(string(a.id), string(b.id)) })
	return left, errors.Join(errs...)
}

// stray is something that carries the mark.
type stray struct {
	kind resources.Kind
	id   resources.ID
}

func leftovers(left []stray) error {
	lines := make([]string, len(left))
	for i, l := range left {
		lines[i] = "  " + string(l.id)
	}
	return fmt.Errorf("these carry the deployment's mark and are still there:\n%s", strings.Join(lines, "\n"))
}

// removeStrays deletes what carries the mark, in rounds: what is still in use goes in a later one.
func (e *Engine) removeStrays(ctx context.Context, left []stray) error {
	var errs []error
	for round := 0; len(left) > 0 && round < 6; round++ {
		errs = nil
		var again []stray
		for _, l := range left {
			h, _ := e.Registry.Handler(l.kind)
			if err := h.Delete(ctx, l.id, resources.Stamp{Owner: e.Owner, RequestID: newID()}); err != nil {
				again, errs = append(again, l), append(errs, err)
			}
		}
		left = again
	}
	if err := errors.Join(errs...); err != nil {
		return &PartialError{Err: err, Next: "run the same destroy again"}
	}
	return nil
}

// Unlock removes another run's lease, after agree has been shown who holds it.
func (e *Engine) Unlock(ctx context.Context, agree func(state.Holder) (bool, error)) error {
	h, version, err := e.Store.Holder(ctx)
	if errors.Is(err, state.ErrNotLocked) {
		e.note(progress.Info, "nobody holds the lease of "+e.Store.Location())
		return nil
	}
	if err != nil {
		return err
	}
	ok, err := agree(h)
	if err != nil || !ok {
		return errors.Join(err, ErrDeclined)
	}
	return e.Store.Unlock(ctx, version)
}
