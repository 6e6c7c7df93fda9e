package provision_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// deadError is what every call of a dead process gets.
type deadError struct{}

func (deadError) Error() string          { return "the process is dead" }
func (deadError) Class() resources.Class { return resources.ClassFatal }

// mortal is the transport of a process that dies at its k-th effect: just before it, or just after it and before the answer.
type mortal struct {
	next  http.RoundTripper
	at    int
	after bool
	die   context.CancelFunc

	mu   sync.Mutex
	seen int
	dead bool
	last string // path of the effect at which it died
}

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	effect := changing(r.Method, r.URL.Path)
	m.mu.Lock()
	if effect {
		m.seen++
	}
	dying := effect && m.seen == m.at
	m.dead = m.dead || dying && !m.after
	dead := m.dead
	if dying {
		m.last = r.URL.Path
	}
	m.mu.Unlock()
	if dead {
		m.die()
		return nil, deadError{}
	}
	resp, err := m.next.RoundTrip(r)
	if dying {
		m.mu.Lock()
		m.dead = true
		m.mu.Unlock()
		m.die()
		return nil, deadError{}
	}
	return resp, err
}

// forgetful is a store that records outcomes only: no intents. It is the control: a sweep that finds no leak there proves
// nothing.
type forgetful struct{ provision.Store }

func (s forgetful) Save(ctx context.Context, m state.Manifest, v state.Version) (state.Version, error) {
	m = m.Clone()
	kept := m.Resources[:0:0]
	for _, r := range m.Resources {
		if r.Status == state.Ready {
			kept = append(kept, r)
		}
	}
	m.Resources = kept
	return s.Store.Save(ctx, m, v)
}

type sweepCase struct {
	settings []string
	faults   string
	forget   bool
}

// oneDeath lets a create die at its k-th effect and destroys in a fresh process that knows only the bucket. died is false
// when the create was over before.
func oneDeath(t *testing.T, tc sweepCase, k int, after bool) (died bool, leaks []string) {
	synctest.Test(t, func(t *testing.T) {
		opt := emulator.Options{Latency: profile(t, "typical")}
		if tc.faults != "" {
			plan, err := emulator.ParseFaultPlan([]byte(tc.faults))
			if err != nil {
				t.Fatal(err)
			}
			opt.Faults = plan
		}
		c := newCloud(t, opt)
		ctx, die := context.WithCancel(t.Context())
		defer die()
		m := &mortal{next: c.em.Transport(), at: k, after: after, die: die}
		e := c.engine(t.Context(), m, 1)
		if tc.forget {
			e.Store = forgetful{e.Store}
		}
		_, err := e.Create(ctx, settings(t, tc.settings...), nil)
		died = m.dead
		if died && err == nil && !strings.HasSuffix(m.last, "/lock.json") { // the old rest of a lock that is given back is no loss
			t.Errorf("death at effect %d (%s): the create says it went well", k, m.last)
		}
		fresh := c.engine(t.Context(), c.em.Transport(), 1)
		c.unlock(t.Context(), fresh)
		if _, err := fresh.Destroy(t.Context(), nil); err != nil && !tc.forget {
			t.Errorf("death at effect %d (after: %v): destroy: %v", k, after, err)
		}
		waitVirtual(300) // whatever is late has appeared
		leaks = c.left()
	})
	return died, leaks
}

func sweep(t *testing.T, tc sweepCase) (deaths, leaking int) {
	t.Helper()
	for _, after := range []bool{false, true} {
		for k := 1; ; k++ {
			died, leaks := oneDeath(t, tc, k, after)
			if !died {
				break
			}
			deaths++
			if len(leaks) > 0 {
				leaking++
				if !tc.forget {
					t.Errorf("death at effect %d (after: %v) leaks %s", k, after, strings.Join(leaks, ", "))
				}
			}
		}
	}
	return deaths, leaking
}

