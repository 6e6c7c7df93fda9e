package provision_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// targets are what steps are done to, sorted.
func targets(steps []plan.Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, string(s.Action)+" "+string(s.Target))
	}
	slices.Sort(out)
	return out
}

// After a destroy that was killed anywhere a plan, and what a user is asked, is what create then does: deletions that are under way
// are waited for, which a read does not show.
func TestAPlanAfterAKilledDestroyIsWhatCreateDoes(t *testing.T) {
	differ := 0
	for k, died := 1, true; died; k++ {
		for _, after := range []bool{false, true} {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				create(ctx, t, c, networks()...)
				dying, die := context.WithCancel(ctx)
				m := &mortal{next: c.em.Transport(), at: k, after: after, die: die}
				_, _ = c.engine(ctx, m, 1).Destroy(dying, nil) // what it says is the sweep's affair
				die()
				died = m.dead
				c.unlock(ctx, c.engine(ctx, c.em.Transport(), 1))
				start := time.Now()
				p, err := c.engine(ctx, c.em.Transport(), 1).Plan(ctx, settings(t, networks()...))
				if err != nil || len(p.Open) > 0 {
					t.Fatalf("killed at effect %d (after: %v): %v; %v", k, after, err, p)
				}
				if time.Since(start) > 10*time.Second {
					differ++
				}
				asked := 0
				report, err := c.engine(ctx, c.em.Transport(), 1).Create(ctx, settings(t, networks()...), func(*plan.Plan) (bool, error) { asked++; return true, nil })
				if err != nil || asked > 1 {
					t.Fatalf("killed at effect %d (after: %v): asked %d times: %v", k, after, asked, err)
				}
				var done []plan.Step
				for _, s := range report.Steps {
					done = append(done, s.Step)
				}
				if diff := cmp.Diff(targets(p.Steps), targets(done)); diff != "" {
					t.Errorf("killed at effect %d (after: %v): planned and done: %s", k, after, diff)
				}
				destroy(ctx, t, c)
			})
		}
	}
	if differ == 0 {
		t.Error("nothing was ever waited for")
	}
}

// What takes too long for a plan is told in it, and the wait is told of while it lasts.
func TestAPlanSaysWhatItDidNotWaitFor(t *testing.T) {
	for minutes, late := range map[int]bool{1: false, 10: true} {
		inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
			specs := map[string]farSpec{"thing": {Size: 1, Named: true}}
			c.create(ctx, t, specs)
			e := c.process(ctx, zoneA, nil)
			m, v, err := e.Store.Load(ctx)
			if err != nil {
				t.Fatal(err)
			}
			r, _ := m.Find("far/thing")
			r.Status = state.Doomed // by a destroy that was killed
			m.Put(r)
			if _, err := e.Store.Save(ctx, m, v); err != nil {
				t.Fatal(err)
			}
			c.w.with("thing", func(_ resources.ID, th *farThing) { th.until = time.Now().Add(time.Duration(minutes) * time.Minute) })
			heard := &listener{}
			e.Printer = heard
			start := time.Now()
			p, err := e.PlanOf(ctx, wants(e, specs))
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 130*time.Second || took < 50*time.Second {
				t.Errorf("it took %s", took)
			}
			if said := strings.Join(heard.said(), "\n"); strings.Count(said, "waiting for what an interrupted run has left under way on [far/thing], at most 2m0s") != 1 {
				t.Errorf("said: %s", said)
			}
			if told := strings.Contains(p.Text(), "an interrupted run has left something under way here"); told != late || !late && p.Count(plan.Create) != 1 {
				t.Errorf("after %d minutes: %s", minutes, p.Text())
			}
			c.create(ctx, t, specs)
			c.destroy(ctx, t)
		})
	}
}
