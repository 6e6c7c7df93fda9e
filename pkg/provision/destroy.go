package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	if !there {
		return report, e.destroyUnknown(early, report)
	}
	done := report.phase("lease")
	s, err := e.open(early, "destroy")
	done()
	if err != nil {
		return report, err
	}
	err = e.destroyUnder(early, s, approve, report)
	return report, errors.Join(err, s.close(ctx))
}

// destroyUnknown is a destroy where not even the bucket is there: there may still be things that carry the mark.
func (e *Engine) destroyUnknown(ctx context.Context, report *Report) error {
	left, err := e.sweep(ctx, report)
	switch {
	case err != nil:
		return err
	case len(left) == 0:
		report.Nothing = true
		report.Summary = fmt.Sprintf("nothing to destroy: there is no bucket for %s and nothing carries the mark of %s", e.Store.Location(), e.Owner)
		return nil
	case !e.Sweep:
		return e.unrecorded(left)
	}
	if err := e.Store.EnsureBucket(ctx); err != nil { // without a bucket there is no lease
		return err
	}
	s, err := e.open(ctx, "destroy")
	if err != nil {
		return err
	}
	return errors.Join(e.destroyUnder(ctx, s, nil, report), s.close(ctx))
}

// unrecorded says that there is something of ours that no manifest has.
func (e *Engine) unrecorded(left []stray) error {
	return &PartialError{Err: leftovers(left), Next: "there is no manifest at " + e.Store.Location() +
		"; give the TERRAFORM_GCS_PATH that it was created with, or remove what carries its mark with: cluster-provision destroy --sweep " + e.Flags}
}

// destroyUnder is a destroy that holds the lease.
func (e *Engine) destroyUnder(ctx context.Context, s *session, approve Approve, report *Report) error {
	manifest, err := e.adopt(s.manifest)
	if err != nil {
		return err
	}
	g := &survey{manifest: manifest, version: s.version}
	p, err := plan.Compute(plan.Input{Have: g.manifest, Owner: e.Owner, Kinds: recorded{e.Registry}})
	if err != nil {
		return err
	}
	report.plan(p)
	if approve != nil && !p.Empty() {
		if ok, err := approve(p); err != nil || !ok {
			return errors.Join(err, ErrDeclined)
		}
	}
	failed := e.removeRecorded(ctx, s, g, p, report)
	if failed != nil && (s.context().Err() != nil || e.stopped()) {
		return e.left(failed)
	}
	left, err := e.sweep(s.context(), report)
	if e.Sweep && err == nil && len(left) > 0 {
		if err = e.removeStrays(s.context(), report, left); err == nil {
			left, err = e.sweep(s.context(), report)
		}
	}
	if failed != nil { // what is recorded is named by its own error
		left = slices.DeleteFunc(left, func(l stray) bool { return isRecorded(s.latest(), l.id) })
	}
	if len(left) > 0 {
		err = errors.Join(err, leftovers(left))
	}
	switch {
	case failed != nil:
		return e.left(errors.Join(failed, err))
	case len(left) > 0 && s.version == 0 && p.Empty():
		return e.unrecorded(left)
	case len(left) > 0:
		return &PartialError{Err: err, Next: "remove what carries the deployment's mark and is not in its manifest with: cluster-provision destroy --sweep " + e.Flags}
	case err != nil:
		return e.left(fmt.Errorf("whether anything is left could not be read: %w", err))
	}
	return e.dissolve(s, p, report)
}

// removeRecorded deletes what the manifest has.
func (e *Engine) removeRecorded(ctx context.Context, s *session, g *survey, p *plan.Plan, report *Report) error {
	if p.Empty() {
		return nil
	}
	defer report.phase("apply")()
	e.note(progress.Info, p.Summary())
	if err := s.begin(ctx, g, p, "destroy", 0); err != nil {
		return err
	}
	results, err := e.apply(s, g, p)
	report.results(p, results)
	return err
}

// dissolve removes the deployment's own place, under the lease, which ends with it.
func (e *Engine) dissolve(s *session, p *plan.Plan, report *Report) error {
	defer report.phase("clear")()
	var mine state.Contents
	if p.Empty() { // what is there without a manifest is left of dead runs, and worth a word
		var err error
		if mine, err = e.Store.Contents(s.context()); err != nil {
			return e.left(err)
		}
	}
	s.discard() // the manifest itself goes now
	end, err := e.Store.Dissolve(s.context(), s.lease)
	if err != nil {
		return &PartialError{Err: fmt.Errorf("everything is removed, but the folder could not be cleared: %w", err),
			Next: "clear it with: cluster-provision destroy " + e.Flags}
	}
	s.lease = nil
	report.BucketRemoved, report.Kept = end.BucketRemoved, end.Kept
	report.Nothing = p.Empty() && len(report.Swept) == 0 && len(mine.Ours) == 0
	for _, name := range end.Kept {
		e.note(progress.Warning, name+" is not of this deployment and stays")
	}
	if end.Why != "" {
		e.note(progress.Warning, "the state bucket could not be removed: "+end.Why)
	}
	if report.Nothing {
		report.Summary = fmt.Sprintf("nothing to destroy: there is no manifest at %s and nothing carries the mark of %s", e.Store.Location(), e.Owner)
		return nil
	}
	e.note(progress.Info, fmt.Sprintf("%d resources are removed, listing again found none, and %s is cleared", report.removed(), e.Store.Location()))
	return nil
}

func isRecorded(m state.Manifest, id resources.ID) bool {
	return slices.ContainsFunc(m.Resources, func(r state.Record) bool {
		return r.ID == string(id) || slices.ContainsFunc(r.Former, func(f state.Former) bool { return f.ID == string(id) })
	})
}
