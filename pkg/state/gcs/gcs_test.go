package gcs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
	"github.com/aiinfra/cluster-provision/pkg/state/gcs"
)

func inWorld(t *testing.T, f func(context.Context, *testing.T, *cloud)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t.Context(), t, world(t)) })
}

// Nobody can take the lease before its holder's context has ended.
func TestReleaseEndsTheContextBeforeTheLockGoes(t *testing.T) {
	for name, giveBack := range map[string]func(context.Context, *gcs.Store, state.Lease) error{
		"by release": func(ctx context.Context, _ *gcs.Store, l state.Lease) error { return l.Release(ctx) },
		"by dissolving": func(ctx context.Context, s *gcs.Store, l state.Lease) error {
			_, err := s.Dissolve(ctx, l)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
				s := c.ready(gcs.Options{})
				l := lock(ctx, t, s, "one")
				deleted := false
				c.set(func() {
					c.before = func(r *http.Request) {
						if r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, "lock.json") {
							deleted = true
							if l.Context().Err() == nil {
								t.Error("the lock goes while its holder's context goes on")
							}
						}
					}
				})
				if err := giveBack(ctx, s, l); err != nil || !deleted {
					t.Errorf("deleted: %v, %v", deleted, err)
				}
			})
		})
	}
}

// A renewal whose try was given up may still happen. It is known as ours: it is gone on from, and a release finds it.
func TestARenewalThatHappensAfterItWasGivenUpIsOurs(t *testing.T) {
	for name, until := range map[string]time.Duration{ // the renewal begins at 40 s, is given up at 50 s, and tried again at 51 s
		"released before it is tried again": 50*time.Second + 500*time.Millisecond,
		"released after that":               time.Minute,
		"released much later":               10 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
				s := c.ready(gcs.Options{})
				l := lock(ctx, t, s, "one")
				late := 0
				c.set(func() {
					c.before = func(r *http.Request) { // the request gets through; its answer takes longer than the try
						if r.Method != http.MethodPost || !strings.Contains(r.URL.Path, "/upload/") || late > 0 {
							return
						}
						late++
						again := r.Clone(context.WithoutCancel(ctx))
						again.Body = r.Body
						resp, err := c.next.RoundTrip(again)
						if err != nil || resp.StatusCode != http.StatusOK {
							t.Errorf("%v %v", resp, err)
						}
						<-r.Context().Done()
					}
				})
				wait(until)
				if err := l.Check(); err != nil || late != 1 {
					t.Errorf("%d renewals, %v", late, err)
				}
				if err := l.Release(ctx); err != nil {
					t.Error(err)
				}
				if _, _, err := s.Holder(ctx); !errors.Is(err, state.ErrNotLocked) {
					t.Errorf("the lock is still there: %v", err)
				}
			})
		})
	}
}

func TestALeaseOfADeadRunIsTakenOver(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		c.plant("demo-deployment/lock.json", `{"owner":"somebody","host":"elsewhere","run":"dead","action":"create","until":"1999-01-01T00:00:00Z"}`)
		wait(time.Second)
		l := lock(ctx, t, s, "alive")
		if p := l.Previous(); p == nil || p.Run != "dead" {
			t.Errorf("taken over from %v", p)
		}
		if err := l.Release(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A lock that is always taken by the next one in the moment between must not be tried for ever.
func TestALockThatChangesHandsForEverIsGivenUp(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		c.set(func() {
			c.answer = func(r *http.Request) *http.Response {
				switch {
				case strings.Contains(r.URL.Path, "/upload/"):
					return refusal(r, http.StatusPreconditionFailed, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
				case strings.HasSuffix(r.URL.Path, "lock.json"):
					return refusal(r, http.StatusNotFound, "notFound", "No such object: b/lock.json")
				}
				return nil
			}
		})
		if _, err := s.Lock(ctx, state.Holder{Run: "one"}); err == nil || !strings.Contains(err.Error(), "changes hands") {
			t.Errorf("%v", err)
		}
	})
}

// A damaged manifest names the object, its generation and the one to go back to.
func TestADamagedManifestSaysWhatToGoBackTo(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		good, err := s.Save(ctx, manifest(1), 0)
		if err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		c.plant("demo-deployment/manifest.json", "{ not JSON")
		_, _, err = s.Load(ctx)
		var damaged *state.DamagedError
		if !errors.As(err, &damaged) || !strings.Contains(err.Error(), "manifest.json (generation ") {
			t.Fatalf("%v", err)
		}
		want := fmt.Sprintf(`gcloud storage cp "gs://%s/demo-deployment/manifest.json#%d"`, bucket, good)
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no way back: %v", err)
		}
	})
}

