package provision_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// farCloud is a cloud with the far kind beside the real ones.
type farCloud struct {
	*cloud
	w *farWorld
}

// process is a fresh process in a zone, mortal or not.
func (c farCloud) process(ctx context.Context, zone string, m *mortal) *provision.Engine {
	c.tb.Helper()
	pass := func(_ bool, _ string, do func()) error { do(); return nil }
	rt := c.em.Transport()
	if m != nil {
		m.next, pass, rt = rt, m.pass, m
	}
	e := c.engineOf(ctx, rt, 1, zone, "demo")
	handlers := []resources.Handler{resources.Erase(farDriver{c.w, pass})}
	for _, k := range e.Registry.Kinds() {
		h, _ := e.Registry.Handler(k)
		handlers = append(handlers, h)
	}
	e.Registry = resources.NewRegistry(handlers...)
	return e
}

func inFarWorld(t *testing.T, f func(ctx context.Context, t *testing.T, c farCloud)) {
	t.Helper()
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) { f(ctx, t, farCloud{c, newFarWorld()}) })
}

// wants makes a set; the specs say which of them refer to which.
func wants(e *provision.Engine, specs map[string]farSpec) *resources.Set {
	set := resources.NewSet(e.Scope)
	for name, s := range specs {
		set.Put("far", name, s)
	}
	return set
}

func farAddress(name string) resources.Ref[string] {
	return resources.Promise[string](resources.Address{Kind: "far", Name: name}, "address")
}

// farName is the name of a thing, computed; the server's own wins.
func farName(name string) resources.Ref[string] {
	return resources.Link(resources.Address{Kind: "far", Name: name}, "name", name)
}

func (c farCloud) create(ctx context.Context, t *testing.T, specs map[string]farSpec) *provision.Report {
	t.Helper()
	e := c.process(ctx, zoneA, nil)
	report, err := e.CreateOf(ctx, settings(t), wants(e, specs))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func (c farCloud) plan(ctx context.Context, t *testing.T, specs map[string]farSpec) *plan.Plan {
	t.Helper()
	e := c.process(ctx, zoneA, nil)
	p, err := e.PlanOf(ctx, wants(e, specs))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (c farCloud) destroy(ctx context.Context, t *testing.T) {
	t.Helper()
	if _, err := c.process(ctx, zoneA, nil).Destroy(ctx, nil); err != nil {
		t.Error(err)
	}
}

func pair() map[string]farSpec {
	return map[string]farSpec{"server": {Size: 1}, "user": {Size: 1, Named: true, Peer: farAddress("server"), Via: farName("server")}}
}

// TestPromisesAreResolvedFromWhatIsLive also holds for a link to what the server has named.
func TestPromisesAreResolvedFromWhatIsLive(t *testing.T) {
	for name, tc := range map[string]struct {
		meanwhile func(c farCloud)
		steps     []string
		says      string
	}{
		"nothing happened": {func(farCloud) {}, nil, "nothing to do"},
		"the address changed": {
			func(c farCloud) {
				c.w.with("server", func(_ resources.ID, t *farThing) { t.address = "10.77.9.9" })
			},
			[]string{"delete far/user", "create far/user"}, `refers to far/server, whose address changed: it cannot be changed in place
              peer: "10.77.0.1" -> "10.77.9.9" (replaces)`,
		},
		"the publisher is gone": {
			func(c farCloud) {
				c.w.with("server", func(id resources.ID, _ *farThing) { delete(c.w.things, id) })
			},
			[]string{"create far/server", "delete far/server (zones/us-central1-a/things/t-000001)", "delete far/user", "create far/user"}, "refers to far/server, whose address is known only when that is there again; refers to far/server, whose name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
				c.create(ctx, t, pair())
				c.w.with("user", func(_ resources.ID, th *farThing) {
					if th.spec.Peer.Get() != "10.77.0.1" || th.spec.Via.Get() != "t-000001" {
						t.Errorf("the user was made with %q and %q", th.spec.Peer.Get(), th.spec.Via.Get())
					}
				})
				tc.meanwhile(c)
				p := c.plan(ctx, t, pair())
				var ids []string
				for _, s := range p.Steps {
					ids = append(ids, s.ID)
				}
				slices.Sort(ids)
				slices.Sort(tc.steps)
				if diff := cmp.Diff(tc.steps, ids); diff != "" || !strings.Contains(p.Text(), tc.says) {
					t.Errorf("%s\n%s", diff, p.Text())
				}
				c.create(ctx, t, pair())
				if p := c.plan(ctx, t, pair()); !p.Empty() {
					t.Errorf("not settled: %s", p.Text())
				}
				c.destroy(ctx, t)
				if left := c.w.left(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		})
	}
}

// What is made again publishes something else than before: who refers to it gets that, whether it is promised or computed.
func TestWhoRefersToWhatIsMadeAgainGetsWhatItPublishesThen(t *testing.T) {
	inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
		specs := func(peer string) map[string]farSpec {
			return map[string]farSpec{
				"server": {Size: 1, Named: true, Peer: resources.Known(peer)},
				"user":   {Size: 1, Named: true, Peer: farAddress("server"), Via: farName("server")},
			}
		}
		c.create(ctx, t, specs("10.1.1.1"))
		c.create(ctx, t, specs("10.2.2.2"))
		address := ""
		c.w.with("server", func(_ resources.ID, th *farThing) { address = th.address })
		c.w.with("user", func(_ resources.ID, th *farThing) {
			if th.spec.Peer.Get() != address || address == "10.77.0.1" {
				t.Errorf("the user was made with %q, the server has %q", th.spec.Peer.Get(), address)
			}
		})
		if p := c.plan(ctx, t, specs("10.2.2.2")); !p.Empty() {
			t.Errorf("not settled: %s", p.Text())
		}
	})
}

