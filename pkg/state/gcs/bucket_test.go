package gcs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
	"github.com/aiinfra/cluster-provision/pkg/state/gcs"
)

func TestTheDefaultBucketIsMadeAsItShouldBe(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		for range 2 {
			if err := s.EnsureBucket(ctx); err != nil {
				t.Errorf("a second time: %v", err)
			}
		}
		if err := c.store(gcs.Options{}).EnsureBucket(ctx); err != nil {
			t.Errorf("by another process: %v", err)
		}
		attrs, err := c.client().Bucket(bucket).Attrs(ctx)
		if err != nil || attrs.Location != "US-CENTRAL1" || !attrs.VersioningEnabled || !attrs.UniformBucketLevelAccess.Enabled || attrs.PublicAccessPrevention.String() != "enforced" {
			t.Errorf("%+v %v", attrs, err)
		}
		if r := attrs.Lifecycle.Rules; len(r) != 1 || !slices.Equal(r[0].Condition.MatchesSuffix, []string{"/lock.json"}) {
			t.Errorf("lifecycle %+v", attrs.Lifecycle)
		}
	})
}

// Who may not list the project's buckets cannot see whose the default bucket is, and is told what to do.
func TestADefaultBucketWhoseOwnerCannotBeSeen(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		words := "me@example.com does not have storage.buckets.list access to the Google Cloud project."
		c.set(func() {
			c.answer = func(r *http.Request) *http.Response {
				if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/b") {
					return refusal(r, http.StatusForbidden, "forbidden", words)
				}
				return nil
			}
		})
		if there, err := c.store(gcs.Options{}).FindBucket(ctx); there || err != nil {
			t.Errorf("one that is not there: %v %v", there, err)
		}
		c.bucketOf(project, bucket, nil)
		_, err := c.store(gcs.Options{}).FindBucket(ctx)
		if resources.ClassOf(err) != resources.ClassDenied || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "TERRAFORM_GCS_PATH") {
			t.Errorf("%v", err)
		}
	})
}

// Everything refuses a default bucket that is another project's: its name can be guessed by anybody.
func TestASquattedDefaultBucketIsRefusedByEveryAction(t *testing.T) {
	for what, do := range actions() {
		t.Run(what, func(t *testing.T) {
			inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
				c.bucketOf("another-project", bucket, nil)
				c.plant("demo-deployment/manifest.json", `{"schemaVersion":1,"lineage":"l","serial":1,"owner":"theirs"}`)
				c.plant("demo-deployment/lock.json", `{"run":"theirs"}`)
				before := len(c.left())
				err := do(ctx, c.store(gcs.Options{}))
				var setting interface{ Setting() string }
				if resources.ClassOf(err) != resources.ClassForeign || !errors.As(err, &setting) {
					t.Errorf("%v", err)
				}
				if len(c.left()) != before {
					t.Errorf("something was written: %v", c.left())
				}
			})
		})
	}
}

func TestAMissingBucket(t *testing.T) {
	for what, do := range actions() {
		t.Run(what, func(t *testing.T) {
			inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
				err := do(ctx, c.store(gcs.Options{Bucket: "no-bucket"}))
				if resources.ClassOf(err) != resources.ClassNotFound || !strings.Contains(err.Error(), "gcloud storage buckets create gs://no-bucket") {
					t.Errorf("a bucket that was named: %v", err)
				}
				if what == "ensure" || what == "lock" {
					return // make it
				}
				err = do(ctx, c.store(gcs.Options{}))
				if err != nil && !errors.Is(err, state.ErrNotLocked) && !errors.Is(err, state.ErrNoManifest) {
					t.Errorf("the default bucket: %v", err)
				}
				if left := c.left(); len(left) > 0 {
					t.Errorf("something was made: %v", left)
				}
			})
		})
	}
}

// The case of a bucket whose location an organization policy refuses (412) is no conflict over its name.
func TestAnOrganizationPolicyIsNamed(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		words := "'us-central1' violates constraint 'constraints/gcp.resourceLocations'"
		plan, err := emulator.ParseFaultPlan(fmt.Appendf(nil,
			`{"rules":[{"match":{"method":"POST","path":"storage.*/b$"},"fault":{"error":{"status":412,"reason":"conditionNotMet","message":%q}}}]}`, words))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.em.SetFaults(plan); err != nil {
			t.Fatal(err)
		}
		err = c.store(gcs.Options{}).EnsureBucket(ctx)
		var setting interface{ Setting() string }
		if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "another project") || !errors.As(err, &setting) || !strings.Contains(err.Error(), setting.Setting()) {
			t.Errorf("%v", err)
		}
	})
}

