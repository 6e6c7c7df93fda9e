package provision_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// The far kind in the sweep: slow, promised, unmarked, named by the server, brought, exclusive, and in another zone after a move.
func TestCrashSweepOfAKindThatIsFarAway(t *testing.T) {
	specs := map[string]farSpec{
		"server":  {Size: 1, Group: "g"},
		"user":    {Size: 1, Named: true, Peer: farAddress("server"), Via: farName("server"), Group: "g"},
		"binding": {Size: 1, Unmarked: true, Peer: farAddress("server")},
	}
	resized := map[string]farSpec{"server": {Size: 2, Group: "g"}, "user": specs["user"], "binding": specs["binding"]}
	replaced := map[string]farSpec{"server": {Size: 1, Group: "g", Peer: resources.Known("10.9.9.9")}, "user": specs["user"], "binding": specs["binding"]}
	total := &tally{}
	t.Run("lives", func(t *testing.T) {
		for name, tc := range map[string]struct {
			from, to map[string]farSpec
			zone     string
			destroy  bool
		}{
			"create":               {nil, specs, zoneA, false},
			"move to another zone": {specs, specs, zoneB, false},
			"resize":               {specs, resized, zoneA, false},
			"replace":              {specs, replaced, zoneA, false},
			"less of it":           {specs, map[string]farSpec{"server": {Size: 1, Group: "g"}}, zoneA, false},
			"destroy":              {specs, specs, zoneA, true},
		} {
			for _, then := range []string{again, ruin} {
				t.Run(name+"/then "+then, func(t *testing.T) {
					t.Parallel()
					for _, after := range []bool{false, true} {
						for k, died := 1, true; died; k++ {
							synctest.Test(t, func(t *testing.T) {
								c := farCloud{newCloud(t, emulator.Options{Latency: profile(t, "typical")}), newFarWorld()}
								died = c.die(t, death{k, after}, then, tc.from, tc.to, tc.zone, tc.destroy)
							})
							if died {
								total.add(1)
							}
						}
					}
				})
			}
		}
	})
	t.Logf("crash sweep, far away: %d deaths in virtual time", total.deaths)
}

func (c farCloud) die(t *testing.T, d death, then string, from, to map[string]farSpec, zone string, destroys bool) bool {
	t.Helper()
	if from != nil {
		c.create(t.Context(), t, from)
	}
	ctx, die := context.WithCancel(t.Context())
	defer die()
	m := &mortal{at: d.k, after: d.after, die: die}
	e := c.process(t.Context(), zone, m)
	if destroys {
		_, _ = e.Destroy(ctx, nil) // what it says is the other sweep's affair
	} else {
		_, _ = e.CreateOf(ctx, settings(t), wants(e, to))
	}
	c.unlock(t.Context(), c.process(t.Context(), zone, nil))
	if then == again {
		e := c.process(t.Context(), zone, nil)
		if _, err := e.CreateOf(t.Context(), settings(t), wants(e, to)); err != nil {
			t.Errorf("death %s: create: %v", d, err)
		}
		waitVirtual(300)
		if left := c.w.left(); len(left) != len(to) {
			t.Errorf("death %s: after the create there is %v", d, left)
		}
		if p, err := c.process(t.Context(), zone, nil).PlanOf(t.Context(), wants(e, to)); err != nil || !p.Empty() {
			t.Errorf("death %s: not settled: %v %v", d, err, p)
		}
	}
	if _, err := c.process(t.Context(), zone, nil).Destroy(t.Context(), nil); err != nil {
		t.Errorf("death %s: destroy: %v", d, err)
	}
	waitVirtual(300)
	if left := append(c.w.left(), c.left()...); len(left) > 0 {
		t.Errorf("death %s: left: %v", d, left)
	}
	return m.dead
}