// A thing that the server has named is not made again under that name, neither when it has to be replaced nor when it is gone.
func TestWhatTheServerNamesGetsAnotherNameWhenItIsMadeAgain(t *testing.T) {
	specs := func(peer string) map[string]farSpec {
		return map[string]farSpec{"first": {Size: 1, Peer: resources.Known(peer)}, "second": {Size: 1, Via: farName("first")}}
	}
	for name, meanwhile := range map[string]func(c farCloud) (peer string){
		"replaced": func(farCloud) string { return "10.2.2.2" },
		"gone": func(c farCloud) string {
			c.w.with("first", func(id resources.ID, _ *farThing) { delete(c.w.things, id) })
			return "10.1.1.1"
		},
	} {
		t.Run(name, func(t *testing.T) {
			inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
				c.create(ctx, t, specs("10.1.1.1"))
				peer := meanwhile(c)
				c.create(ctx, t, specs(peer))
				via := ""
				c.w.with("second", func(_ resources.ID, th *farThing) { via = th.spec.Via.Get() })
				c.w.with("first", func(id resources.ID, th *farThing) {
					if id.Base() == "t-000001" || th.owner == "" || th.spec.Peer.Get() != peer || via != id.Base() {
						t.Errorf("%s: %+v; the other one refers to %q", id, th, via)
					}
				})
				if p := c.plan(ctx, t, specs(peer)); !p.Empty() || len(c.w.left()) != 2 {
					t.Errorf("not settled: %v: %s", c.w.left(), p.Text())
				}
				c.destroy(ctx, t)
				if left := c.w.left(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		})
	}
}

// A record's name wins: a thing that was adopted under a name of its own is kept, read, changed and deleted under it.
func TestRecordsNameThings(t *testing.T) {
	inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
		e := c.process(ctx, zoneA, nil)
		specs := map[string]farSpec{"old": {Size: 1, Named: true}, "user": {Size: 1, Via: farName("old")}}
		c.create(ctx, t, map[string]farSpec{"other": {Size: 1, Named: true}})
		legacy := resources.ID("//far.test/projects/test-project/zones/us-central1-a/things/legacy")
		c.w.things[legacy] = &farThing{spec: farSpec{Size: 1, Named: true}, owner: e.Owner, name: "old", address: "10.1.1.1"}
		m, v, err := e.Store.Load(ctx)
		if err != nil {
			t.Fatal(err)
		}
		m.Drop("far/other")
		m.Put(state.Record{Address: "far/old", ID: string(legacy), Computed: string(farID(e.Scope, farSpec{Named: true}, "old")), Status: state.Ready, Inputs: []byte(`{"size":1,"place":"","named":true,"peer":"","via":""}`)})
		m.Serial++
		if _, err := e.Store.Save(ctx, m, v); err != nil {
			t.Fatal(err)
		}
		delete(c.w.things, farID(e.Scope, farSpec{Named: true}, "other"))
		made := c.w.serial
		c.w.reads = nil
		c.create(ctx, t, specs)
		if c.w.serial != made+1 || c.w.made["old"] != 0 {
			t.Errorf("more than the user was made: %v", c.w.left())
		}
		if !slices.Contains(c.w.reads, legacy) || slices.Contains(c.w.reads, farID(e.Scope, farSpec{Named: true}, "old")) {
			t.Errorf("read was %v", c.w.reads)
		}
		c.w.with("user", func(_ resources.ID, th *farThing) {
			if th.spec.Via.Get() != "legacy" {
				t.Errorf("the user goes by %q, not by the name that the thing has", th.spec.Via.Get())
			}
		})
		specs["old"] = farSpec{Size: 3, Named: true}
		c.create(ctx, t, specs)
		if th := c.w.things[legacy]; th.spec.Size != 3 || !th.until.IsZero() {
			t.Errorf("it was not changed under its name: %+v", th)
		}
		after, _, err := e.Store.Load(ctx)
		if r, _ := after.Find("far/old"); err != nil || r.ID != string(legacy) || r.Computed == "" {
			t.Errorf("%v: the record is %+v", err, r)
		}
		c.destroy(ctx, t)
		if left := c.w.left(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// What has no place for a mark is ours exactly if it is recorded.
func TestWhatHasNoMarkIsOursIfItIsRecorded(t *testing.T) {
	specs := map[string]farSpec{"binding": {Size: 1, Unmarked: true}, "other": {Size: 1, Named: true}}
	for name, tc := range map[string]struct {
		there   int // size of one that is there before; 0 for none
		refused bool
		left    int
	}{
		"made by us: removed by us":                {0, false, 0},
		"there before, as wanted: used, and stays": {1, false, 1},
		"there before, otherwise: refused":         {2, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
				e := c.process(ctx, zoneA, nil)
				id := farID(e.Scope, specs["binding"], "binding")
				if tc.there > 0 {
					c.w.things[id] = &farThing{spec: farSpec{Size: tc.there, Unmarked: true}, name: "binding"}
				}
				_, err := e.CreateOf(ctx, settings(t), wants(e, specs))
				var foreign *resources.ForeignError
				if errors.As(err, &foreign) != tc.refused || !tc.refused && err != nil {
					t.Errorf("%v", err)
				}
				if err == nil {
					if p := c.plan(ctx, t, specs); !p.Empty() {
						t.Errorf("not settled: %s", p.Text())
					}
					c.destroy(ctx, t)
				}
				if left := c.w.left(); len(left) != tc.left {
					t.Errorf("left: %v", left)
				}
			})
		})
	}
}

