package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
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

func (p *program) statusCommand(run runF[common]) *cli.Command {
	return command(p, about{
		name: "status", usage: "show what the manifest says against what is live", needs: mandatory(), example: exampleOf("status"),
	}, p.common, run)
}

func (p *program) status(ctx context.Context, o common) (outcome, error) {
	return p.withTarget(ctx, o, config.LoadTarget, func(d *deps) (outcome, error) { return runStatus(ctx, d) })
}

// runStatus shows what could be found out also when something could not.
func runStatus(ctx context.Context, d *deps) (outcome, error) {
	st, err := d.engine.Status(ctx)
	if st == nil {
		return outcome{}, err
	}
	return outcome{value: st, text: statusText(st)}, err
}

func statusText(st *provision.Status) string {
	var b strings.Builder
	if !st.Known {
		fmt.Fprintf(&b, "no deployment at %s\n", progress.OneLine(st.Location))
	} else {
		m := st.Manifest
		fmt.Fprintf(&b, "deployment %s: %s; %d VMs asked for; last changed %s by %s (%s)\nstate: %s\n", progress.OneLine(m.Owner), m.Summary(),
			m.Size, stamp(m.Updated), progress.OneLine(m.By), progress.OneLine(m.Action), progress.OneLine(st.Location))
	}
	if st.Holder != nil {
		fmt.Fprintf(&b, "lease: %s\n", holderText(*st.Holder))
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range st.Resources {
		cells(w, r.Address, resources.ID(r.ID).Base(), string(r.Recorded), r.Live)
		for _, d := range r.Drift {
			cells(w, "", "", "", "  "+d)
		}
	}
	for _, v := range st.VMs {
		cells(w, "vm "+v.Name, v.Status, v.InternalIP, v.ProxyURL)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

// cells writes a row. A tab or the end of a line in what others have written must not make cells of its own.
func cells(w *tabwriter.Writer, texts ...string) {
	for i, t := range texts {
		texts[i] = progress.OneLine(t)
	}
	fmt.Fprintln(w, strings.Join(texts, "\t"))
}

func (p *program) listCommand(run runF[common]) *cli.Command {
	return command(p, about{
		name: "list", usage: "show every deployment in the project's bucket", needs: []string{"PROJECT_ID"},
		example: []string{"cluster-provision list --project-id=my-project"},
	}, p.common, run)
}

func (p *program) list(ctx context.Context, o common) (outcome, error) {
	return p.withTarget(ctx, o, config.LoadProject, func(d *deps) (outcome, error) { return runList(ctx, d) })
}

// runList shows what could be read beside the error of what could not: one damaged manifest must not hide the others, and must
// not pass for none.
func runList(ctx context.Context, d *deps) (outcome, error) {
	list, err := d.engine.List(ctx)
	if list == nil {
		list = []state.Manifest{}
	}
	out := outcome{value: list}
	if err == nil || len(list) > 0 {
		out.text = listText(list, time.Now())
	}
	return out, err
}

func listText(list []state.Manifest, now time.Time) string {
	if len(list) == 0 {
		return "no deployments\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	cells(w, "PREFIX", "STATE", "VMS", "ZONE", "BY", "AGE")
	for _, m := range list {
		cells(w, m.Prefix, m.Summary(), fmt.Sprint(m.Size), m.Zone, m.By, now.Sub(m.Created).Round(time.Second).String())
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}