// Changes of one object never come too fast for the bucket.
func TestTheRateLimitIsHeeded(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		v, err := s.Save(ctx, manifest(1), 0)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for i := range int64(5) {
			if v, err = s.Save(ctx, manifest(2+i), v); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("five writes of one object in %s", took)
		}
	})
}

// A server that is down, silent or in trouble for ever ends every action, with the cause.
func TestWaitsEnd(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) *http.Response{
		"it answers 503": func(r *http.Request) *http.Response {
			return refusal(r, http.StatusServiceUnavailable, "backendError", "We encountered an internal error. Please try again.")
		},
		"it is silent": func(r *http.Request) *http.Response { <-r.Context().Done(); return nil },
	} {
		for what, do := range actions() {
			t.Run(name+": "+what, func(t *testing.T) {
				inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
					s := c.store(gcs.Options{})
					c.set(func() { c.answer = answer })
					start := time.Now()
					err := do(ctx, s)
					if took := time.Since(start); err == nil || took > 5*time.Minute {
						t.Errorf("after %s: %v", took, err)
					}
				})
			})
		}
	}
}

// actions is everything that a store is asked for first.
func actions() map[string]func(context.Context, *gcs.Store) error {
	return map[string]func(context.Context, *gcs.Store) error{
		"load":   func(ctx context.Context, s *gcs.Store) error { _, _, err := s.Load(ctx); return err },
		"list":   func(ctx context.Context, s *gcs.Store) error { _, err := s.List(ctx); return err },
		"holder": func(ctx context.Context, s *gcs.Store) error { _, _, err := s.Holder(ctx); return err },
		"unlock": func(ctx context.Context, s *gcs.Store) error { return s.Unlock(ctx, 1) },
		"lock": func(ctx context.Context, s *gcs.Store) error {
			l, err := s.Lock(ctx, state.Holder{Run: "r"})
			if err != nil {
				return err
			}
			return l.Release(ctx)
		},
		"find":     func(ctx context.Context, s *gcs.Store) error { _, err := s.FindBucket(ctx); return err },
		"check":    func(ctx context.Context, s *gcs.Store) error { return s.CheckBucket(ctx) },
		"ensure":   func(ctx context.Context, s *gcs.Store) error { return s.EnsureBucket(ctx) },
		"contents": func(ctx context.Context, s *gcs.Store) error { _, err := s.Contents(ctx); return err },
		"upload":   func(ctx context.Context, s *gcs.Store) error { return s.Upload(ctx, "logs/a", nil) },
	}
}