func TestStepsOfAnExclusiveGroupRunOneAfterAnother(t *testing.T) {
	inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
		specs := map[string]farSpec{}
		for i := range 3 {
			specs[fmt.Sprintf("a%d", i)] = farSpec{Size: 1, Group: "alone"}
			specs[fmt.Sprintf("b%d", i)] = farSpec{Size: 1, Named: true}
		}
		c.create(ctx, t, specs)
		for name, s := range specs {
			s.Size = 2
			specs[name] = s
		}
		c.create(ctx, t, specs)
		c.destroy(ctx, t)
		if c.w.most["alone"] != 1 || c.w.most[""] < 3 {
			t.Errorf("changed at the same time: %v", c.w.most)
		}
	})
}

// What another thing's call brings is looked for first, and not made.
func TestWhatMayExistIsReadBeforeItIsMade(t *testing.T) {
	inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
		want := map[string]farSpec{
			"cluster": {Size: 1, Named: true, Brings: "demo-pool"},
			"pool":    {Size: 1, Unmarked: true, Foreseen: true},
		}
		e := c.process(ctx, zoneA, nil)
		set := wants(e, want)
		set.After(resources.Address{Kind: "far", Name: "pool"}, resources.Address{Kind: "far", Name: "cluster"})
		if _, err := e.CreateOf(ctx, settings(t), set); err != nil {
			t.Fatal(err)
		}
		if c.w.made["pool"] != 0 || c.w.made["cluster"] != 1 || c.w.asked != 1 {
			t.Errorf("made: %v, by %d calls", c.w.made, c.w.asked)
		}
		if m, _, err := e.Store.Load(ctx); err != nil || m.Summary() != "ready" {
			t.Errorf("%v: %s", err, m.Summary())
		}
		c.destroy(ctx, t)
		if left := c.w.left(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// listener notes what a printer is told.
type listener struct {
	mu      sync.Mutex
	details map[string][]string
	notices []string
}

func (l *listener) Event(exec.Event) {}
func (l *listener) Close()           {}
func (l *listener) Notice(_ progress.Level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notices = append(l.notices, text)
}

// said gives the notices so far.
func (l *listener) said() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.notices)
}

func (l *listener) Detail(id, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.details == nil {
		l.details = map[string][]string{}
	}
	l.details[id] = append(l.details[id], text)
}

func TestStepsTellHowFarTheyAreAndTheReportTellsTheTimes(t *testing.T) {
	inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
		e := c.process(ctx, zoneA, nil)
		heard := &listener{}
		e.Printer = heard
		report, err := e.CreateOf(ctx, settings(t), wants(e, pair()))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"1 of 4, the server", "2 of 4, the server", "3 of 4, the server", "4 of 4, the server"}
		if diff := cmp.Diff(want, heard.details["create far/user"]); diff != "" {
			t.Error(diff)
		}
		var names []string
		for _, p := range report.Phases {
			names = append(names, p.Name)
			if p.Start.IsZero() || p.End.Before(p.Start) || p.Seconds != p.End.Sub(p.Start).Seconds() {
				t.Errorf("phase %+v", p)
			}
		}
		if !slices.Contains(names, "lease") || !slices.Contains(names, "apply") {
			t.Errorf("phases: %v", names)
		}
		if len(report.Steps) != 2 || report.Steps[1].Start.Before(report.Steps[0].End) || report.Steps[1].Seconds != farTakes.Seconds() || report.Steps[1].After != report.Steps[0].ID {
			t.Errorf("steps: %+v", report.Steps)
		}
		c.destroy(ctx, t)
	})
}
