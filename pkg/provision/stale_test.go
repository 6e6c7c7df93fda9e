package provision_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// What has come behind our back, and would have to be replaced, is planned again within the same lease; the run ends well.
func TestAStalePlanIsMadeAgainWithinTheLease(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		e := c.engine(ctx, c.em.Transport(), 1)
		heard, locks := &listener{}, 0
		e.Printer = heard
		e.Store = &counting{Store: e.Store, locks: &locks, first: func() { // a subnetwork of ours with another range, as a dead run's late creation
			mark := gce.Describe(e.Owner)
			c.post(ctx, t, "global/networks", fmt.Sprintf(`{"name":"demo-net","autoCreateSubnetworks":false,"routingConfig":{"routingMode":"REGIONAL"},"description":%q}`, mark))
			c.post(ctx, t, "regions/us-central1/subnetworks", fmt.Sprintf(`{"name":"demo-subnet","network":"global/networks/demo-net","ipCidrRange":"10.200.0.0/16","description":%q}`, mark))
		}}
		report, err := e.Create(ctx, settings(t, networks()...), nil)
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(heard.said(), "\n"); locks != 1 || !strings.Contains(said, "subnetworks/demo-subnet was changed meanwhile: planning again") {
			t.Errorf("%d leases; said: %s", locks, said)
		}
		if countSteps(report, plan.Delete) != 1 {
			t.Errorf("it was not replaced: %+v", report.Steps)
		}
		if again := create(ctx, t, c, networks()...); !again.Nothing {
			t.Errorf("not settled: %s", again.Summary)
		}
		destroy(ctx, t, c)
	})
}

// Who has approved the plan is asked about the new one; a no leaves what is done, and the same create goes on.
func TestWhoHasAgreedToAStalePlanIsAskedAgain(t *testing.T) {
	for agrees, code := range map[int]int{1: provision.CodePartial, 2: provision.CodeDone} {
		inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
			e := c.engine(ctx, c.em.Transport(), 1)
			locks, asked := 0, 0
			e.Store = &counting{Store: e.Store, locks: &locks, first: func() {
				mark := gce.Describe(e.Owner)
				c.post(ctx, t, "global/networks", fmt.Sprintf(`{"name":"demo-net","autoCreateSubnetworks":false,"routingConfig":{"routingMode":"REGIONAL"},"description":%q}`, mark))
				c.post(ctx, t, "regions/us-central1/subnetworks", fmt.Sprintf(`{"name":"demo-subnet","network":"global/networks/demo-net","ipCidrRange":"10.200.0.0/16","description":%q}`, mark))
			}}
			_, err := e.Create(ctx, settings(t, networks()...), func(p *plan.Plan) (bool, error) {
				asked++
				if asked == 2 && p.Count(plan.Delete) != 1 {
					t.Errorf("asked about: %s", p.Text())
				}
				return asked <= agrees, nil
			})
			if asked != 2 || provision.ExitCode(err) != code {
				t.Errorf("asked %d times; exit code %d: %v", asked, provision.ExitCode(err), err)
			}
			if err != nil && (!strings.Contains(err.Error(), "the rest was not done: you did not agree to the new plan\n") || !strings.Contains(err.Error(), "go on with the same create") || strings.Contains(err.Error(), "nothing was done")) {
				t.Errorf("%v", err)
			}
			create(ctx, t, c, networks()...)
			destroy(ctx, t, c)
		})
	}
}

// counting is a store that counts leases, and lets something happen before the first.
type counting struct {
	provision.Store
	locks *int
	first func()
}

func (s *counting) Lock(ctx context.Context, h state.Holder) (state.Lease, error) {
	if *s.locks++; *s.locks == 1 && s.first != nil {
		s.first()
	}
	return s.Store.Lock(ctx, h)
}

