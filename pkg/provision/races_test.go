package provision_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Of two creates of one deployment one is told who holds the lease, or finds nothing to do; nothing is made twice.
func TestTwoCreatesAtOnce(t *testing.T) {
	for _, apart := range []int{0, 1, 2, 3, 5, 10, 20, 40, 60, 80, 100, 150} {
		t.Run(fmt.Sprintf("%d s apart", apart), func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				var wait sync.WaitGroup
				var errs [2]error
				var reports [2]*provision.Report
				for i := range 2 {
					wait.Go(func() {
						waitVirtual(1 + i*apart)
						reports[i], errs[i] = c.engine(ctx, c.em.Transport(), 1).Create(ctx, settings(t, networks()...), nil)
					})
				}
				wait.Wait()
				for i, err := range errs {
					if code := provision.ExitCode(err); code != provision.CodeDone && code != provision.CodeHeld {
						t.Errorf("run %d: exit code %d: %v", i, code, err)
					}
				}
				if (errs[0] == nil) == (errs[1] == nil) && (errs[0] != nil || reports[0].Nothing == reports[1].Nothing) {
					t.Errorf("both have done it, or none: %v, %v", errs[0], errs[1])
				}
				posts := map[string]int{}
				for _, call := range c.changes() {
					if strings.HasPrefix(call, "POST /compute.") {
						posts[call]++
					}
				}
				for call, n := range posts {
					if n > 2 || n > 1 && !strings.HasSuffix(call, "/firewalls") { // there are two rules
						t.Errorf("%d times: %s", n, call)
					}
				}
				if again := create(ctx, t, c, networks()...); !again.Nothing {
					t.Errorf("not settled: %s", again.Summary)
				}
				destroy(ctx, t, c)
			})
		})
	}
}

// overtaken is a store whose lease is taken just after somebody else has done something.
type overtaken struct {
	provision.Store
	once sync.Once
	by   func()
}

func (s *overtaken) Lock(ctx context.Context, h state.Holder) (state.Lease, error) {
	s.once.Do(s.by)
	return s.Store.Lock(ctx, h)
}

// What another run has done between the plan and the lease is planned on; who has approved another plan is asked again.
func TestAPlanIsMadeAgainWhenAnotherRunWasQuicker(t *testing.T) {
	for name, tc := range map[string]struct {
		theirs []string
		agrees int // so often; then it is declined. -1: nobody is asked
		asked  int
		fails  bool
		vms    int
	}{
		"other settings, nobody asked":     {[]string{"INSTANCE_COUNT=5"}, -1, 0, false, 3},
		"other settings, agreed twice":     {[]string{"INSTANCE_COUNT=5"}, 2, 2, false, 3},
		"other settings, agreed once":      {[]string{"INSTANCE_COUNT=5"}, 1, 2, true, 5},
		"the same settings, nobody asked":  {[]string{"INSTANCE_COUNT=3"}, -1, 0, false, 3},
		"the same settings, agreed once":   {[]string{"INSTANCE_COUNT=3"}, 1, 1, false, 3},
		"a destroy, nobody asked":          {nil, -1, 0, false, 3},
		"a destroy, agreed to the update":  {nil, 1, 2, true, 0},
		"a destroy, agreed to make it all": {nil, 2, 2, false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				create(ctx, t, c)
				e := c.engine(ctx, c.em.Transport(), 1)
				e.Store = &overtaken{Store: e.Store, by: func() {
					if tc.theirs == nil {
						destroy(ctx, t, c)
						return
					}
					create(ctx, t, c, tc.theirs...)
				}}
				asked := 0
				approve := func(*plan.Plan) (bool, error) { asked++; return asked <= tc.agrees, nil }
				if tc.agrees < 0 {
					approve = nil
				}
				_, err := e.Create(ctx, settings(t, "INSTANCE_COUNT=3"), approve)
				if (err != nil) != tc.fails || err != nil && !errors.Is(err, provision.ErrDeclined) || asked != tc.asked {
					t.Errorf("asked %d times: %v", asked, err)
				}
				if n := countOf(c.left(), "/instances/"); n != tc.vms {
					t.Errorf("%d VMs, want %d", n, tc.vms)
				}
				destroy(ctx, t, c)
			})
		})
	}
}

// watched notes when a process calls what changes something.
type watched struct {
	next http.RoundTripper
	mu   sync.Mutex
	at   []time.Time
	what []string
}

