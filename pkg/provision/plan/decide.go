package plan

import (
	"fmt"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/provision/graph"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// verdict is what the table says about one wanted resource.
type verdict int

const (
	keep verdict = iota
	create
	adopt
	update
	replace
)

type decision struct {
	node    *resources.Node
	record  *state.Record
	verdict verdict
	why     string
	changes []resources.Change
}

type computation struct {
	in     Input
	wanted map[resources.Address]*decision
	steps  map[string]*Step
	kept   int
	errs   []error
}

func (c *computation) decideAll() {
	for _, n := range c.in.Nodes {
		d := &decision{node: n, record: c.record(n.Address.String())}
		c.wanted[n.Address] = d
		if err := d.decide(c.in.Live[n.ID], c.in.Owner); err != nil {
			c.errs = append(c.errs, fmt.Errorf("%s: %w", n.Address, err))
		}
	}
}

func (c *computation) record(address string) *state.Record {
	i := slices.IndexFunc(c.in.Have.Resources, func(r state.Record) bool { return r.Address == address })
	if i < 0 {
		return nil
	}
	return &c.in.Have.Resources[i]
}

// decide is the table of the package comment.
func (d *decision) decide(live *resources.Observation, owner string) error {
	switch {
	case live == nil:
		d.verdict, d.why = create, d.whyAbsent()
		return nil
	case live.Owner != owner:
		return &resources.ForeignError{ID: live.ID, Owner: live.Owner}
	}
	changes, err := d.node.Compare(live)
	if err != nil {
		return err
	}
	ready := d.record != nil && d.record.Status == state.Ready && d.record.ID == string(d.node.ID)
	switch {
	case len(changes) > 0 && resources.Worst(changes) == resources.Replace:
		d.verdict, d.changes = replace, changes
		d.why, err = d.whyDiffers(changes)
	case len(changes) > 0:
		d.verdict, d.changes = update, changes
		d.why, err = d.whyDiffers(changes)
	case live.Pending:
		d.verdict, d.why = update, "is as wanted, but not all of it is up yet"
	case !ready:
		d.verdict, d.why = adopt, "is there already and belongs to this deployment"
	}
	return err
}

func (d *decision) whyAbsent() string {
	if d.record == nil || d.record.ID != string(d.node.ID) {
		return "does not exist"
	}
	switch d.record.Status {
	case state.Ready:
		return "was deleted outside of this tool"
	case state.Failed:
		return "an earlier run could not create it"
	case state.Doomed:
		return "an earlier run was deleting it"
	case state.Intended:
		return "an earlier run meant to create it"
	}
	return "does not exist"
}

// whyDiffers tells a change of the settings from a change made behind our back.
func (d *decision) whyDiffers(changes []resources.Change) (string, error) {
	paths := changedPaths(changes)
	if d.record == nil || len(d.record.Inputs) == 0 {
		return "differs in " + paths, nil
	}
	byUser, err := d.node.Changed(d.record.Inputs)
	if err != nil {
		return "", err
	}
	if len(byUser) == 0 {
		return "was changed outside of this tool: " + paths, nil
	}
	return "the settings changed: " + changedPaths(byUser), nil
}

// spreadReplacement replaces whatever exists and needs something that is replaced.
func (c *computation) spreadReplacement() {
	for changed := true; changed; {
		changed = false
		for _, n := range c.in.Nodes {
			d := c.wanted[n.Address]
			if d.verdict == create || d.verdict == replace {
				continue
			}
			for _, need := range n.Needs {
				if up, ok := c.wanted[need]; ok && up.verdict == replace {
					d.verdict, d.changes = replace, nil
					d.why = fmt.Sprintf("needs %s, which is replaced", need)
					changed = true
				}
			}
		}
	}
}

// addSteps turns decisions into steps, each after the steps of what it needs.
func (c *computation) addSteps() {
	for _, n := range c.in.Nodes {
		d := c.wanted[n.Address]
		switch d.verdict {
		case keep:
			c.kept++
		case create:
			c.add(d, Create, resources.VerbCreate)
		case adopt:
			c.add(d, Adopt, resources.VerbUpdate).Expected = 0
		case update:
			c.add(d, Update, resources.VerbUpdate)
		case replace:
			del := c.addDelete(n.Address.String(), n.ID, d.why+": it cannot be changed in place")
			del.Changes, del.Impact = d.changes, resources.Replace
			made := c.add(d, Create, resources.VerbCreate)
			made.Changes = nil
			made.need(del.ID)
		}
	}
	for _, n := range c.in.Nodes {
		c.needSteps(n)
	}
}

func (c *computation) add(d *decision, a Action, v resources.Verb) *Step {
	on := resources.Worst(d.changes)
	s := &Step{
		ID: stepID(a, d.node.Address.String()), Address: d.node.Address, Target: d.node.ID,
		Action: a, Why: d.why, Changes: d.changes, Impact: on, Expected: d.node.Estimate(v, on),
	}
	c.steps[s.ID] = s
	return s
}

// needSteps puts the steps that make a node after the steps that make what it needs.
func (c *computation) needSteps(n *resources.Node) {
	for _, a := range []Action{Create, Update, Adopt} {
		s, ok := c.steps[stepID(a, n.Address.String())]
		if !ok {
			continue
		}
		for _, need := range n.Needs {
			for _, b := range []Action{Create, Update, Adopt} {
				if up, ok := c.steps[stepID(b, need.String())]; ok {
					s.need(up.ID)
				}
			}
		}
	}
}

// addObsolete deletes what is recorded and no longer wanted, and what is recorded under another name of the cloud's (the
// zone was changed).
func (c *computation) addObsolete() {
	for _, r := range c.in.Have.Resources {
		addr, err := resources.ParseAddress(r.Address)
		if err != nil {
			c.errs = append(c.errs, err)
			continue
		}
		d, wanted := c.wanted[addr]
		switch {
		case !wanted && len(c.in.Nodes) == 0:
			c.addDelete(r.Address, resources.ID(r.ID), "belongs to this deployment")
		case !wanted:
			c.addDelete(r.Address, resources.ID(r.ID), "the settings no longer ask for it")
		case r.ID != string(d.node.ID):
			del := c.addDelete(r.Address, resources.ID(r.ID), "is now to be "+string(d.node.ID))
			for _, a := range []Action{Create, Update, Adopt} {
				if s, ok := c.steps[stepID(a, r.Address)]; ok {
					s.need(del.ID)
				}
			}
		}
	}
}

func (c *computation) addDelete(address string, id resources.ID, why string) *Step {
	addr, err := resources.ParseAddress(address)
	if err != nil {
		c.errs = append(c.errs, err)
	}
	s := &Step{ID: stepID(Delete, address), Address: addr, Target: id, Action: Delete, Why: why}
	if r := c.record(address); r != nil && c.in.Cost != nil {
		s.Expected = c.in.Cost(*r)
	}
	c.steps[s.ID] = s
	return s
}

// orderDeletes puts each deletion after whatever used the thing has been deleted or switched away from it.
func (c *computation) orderDeletes() {
	for _, r := range c.in.Have.Resources {
		for _, need := range r.Needs {
			c.deleteAfter(need, r.Address)
		}
	}
	for _, n := range c.in.Nodes { // a replaced resource may have users that are not recorded yet
		for _, need := range n.Needs {
			c.deleteAfter(need.String(), n.Address.String())
		}
	}
}

func (c *computation) deleteAfter(thing, user string) {
	del, ok := c.steps[stepID(Delete, thing)]
	if !ok {
		return
	}
	if userDel, ok := c.steps[stepID(Delete, user)]; ok {
		del.need(userDel.ID)
		return
	}
	if switched, ok := c.steps[stepID(Update, user)]; ok && !slices.Contains(switched.Needs, stepID(Create, thing)) {
		del.need(switched.ID)
	}
}

// sorted gives the steps in an order in which they could be done one by one.
func (c *computation) sorted() ([]Step, error) {
	g := graph.New[string]()
	for id, s := range c.steps {
		g.Add(id, s.Needs...)
	}
	order, err := g.Order()
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(order))
	for i, id := range order {
		steps[i] = *c.steps[id]
	}
	return steps, nil
}
