package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
)

func (p *program) validateCommand(run runF[common]) *cli.Command {
	return command(p, about{
		name: "validate", usage: "check settings and, reading only, the cloud", needs: mandatory(), settings: true, example: exampleOf("validate"),
		notes: "Writes nothing anywhere.",
	}, p.common, run)
}

func (p *program) validate(ctx context.Context, o common) (outcome, error) {
	return p.withConfig(ctx, o, func(cfg *config.Config, d *deps) (outcome, error) { return runValidate(ctx, cfg, d) })
}

func runValidate(ctx context.Context, cfg *config.Config, d *deps) (outcome, error) {
	warnings, err := d.engine.Validate(ctx, cfg)
	for _, w := range warnings {
		d.printer.Notice(progress.Warning, w.String())
	}
	out := outcome{value: map[string]any{"warnings": warnings}}
	if err == nil {
		out.text = "the settings are valid\n"
	}
	return out, err
}
