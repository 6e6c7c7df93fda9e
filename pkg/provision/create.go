package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/blueprint"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Approve is asked before anything is changed; false ends the action with ErrDeclined. nil agrees.
type Approve func(*plan.Plan) (bool, error)

// Create brings the cloud to what the settings describe. When nothing is to be changed nothing is, no lease is taken and
// nothing is written, and the report says so. The lease is given back before anything is waited for that changes nothing.
func (e *Engine) Create(ctx context.Context, cfg *config.Config, approve Approve) (*Report, error) {
	report := e.report("create")
	early, cancel := e.interruptible(ctx)
	defer cancel()
	g, p, err := e.prepare(early, cfg, report, approve != nil)
	if err != nil {
		return report, err
	}
	if !p.Empty() {
		if approve != nil {
			if ok, err := approve(p); err != nil || !ok {
				return report, errors.Join(err, ErrDeclined)
			}
		}
		if err := e.change(ctx, cfg, g, p, approve, report); err != nil {
			return report, err
		}
	}
	if !p.Empty() { // otherwise the result says all there is to say
		e.note(progress.Info, "the cluster is up")
	}
	return report, e.finish(early, cfg, report)
}

// prepare surveys, refreshes and plans. It changes nothing. A deployment without a manifest has nothing that could be read: a name
// that is taken is told by the creation itself, which is then refused or, when the thing carries our mark, gone on with. Where
// the plan is shown before anything is done, careful reads all the same.
func (e *Engine) prepare(ctx context.Context, cfg *config.Config, report *Report, careful bool) (*survey, *plan.Plan, error) {
	done := report.phase("survey")
	g, err := e.survey(ctx, cfg, changes)
	done()
	e.show(g.problems.Warnings())
	if err = errors.Join(g.problems.Err(), err); err != nil {
		return g, nil, err
	}
	defer report.phase("refresh and plan")()
	var p *plan.Plan
	switch {
	case careful:
		p, err = e.foresee(ctx, g)
	case g.version != 0:
		p, err = e.plan(ctx, g)
	default:
		p, err = e.compute(g)
	}
	if err == nil {
		report.plan(p)
	}
	return g, p, err
}

// change takes the lease, carries a plan out, and gives the lease back.
func (e *Engine) change(ctx context.Context, cfg *config.Config, g *survey, p *plan.Plan, approve Approve, report *Report) error {
	early, cancel := e.interruptible(ctx)
	defer cancel()
	done := report.phase("lease")
	if err := e.Store.EnsureBucket(early); err != nil {
		return err
	}
	s, err := e.open(early, "create")
	done()
	if err != nil {
		return err
	}
	if s.version != g.version { // another run was quicker: what it has left decides anew
		approved := p
		if g, p, err = e.prepare(early, cfg, report, true); err == nil {
			err = e.agree(approve, approved, p)
		}
	}
	if err == nil && !p.Empty() {
		e.note(progress.Info, p.Summary())
		err = e.carryOut(early, s, cfg, g, p, approve, report)
	}
	return errors.Join(err, s.close(ctx))
}

// agree asks again where a plan that was made anew under the lease does something that the approved one does not.
func (e *Engine) agree(approve Approve, approved, p *plan.Plan) error {
	if approve == nil || approved.Covers(p) {
		return nil
	}
	e.note(progress.Warning, "what is there has changed since the plan was made: it is made again")
	if ok, err := approve(p); err != nil || !ok {
		return errors.Join(err, ErrDeclined)
	}
	return nil
}

// replans bounds how often a plan is computed anew within one lease, because the cloud was not as planned any more.
const replans = 3

// carryOut waits for what an interrupted run has left under way, stores the intents and runs the steps. When something has turned
// out not to be as planned, the rest is planned again, in the same run and under the same lease.
func (e *Engine) carryOut(ctx context.Context, s *session, cfg *config.Config, g *survey, p *plan.Plan, approve Approve, report *Report) error {
	defer report.phase("apply")()
	approved := p
	stale, err := e.settle(ctx, g)
	if err == nil && stale {
		if p, err = e.plan(ctx, g); err == nil {
			err = e.agree(approve, approved, p)
		}
	}
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		if err := s.begin(ctx, g, p, "create", cfg.InstanceCount); err != nil {
			if errors.Is(err, state.ErrConflict) {
				return fmt.Errorf("another run has changed this deployment just now: run the same command again: %w", err)
			}
			return e.partly(ctx, err, report)
		}
		results, err := e.apply(s, g, p)
		report.results(p, results)
		if err == nil {
			if err = s.flush(ctx); err == nil {
				return nil
			}
			return e.partly(ctx, err, report)
		}
		var stale *StaleError
		if !errors.As(err, &stale) || try == replans || e.stopped() {
			return e.partly(ctx, err, report)
		}
		e.note(progress.Warning, stale.ID.Path()+" was changed meanwhile: planning again")
		g.manifest = s.latest()
		approved = p
		if p, err = e.plan(ctx, g); err != nil {
			return e.partly(ctx, err, report)
		}
		if err = e.agree(approve, approved, p); err != nil {
			return e.partly(ctx, &declinedRestError{err}, report)
		}
	}
}

func (e *Engine) show(ps resources.Problems) {
	for _, p := range ps {
		e.note(progress.Warning, p.String())
	}
}

// finish collects what users want to see of a cluster that is up. Nothing of it can make the create fail.
func (e *Engine) finish(ctx context.Context, cfg *config.Config, report *Report) error {
	report.Tunnel = blueprint.Tunnel(e.Scope)
	if !cfg.ShowProxyURL {
		return nil
	}
	defer report.phase("addresses")()
	vms, err := e.Fleet.List(ctx, e.Owner)
	if err != nil {
		e.note(progress.Warning, "the VMs could not be listed: "+err.Error())
	}
	if blueprint.WantsProxy(cfg) && len(vms) > 0 {
		vms = e.awaitProxies(ctx, vms)
	}
	report.VMs = vms
	return nil
}

// awaitProxies looks at all VMs together, one list a look, until each has its Jupyter address or the time is over. It is
// never fatal: whether plain VMs still get a proxy is the cloud's affair, and the tunnel works without.
func (e *Engine) awaitProxies(ctx context.Context, vms []resources.VM) []resources.VM {
	missing := func(list []resources.VM) int {
		n := 0
		for _, v := range list {
			if v.ProxyURL == "" {
				n++
			}
		}
		return n
	}
	start, said := time.Now(), false
	for missing(vms) > 0 {
		if time.Since(start) > e.scaled(proxyLimit) {
			e.note(progress.Warning, fmt.Sprintf("%d of %d VMs have no Jupyter URL after %s: use the tunnel below", missing(vms), len(vms), proxyLimit))
			return vms
		}
		if !said {
			e.note(progress.Info, fmt.Sprintf("waiting for the Jupyter URLs of %d VMs, at most %s; the cluster can be used meanwhile", missing(vms), proxyLimit))
			said = true
		}
		wait := min(10*time.Second, max(2*time.Second, e.unscaled(time.Since(start))/8))
		t := time.NewTimer(e.scaled(wait))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return vms
		}
		if next, err := e.Fleet.List(ctx, e.Owner); err == nil {
			vms = next
		}
	}
	return vms
}
