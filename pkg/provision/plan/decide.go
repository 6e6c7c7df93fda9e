package plan

import (
	"encoding/json"
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
	things []thing                        // all that is recorded, former ones too
	moved  map[resources.Address][]string // deletions of what wanted addresses stood for
	kept   int
	errs   []error
}

// thing is one recorded resource.
type thing struct {
	address resources.Address
	id      resources.ID
	needs   []string
	del     string // id of the step that deletes it; empty when it stays
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
	case live.Unmarked && !d.recorded():
		return d.found(live)
	case !live.Ours(owner, d.recorded()):
		return &resources.ForeignError{ID: live.ID, Owner: live.Owner}
	}
	changes, err := d.node.Compare(live)
	if err != nil {
		return err
	}
	ready := d.recorded() && d.record.Status == state.Ready
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

// recorded says whether the manifest has the very thing, under the name that it has or that was computed for it.
func (d *decision) recorded() bool {
	return d.record != nil && d.record.ID == string(d.node.ID)
}

// found decides about a thing that has no place for a mark and that we have not made: as wanted it will do, and it stays
// whoever's it is; otherwise it is not ours to change.
func (d *decision) found(live *resources.Observation) error {
	changes, err := d.node.Compare(live)
	if err == nil && len(changes) > 0 {
		err = &resources.ForeignError{ID: live.ID, Owner: live.Owner}
	}
	return err
}

// spreadReplacement replaces whatever exists and refers to something that is replaced. What only comes after it stays.
func (c *computation) spreadReplacement() {
	for changed := true; changed; {
		changed = false
		for _, n := range c.in.Nodes {
			d := c.wanted[n.Address]
			if d.verdict == create || d.verdict == replace {
				continue
			}
			for _, need := range n.Refs {
				if up, ok := c.wanted[need]; ok && up.verdict == replace {
					d.verdict, d.changes = replace, nil
					d.why = fmt.Sprintf("refers to %s, which is replaced", need)
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
			d.renamed()
			c.add(d, Create, resources.VerbCreate)
		case adopt:
			c.add(d, Adopt, resources.VerbUpdate).Expected = 0
		case update:
			c.add(d, Update, resources.VerbUpdate)
		case replace:
			if d.renamed() { // the deletion comes with those of all that the address has stood for
				c.add(d, Create, resources.VerbCreate).Changes = nil
				continue
			}
			del := c.addDelete(stepID(Delete, n.Address.String()), n.Address, n.ID, c.inputs(d.record), d.why+": it cannot be changed in place")
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

// renamed gives a node that is to be made the name that is computed for it, and says whether it had another: what the manifest
// named is replaced or gone, and a name that the server has picked cannot be had again.
func (d *decision) renamed() bool {
	had := d.node.ID
	return had != d.node.Computed() && d.node.Named(d.node.Computed(), d.node.Computed())
}

func (c *computation) add(d *decision, a Action, v resources.Verb) *Step {
	on := resources.Worst(d.changes)
	s := &Step{
		ID: stepID(a, d.node.Address.String()), Address: d.node.Address, Target: d.node.ID,
		Action: a, Why: d.why, Changes: d.changes, Impact: on, Expected: d.node.Estimate(v, on), Exclusive: d.node.Exclusive(),
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

// addObsolete deletes what is recorded and no longer wanted, and all that an address stood for before.
func (c *computation) addObsolete() {
	for _, r := range c.in.Have.Resources {
		addr, err := resources.ParseAddress(r.Address)
		if err != nil {
			c.errs = append(c.errs, err)
			continue
		}
		d, wanted := c.wanted[addr]
		current := thing{address: addr, id: resources.ID(r.ID), needs: r.Needs}
		switch {
		case !wanted && len(c.in.Nodes) == 0:
			current.del = c.addDelete(stepID(Delete, r.Address), addr, current.id, r.Inputs, "belongs to this deployment").ID
		case !wanted:
			current.del = c.addDelete(stepID(Delete, r.Address), addr, current.id, r.Inputs, "the settings no longer ask for it").ID
		case r.ID != string(d.node.ID):
			current.del = c.addFormer(addr, current.id, r.Inputs, d.whyFormer())
			if d.verdict == replace {
				c.steps[current.del].Changes, c.steps[current.del].Impact = d.changes, resources.Replace
			}
		default:
			if del, replaced := c.steps[stepID(Delete, r.Address)]; replaced {
				current.del = del.ID
			}
		}
		c.things = append(c.things, current)
		for _, f := range r.Former {
			if wanted && f.ID == string(d.node.ID) {
				continue // it is meant again
			}
			c.things = append(c.things, thing{address: addr, id: resources.ID(f.ID), needs: f.Needs,
				del: c.addFormer(addr, resources.ID(f.ID), f.Inputs, "an earlier run has put another in its place")})
		}
	}
}

func (c *computation) inputs(r *state.Record) json.RawMessage {
	if r == nil {
		return nil
	}
	return r.Inputs
}

func (c *computation) addFormer(addr resources.Address, id resources.ID, inputs json.RawMessage, why string) string {
	s := c.addDelete(formerID(addr.String(), id), addr, id, inputs, why)
	s.Former = true
	c.moved[addr] = append(c.moved[addr], s.ID)
	return s.ID
}

func (c *computation) addDelete(step string, addr resources.Address, id resources.ID, inputs json.RawMessage, why string) *Step {
	s := &Step{ID: step, Address: addr, Target: id, Action: Delete, Why: why}
	if c.in.Kinds != nil {
		s.Expected, s.Exclusive = c.in.Kinds.Takes(addr.Kind, inputs), c.in.Kinds.Exclusive(addr.Kind, id, inputs)
	}
	c.steps[s.ID] = s
	return s
}

// orderDeletes puts each deletion after whatever used the thing has been deleted or switched away from it. What is recorded
// names what it needs by address, so a deletion waits for the users of everything that its address has stood for.
func (c *computation) orderDeletes() {
	for _, user := range c.things {
		for _, need := range user.needs {
			c.deletesAfter(need, user.address, user.del)
		}
	}
	for _, n := range c.in.Nodes { // a replaced resource may have users that are not recorded yet
		for _, need := range n.Needs {
			del := ""
			if s, ok := c.steps[stepID(Delete, n.Address.String())]; ok {
				del = s.ID
			}
			c.deletesAfter(need.String(), n.Address, del)
		}
	}
}

func (c *computation) deletesAfter(need string, user resources.Address, userDel string) {
	for _, s := range c.steps {
		if s.Action != Delete || s.Address.String() != need {
			continue
		}
		if userDel != "" {
			s.need(userDel)
			continue
		}
		if switched, ok := c.steps[stepID(Update, user.String())]; ok && !slices.Contains(switched.Needs, stepID(Create, need)) {
			s.need(switched.ID)
		}
	}
}

// orderMoves makes a new resource only after the one that its address stood for is gone: two groups of GPU VMs are never there
// together. Where something is switched from the old one to the new one, the new one comes first.
func (c *computation) orderMoves() {
	for addr, dels := range c.moved {
		for _, a := range []Action{Create, Update, Adopt} {
			s, ok := c.steps[stepID(a, addr.String())]
			if !ok {
				continue
			}
			for _, del := range dels {
				if !c.reaches(del, s.ID, map[string]bool{}) {
					s.need(del)
				}
			}
		}
	}
}

// reaches says whether a step comes after another one.
func (c *computation) reaches(from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, need := range c.steps[from].Needs {
		if c.reaches(need, to, seen) {
			return true
		}
	}
	return false
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
