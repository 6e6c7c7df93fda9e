package plan_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

var update = flag.Bool("update", false, "write the golden files anew; the test fails all the same")

// thing is a kind with a field that changes in place, one that restarts VMs, and one that replaces.
type thing struct {
	Size  int                   `json:"size,omitempty"`
	Model string                `json:"model,omitempty"`
	Place string                `json:"place,omitempty"`
	After string                `json:"-"` // comes after, without a reference
	On    resources.Ref[string] `json:"on"`
}

type driver struct {
	world map[resources.ID]resources.Live[thing, struct{}]
}

func (driver) Kind() resources.Kind            { return "thing" }
func (driver) Refs(s *thing) []resources.Dep   { return []resources.Dep{&s.On} }
func (driver) Check(thing) []resources.Problem { return nil }
func (driver) ID(s resources.Scope, name string, _ thing) resources.ID {
	return resources.NewID("t", "things/"+s.Zone+"/"+name)
}

func (driver) Compare(want, have thing) []resources.Change {
	return resources.Join(
		resources.Field("size", want.Size, have.Size, resources.InPlace),
		resources.Field("model", want.Model, have.Model, resources.Restart),
		resources.Field("place", want.Place, have.Place, resources.Replace),
	)
}

func (d driver) Read(_ context.Context, id resources.ID) (resources.Live[thing, struct{}], error) {
	live, ok := d.world[id]
	if !ok {
		return live, resources.ErrNotFound
	}
	return live, nil
}

func (driver) Create(context.Context, resources.ID, thing, resources.Stamp) error { return nil }
func (driver) Update(context.Context, resources.Live[thing, struct{}], thing, []resources.Change, resources.Stamp) error {
	return nil
}
func (driver) Delete(context.Context, resources.ID, resources.Stamp) error    { return nil }
func (driver) Settle(context.Context, resources.ID) (bool, error)             { return false, nil }
func (driver) Estimate(resources.Verb, thing, resources.Impact) time.Duration { return time.Minute }

const owner = "demo-00000000"

// world describes a situation: what is wanted, recorded and live, by node name.
type world struct {
	want map[string]thing
	have []state.Record
	live map[string]resources.Live[thing, struct{}]
}

func record(name string, status state.Status, inputs thing, needs ...string) state.Record {
	raw, _ := json.Marshal(inputs)
	r := state.Record{Address: "thing/" + name, ID: "//t/things/z/" + name, Status: status, Inputs: raw}
	for _, n := range needs {
		r.Needs = append(r.Needs, "thing/"+n)
	}
	return r
}

// elsewhere is a record of a thing in another place, with what it stood for before.
func elsewhere(name, place string, former ...string) state.Record {
	r := record(name, state.Ready, thing{Size: 1})
	r.ID = "//t/things/" + place + "/" + name
	if name == "b" {
		r.Needs = []string{"thing/a"}
	}
	for _, f := range former {
		r.Former = append(r.Former, state.Former{ID: "//t/things/" + f + "/" + name})
	}
	return r
}

func ours(s thing) resources.Live[thing, struct{}] {
	return resources.Live[thing, struct{}]{Spec: s, Owner: owner}
}

func on(name string) resources.Ref[string] {
	return resources.Link(resources.Address{Kind: "thing", Name: name}, "url", "things/z/"+name)
}

