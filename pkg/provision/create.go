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

// Create brings the cloud to what the settings describe. When nothing is to be changed nothing is, the lease aside, and the
// report says so.
func (e *Engine) Create(ctx context.Context, cfg *config.Config, approve Approve) (*Report, error) {
	report := e.report("create")
	early, cancel := e.interruptible(ctx)
	defer cancel()
	g, err := e.survey(early, cfg, false)
	e.show(g.problems.Warnings())
	if err = errors.Join(g.problems.Err(), err); err != nil {
		return report, err
	}
	if err := e.Store.EnsureBucket(early); err != nil {
		return report, err
	}
	s, err := e.open(early, "create")
	if err != nil {
		return report, err
	}
	err = e.createUnder(early, s, g, cfg, approve, report)
	return report, errors.Join(err, s.close(ctx))
}

// createUnder is a create that holds the lease.
func (e *Engine) createUnder(ctx context.Context, s *session, g *groundwork, cfg *config.Config, approve Approve, report *Report) error {
	p, err := e.reckon(ctx, g)
	if err != nil {
		return err
	}
	report.plan(p)
	if p.Empty() {
		e.note(progress.Info, p.Summary())
		return e.finish(ctx, cfg, report)
	}
	if approve != nil {
		if ok, err := approve(p); err != nil || !ok {
			return errors.Join(err, ErrDeclined)
		}
	}
	e.note(progress.Info, p.Summary())
	if err := s.begin(ctx, g, p, "create", cfg.InstanceCount); err != nil {
		if errors.Is(err, state.ErrConflict) {
			return fmt.Errorf("another run has changed this deployment just now: run the same command again: %w", err)
		}
		return err
	}
	results, err := e.apply(s, g, p)
	report.results(p, results)
	if err != nil {
		return &PartialError{Err: err, Next: e.next("create")}
	}
	if err := s.flush(ctx); err != nil {
		return &PartialError{Err: err, Next: e.next("create")}
	}
	return e.finish(ctx, cfg, report)
}

// reckon reads what is live and computes the plan.
func (e *Engine) reckon(ctx context.Context, g *groundwork) (*plan.Plan, error) {
	if err := e.observe(ctx, g); err != nil {
		return nil, err
	}
	return plan.Compute(plan.Input{Nodes: g.nodes, Have: g.manifest, Live: g.live, Owner: e.Owner, Cost: e.cost})
}

func (e *Engine) cost(r state.Record) time.Duration {
	h, ok := e.Registry.Handler(resources.Kind(r.Kind()))
	if !ok {
		return 0
	}
	return h.Estimate(resources.VerbDelete, r.Inputs)
}

func (e *Engine) show(ps resources.Problems) {
	for _, p := range ps {
		e.note(progress.Warning, p.String())
	}
}

// finish collects what users want to see of a cluster that is up.
func (e *Engine) finish(ctx context.Context, cfg *config.Config, report *Report) error {
	report.Tunnel = tunnel(e.Scope, blueprint.FirstVM(e.Scope))
	if !cfg.ShowProxyURL {
		return nil
	}
	vms, err := e.Fleet.List(ctx, e.Owner)
	if err != nil {
		e.note(progress.Warning, "the VMs could not be listed: "+err.Error())
	}
	if wantsProxy(cfg) && len(vms) > 0 {
		vms = e.awaitProxies(ctx, vms)
	}
	report.VMs = vms
	return nil
}

// wantsProxy: METADATA may turn the registration with the proxy off.
func wantsProxy(cfg *config.Config) bool {
	mode, given := cfg.Metadata["proxy-mode"]
	return !given || mode == "project_editors"
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
			e.note(progress.Info, fmt.Sprintf("waiting for the Jupyter URLs of %d VMs, at most %s", missing(vms), proxyLimit))
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

// tunnel is the command that reaches Jupyter on a VM through Identity-Aware Proxy, with or without an external address.
func tunnel(scope resources.Scope, vm string) string {
	return fmt.Sprintf("gcloud compute ssh %s --project=%s --zone=%s --tunnel-through-iap -- -L 8080:localhost:8080", vm, scope.Project, scope.Zone)
}

// next tells what can be done after an action that was not finished.
func (e *Engine) next(action string) string {
	if action == "destroy" {
		return "what is left is recorded in " + e.Store.Location() + "; go on with: cluster-provision destroy " + e.Flags
	}
	return "what was made is recorded in " + e.Store.Location() + " and is billed; go on with the same create, or remove it with: cluster-provision destroy " + e.Flags
}
