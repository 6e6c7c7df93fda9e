package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/graph"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

func (p program) validateCommand() *cli.Command {
	return command("validate", "check settings and, reading only, the cloud", nil, func(c *cli.Context) error {
		cfg, r, err := p.startConfig(c)
		if err != nil {
			return err
		}
		defer r.close()
		warnings, err := r.engine.Validate(c.Context, cfg)
		for _, w := range warnings {
			r.engine.Printer.Notice(progress.Warning, w.String())
		}
		r.result(map[string]any{"warnings": warnings}, "the settings are valid\n", err)
		return err
	})
}

func (p program) planCommand() *cli.Command {
	code := &cli.BoolFlag{Name: "exit-code", Usage: "exit with 3 when there are changes"}
	return command("plan", "show what create would do, and why", []cli.Flag{code}, func(c *cli.Context) error {
		cfg, r, err := p.startConfig(c)
		if err != nil {
			return err
		}
		defer r.close()
		pl, err := r.engine.Plan(c.Context, cfg)
		shown := ""
		if err == nil {
			shown = pl.Text()
			if c.Bool("exit-code") && !pl.Empty() {
				r.result(pl, shown, nil)
				return provision.ErrChanges
			}
		}
		r.result(pl, shown, err)
		return err
	})
}

func (p program) statusCommand() *cli.Command {
	return command("status", "show what the manifest says against what is live", nil, func(c *cli.Context) error {
		r, err := p.startTarget(c, config.LoadTarget)
		if err != nil {
			return err
		}
		defer r.close()
		st, err := r.engine.Status(c.Context)
		shown := ""
		if err == nil {
			shown = statusText(st)
		}
		r.result(st, shown, err)
		return err
	})
}

func statusText(st *provision.Status) string {
	var b strings.Builder
	if !st.Known {
		fmt.Fprintf(&b, "no deployment at %s\n", st.Location)
	} else {
		m := st.Manifest
		fmt.Fprintf(&b, "deployment %s: %s; %d VMs asked for; last changed %s by %s (%s)\nstate: %s\n",
			m.Owner, m.Summary(), m.Size, m.Updated.UTC().Format(timeFormat), m.By, m.Action, st.Location)
	}
	if h := st.Holder; h != nil {
		fmt.Fprintf(&b, "lease: %s by %s on %s, since %s, until %s\n", h.Action, h.Owner, h.Host, h.Since.UTC().Format(timeFormat), h.Until.UTC().Format(timeFormat))
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range st.Resources {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Address, resources.ID(r.ID).Base(), r.Recorded, r.Live)
		for _, d := range r.Drift {
			fmt.Fprintf(w, "\t\t\t  %s\n", d)
		}
	}
	for _, v := range st.VMs {
		fmt.Fprintf(w, "vm %s\t%s\t%s\t%s\n", v.Name, v.Status, v.InternalIP, v.ProxyURL)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

func (p program) listCommand() *cli.Command {
	return command("list", "show every deployment in the project's bucket", nil, func(c *cli.Context) error {
		r, err := p.startTarget(c, config.LoadProject)
		if err != nil {
			return err
		}
		defer r.close()
		list, err := r.engine.List(c.Context)
		r.result(list, listText(list), err)
		return err
	})
}

func listText(list []state.Manifest) string {
	if len(list) == 0 {
		return "no deployments\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PREFIX\tSTATE\tVMS\tZONE\tBY\tAGE")
	for _, m := range list {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", m.Prefix, m.Summary(), m.Size, m.Zone, m.By, time.Since(m.Created).Round(time.Second))
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

func (p program) graphCommand() *cli.Command {
	format := &cli.StringFlag{Name: "format", Value: "dot", Usage: "dot, mermaid or json"}
	return command("graph", "draw the resource graph with its critical path", []cli.Flag{format}, func(c *cli.Context) error {
		cfg, r, err := p.startConfig(c)
		if err != nil {
			return err
		}
		defer r.close()
		nodes, err := r.engine.Nodes(c.Context, cfg)
		if err != nil {
			return err
		}
		return r.draw(nodes, c.String("format"))
	})
}

func (r *run) draw(nodes []*resources.Node, format string) error {
	g := graph.New[string]()
	cost, name := map[string]time.Duration{}, map[string]string{}
	for _, n := range nodes {
		key := n.Address.String()
		var needs []string
		for _, need := range n.Needs {
			needs = append(needs, need.String())
		}
		g.Add(key, needs...)
		cost[key], name[key] = n.Estimate(resources.VerbCreate, resources.InPlace), n.ID.Base()
	}
	path, total := g.Critical(func(k string) time.Duration { return cost[k] })
	style := graph.Style[string]{Marked: path, Label: func(k string) string { return fmt.Sprintf("%s\n%s\n%s", k, name[k], cost[k]) }}
	switch format {
	case "dot":
		fmt.Fprint(r.stdout, g.DOT(style))
	case "mermaid":
		fmt.Fprint(r.stdout, g.Mermaid(style))
	case "json":
		raw, err := g.JSON(style)
		if err != nil {
			return err
		}
		fmt.Fprintf(r.stdout, "%s\n", raw)
	default:
		return usage("--format", format, "is not a format", "give dot, mermaid or json")
	}
	fmt.Fprintf(r.stderr, "critical path, usually %s: %s\n", total, strings.Join(path, " → "))
	return nil
}
