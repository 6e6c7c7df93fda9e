package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

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