// Absent is what the API says is absent: a page of somebody else on the way, or nothing at all, is an error.
func TestAbsentIsWhatTheAPISaysIsAbsent(t *testing.T) {
	page := "<html><body>Sign in to the network</body></html>"
	for name, answer := range map[string]func(*http.Request) *http.Response{
		"a page with 200":   func(r *http.Request) *http.Response { return reply(r, 200, "text/html", page) },
		"a page with 404":   func(r *http.Request) *http.Response { return reply(r, 404, "text/html", page) },
		"nothing with 200":  func(r *http.Request) *http.Response { return reply(r, 200, "application/json", "") },
		"nothing with 404":  func(r *http.Request) *http.Response { return reply(r, 404, "", "") },
		"an empty document": func(r *http.Request) *http.Response { return reply(r, 200, "application/json", "{}") },
	} {
		for what, do := range actions() {
			for kind, tc := range map[string]struct {
				opt  gcs.Options
				path string // calls whose path has it are answered so
			}{
				"default bucket":           {path: "/"},
				"named bucket":             {gcs.Options{Bucket: "named"}, "/"},
				"objects of a good bucket": {path: "/o"},
			} {
				deaf := []string{"find", "check", "ensure"} // they read no object
				if strings.HasPrefix(name, "an empty") {
					deaf = append(deaf, "list", "contents") // a list without items looks so
				}
				if strings.HasSuffix(name, "200") || strings.HasPrefix(name, "an empty") {
					deaf = append(deaf, "unlock") // a deletion is answered with nothing
				}
				if tc.path == "/o" && slices.Contains(deaf, what) {
					continue
				}
				t.Run(name+": "+what+": "+kind, func(t *testing.T) {
					inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
						c.ready(gcs.Options{})
						c.set(func() {
							c.answer = func(r *http.Request) *http.Response {
								if path := r.URL.Path; tc.path == "/o" && !strings.Contains(path, "/o/") && !strings.HasSuffix(path, "/o") {
									return nil
								}
								return answer(r)
							}
						})
						err := do(ctx, c.store(tc.opt))
						var setting interface{ Setting() string }
						if err == nil || errors.Is(err, state.ErrNotLocked) || errors.Is(err, state.ErrNoManifest) || resources.ClassOf(err) == resources.ClassNotFound || errors.As(err, &setting) {
							t.Errorf("want an error that says that this is no answer, have %v", err)
						}
					})
				})
			}
		}
	}
}

func TestList(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		c.ready(gcs.Options{})
		for _, prefix := range []string{"two", "one"} {
			s := c.store(gcs.Options{Prefix: prefix})
			m := manifest(1)
			m.Prefix = prefix
			if _, err := s.Save(ctx, m, 0); err != nil {
				t.Fatal(err)
			}
		}
		c.plant("bad-deployment/manifest.json", "{ not JSON")
		c.plant("empty-deployment/lock.json", "{}")
		list, err := c.store(gcs.Options{}).List(ctx)
		if len(list) != 2 || list[0].Prefix != "one" || list[1].Prefix != "two" {
			t.Errorf("%v", list)
		}
		var bad *state.DeploymentError
		var damaged *state.DamagedError
		if !errors.As(err, &bad) || bad.Prefix != "bad" || !errors.As(err, &damaged) {
			t.Errorf("%v", err)
		}
	})
}

// The cloud's words stay; advice is given only where the reason is known.
func TestAdviceFollowsTheReason(t *testing.T) {
	const role, retention = "roles/storage.objectAdmin", "give a bucket without one in TERRAFORM_GCS_PATH"
	for name, tc := range map[string]struct{ reason, words, advice string }{
		"a permission that is named": {"forbidden", "me@example.com does not have storage.objects.create access to the Google Cloud Storage object.", role},
		"a retention policy":         {"retentionPolicyNotMet", "Object 'b/o' is subject to bucket's retention policy and cannot be deleted, overwritten or archived until 2030.", retention},
		"a perimeter":                {"vpcServiceControls", "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
				s := c.ready(gcs.Options{})
				c.set(func() {
					c.answer = func(r *http.Request) *http.Response { return refusal(r, http.StatusForbidden, tc.reason, tc.words) }
				})
				_, err := s.Save(ctx, manifest(1), 0)
				if class := resources.ClassOf(err); class != resources.ClassDenied && class != resources.ClassPolicy || !strings.Contains(err.Error(), tc.words) {
					t.Fatalf("%v", err)
				}
				for _, advice := range []string{role, retention} {
					if strings.Contains(err.Error(), advice) != (advice == tc.advice) {
						t.Errorf("advice %q: %v", advice, err)
					}
				}
			})
		})
	}
}

// What another run has written is shown, and steers no terminal.
func TestAHolderIsShownWithoutControlCharacters(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		c.plant("demo-deployment/lock.json", `{"owner":"\u001b[2Jann","host":"a\nb","run":"r\u0007","action":"create\r"}`)
		h, _, err := s.Holder(ctx)
		if err != nil || h.Owner != "?[2Jann" || h.Host != "a?b" || h.Run != "r?" || h.Action != "create?" {
			t.Errorf("%+v %v", h, err)
		}
	})
}
