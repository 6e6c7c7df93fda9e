package gcs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/state"
	"github.com/aiinfra/cluster-provision/pkg/state/gcs"
)

// Only names that this program writes are removed, with all their generations; everything else is named and stays.
func TestOnlyOurNamesAreRemoved(t *testing.T) {
	const folder = "demo-deployment/"
	theirs := []string{
		"default.tfstate", "terraform.tfstate", "manifest.json.bak", "recovery-.json", "recovery-x.txt", "a/recovery-x.json", "a/manifest.json",
		"log/a", "other-deployment/manifest.json", "logs/other-deployment/manifest.json", "logs/other-deployment/logs/a.log",
	}
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		l := lock(ctx, t, s, "one")
		v, err := s.Save(ctx, manifest(1), 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = s.Save(ctx, manifest(2), v); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"recovery-dead.json", "logs/a.log", "logs/b/c.log"} {
			c.plant(folder+name, "x")
		}
		for _, name := range theirs {
			c.plant(folder+name, "x")
		}
		c.plant("elsewhere.txt", "x")
		wait(5 * time.Minute) // renewals leave old generations
		kept, err := s.Clear(l.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := make([]string, len(theirs))
		for i, name := range theirs {
			want[i] = "gs://" + bucket + "/" + folder + name
		}
		slices.Sort(want)
		if !slices.Equal(kept, want) {
			t.Errorf("kept\n%s\nwant\n%s", strings.Join(kept, "\n"), strings.Join(want, "\n"))
		}
		if left := c.left(); len(left) != len(theirs)+3 { // the bucket, the lock, elsewhere.txt
			t.Errorf("left: %s", strings.Join(left, "\n"))
		}
		if err := l.Release(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestALongListOfWhatIsKeptIsBounded(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		for i := range 50 {
			c.plant(fmt.Sprintf("demo-deployment/theirs/%d", i), "x")
		}
		contents, err := s.Contents(ctx)
		if n := len(contents.Others); err != nil || n != 21 || contents.Others[20] != "and 30 more" {
			t.Errorf("%v %v", contents.Others, err)
		}
	})
}

// A destroy without a manifest knows what dead runs have left.
func TestContentsShowWhatDeadRunsHaveLeft(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		c.plant("demo-deployment/lock.json", "{}")
		c.plant("demo-deployment/recovery-dead.json", "{}")
		c.plant("demo-deployment/logs/x.log", "x")
		contents, err := s.Contents(ctx)
		if err != nil || !slices.Equal(contents.Ours, []string{"logs/x.log", "recovery-dead.json"}) || len(contents.Others) > 0 {
			t.Errorf("%+v %v", contents, err)
		}
		wait(time.Second)
		if d, err := s.Dissolve(ctx, lock(ctx, t, s, "one")); err != nil || !d.BucketRemoved || len(c.left()) > 0 {
			t.Errorf("%+v %v, left %v", d, err, c.left())
		}
	})
}

// A log is put beside a manifest only: never into a folder that was just cleared.
func TestUploadsAreFenced(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		if err := s.Upload(ctx, "logs/a.log", []byte("a")); !errors.Is(err, state.ErrNoManifest) {
			t.Errorf("without a manifest: %v", err)
		}
		for _, name := range []string{"manifest.json", "lock.json", "recovery-x.json", "a.log", "logs/x-deployment/manifest.json", "../logs/a"} {
			if err := s.Upload(ctx, name, nil); err == nil || errors.Is(err, state.ErrNoManifest) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.Save(ctx, manifest(1), 0); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"first", "first", "second"} {
			if err := s.Upload(ctx, "logs/a.log", []byte(text)); err != nil {
				t.Error(err)
			}
		}
		if contents, err := s.Contents(ctx); err != nil || !slices.Equal(contents.Ours, []string{"logs/a.log", "manifest.json"}) {
			t.Errorf("%+v %v", contents, err)
		}
	})
}

// What is called for the lease and the manifest of a create of 60 s, and of its destroy. These are the user's money.
func TestCallsAreCounted(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		count := func(what string, most int, f func()) {
			t.Helper()
			before := len(c.since(0))
			f()
			if calls := c.since(before); len(calls) > most {
				t.Errorf("%s: %d calls, wanted at most %d:\n%s", what, len(calls), most, strings.Join(calls, "\n"))
			}
		}
		var l state.Lease
		var v state.Version
		var err error
		count("the first create makes the bucket", 3, func() { c.ready(gcs.Options{}) }) // among the project's? there at all? make it
		s := c.store(gcs.Options{})
		count("load, find, ensure", 2, func() { // the bucket among the project's, the manifest
			if _, _, err := s.Load(ctx); err != nil {
				t.Error(err)
			}
			if _, err := s.FindBucket(ctx); err != nil {
				t.Error(err)
			}
			if err := s.EnsureBucket(ctx); err != nil {
				t.Error(err)
			}
		})
		count("lock, load, save", 3, func() {
			l = lock(ctx, t, s, "one")
			if _, _, err := s.Load(ctx); err != nil {
				t.Error(err)
			}
			if v, err = s.Save(ctx, manifest(1), 0); err != nil {
				t.Error(err)
			}
		})
		count("a minute of the lease", 1, func() { wait(time.Minute) })
		if _, err = s.Save(ctx, manifest(2), v); err != nil {
			t.Error(err)
		}
		start := time.Now()
		count("release", 1, func() {
			wait(time.Second)
			if err := l.Release(ctx); err != nil {
				t.Error(err)
			}
		})
		if took := time.Since(start); took > time.Second {
			t.Errorf("the release waited: %s", took)
		}
		s = c.store(gcs.Options{})
		if l, err = s.Lock(ctx, state.Holder{Run: "two"}); err != nil {
			t.Fatal(err)
		}
		wait(50 * time.Second)
		start = time.Now()
		// one list; two generations of the manifest, two old ones of the locks; the lock; the bucket
		count("dissolve", 7, func() {
			if d, err := s.Dissolve(ctx, l); err != nil || !d.BucketRemoved {
				t.Errorf("%+v %v", d, err)
			}
		})
		if took := time.Since(start); took > time.Second {
			t.Errorf("dissolving waited: %s", took)
		}
		if left := c.left(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// A renewal that comes while the folder is cleared must leave nothing that keeps the bucket from being removed.
func TestARenewalDuringTheClearingLeavesNothing(t *testing.T) {
	inWorld(t, func(ctx context.Context, t *testing.T, c *cloud) {
		s := c.ready(gcs.Options{})
		l := lock(ctx, t, s, "one")
		if _, err := s.Save(ctx, manifest(1), 0); err != nil {
			t.Fatal(err)
		}
		plan := `{"rules":[{"match":{"method":"DELETE","path":"manifest.json"},"nth":[1,2,3,4],"fault":{"delay":"25s","dropConnection":true}}]}`
		c.faults(plan)
		d, err := s.Dissolve(ctx, l)
		if err != nil || !d.BucketRemoved || len(c.left()) > 0 {
			t.Errorf("%+v %v, left %v", d, err, c.left())
		}
		renewals := 0
		for _, call := range c.since(0) {
			if strings.HasPrefix(call, "POST ") && strings.Contains(call, "/upload/") {
				renewals++
			}
		}
		if renewals < 4 { // lock, manifest, two renewals
			t.Errorf("%d writes: no renewal came, this shows nothing", renewals)
		}
	})
}
