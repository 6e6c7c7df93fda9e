package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/graph"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// sign is the first character of a step's line.
func (a Action) sign() string {
	switch a {
	case Create:
		return "+"
	case Update:
		return "~"
	case Delete:
		return "-"
	case Adopt:
		return "="
	}
	return "?"
}

// Text renders the plan for people: a line a step with its reason, the fields that differ, then a summary with the
// expected time. It is the same for the same plan.
func (p *Plan) Text() string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "  %s %-7s %-34s %s: %s%s\n", s.Action.sign(), s.Action, s.Address, s.Target.Base(), s.Why, s.cost())
		for _, c := range s.Changes {
			fmt.Fprintf(&b, "              %s\n", c)
		}
	}
	for _, a := range p.Open {
		fmt.Fprintf(&b, "  ? %-7s %-34s an interrupted run has left something under way here: create waits for its end and plans again\n", "open", a)
	}
	b.WriteString(p.Summary())
	b.WriteString("\n")
	return b.String()
}

func (s Step) cost() string {
	if s.Action == Update && s.Impact == resources.Restart {
		return " (VMs are recreated, names stay)"
	}
	return ""
}

// Summary is one line: how many steps of each action, and how long the longest chain of them usually takes.
func (p *Plan) Summary() string {
	if p.Empty() {
		return fmt.Sprintf("nothing to do: all %d resources are as wanted", p.Kept)
	}
	var parts []string
	for _, part := range []struct {
		action Action
		words  string
	}{{Create, "to create"}, {Update, "to update"}, {Delete, "to delete"}, {Adopt, "to adopt"}} {
		if n := p.Count(part.action); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, part.words))
		}
	}
	line := "plan: " + strings.Join(parts, ", ")
	if p.Kept > 0 {
		line += fmt.Sprintf(", %d unchanged", p.Kept)
	}
	if path, total := p.Critical(); total > 0 {
		line += fmt.Sprintf("; usually about %s (%s)", total.Round(time.Second), strings.Join(path, " → "))
	}
	return line
}

// Critical is the chain of steps that usually takes longest, and how long.
func (p *Plan) Critical() ([]string, time.Duration) {
	g := graph.New[string]()
	weight := make(map[string]time.Duration, len(p.Steps))
	for _, s := range p.Steps {
		g.Add(s.ID, s.Needs...)
		weight[s.ID] = s.Expected
	}
	path, total := g.Critical(func(id string) time.Duration { return weight[id] })
	return path, total
}

// JSON renders the plan for programs, indented.
func (p *Plan) JSON() ([]byte, error) { return json.MarshalIndent(p, "", "  ") }
