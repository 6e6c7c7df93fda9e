package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
)

// mandatory are the settings that name a deployment.
func mandatory() []string { return []string{"PROJECT_ID", "NAME_PREFIX", "ZONE"} }

// exampleOf is a command line to copy.
func exampleOf(action string) []string {
	return []string{"cluster-provision " + action + ` --project-id=my-project --name-prefix=demo \`, "  --zone=us-central1-a"}
}

// createOptions are the options of create.
type createOptions struct {
	common
	Ask    bool
	Change changeOptions
}

func askFlag() cli.Flag {
	return &cli.BoolFlag{Name: "ask", Usage: "show the plan and ask before anything is changed"}
}

// changeFlags are the flags of create and plan that allow more than is done by itself.
func changeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "upgrade-image", Usage: "take the newest image of the family; otherwise the one of the first create is kept"},
		&cli.BoolFlag{Name: "allow-data-loss", Usage: "allow to delete or replace what holds data; nothing that this version makes holds data"},
	}
}

func changeOptionsOf(c *cli.Context) changeOptions {
	return changeOptions{UpgradeImage: c.Bool("upgrade-image"), AllowDataLoss: c.Bool("allow-data-loss")}
}

func (p *program) createCommand(run runF[createOptions]) *cli.Command {
	return command(p, about{
		name: "create", usage: "bring the cloud to what the settings describe", needs: mandatory(), settings: true,
		example: exampleOf("create"), own: append([]cli.Flag{askFlag()}, changeFlags()...),
		notes: "A second run with the same settings changes nothing; with others it changes what differs.",
	}, func(c *cli.Context) (createOptions, error) {
		o, err := p.common(c)
		return createOptions{common: o, Ask: c.Bool("ask"), Change: changeOptionsOf(c)}, err
	}, run)
}

func (p *program) create(ctx context.Context, o createOptions) (outcome, error) {
	return p.withConfig(ctx, o.common, func(cfg *config.Config, d *deps) (outcome, error) { return runCreate(ctx, o, cfg, d) })
}

func runCreate(ctx context.Context, o createOptions, cfg *config.Config, d *deps) (outcome, error) {
	report, err := d.engine.Create(ctx, cfg, o.Change, d.approve(o.Ask))
	d.uploadLog(ctx)
	created := outcome{value: report}
	if err == nil {
		created.text = report.Text()
	}
	switch {
	case !cfg.CleanupOnExit || errors.Is(err, provision.ErrDeclined):
		return created, err
	case err != nil && !d.engine.Changed():
		d.printer.Notice(progress.Info, "CLEANUP_ON_EXIT: this run has changed nothing, so nothing is destroyed")
		return created, err
	}
	return d.cleanUp(ctx, created, err)
}

// cleanUp destroys what create has made: after a signal when it went well, at once when it did not or was interrupted. A
// signal while it destroys is a first one again.
func (d *deps) cleanUp(ctx context.Context, created outcome, createErr error) (outcome, error) {
	if seen, terminated := d.signals.received(); seen {
		createErr = provision.Interrupted(createErr, terminated)
	}
	d.out.interim("created", created, createErr)
	if createErr == nil {
		d.printer.Notice(progress.Info, "CLEANUP_ON_EXIT: waiting for a signal, then everything is destroyed")
		select {
		case <-d.signals.stopped():
		case <-ctx.Done():
		}
	} else {
		d.printer.Notice(progress.Problem, fmt.Sprintf("create: %v\nCLEANUP_ON_EXIT: everything is destroyed now", causeOf(createErr)))
	}
	ctx, cancel := d.signals.rearm(ctx)
	defer cancel()
	report, err := d.engine.Destroy(ctx, false, d.approve(false))
	out := outcome{value: report}
	switch {
	case createErr == nil && err == nil, createErr != nil && err == nil:
		out.text = report.Text()
		if createErr != nil {
			err = &cleanedError{createErr}
		}
	case createErr != nil:
		err = errors.Join(fmt.Errorf("create: %w", &causeError{createErr}), fmt.Errorf("CLEANUP_ON_EXIT: %w", err))
	}
	return out, err
}

// causeOf is an error without the advice to go on: what it speaks of is about to be destroyed.
func causeOf(err error) error {
	if partial := (*provision.PartialError)(nil); errors.As(err, &partial) {
		return partial.Err
	}
	return err
}

// causeError says an error's cause and is the error.
type causeError struct{ err error }

func (e *causeError) Error() string { return causeOf(e.err).Error() }
func (e *causeError) Unwrap() error { return e.err }

// cleanedError is the error of a create after which everything was destroyed.
type cleanedError struct{ err error }

func (e *cleanedError) Error() string {
	return fmt.Sprintf("create: %v\nCLEANUP_ON_EXIT: everything that it made is destroyed", causeOf(e.err))
}
func (e *cleanedError) Unwrap() error { return e.err }