// What a bucket is looked at for before it is used.
func TestTheBucketsUse(t *testing.T) {
	denyBucket := func(r *http.Request) *http.Response {
		if strings.HasSuffix(r.URL.Path, "/b/theirs") {
			return refusal(r, http.StatusForbidden, "forbidden", "me@example.com does not have storage.buckets.get access to the Google Cloud Storage bucket.")
		}
		return nil
	}
	for name, tc := range map[string]struct {
		patch  string // of the bucket
		pays   bool   // the caller must
		answer func(*http.Request) *http.Response
		denied []string
		folder string
		class  resources.Class
		says   string // empty for a bucket that is fine
		ensure bool   // EnsureBucket says the same
	}{
		"one without anything special is fine":              {},
		"who may use objects only may use it":               {answer: denyBucket},
		"who may not write objects is told the permission":  {denied: []string{"storage.objects.create"}, class: resources.ClassDenied, says: "storage.objects.create"},
		"the same without access to the bucket":             {answer: denyBucket, denied: []string{"storage.objects.delete"}, class: resources.ClassDenied, says: "storage.objects.delete"},
		"a retention policy is refused":                     {patch: `{"retentionPolicy":{"retentionPeriod":"3600","effectiveTime":"2026-01-01T00:00:00Z"}}`, class: resources.ClassInvalid, says: "--clear-retention-period", ensure: true},
		"a locked retention policy is refused":              {patch: `{"retentionPolicy":{"retentionPeriod":"3600","isLocked":true,"effectiveTime":"2026-01-01T00:00:00Z"}}`, class: resources.ClassInvalid, says: "locked", ensure: true},
		"holds on every object are refused":                 {patch: `{"defaultEventBasedHold":true}`, class: resources.ClassInvalid, says: "--no-default-event-based-hold", ensure: true},
		"a deployment's own folder is refused":              {folder: "demo-deployment", class: resources.ClassInvalid, says: "inside another", ensure: true},
		"a folder deeper in a deployment's is refused":      {folder: "a/demo-deployment/logs/b", class: resources.ClassInvalid, says: "inside another", ensure: true},
		"a folder that only sounds like one is fine":        {folder: "a/deployments"},
		"a bucket whose owner does not pay is paid for":     {pays: true, patch: `{"billing":{"requesterPays":true}}`},
		"the same without access to the bucket's own state": {pays: true, answer: denyBucket},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
				em, err := emulator.New(emulator.Options{Denied: tc.denied})
				if err != nil {
					t.Fatal(err)
				}
				c.next = em.Transport()
				c.bucketOf("another-project", "theirs", nil)
				c.patch("theirs", tc.patch)
				c.set(func() {
					c.answer = func(r *http.Request) *http.Response {
						if tc.pays && r.URL.Query().Get("userProject") != project {
							return refusal(r, http.StatusBadRequest, "required", "Bucket is a requester pays bucket but no user project provided.")
						}
						if tc.answer != nil {
							return tc.answer(r)
						}
						return nil
					}
				})
				opt := gcs.Options{Bucket: "theirs", Folder: tc.folder}
				check := func(what string, err error, refused bool) {
					var setting interface{ Setting() string }
					switch {
					case !refused && err != nil:
						t.Errorf("%s: %v", what, err)
					case refused && (resources.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.says)):
						t.Errorf("%s: %v", what, err)
					case refused && errors.As(err, &setting) != (tc.class == resources.ClassInvalid):
						t.Errorf("%s: whether another setting mends it: %v", what, err)
					}
				}
				s := c.store(opt)
				check("check", s.CheckBucket(ctx), tc.says != "")
				check("ensure", c.store(opt).EnsureBucket(ctx), tc.ensure)
				if _, err := c.store(opt).FindBucket(ctx); err != nil {
					t.Errorf("what is there can be looked at and destroyed: %v", err)
				}
				if tc.says == "" {
					l := lock(ctx, t, s, "one")
					if _, err := s.Save(ctx, manifest(1), 0); err != nil {
						t.Error(err)
					}
					if _, err := s.Dissolve(ctx, l); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// An error after something was changed must not say that nothing was.
func TestALostBucketLaterIsNoWrongSetting(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		c.bucketOf(project, "named", nil)
		s := c.store(gcs.Options{Bucket: "named"})
		l := lock(ctx, t, s, "one")
		c.set(func() {
			c.answer = func(r *http.Request) *http.Response {
				return refusal(r, http.StatusNotFound, "notFound", "The specified bucket does not exist.")
			}
		})
		_, err := s.Save(ctx, manifest(1), 0)
		var setting interface{ Setting() string }
		if err == nil || errors.As(err, &setting) || !strings.Contains(err.Error(), "The specified bucket does not exist.") {
			t.Errorf("%v", err)
		}
		if err := l.Release(ctx); err != nil {
			t.Errorf("a lock that is gone with its bucket: %v", err)
		}
	})
}

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
