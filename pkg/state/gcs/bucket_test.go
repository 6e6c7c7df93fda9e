package gcs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

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
		locked bool   // its retention policy is
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
		"a locked retention policy is refused":              {patch: `{"retentionPolicy":{"retentionPeriod":"3600"}}`, locked: true, class: resources.ClassInvalid, says: "locked", ensure: true},
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
				if tc.locked {
					c.lock("theirs")
				}
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
