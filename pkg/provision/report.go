package provision

import (
	"fmt"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// StepReport is how one step ended.
type StepReport struct {
	plan.Step
	Status  exec.Status `json:"status"`
	Seconds float64     `json:"seconds"`
	After   string      `json:"waitedFor,omitempty"`
	Cause   string      `json:"cause,omitempty"`
	Error   string      `json:"error,omitempty"`
}

// Report is what an action has done.
type Report struct {
	Action        string         `json:"action"`
	Deployment    string         `json:"deployment"`
	State         string         `json:"state"` // where the state is
	Summary       string         `json:"summary,omitempty"`
	Nothing       bool           `json:"nothingToDo"`
	Steps         []StepReport   `json:"steps"`
	VMs           []resources.VM `json:"vms,omitempty"`
	Tunnel        string         `json:"tunnel,omitempty"` // command that reaches Jupyter on the first VM
	BucketRemoved bool           `json:"bucketRemoved,omitempty"`
}

func (e *Engine) report(action string) *Report {
	return &Report{Action: action, Deployment: e.Owner, State: e.Store.Location(), Steps: []StepReport{}}
}

func (r *Report) plan(p *plan.Plan) {
	r.Summary, r.Nothing = p.Summary(), p.Empty()
}

func (r *Report) results(p *plan.Plan, results []exec.Result) {
	for i, res := range results {
		line := StepReport{Step: p.Steps[i], Status: res.Status, After: res.After, Cause: res.Cause}
		if !res.Start.IsZero() {
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
	case r.Action == "destroy" && r.Nothing && len(r.Steps) == 0:
		b.WriteString("nothing to destroy\n")
		return b.String()
	case r.Action == "destroy":
		fmt.Fprintf(&b, "destroyed %s: %d resources\n", r.Deployment, len(r.Steps))
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
