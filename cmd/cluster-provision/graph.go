package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/graph"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// graphOptions are the options of graph.
type graphOptions struct {
	common
	Format string // dot, mermaid or json
}

func (p *program) graphCommand(run runF[graphOptions]) *cli.Command {
	return command(p, about{
		name: "graph", usage: "draw the resource graph with its critical path", needs: mandatory(), settings: true,
		example: append(exampleOf("graph"), "  --format=dot | dot -Tsvg > graph.svg"),
		own:     []cli.Flag{&cli.StringFlag{Name: "format", Value: "dot", Usage: "`FORMAT` of the drawing: dot, mermaid or json"}},
	}, func(c *cli.Context) (graphOptions, error) {
		o, err := p.common(c)
		format := c.String("format")
		if err == nil && format != "dot" && format != "mermaid" && format != "json" {
			err = usage("--format", format, "is not a format", "give dot, mermaid or json")
		}
		return graphOptions{common: o, Format: format}, err
	}, run)
}

func (p *program) graph(ctx context.Context, o graphOptions) (outcome, error) {
	return p.withConfig(ctx, o.common, func(cfg *config.Config, d *deps) (outcome, error) { return runGraph(ctx, o, cfg, d) })
}

// drawing is the result of graph.
type drawing struct {
	Format   string          `json:"format"`
	Text     string          `json:"drawing,omitempty"` // dot or mermaid
	Graph    json.RawMessage `json:"graph,omitempty"`   // json
	Critical []string        `json:"criticalPath"`
	Seconds  float64         `json:"expectedSeconds"` // of the critical path
}

func runGraph(ctx context.Context, o graphOptions, cfg *config.Config, d *deps) (outcome, error) {
	nodes, err := d.engine.Nodes(ctx, cfg)
	if err != nil {
		return outcome{}, err
	}
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
	v := drawing{Format: o.Format, Critical: path, Seconds: total.Seconds()}
	out := outcome{}
	switch o.Format {
	case "mermaid":
		v.Text = g.Mermaid(style)
	case "json":
		if v.Graph, err = g.JSON(style); err != nil {
			return outcome{}, err
		}
		out.text = string(v.Graph) + "\n"
	default:
		v.Text = g.DOT(style)
	}
	out.text += v.Text
	out.value = v
	if !d.out.json {
		fmt.Fprintf(d.out.stderr, "critical path, usually %s: %s\n", total, strings.Join(path, " → "))
	}
	return out, nil
}
