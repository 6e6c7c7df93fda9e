package provision_test

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
)

// life is what a process does that is to die: a create or a destroy on what an earlier create has left.
type life struct {
	from    []string // settings of the earlier create; without it when nothing was there
	fresh   bool     // nothing was there
	to      []string // settings of the create that dies
	destroy bool     // it is a destroy that dies
}

// own and the rest are settings of the lives below.
var (
	own     = []string{"NETWORK_CONFIG=new_network", "EXTERNAL_IP=no", "INSTANCE_COUNT=2"}
	another = []string{"ZONE=us-central1-c"}
	far     = []string{"ZONE=us-east1-b"}
)

func lives() map[string]life {
	with := func(list []string, more ...string) []string { return append(slices.Clone(list), more...) }
	return map[string]life{
		"create on the default network":  {fresh: true},
		"create with a network":          {fresh: true, to: own},
		"move to another zone":           {to: another},
		"move with a network":            {from: own, to: with(own, another...)},
		"move to another region":         {from: own, to: with(own, far...)},
		"switch of the template":         {to: []string{`METADATA={"a":"b"}`}},
		"switch and move":                {from: own, to: with(own, "ZONE=us-central1-c", `METADATA={"a":"b"}`)},
		"resize up":                      {to: []string{"INSTANCE_COUNT=4"}},
		"resize down":                    {from: []string{"INSTANCE_COUNT=4"}},
		"from the default network":       {to: own},
		"back to the default network":    {from: own},
		"destroy on the default network": {destroy: true},
		"destroy with a network":         {from: own, to: own, destroy: true},
	}
}

// The faults that go with deaths.
const (
	calm = ""
	// late lets creations appear 20 s after their answers.
	late = `{"rules":[{"match":{"method":"POST","path":"/compute/v1/projects/[^/]+/(global|regions|zones)[^?]*/(networks|subnetworks|firewalls|routers|instanceTemplates|instanceGroupManagers)$"},"fault":{"lateBy":"20s"}}]}`
	// lost does the work of a share of all changes and loses the answer.
	lost = `{"rules":[{"match":{"method":"POST","path":"^/(compute|storage)"},"share":0.2,"fault":{"loseAnswer":true}},` +
		`{"match":{"method":"PATCH","path":""},"share":0.3,"fault":{"loseAnswer":true}},{"match":{"method":"DELETE","path":""},"share":0.3,"fault":{"loseAnswer":true}}]}`
)

// What comes after the deaths, in a fresh process.
const (
	again = "create again"
	back  = "create what was there before"
	ruin  = "destroy"
)

func weathers() map[string]string {
	return map[string]string{"calm": calm, "creations appear late": late, "answers are lost": lost}
}

// trial is one life with its deaths and what comes after.
type trial struct {
	life
	faults string
	then   string // in a fresh process: "create", "create what was there before" or "destroy"
	wrap   func(provision.Store) provision.Store
	seed   uint64
}

// death is when a process dies: just before or just after its k-th effect.
type death struct {
	k     int
	after bool
}

func (d death) String() string {
	if d.after {
		return fmt.Sprintf("just after effect %d", d.k)
	}
	return fmt.Sprintf("just before effect %d", d.k)
}

// outcome is how a trial ended.
type outcome struct {
	died   []bool // by death; false: the run was over before
	faults []string
}

