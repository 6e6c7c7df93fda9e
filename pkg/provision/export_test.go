package provision

import (
	"context"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// PlanOf plans for a set that no settings mean: kinds of tests are in it.
func (e *Engine) PlanOf(ctx context.Context, set *resources.Set) (*plan.Plan, error) {
	g, _, err := e.surveyOf(ctx, set)
	if err != nil {
		return nil, err
	}
	return e.foresee(ctx, g)
}

func (e *Engine) surveyOf(ctx context.Context, set *resources.Set) (*survey, *plan.Plan, error) {
	g := &survey{}
	var err error
	if g.manifest, g.version, err = e.Store.Load(ctx); err != nil {
		return g, nil, err
	}
	if g.manifest, err = e.adopt(g.manifest); err != nil {
		return g, nil, err
	}
	if g.nodes, err = e.Registry.Nodes(set); err != nil {
		return g, nil, err
	}
	p, err := e.plan(ctx, g)
	return g, p, err
}

// CreateOf is Create of such a set: all but the survey is the same.
func (e *Engine) CreateOf(ctx context.Context, cfg *config.Config, set *resources.Set) (*Report, error) {
	report := e.report("create")
	g, p, err := e.surveyOf(ctx, set)
	if err != nil {
		return report, err
	}
	if report.plan(p); p.Empty() {
		return report, nil
	}
	return report, e.change(ctx, cfg, g, p, nil, report)
}