// The process dies just before and just after each effect on the cloud or the bucket; then another one destroys. Nothing may
// be left, not even when creations appear 20 s after their answers.
func TestCrashSweep(t *testing.T) {
	late := `{"rules":[{"match":{"method":"POST","path":"/compute/v1/projects/[^/]+/(global|regions|zones)[^?]*/(networks|subnetworks|firewalls|routers|instanceTemplates|instanceGroupManagers)$"},"fault":{"lateBy":"20s"}}]}`
	for _, tc := range []struct {
		name string
		sweepCase
	}{
		{"default network", sweepCase{}},
		{"new network", sweepCase{settings: networks()}},
		{"new network, creations appear late", sweepCase{settings: networks(), faults: late}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			deaths, leaking := sweep(t, tc.sweepCase)
			t.Logf("%s: %d deaths, %d leaks", tc.name, deaths, leaking)
			if deaths < 8 {
				t.Errorf("only %d deaths were tried: the sweep does not reach the effects", deaths)
			}
		})
	}
}

// Without intents the same sweep must leak.
func TestCrashSweepControl(t *testing.T) {
	deaths, leaking := sweep(t, sweepCase{settings: networks(), forget: true})
	t.Logf("no intents: %d deaths, %d leaks", deaths, leaking)
	if leaking == 0 {
		t.Error("no leak was found without intents: the sweep proves nothing")
	}
}

// A destroy that dies is finished by the next one.
func TestDestroyCrashSweep(t *testing.T) {
	deaths := 0
	for _, after := range []bool{false, true} {
		for k := 1; ; k++ {
			died := false
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t, emulator.Options{Latency: profile(t, "typical")})
				create(t.Context(), t, c, networks()...)
				ctx, die := context.WithCancel(t.Context())
				defer die()
				m := &mortal{next: c.em.Transport(), at: k, after: after, die: die}
				_, err := c.engine(t.Context(), m, 1).Destroy(ctx, nil)
				died = m.dead
				if died && err == nil {
					t.Errorf("death at effect %d: the destroy says it went well", k)
				}
				fresh := c.engine(t.Context(), c.em.Transport(), 1)
				c.unlock(t.Context(), fresh)
				if _, err := fresh.Destroy(t.Context(), nil); err != nil {
					t.Errorf("death at effect %d (after: %v): %v", k, after, err)
				}
				if left := c.left(); len(left) > 0 {
					t.Errorf("death at effect %d (after: %v) leaves %s", k, after, strings.Join(left, ", "))
				}
			})
			if !died {
				break
			}
			deaths++
		}
	}
	t.Logf("destroy: %d deaths", deaths)
	if deaths < 8 {
		t.Errorf("only %d deaths were tried", deaths)
	}
}

// A create that died is finished by the next one, which makes nothing twice.
func TestCreateGoesOnAfterADeath(t *testing.T) {
	for k := 1; k <= 14; k++ {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t, emulator.Options{Latency: profile(t, "typical")})
				ctx, die := context.WithCancel(t.Context())
				defer die()
				m := &mortal{next: c.em.Transport(), at: k, after: after, die: die}
				_, err := c.engine(t.Context(), m, 1).Create(ctx, settings(t, networks()...), nil)
				if m.dead && !errors.Is(err, deadError{}) && err == nil {
					t.Errorf("death %d: no error", k)
				}
				fresh := c.engine(t.Context(), c.em.Transport(), 1)
				c.unlock(t.Context(), fresh)
				create(t.Context(), t, c, networks()...)
				posts := map[string]int{}
				for _, name := range c.left() {
					posts[name]++
				}
				if want := fmt.Sprint(2); countOf(c.left(), "/instances/") != 2 {
					t.Errorf("death %d (after: %v): not %s VMs: %v", k, after, want, c.left())
				}
				destroy(t.Context(), t, c)
			})
		}
	}
}

func countOf(names []string, part string) (n int) {
	for _, name := range names {
		if strings.Contains(name, part) {
			n++
		}
	}
	return n
}