// live lets processes live and die, one after another, and a last one do what it is to do; then it looks at what there is.
func (tr trial) live(t *testing.T, wanted []string, deaths ...death) (out outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, emulator.Options{Latency: profile(t, "typical"), Seed: tr.seed})
		fault := func(format string, args ...any) { out.faults = append(out.faults, fmt.Sprintf(format, args...)) }
		if !tr.fresh {
			create(t.Context(), t, c, tr.from...)
		}
		tr.strike(t, c)
		for _, d := range deaths {
			ctx, die := context.WithCancel(t.Context())
			m := &mortal{next: c.em.Transport(), at: d.k, after: d.after, die: die}
			e := c.engineOf(t.Context(), m, 1, zoneOf(tr.to), "demo")
			if tr.wrap != nil {
				e.Store = tr.wrap(e.Store)
			}
			var err error
			if tr.destroy {
				_, err = e.Destroy(ctx, nil)
			} else {
				_, err = e.Create(ctx, settings(t, tr.to...), nil)
			}
			die()
			// What is left of a lock that is given back, or of a bucket's settings, is no loss.
			if out.died = append(out.died, m.dead); m.dead && err == nil && !strings.Contains(m.last, "lock.json") {
				fault("death %s (%s): the run says that it went well", d, m.last)
			}
			c.unlock(t.Context(), c.engine(t.Context(), c.em.Transport(), 1))
		}
		switch tr.then {
		case again:
			tr.finish(t, c, tr.to, wanted, fault)
		case back:
			tr.finish(t, c, tr.from, wanted, fault)
		}
		if _, err := c.engineIn(t.Context(), zoneOf(tr.to)).Destroy(t.Context(), nil); err != nil {
			fault("destroy: %v", err)
		}
		waitVirtual(300) // whatever is late has appeared
		if left := c.left(); len(left) > 0 {
			fault("left: %s", strings.Join(left, ", "))
		}
	})
	return out
}

// finish creates, and checks that exactly what is wanted is there, and that creating once more changes nothing.
func (tr trial) finish(t *testing.T, c *cloud, to, wanted []string, fault func(string, ...any)) {
	t.Helper()
	e := func() *provision.Engine { return c.engineIn(t.Context(), zoneOf(to)) }
	if _, err := e().Create(t.Context(), settings(t, to...), nil); err != nil {
		fault("create: %v", err)
		return
	}
	waitVirtual(300)
	if diff := cmp.Diff(wanted, c.things()); diff != "" {
		fault("not exactly what is wanted is there: %s", diff)
	}
	if more, err := e().Create(t.Context(), settings(t, to...), nil); err != nil || !more.Nothing {
		fault("one more create: %v, %s", err, more.Summary)
	}
}

func (tr trial) strike(t *testing.T, c *cloud) {
	t.Helper()
	if tr.faults == calm {
		return
	}
	plan, err := emulator.ParseFaultPlan([]byte(tr.faults))
	if err == nil {
		err = c.em.SetFaults(plan)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// drawn is what the cloud picks: the ends of routes' names, and which of a group's VMs stay when it shrinks.
var drawn = regexp.MustCompile(`-[0-9a-f]{16}$|(vm|vm-1)-[0-9]{4}$`)

// things lists what there is beside the bucket, without what the cloud picks.
func (c *cloud) things() []string {
	c.tb.Helper()
	out := []string{}
	for _, name := range c.left() {
		if !strings.HasPrefix(name, "//storage.") {
			out = append(out, path.Dir(name)+"/"+drawn.ReplaceAllString(path.Base(name), "$1-drawn"))
		}
	}
	return out
}

// wanted is what there is when nobody has died.
func (tr trial) wanted(t *testing.T) (out []string) {
	t.Helper()
	to := tr.to
	if tr.then == back {
		to = tr.from
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, emulator.Options{Latency: profile(t, "typical")})
		create(t.Context(), t, c, to...)
		waitVirtual(300)
		out = c.things()
	})
	return out
}

// each lets a trial die at every effect, before and after it, or at every stride-th, and gives the number of deaths and of
// trials that went wrong; f hears of each of these.
func (tr trial) each(t *testing.T, stride int, f func(d death, o outcome)) (deaths, wrong int) {
	t.Helper()
	wanted := tr.wanted(t)
	for _, after := range []bool{false, true} {
		for k := 1; ; k += stride {
			d := death{k, after}
			o := tr.live(t, wanted, d)
			if len(o.faults) > 0 {
				wrong++
				f(d, o)
			}
			if !o.died[0] {
				break
			}
			deaths++
		}
	}
	return deaths, wrong
}

// tally counts deaths over parallel tests.
type tally struct {
	mu     sync.Mutex
	deaths int
	ended  int // trials
	trials int // that were begun
}

func (n *tally) add(deaths int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deaths += deaths
	n.ended++
}

