package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Action is what a step does.
type Action string

// The actions.
const (
	Create Action = "create" // make it
	Update Action = "update" // change it in place, or wait until it is usable when there are no changes
	Delete Action = "delete" // remove it
	Adopt  Action = "adopt"  // it is there and ours: only the manifest changes
)

// Step is one thing to do.
type Step struct {
	ID       string             `json:"id"`      // "create network/net"
	Address  resources.Address  `json:"address"` // "network/net"
	Target   resources.ID       `json:"target"`  // the cloud's name of what it is done to
	Action   Action             `json:"action"`
	Why      string             `json:"why"`
	Changes  []resources.Change `json:"changes,omitempty"`
	Impact   resources.Impact   `json:"impact"`
	Needs    []string           `json:"needs,omitempty"` // ids of the steps that come first, sorted
	Expected time.Duration      `json:"expectedNanoseconds,omitempty"`
	// Exclusive is the group in which the step must be alone at any time; empty for none.
	Exclusive string `json:"exclusive,omitempty"`
	// Former says that the target is what the address stood for before: in another zone, say.
	Former bool `json:"former,omitempty"`
}

// Plan is what is to be done to make what is wanted true.
type Plan struct {
	Steps   []Step `json:"steps"`   // in an order in which they could be done one by one
	Kept    int    `json:"kept"`    // resources that are as wanted
	Serial  int64  `json:"serial"`  // of the manifest that the plan was made from
	Lineage string `json:"lineage"` // of the same manifest
	// Open are addresses on which an interrupted run may have left something under way that was not waited for to its end.
	Open []resources.Address `json:"open,omitempty"`
}

// Covers says whether who has agreed to this plan has agreed to all that another one does to the cloud.
func (p *Plan) Covers(other *Plan) bool {
	for _, s := range other.Steps {
		if s.Action == Adopt || s.Action == Update && len(s.Changes) == 0 { // only the manifest changes, or nothing but time passes
			continue
		}
		if !slices.ContainsFunc(p.Steps, func(have Step) bool {
			return have.ID == s.ID && have.Target == s.Target && fmt.Sprint(have.Changes) == fmt.Sprint(s.Changes)
		}) {
			return false
		}
	}
	return true
}

// Empty says that nothing is to be done.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// Count counts the steps of an action.
func (p *Plan) Count(a Action) int {
	n := 0
	for _, s := range p.Steps {
		if s.Action == a {
			n++
		}
	}
	return n
}

// Input is all that a plan depends on.
type Input struct {
	Nodes []*resources.Node                       // wanted; none to destroy everything
	Have  state.Manifest                          // recorded
	Live  map[resources.ID]*resources.Observation // what Read found, for every wanted and every recorded id
	Owner string                                  // deployment id
	Kinds Kinds                                   // what is known of recorded resources; may be nil
}

// Kinds tells of recorded resources, which may be of kinds that this build does not know.
type Kinds interface {
	// Takes is how long deleting a resource usually takes; 0 when nobody knows.
	Takes(kind resources.Kind, inputs json.RawMessage) time.Duration
	// Exclusive is the group in which its deletion must be alone; empty for none.
	Exclusive(kind resources.Kind, id resources.ID, inputs json.RawMessage) string
}

// Compute makes the plan. What cannot be done at all, such as a name that somebody else's resource has, is an error; all
// such errors are reported together.
func Compute(in Input) (*Plan, error) {
	c := &computation{in: in, steps: map[string]*Step{}, wanted: map[resources.Address]*decision{}, moved: map[resources.Address][]string{}}
	c.decideAll()
	c.spreadReplacement()
	c.addSteps()
	c.addObsolete()
	c.orderDeletes()
	c.orderMoves()
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	steps, err := c.sorted()
	if err != nil {
		return nil, err
	}
	return &Plan{Steps: steps, Kept: c.kept, Serial: in.Have.Serial, Lineage: in.Have.Lineage}, nil
}

func stepID(a Action, addr string) string { return string(a) + " " + addr }

// formerID names the deletion of what an address stood for before.
func formerID(addr string, id resources.ID) string {
	return stepID(Delete, addr) + " (" + strings.TrimPrefix(id.Path(), "projects/"+id.Project()+"/") + ")"
}

func (s *Step) need(id string) {
	if id == s.ID || slices.Contains(s.Needs, id) {
		return
	}
	s.Needs = append(s.Needs, id)
	slices.Sort(s.Needs)
}

// changedPaths names the top of each changed path once, in order: "targetSize, metadata".
func changedPaths(changes []resources.Change) string {
	var paths []string
	for _, c := range changes {
		if !slices.Contains(paths, c.Path) {
			paths = append(paths, c.Path)
		}
	}
	return strings.Join(paths, ", ")
}