func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	if changing(r.Method, r.URL.Path) {
		w.mu.Lock()
		w.at, w.what = append(w.at, time.Now()), append(w.what, r.Method+" "+r.URL.Path)
		w.mu.Unlock()
	}
	return w.next.RoundTrip(r)
}

// since lists what was called after a time, but for the tries to renew a lease.
func (w *watched) since(t time.Time) (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, at := range w.at {
		if at.After(t) {
			out = append(out, w.what[i])
		}
	}
	return out
}

// A run whose lease was taken from it changes nothing more as soon as it can know, writes nothing into the folder, and keeps
// what it knows on this machine.
func TestARunThatHasLostItsLeaseWritesNothingMore(t *testing.T) {
	for _, seconds := range []int{5, 12, 25} {
		for _, writes := range []bool{false, true} { // the thief; otherwise the loss is seen at the next renewal
			t.Run(fmt.Sprintf("after %d s, the thief writes: %v", seconds, writes), func(t *testing.T) {
				inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
					w := &watched{next: c.em.Transport()}
					start := time.Now()
					done := make(chan error, 1)
					go func() {
						_, err := c.engine(ctx, w, 1).Create(ctx, settings(t, networks()...), nil)
						done <- err
					}()
					waitVirtual(seconds)
					thief := c.engine(ctx, c.em.Transport(), 1).Store
					_, v, err := thief.Holder(ctx)
					if err == nil {
						err = thief.Unlock(ctx, v)
					}
					if err != nil {
						t.Fatal(err)
					}
					stolen := time.Now()
					l, err := thief.Lock(ctx, state.Self("create", "thief"))
					if err != nil {
						t.Fatal(err)
					}
					known := 45 * time.Second // the lease is renewed every 40 s
					if m, v, err := thief.Load(ctx); writes {
						m.Writer, m.Serial, known = "thief", m.Serial+1, 50*time.Second // outcomes are gathered for 45 s
						if _, err2 := thief.Save(ctx, m, v); err != nil || err2 != nil {
							t.Fatal(err, err2)
						}
					}
					<-time.NewTimer(time.Until(stolen.Add(known))).C
					_, before, _ := thief.Load(ctx)
					err = <-done
					if code := provision.ExitCode(err); code != provision.CodePartial {
						t.Errorf("exit code %d after %s: %v", code, time.Since(start), err)
					}
					for _, what := range w.since(stolen.Add(known)) {
						t.Errorf("called after the lease was lost: %s", what)
					}
					if m, after, _ := thief.Load(ctx); after != before || writes && m.Writer != "thief" {
						t.Error("the manifest was written without the lease")
					}
					there, err := thief.Contents(ctx)
					if diff := cmp.Diff([]string{"manifest.json"}, there.Ours); err != nil || diff != "" {
						t.Errorf("%v: in the folder: %s", err, diff)
					}
					if files, _ := os.ReadDir(c.rescue); len(files) != 1 {
						t.Errorf("rescued here: %v", files)
					}
					if err := l.Release(ctx); err != nil {
						t.Error(err)
					}
					create(ctx, t, c, networks()...)
					destroy(ctx, t, c)
				})
			})
		}
	}
}

// sleeper is the transport of a process that is stopped at its k-th effect, and goes on when it is woken.
type sleeper struct {
	next  http.RoundTripper
	at    int
	slept chan struct{}
	wake  chan struct{}

	mu     sync.Mutex
	seen   int
	asleep bool
}

func (s *sleeper) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	if changing(r.Method, r.URL.Path) {
		if s.seen++; s.seen == s.at {
			s.asleep = true
			close(s.slept)
		}
	}
	asleep := s.asleep
	s.mu.Unlock()
	if asleep {
		<-s.wake
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
	}
	return s.next.RoundTrip(r)
}

