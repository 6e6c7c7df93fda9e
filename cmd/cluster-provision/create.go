package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

func (p program) createCommand() *cli.Command {
	ask := &cli.BoolFlag{Name: "ask", Usage: "show the plan and ask before anything is changed"}
	return command("create", "bring the cloud to what the settings describe", []cli.Flag{ask}, func(c *cli.Context) error {
		cfg, r, err := p.startConfig(c)
		if err != nil {
			return err
		}
		defer r.close()
		report, err := r.engine.Create(c.Context, cfg, r.approve(c.Bool("ask")))
		r.uploadLog(c.Context)
		r.result(report, report.Text(), err)
		if err == nil && cfg.CleanupOnExit {
			return r.cleanUp(c)
		}
		return err
	})
}

// startConfig checks all settings and starts an action on them. Warnings are shown.
func (p program) startConfig(c *cli.Context) (*config.Config, *run, error) {
	cfg, problems := config.Load(p.input(c))
	if err := problems.Err(); err != nil {
		p.refuse(c, err)
		return nil, nil, err
	}
	r, err := p.start(c, &cfg.Target)
	if err != nil {
		p.refuse(c, err)
		return nil, nil, err
	}
	for _, w := range problems.Warnings() {
		r.engine.Printer.Notice(progress.Warning, w.String())
	}
	return cfg, r, nil
}

// startTarget is startConfig for actions that only have to know which deployment is meant.
func (p program) startTarget(c *cli.Context, load func(config.Input) (*config.Target, resources.Problems)) (*run, error) {
	t, problems := load(p.input(c))
	if err := problems.Err(); err != nil {
		p.refuse(c, err)
		return nil, err
	}
	r, err := p.start(c, t)
	if err != nil {
		p.refuse(c, err)
	}
	return r, err
}

// refuse prints the JSON result of an action that could not even start, when JSON is wanted.
func (p program) refuse(c *cli.Context, err error) {
	if text(c, "output") == "json" {
		(&run{program: p, json: true}).result(nil, "", err)
	}
}

// approve learns the plan for the printers, and asks if it should.
func (r *run) approve(ask bool) provision.Approve {
	return func(pl *plan.Plan) (bool, error) {
		r.steps.learn(pl)
		if !ask {
			return true, nil
		}
		fmt.Fprint(r.stderr, pl.Text())
		return r.confirm("carry this out?")
	}
}

// confirm asks a question that only "yes" agrees to.
func (r *run) confirm(question string) (bool, error) {
	fmt.Fprintf(r.stderr, "%s (yes/no) ", question)
	line, err := bufio.NewReader(r.stdin).ReadString('\n')
	if err != nil && line == "" {
		return false, fmt.Errorf("nobody answered: %w", err)
	}
	return strings.EqualFold(strings.TrimSpace(line), "yes"), nil
}

// cleanUp waits for a signal and then destroys: CLEANUP_ON_EXIT for pipelines.
func (r *run) cleanUp(c *cli.Context) error {
	r.engine.Printer.Notice(progress.Info, "CLEANUP_ON_EXIT: waiting for a signal, then everything is destroyed")
	select {
	case <-r.signals.stopped():
	case <-c.Context.Done():
	}
	r.signals.rearm()
	r.engine.Stop = r.signals.stopped()
	report, err := r.engine.Destroy(c.Context, r.approve(false))
	r.result(report, report.Text(), err)
	return err
}
