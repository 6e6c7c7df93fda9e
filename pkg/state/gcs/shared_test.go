package gcs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/state"
	"github.com/aiinfra/cluster-provision/pkg/state/gcs"
)

// A create whose bucket another deployment's destroy removes goes on in a new one.
func TestALostDefaultBucketIsMadeAgain(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		if err := c.client().Bucket(bucket).Delete(ctx); err != nil {
			t.Fatal(err)
		}
		l := lock(ctx, t, s, "one")
		if _, err := s.Save(ctx, manifest(1), 0); err != nil {
			t.Fatal(err)
		}
		d, err := s.Dissolve(ctx, l)
		if err != nil || !d.BucketRemoved || len(c.left()) > 0 {
			t.Errorf("%+v %v, left %v", d, err, c.left())
		}
	})
}

// A default bucket that another destroy has removed, or is using, is no error, and neither is an answer that is lost.
func TestTheEndOfADefaultBucket(t *testing.T) {
	removal := func(r *http.Request) bool {
		return r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, "/b/"+bucket)
	}
	for name, tc := range map[string]struct {
		during func(c *cloud, r *http.Request) *http.Response
		gone   bool
		why    string
		fails  bool
	}{
		"it is removed": {gone: true},
		"another destroy was quicker": {gone: true, during: func(c *cloud, r *http.Request) *http.Response {
			if removal(r) {
				resp, err := c.next.RoundTrip(r.Clone(r.Context()))
				if err != nil || resp.StatusCode != http.StatusNoContent {
					t.Error(resp, err)
				}
			}
			return nil
		}},
		"another create has put something there": {during: func(_ *cloud, r *http.Request) *http.Response {
			if removal(r) {
				return refusal(r, 409, "conflict", "The bucket you tried to delete is not empty.")
			}
			return nil
		}},
		"the caller may not remove it": {why: "storage.buckets.delete", during: func(_ *cloud, r *http.Request) *http.Response {
			if removal(r) {
				return refusal(r, 403, "forbidden", "me@example.com does not have storage.buckets.delete access to the Google Cloud Storage bucket.")
			}
			return nil
		}},
		"the cloud is in trouble": {fails: true, during: func(_ *cloud, r *http.Request) *http.Response {
			if removal(r) {
				return refusal(r, 501, "notImplemented", "broken")
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
				s := c.ready(gcs.Options{})
				l := lock(ctx, t, s, "one")
				once := false
				c.set(func() {
					c.answer = func(r *http.Request) *http.Response {
						if tc.during == nil || removal(r) && once {
							return nil
						}
						once = once || removal(r)
						return tc.during(c, r)
					}
				})
				d, err := s.Dissolve(ctx, l)
				if d.BucketRemoved != tc.gone || !strings.Contains(d.Why, tc.why) || (d.Why == "") != (tc.why == "") || (err != nil) != tc.fails {
					t.Errorf("%+v %v", d, err)
				}
				var setting interface{ Setting() string }
				if errors.As(err, &setting) {
					t.Errorf("something was changed, and the error says that a setting is wrong: %v", err)
				}
			})
		})
	}
	t.Run("the answer is lost", func(t *testing.T) {
		inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
			s := c.ready(gcs.Options{})
			l := lock(ctx, t, s, "one")
			c.set(func() {
				c.before = func(r *http.Request) {
					if removal(r) {
						c.set(func() { c.lose, c.before = 1, nil })
					}
				}
			})
			if d, err := s.Dissolve(ctx, l); err != nil || !d.BucketRemoved {
				t.Errorf("%+v %v", d, err)
			}
		})
	})
}