// A create is stopped, its lease removed and the deployment destroyed; then the create wakes up. Nothing may appear again.
func TestNothingReappearsWhenAPausedCreateWakesUp(t *testing.T) {
	pauses := 0
	for k := 1; ; k++ {
		slept := false
		inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
			s := &sleeper{next: c.em.Transport(), at: k, slept: make(chan struct{}), wake: make(chan struct{})}
			done := make(chan error, 1)
			go func() {
				_, err := c.engine(ctx, s, 1).Create(ctx, settings(t, networks()...), nil)
				done <- err
			}()
			select {
			case <-s.slept:
				slept = true
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
				return
			}
			waitVirtual(200) // what it had started is over, and its lease too
			fresh := c.engine(ctx, c.em.Transport(), 1)
			c.unlock(ctx, fresh)
			destroy(ctx, t, c)
			close(s.wake)
			err := <-done
			waitVirtual(300)
			// The default bucket, empty, is what every create begins with: it goes with the next destroy.
			left := slices.DeleteFunc(c.left(), func(name string) bool { return name == "//storage.googleapis.com/aiinfra-terraform-"+project })
			switch {
			case err == nil: // it slept before it held anything, and did all of it after the destroy; or it was over
				if n := len(c.things()); n > 0 {
					destroy(ctx, t, c)
				}
			case len(left) > 0:
				t.Errorf("paused at effect %d: %v; then there is %v", k, err, left)
			}
		})
		if !slept {
			break
		}
		pauses++
	}
	if pauses < 10 {
		t.Errorf("only %d pauses", pauses)
	}
}

// Twelve deployments share the default bucket: each destroy and create ends well, and the last destroy removes the bucket.
func TestTwelveDeploymentsOnOneDefaultBucket(t *testing.T) {
	for _, apart := range []time.Duration{0, 100 * time.Millisecond, 700 * time.Millisecond, 3 * time.Second} {
		t.Run(apart.String()+" apart", func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				prefix := func(i int) string { return fmt.Sprintf("p%02d", i) }
				beside := func(f func(i int) error) {
					var wait sync.WaitGroup
					for i := range 12 {
						wait.Go(func() {
							t := time.NewTimer(time.Second + time.Duration(i)*apart)
							<-t.C
							if err := f(i); err != nil {
								c.tb.Errorf("%s: exit code %d: %v", prefix(i), provision.ExitCode(err), err)
							}
						})
					}
					wait.Wait()
				}
				create := func(i int) error {
					_, err := c.engineOf(ctx, c.em.Transport(), 1, zoneA, prefix(i)).Create(ctx, settings(t, "NAME_PREFIX="+prefix(i)), nil)
					return err
				}
				destroy := func(i int) error {
					_, err := c.engineOf(ctx, c.em.Transport(), 1, zoneA, prefix(i)).Destroy(ctx, nil)
					return err
				}
				half := func(i int) error { // the even ones come, the odd ones go
					if i%2 == 0 {
						return create(i)
					}
					return destroy(i)
				}
				beside(func(i int) error {
					if i%2 == 0 {
						return nil
					}
					return create(i)
				})
				beside(half)
				beside(destroy)
				if left := c.left(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		})
	}
}

// Where the answer to the bucket's deletion is lost something was called that changes something: that is never exit code 2.
func TestTheBucketsDeletionWithoutAnAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		fault string
		code  int
	}{
		"lost once":       {`"nth":[1],"fault":{"loseAnswer":true}`, provision.CodeDone},
		"dropped always":  {`"fault":{"dropConnection":true}`, provision.CodePartial},
		"refused for now": {`"times":2,"fault":{"error":{"status":503,"reason":"backendError","message":"Backend Error"}}`, provision.CodeDone},
		"it is gone":      {`"nth":[1],"fault":{"error":{"status":404,"reason":"notFound","message":"The specified bucket does not exist."}}`, provision.CodeDone},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				create(ctx, t, c)
				c.strike(t, `{"rules":[{"match":{"method":"DELETE","path":"/storage/v1/b/[^/]*$"},`+tc.fault+`}]}`)
				_, err := c.engine(ctx, c.em.Transport(), 1).Destroy(ctx, nil)
				if code := provision.ExitCode(err); code != tc.code {
					t.Errorf("exit code %d: %v", code, err)
				}
				if n := len(c.things()); n > 0 {
					t.Errorf("%d things are left", n)
				}
			})
		})
	}
}

func TestAHeldLeaseStopsADestroyToo(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		done := make(chan error, 1)
		go func() {
			_, err := c.engine(ctx, c.em.Transport(), 1).Create(ctx, settings(t), nil)
			done <- err
		}()
		waitVirtual(10)
		synctest.Wait()
		if _, err := c.engine(ctx, c.em.Transport(), 1).Destroy(ctx, nil); provision.ExitCode(err) != provision.CodeHeld {
			t.Errorf("%v", err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		destroy(ctx, t, c)
	})
}