func countTrue(list []bool) (n int) {
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

// The process dies just before and just after each effect on the cloud or the bucket; then another one creates what was wanted,
// or what was there before, or destroys. Nothing may be left in the end, and after a create exactly what is wanted is there: not
// even when creations appear 20 s after their answers, or answers are lost.
func TestCrashSweep(t *testing.T) {
	total := &tally{}
	t.Run("lives", func(t *testing.T) {
		for name, l := range lives() {
			for weather, faults := range weathers() {
				for _, then := range []string{again, back, ruin} {
					if then == back && (l.fresh || l.destroy) {
						continue
					}
					total.trials++
					t.Run(name+"/"+weather+"/then "+then, func(t *testing.T) {
						t.Parallel()
						stride := 1
						if faults != calm && (l.destroy || then == back) {
							stride = 2 // these are many
						}
						trial{life: l, faults: faults, then: then}.sweep(t, total, stride)
					})
				}
			}
		}
		// The border of two groups, with a thousand VMs: some deaths of it.
		for name, l := range map[string]life{
			"a second group":       {from: []string{"INSTANCE_COUNT=1000"}, to: []string{"INSTANCE_COUNT=1001"}},
			"without a second one": {from: []string{"INSTANCE_COUNT=1001"}, to: []string{"INSTANCE_COUNT=1000"}},
		} {
			for _, then := range []string{again, ruin} {
				total.trials++
				t.Run(name+"/then "+then, func(t *testing.T) {
					t.Parallel()
					trial{life: l, faults: lost, then: then}.sweep(t, total, 4)
				})
			}
		}
	})
	t.Logf("crash sweep: %d deaths in virtual time", total.deaths)
	if total.deaths < 1500 && total.trials == total.ended && !testing.Short() {
		t.Errorf("only %d deaths were tried", total.deaths)
	}
}

// sweep is each as a test: nothing may go wrong.
func (tr trial) sweep(t *testing.T, total *tally, stride int) {
	t.Helper()
	if testing.Short() {
		stride *= 7
	}
	deaths, _ := tr.each(t, stride, func(d death, o outcome) { t.Errorf("death %s: %s", d, strings.Join(o.faults, "; ")) })
	if deaths < 3 && !testing.Short() {
		t.Errorf("only %d deaths were tried: the sweep does not reach the effects", deaths)
	}
	total.add(deaths)
}

// Two processes die one after the other at the same work, a third one finishes it. Their deaths are sampled.
func TestCrashSweepTwice(t *testing.T) {
	total := &tally{}
	t.Run("lives", func(t *testing.T) {
		for i, name := range slices.Sorted(maps.Keys(lives())) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				wanted := trial{life: lives()[name]}.wanted(t)
				turn := i // so that all weathers and ends meet all lives
				for first := 1; ; first += 4 {
					firstDied := false
					for second := 1; ; second += 3 {
						turn++
						weather := slices.Sorted(maps.Values(weathers()))[turn%3]
						tr := trial{life: lives()[name], faults: weather, then: []string{again, ruin}[turn/3%2]}
						one, two := death{first, turn%2 == 0}, death{second, turn%4 < 2}
						o := tr.live(t, wanted, one, two)
						if len(o.faults) > 0 {
							t.Errorf("deaths %s, %s, then %s (%s): %s", one, two, tr.then, weather, strings.Join(o.faults, "; "))
						}
						firstDied = firstDied || len(o.died) > 0 && o.died[0]
						total.add(countTrue(o.died))
						if !o.died[1] || testing.Short() {
							break
						}
					}
					if !firstDied || testing.Short() {
						break
					}
				}
			})
		}
	})
	t.Logf("crash sweep, twice in a row: %d deaths in virtual time", total.deaths)
}

// The controls: a sweep that finds no leak there proves nothing.
func TestCrashSweepControls(t *testing.T) {
	for name, tr := range map[string]trial{
		"no intents":           {life: lives()["create with a network"], wrap: func(s provision.Store) provision.Store { return forgetful{s} }},
		"former ids forgotten": {life: lives()["move with a network"], wrap: func(s provision.Store) provision.Store { return presentist{s} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr.then = ruin
			leaks := 0
			deaths, _ := tr.each(t, 1, func(_ death, o outcome) {
				if strings.Contains(strings.Join(o.faults, " "), "left: ") {
					leaks++
				}
			})
			t.Logf("control, %s: %d deaths, %d leaks", name, deaths, leaks)
			if leaks == 0 {
				t.Error("no leak was found: the sweep proves nothing")
			}
		})
	}
}
