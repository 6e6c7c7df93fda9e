package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

// planOptions are the options of plan.
type planOptions struct {
	common
	ExitCode bool
	Change   changeOptions
}

func (p *program) planCommand(run runF[planOptions]) *cli.Command {
	return command(p, about{
		name: "plan", usage: "show what create would do, and why", needs: mandatory(), settings: true, example: exampleOf("plan"),
		own: append([]cli.Flag{&cli.BoolFlag{Name: "exit-code", Usage: "exit with 3 when there are changes"}}, changeFlags()...),
	}, func(c *cli.Context) (planOptions, error) {
		o, err := p.common(c)
		return planOptions{common: o, ExitCode: c.Bool("exit-code"), Change: changeOptionsOf(c)}, err
	}, run)
}

func (p *program) plan(ctx context.Context, o planOptions) (outcome, error) {
	return p.withConfig(ctx, o.common, func(cfg *config.Config, d *deps) (outcome, error) { return runPlan(ctx, o, cfg, d) })
}

func runPlan(ctx context.Context, o planOptions, cfg *config.Config, d *deps) (outcome, error) {
	pl, err := d.engine.Plan(ctx, cfg, o.Change)
	if err != nil {
		return outcome{}, err
	}
	if o.ExitCode && !pl.Empty() {
		err = provision.ErrChanges
	}
	return outcome{value: pl, text: pl.Text()}, err
}