// The same for an update: the thing has moved on since it was read, and what it has become would have to be replaced.
func TestAStaleUpdateIsPlannedAgain(t *testing.T) {
	inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
		specs := func(size int) map[string]farSpec {
			return map[string]farSpec{"thing": {Size: size, Named: true, Peer: resources.Known("10.1.1.1")}}
		}
		c.create(ctx, t, specs(1))
		e := c.process(ctx, zoneA, nil)
		locks := 0
		e.Store = &counting{Store: e.Store, locks: &locks, first: func() {
			c.w.with("thing", func(_ resources.ID, th *farThing) { th.spec.Peer, th.version = resources.Known("10.6.6.6"), 7 })
		}}
		report, err := e.CreateOf(ctx, settings(t), wants(e, specs(2)))
		if err != nil || locks != 1 {
			t.Errorf("%d leases: %v", locks, err)
		}
		if countSteps(report, plan.Delete) != 1 || c.w.made["thing"] != 2 {
			t.Errorf("it was not replaced: %+v", report.Steps)
		}
		if p := c.plan(ctx, t, specs(2)); !p.Empty() {
			t.Errorf("not settled: %s", p.Text())
		}
		c.destroy(ctx, t)
	})
}

// What never holds still is given up after a few plans.
func TestWhatNeverHoldsStillEnds(t *testing.T) {
	inFarWorld(t, func(ctx context.Context, t *testing.T, c farCloud) {
		specs := map[string]farSpec{"thing": {Size: 1, Named: true, Peer: resources.Known("10.1.1.1")}}
		c.w.spoils = "thing"
		e := c.process(ctx, zoneA, nil)
		_, err := e.CreateOf(ctx, settings(t), wants(e, specs))
		if provision.ExitCode(err) != provision.CodePartial || c.w.made["thing"] != 3 {
			t.Errorf("made %d times; exit code %d: %v", c.w.made["thing"], provision.ExitCode(err), err)
		}
		c.w.spoils = ""
		c.create(ctx, t, specs)
		c.destroy(ctx, t)
	})
}

// An update that was killed, before or after its effect: status says so, a plan goes on with it, and a create settles it.
func TestAnUpdateThatWasKilledIsToldAndGoneOnWith(t *testing.T) {
	for name, to := range map[string][]string{"a resize": {"INSTANCE_COUNT=3"}, "another template": {`METADATA={"a":"b"}`}} {
		t.Run(name, func(t *testing.T) {
			told := 0
			for k, died := 1, true; died; k++ {
				for _, after := range []bool{false, true} {
					inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
						create(ctx, t, c)
						dying, die := context.WithCancel(ctx)
						m := &mortal{next: c.em.Transport(), at: k, after: after, die: die}
						_, _ = c.engine(ctx, m, 1).Create(dying, settings(t, to...), nil) // what it says is the sweep's affair
						die()
						died = m.dead
						fresh := c.engine(ctx, c.em.Transport(), 1)
						c.unlock(ctx, fresh)
						st, err := fresh.Status(ctx)
						if err != nil {
							t.Fatal(err)
						}
						for _, r := range st.Resources {
							if r.Live == "drifted" {
								t.Errorf("killed at effect %d (after: %v): %s is said to have drifted: %v", k, after, r.Address, r.Drift)
							}
							if r.Recorded != state.Updating {
								continue
							}
							told++
							if r.Address != "mig/mig" || !strings.HasPrefix(r.Live, "an update was not finished") {
								t.Errorf("killed at effect %d (after: %v): %+v", k, after, r)
							}
							p, err := fresh.Plan(ctx, settings(t, to...))
							if err != nil || p.Empty() || !strings.Contains(p.Text(), "mig/mig") {
								t.Errorf("killed at effect %d (after: %v): %v: the plan says nothing of it: %v", k, after, err, p)
							}
						}
						create(ctx, t, c, to...)
						if again := create(ctx, t, c, to...); !again.Nothing {
							t.Errorf("killed at effect %d (after: %v): not settled: %s", k, after, again.Summary)
						}
						if st, err = c.engine(ctx, c.em.Transport(), 1).Status(ctx); err != nil || st.Manifest.Summary() != "ready" {
							t.Errorf("killed at effect %d (after: %v): %v: %s", k, after, err, st.Manifest.Summary())
						}
						destroy(ctx, t, c)
					})
				}
			}
			if told < 2 {
				t.Errorf("an update was killed %d times only", told)
			}
		})
	}
}
