package provision

import (
	"context"
	"errors"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Validate checks the settings against the cloud, reading only. Problems that are errors are the error.
func (e *Engine) Validate(ctx context.Context, cfg *config.Config) (resources.Problems, error) {
	ctx, cancel := e.interruptible(ctx)
	defer cancel()
	g, err := e.survey(ctx, cfg, everyone)
	if err != nil || g.problems.Err() != nil {
		return g.problems.Warnings(), errors.Join(g.problems.Err(), err)
	}
	_, err = e.plan(ctx, g) // finds names that somebody else's resources have
	return g.problems.Warnings(), err
}

// Plan tells what create would do. It changes nothing, and waits a while for what an interrupted run has left under way, as create
// would to the end.
func (e *Engine) Plan(ctx context.Context, cfg *config.Config) (*plan.Plan, error) {
	ctx, cancel := e.interruptible(ctx)
	defer cancel()
	g, err := e.survey(ctx, cfg, news)
	e.show(g.problems.Warnings())
	if err = errors.Join(g.problems.Err(), err); err != nil {
		return nil, err
	}
	return e.foresee(ctx, g)
}

// Nodes gives the resources that the settings mean, for a drawing of their graph. An image or a range that is not settled yet
// is looked up as create would.
func (e *Engine) Nodes(ctx context.Context, cfg *config.Config) ([]*resources.Node, error) {
	ctx, cancel := e.interruptible(ctx)
	defer cancel()
	g, err := e.survey(ctx, cfg, changes)
	return g.nodes, errors.Join(g.problems.Err(), err)
}