func (w world) compute(t *testing.T) (*plan.Plan, error) {
	t.Helper()
	d := driver{world: map[resources.ID]resources.Live[thing, struct{}]{}}
	for name, live := range w.live {
		live.ID = resources.NewID("t", "things/z/"+name)
		d.world[live.ID] = live
	}
	h := resources.Erase[thing, struct{}](d)
	set := resources.NewSet(resources.Scope{Zone: "z"})
	for name, s := range w.want {
		set.Put("thing", name, s)
		if s.After != "" {
			set.After(resources.Address{Kind: "thing", Name: name}, resources.Address{Kind: "thing", Name: s.After})
		}
	}
	nodes, err := resources.NewRegistry(h).Nodes(set)
	if err != nil {
		t.Fatal(err)
	}
	in := plan.Input{Nodes: nodes, Have: state.Manifest{Resources: w.have, Serial: 4, Lineage: "l"}, Owner: owner, Live: map[resources.ID]*resources.Observation{}}
	for id := range d.world {
		if in.Live[id], err = h.Read(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	return plan.Compute(in)
}

// The table of the package comment, one row a case.
func TestTheTable(t *testing.T) {
	type lives = map[string]resources.Live[thing, struct{}]
	one := map[string]thing{"a": {Size: 1}}
	for name, tc := range map[string]struct {
		world
		want []string // "id: why"
	}{
		"nothing there":             {world{one, nil, nil}, []string{"create thing/a: does not exist"}},
		"an earlier run meant to":   {world{one, []state.Record{record("a", state.Intended, thing{})}, nil}, []string{"create thing/a: an earlier run meant to create it"}},
		"an earlier run could not":  {world{one, []state.Record{record("a", state.Failed, thing{})}, nil}, []string{"create thing/a: an earlier run could not create it"}},
		"deleted outside":           {world{one, []state.Record{record("a", state.Ready, thing{Size: 1})}, nil}, []string{"create thing/a: was deleted outside of this tool"}},
		"there, ours, not recorded": {world{one, nil, lives{"a": ours(thing{Size: 1})}}, []string{"adopt thing/a: is there already and belongs to this deployment"}},
		"as wanted":                 {world{one, []state.Record{record("a", state.Ready, thing{Size: 1})}, lives{"a": ours(thing{Size: 1})}}, nil},
		"as wanted, but not up":     {world{one, []state.Record{record("a", state.Ready, thing{Size: 1})}, lives{"a": {Spec: thing{Size: 1}, Owner: owner, Pending: true}}}, []string{"update thing/a: is as wanted, but not all of it is up yet"}},
		"the user changed it":       {world{one, []state.Record{record("a", state.Ready, thing{Size: 2})}, lives{"a": ours(thing{Size: 2})}}, []string{"update thing/a: the settings changed: size"}},
		"somebody changed it":       {world{one, []state.Record{record("a", state.Ready, thing{Size: 1})}, lives{"a": ours(thing{Size: 3})}}, []string{"update thing/a: was changed outside of this tool: size"}},
		"no longer wanted":          {world{map[string]thing{"b": {}}, []state.Record{record("a", state.Ready, thing{}), record("b", state.Ready, thing{})}, lives{"a": ours(thing{}), "b": ours(thing{})}}, []string{"delete thing/a: the settings no longer ask for it"}},
		"everything goes":           {world{nil, []state.Record{record("a", state.Ready, thing{}), record("b", state.Ready, thing{}, "a")}, nil}, []string{"delete thing/b: belongs to this deployment", "delete thing/a: belongs to this deployment"}},
		"a replacement spreads to what needs it": {
			world{map[string]thing{"a": {Place: "new"}, "b": {On: on("a")}},
				[]state.Record{record("a", state.Ready, thing{Place: "old"}), record("b", state.Ready, thing{}, "a")},
				lives{"a": ours(thing{Place: "old"}), "b": ours(thing{})}},
			[]string{"delete thing/b: refers to thing/a, which is replaced: it cannot be changed in place", "delete thing/a: the settings changed: place: it cannot be changed in place",
				"create thing/a: the settings changed: place", "create thing/b: refers to thing/a, which is replaced"},
		},
		"what only comes after a replaced one stays": {
			world{map[string]thing{"a": {Place: "new"}, "b": {After: "a"}},
				[]state.Record{record("a", state.Ready, thing{Place: "old"}), record("b", state.Ready, thing{}, "a")},
				lives{"a": ours(thing{Place: "old"}), "b": ours(thing{})}},
			[]string{"delete thing/a: the settings changed: place: it cannot be changed in place", "create thing/a: the settings changed: place"},
		},
		"an update that was killed is gone on with": {
			world{one, []state.Record{record("a", state.Updating, thing{Size: 2})}, lives{"a": ours(thing{Size: 2})}}, []string{"update thing/a: an earlier run was changing it: size"},
		},
		"an update that was killed after it was done is recorded": {
			world{one, []state.Record{record("a", state.Updating, thing{Size: 2})}, lives{"a": ours(thing{Size: 1})}}, []string{"adopt thing/a: is there already and belongs to this deployment"},
		},
		"another place: the old one goes first, and nothing of it is forgotten": {
			world{one, []state.Record{elsewhere("a", "y", "x")}, nil},
			[]string{"delete thing/a (things/x/a): an earlier run has put another in its place", "delete thing/a (things/y/a): is now to be things/z/a", "create thing/a: does not exist"},
		},
		"what an address stood for goes although the new one is there": {
			world{one, []state.Record{elsewhere("a", "z", "y")}, lives{"a": ours(thing{Size: 1})}}, []string{"delete thing/a (things/y/a): an earlier run has put another in its place"},
		},
		"a former one that is meant again is not deleted": {
			world{one, []state.Record{elsewhere("a", "y", "z")}, lives{"a": ours(thing{Size: 1})}},
			[]string{"delete thing/a (things/y/a): is now to be things/z/a", "adopt thing/a: is there already and belongs to this deployment"},
		},
		"the users of an old one go before it": {
			world{map[string]thing{"a": {}, "b": {On: on("a")}}, []state.Record{elsewhere("a", "y"), elsewhere("b", "y")}, nil},
			[]string{"delete thing/b (things/y/b): is now to be things/z/b", "delete thing/a (things/y/a): is now to be things/z/a", "create thing/a: does not exist", "create thing/b: does not exist"},
		},
		"a thing without a place for a mark is ours when it is recorded": {
			world{one, []state.Record{record("a", state.Ready, thing{Size: 2})}, lives{"a": {Spec: thing{Size: 2}, Unmarked: true}}}, []string{"update thing/a: the settings changed: size"},
		},
		"a thing without a place for a mark that is as wanted will do": {world{one, nil, lives{"a": {Spec: thing{Size: 1}, Unmarked: true}}}, nil},
		"what is used is deleted after the switch": {
			world{map[string]thing{"new": {}, "user": {Model: "2", On: on("new")}},
				[]state.Record{record("old", state.Ready, thing{}), record("user", state.Ready, thing{Model: "1"}, "old")},
				lives{"old": ours(thing{}), "user": ours(thing{Model: "1"})}},
			[]string{"create thing/new: does not exist", "update thing/user: the settings changed: model", "delete thing/old: the settings no longer ask for it"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			slices.SortFunc(tc.have, func(a, b state.Record) int { return strings.Compare(a.Address, b.Address) })
			p, err := tc.compute(t)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range p.Steps {
				got = append(got, s.ID+": "+s.Why)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsNotOursIsRefused(t *testing.T) {
	_, err := world{want: map[string]thing{"a": {}}, live: map[string]resources.Live[thing, struct{}]{"a": {Owner: "somebody"}}}.compute(t)
	var foreign *resources.ForeignError
	if !errors.As(err, &foreign) || foreign.Owner != "somebody" {
		t.Errorf("%v", err)
	}
}

func TestTextAndJSON(t *testing.T) {
	w := world{
		want: map[string]thing{"new": {}, "user": {Size: 2, Model: "2", On: on("new")}, "same": {}},
		have: []state.Record{record("old", state.Ready, thing{}), record("same", state.Ready, thing{}), record("user", state.Ready, thing{Model: "1"}, "old")},
		live: map[string]resources.Live[thing, struct{}]{"old": ours(thing{}), "same": ours(thing{}), "user": ours(thing{Model: "1"})},
	}
	p, err := w.compute(t)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/plan.txt", p.Text())
	golden(t, "testdata/plan.json", string(raw)+"\n")
	again, err := w.compute(t)
	if err != nil || again.Text() != p.Text() {
		t.Errorf("another time: %v %s", err, cmp.Diff(p.Text(), again.Text()))
	}
}

func golden(t *testing.T, path, have string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s is written: run without -update", path)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), have); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}
