package provision

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// StepReport is how one step ended.
type StepReport struct {
	plan.Step
	Status  exec.Status `json:"status"`
	Start   time.Time   `json:"start,omitzero"` // zero when it never started
	End     time.Time   `json:"end,omitzero"`
	Seconds float64     `json:"seconds"`
	After   string      `json:"waitedFor,omitempty"`
	Cause   string      `json:"cause,omitempty"`
	Error   string      `json:"error,omitempty"`
}

// Phase is a part of an action, one after another.
type Phase struct {
	Name    string    `json:"name"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Seconds float64   `json:"seconds"`
}

// Report is what an action has done.
type Report struct {
	Action        string         `json:"action"`
	Deployment    string         `json:"deployment"`
	State         string         `json:"state"` // where the state is
	Summary       string         `json:"summary,omitempty"`
	Nothing       bool           `json:"nothingToDo"`
	Phases        []Phase        `json:"phases"`
	Steps         []StepReport   `json:"steps"`
	VMs           []resources.VM `json:"vms,omitempty"`
	Tunnel        string         `json:"tunnel,omitempty"` // command that reaches Jupyter on the first VM
	Swept         []string       `json:"swept,omitempty"`  // removed by mark, without being in the manifest
	Kept          []string       `json:"kept,omitempty"`   // objects in the folder that are not ours and stay
	BucketRemoved bool           `json:"bucketRemoved,omitempty"`
}

func (e *Engine) report(action string) *Report {
	return &Report{Action: action, Deployment: e.Owner, State: e.Store.Location(), Steps: []StepReport{}, Phases: []Phase{}}
}

// phase begins a phase; what it gives ends it.
func (r *Report) phase(name string) func() {
	start := now()
	return func() {
		end := now()
		r.Phases = append(r.Phases, Phase{Name: name, Start: start, End: end, Seconds: end.Sub(start).Seconds()})
	}
}

// made says whether anything was made that can cost money.
func (r *Report) made() bool {
	return slices.ContainsFunc(r.Steps, func(s StepReport) bool {
		return s.Status == exec.Done && s.Action != plan.Delete || s.Status == exec.Cancelled && !s.Start.IsZero()
	})
}

// removed counts what a destroy has removed.
func (r *Report) removed() int {
	n := len(r.Swept)
	for _, s := range r.Steps {
		if s.Status == exec.Done && s.Action == plan.Delete {
			n++
		}
	}
	return n
}

func (r *Report) plan(p *plan.Plan) {
	r.Summary, r.Nothing = p.Summary(), p.Empty()
}

func (r *Report) results(p *plan.Plan, results []exec.Result) {
	for i, res := range results {
		line := StepReport{Step: p.Steps[i], Status: res.Status, After: res.After, Cause: res.Cause}
		if !res.Start.IsZero() {
			line.Start, line.End = res.Start.UTC(), res.End.UTC()
			line.Seconds = res.End.Sub(res.Start).Seconds()
		}
		if res.Err != nil {
			line.Error = res.Err.Error()
		}
		r.Steps = append(r.Steps, line)
	}
}

// Text is what a person reads on stdout at the end of an action that went well.
func (r *Report) Text() string {
	var b strings.Builder
	switch {
	case r.Action == "destroy" && r.Nothing:
		fmt.Fprintln(&b, r.Summary)
		return b.String()
	case r.Action == "destroy":
		fmt.Fprintf(&b, "destroyed %s: %d resources\n", r.Deployment, r.removed())
		if r.BucketRemoved {
			b.WriteString("the state bucket was empty and is removed too\n")
		}
		return b.String()
	case r.Nothing:
		fmt.Fprintln(&b, r.Summary)
	}
	fmt.Fprintf(&b, "state: %s\n", r.State)
	if r.Tunnel != "" {
		fmt.Fprintf(&b, "tunnel: %s\n", r.Tunnel)
	}
	for _, v := range r.VMs {
		if v.ProxyURL != "" {
			fmt.Fprintf(&b, "%s: %s\n", v.Name, v.ProxyURL)
		}
	}
	return b.String()
}
