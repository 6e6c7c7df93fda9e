package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

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
		fmt.Fprintf(&b, "lease: %s\n", holderText(*st.Holder, st.Ended))
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range st.Resources {
		name := resources.ID(r.ID).Base()
		if r.Former { // its name alone does not tell it from the one that is there now
			id := resources.ID(r.ID)
			name = strings.TrimPrefix(id.Path(), "projects/"+id.Project()+"/")
		}
		cells(w, r.Address, name, string(r.Recorded), r.Live)
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