// A bucket that this program has not made, or in which something is left, stays.
func TestWhichBucketsStay(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		c.bucketOf(project, bucket, nil)
		s := c.store(gcs.Options{})
		if d, err := s.Dissolve(ctx, lock(ctx, t, s, "one")); err != nil || d.BucketRemoved || len(c.left()) != 1 {
			t.Errorf("a bucket of the user's: %+v %v", d, err)
		}
	})
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		c.plant("demo-deployment/default.tfstate", "x")
		l := lock(ctx, t, s, "one")
		before := len(c.since(0))
		if d, err := s.Dissolve(ctx, l); err != nil || d.BucketRemoved || len(d.Kept) != 1 {
			t.Errorf("a bucket with something in it: %+v %v", d, err)
		}
		for _, call := range c.since(before) {
			if strings.HasPrefix(call, "DELETE ") && !strings.Contains(call, "/o/") {
				t.Errorf("a removal that was in vain: %s", call)
			}
		}
	})
}

// Deployments come and go over one default bucket. None of them fails, none loses anything, nothing is left.
func TestManyDeploymentsShareOneDefaultBucket(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		em, err := emulator.New(emulator.Options{Latency: typical(t)})
		if err != nil {
			t.Fatal(err)
		}
		c.em, c.next = em, em.Transport()
		var all errgroup.Group
		for i := range 12 {
			all.Go(func() error {
				wait(time.Duration(i*137) * time.Millisecond)
				for round := range 4 {
					s := c.store(gcs.Options{Prefix: fmt.Sprintf("d%d", i)})
					if err := s.CheckBucket(ctx); err != nil {
						return fmt.Errorf("deployment %d: check: %w", i, err)
					}
					if _, err := s.List(ctx); err != nil {
						return fmt.Errorf("deployment %d: list: %w", i, err)
					}
					if err := s.EnsureBucket(ctx); err != nil {
						return fmt.Errorf("deployment %d: ensure: %w", i, err)
					}
					run := fmt.Sprintf("run-%d-%d", i, round)
					l, err := s.Lock(ctx, state.Holder{Run: run})
					if err != nil {
						return fmt.Errorf("deployment %d: lock: %w", i, err)
					}
					if _, v, err := s.Load(ctx); err != nil || v != 0 {
						return fmt.Errorf("deployment %d: load: version %d, %w", i, v, err)
					}
					m := manifest(1)
					m.Writer = run
					if _, err := s.Save(l.Context(), m, 0); err != nil {
						return fmt.Errorf("deployment %d: save: %w", i, err)
					}
					wait(time.Duration(i*31+round*517) * time.Millisecond)
					if err := l.Check(); err != nil {
						return fmt.Errorf("deployment %d: %w", i, err)
					}
					if _, err := s.Dissolve(ctx, l); err != nil {
						return fmt.Errorf("deployment %d: dissolve: %w", i, err)
					}
				}
				return nil
			})
		}
		if err := all.Wait(); err != nil {
			t.Error(err)
		}
		if left := c.left(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		made := 0
		for _, call := range c.since(0) {
			if strings.HasPrefix(call, "POST /storage/v1/b?") {
				made++
			}
		}
		if made < 2 {
			t.Errorf("the bucket was made %d times: this shows nothing", made)
		}
	})
}

func typical(t *testing.T) emulator.Profile {
	t.Helper()
	p, err := emulator.ProfileNamed("typical")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A default bucket that goes while a create looks at it is as good as one that was never there.
func TestADefaultBucketThatGoesWhileItIsLookedAt(t *testing.T) {
	for what, do := range actions() {
		t.Run(what, func(t *testing.T) {
			inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
				c.ready(gcs.Options{})
				gone := false
				c.set(func() {
					c.before = func(r *http.Request) { // after the list of the project's buckets has shown it
						if gone || !strings.Contains(r.URL.Path, "/b/"+bucket) {
							return
						}
						gone = true
						again := r.Clone(ctx)
						again.Method, again.Body, again.URL.Path, again.URL.RawPath, again.URL.RawQuery = http.MethodDelete, nil, "/storage/v1/b/"+bucket, "", ""
						if resp, err := c.next.RoundTrip(again); err != nil || resp.StatusCode != http.StatusNoContent {
							t.Error(resp, err)
						}
					}
				})
				err := do(ctx, c.store(gcs.Options{}))
				if err != nil && !errors.Is(err, state.ErrNotLocked) && !errors.Is(err, state.ErrNoManifest) {
					t.Error(err)
				}
			})
		})
	}
}
