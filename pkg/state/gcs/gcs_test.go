package gcs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/state"
	"github.com/aiinfra/cluster-provision/pkg/state/gcs"
	"github.com/aiinfra/cluster-provision/pkg/state/statetest"
)

func world(t *testing.T) *emulator.Emulator {
	t.Helper()
	em, err := emulator.New(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return em
}

func store(ctx context.Context, t *testing.T, em *emulator.Emulator, opt gcs.Options) *gcs.Store {
	t.Helper()
	clients, err := gcp.New(ctx, gcp.Options{Transport: em.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	if opt.Bucket == "" {
		opt.Bucket, opt.Default = "aiinfra-terraform-my-project", true
	}
	opt.Project, opt.Region = orWord(opt.Project, "my-project"), "us-central1"
	opt.Prefix = orWord(opt.Prefix, "demo")
	return gcs.New(clients.Storage, opt)
}

func orWord(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func ready(ctx context.Context, t *testing.T, em *emulator.Emulator) *gcs.Store {
	t.Helper()
	s := store(ctx, t, em, gcs.Options{})
	if err := s.EnsureBucket(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSuite(t *testing.T) {
	statetest.Run(t, func(t *testing.T) statetest.Opened {
		return statetest.Opened{Store: ready(t.Context(), t, world(t))}
	})
}

func TestALeaseOfADeadRunIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		em := world(t)
		s := ready(t.Context(), t, em)
		if err := s.Upload(t.Context(), "lock.json", []byte(`{"owner":"somebody","host":"elsewhere","run":"dead","action":"create","until":"1999-01-01T00:00:00Z"}`)); err != nil {
			t.Fatal(err)
		}
		l, err := s.Lock(t.Context(), state.Holder{Run: "alive"})
		if err != nil {
			t.Fatal(err)
		}
		if p := l.Previous(); p == nil || p.Run != "dead" {
			t.Errorf("taken over from %v", p)
		}
		if err := l.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, em := t.Context(), world(t)
		s := ready(ctx, t, em)
		if err := s.EnsureBucket(ctx); err != nil {
			t.Errorf("a second time: %v", err)
		}
		clients, err := gcp.New(ctx, gcp.Options{Transport: em.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		attrs, err := clients.Storage.Bucket("aiinfra-terraform-my-project").Attrs(ctx)
		if err != nil || attrs.Location != "US-CENTRAL1" || !attrs.VersioningEnabled || !attrs.UniformBucketLevelAccess.Enabled || attrs.PublicAccessPrevention.String() != "enforced" {
			t.Errorf("%+v %v", attrs, err)
		}
		stranger := store(ctx, t, em, gcs.Options{Bucket: "aiinfra-terraform-my-project", Default: true, Project: "another-project"})
		if err := stranger.EnsureBucket(ctx); resources.ClassOf(err) != resources.ClassForeign {
			t.Errorf("a default bucket of another project: %v", err)
		}
		missing := store(ctx, t, em, gcs.Options{Bucket: "no-bucket"})
		if err := missing.EnsureBucket(ctx); resources.ClassOf(err) != resources.ClassNotFound || !strings.Contains(err.Error(), "gcloud storage buckets create gs://no-bucket") {
			t.Errorf("a given bucket that is missing: %v", err)
		}
		if err := s.Upload(ctx, "somebody.txt", []byte("x")); err != nil {
			t.Fatal(err)
		}
		if gone, err := s.RemoveBucketIfOurs(ctx); gone || err != nil {
			t.Errorf("a bucket that holds something: %v %v", gone, err)
		}
		if err := s.Clear(ctx); err != nil {
			t.Fatal(err)
		}
		if gone, err := s.RemoveBucketIfOurs(ctx); !gone || err != nil {
			t.Errorf("an empty bucket of ours: %v %v", gone, err)
		}
		if _, err := clients.Storage.Bucket("theirs").Attrs(ctx); err == nil {
			t.Error("the world has a bucket that nobody made")
		}
	})
}

// A damaged manifest names the object, its generation and the one to go back to.
func TestADamagedManifestSaysWhatToGoBackTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s := ready(ctx, t, world(t))
		good, err := s.Save(ctx, state.Manifest{Lineage: "l", Serial: 1, Owner: "o"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Upload(ctx, "manifest.json", []byte("{ not JSON")); err != nil {
			t.Fatal(err)
		}
		_, _, err = s.Load(ctx)
		var damaged *state.DamagedError
		if !errors.As(err, &damaged) || !strings.Contains(err.Error(), "manifest.json (generation ") {
			t.Fatalf("%v", err)
		}
		want := `gcloud storage cp "gs://aiinfra-terraform-my-project/demo-deployment/manifest.json#`
		if !strings.Contains(err.Error(), want) || good == 0 {
			t.Errorf("no way back: %v", err)
		}
	})
}

// A write whose answer is lost, and that happened, is a success; changes of one object never come too fast for the bucket.
func TestLostAnswersAndTheRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, em := t.Context(), world(t)
		s := ready(ctx, t, em)
		plan, err := emulator.ParseFaultPlan([]byte(`{"rules":[{"match":{"method":"POST","path":"/upload/"},"nth":[1],"fault":{"loseAnswer":true}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := em.SetFaults(plan); err != nil {
			t.Fatal(err)
		}
		m := state.Manifest{Lineage: "l", Serial: 1, Writer: "me", Owner: "o"}
		v, err := s.Save(ctx, m, 0)
		if err != nil {
			t.Fatalf("a lost answer: %v", err)
		}
		start := time.Now()
		for i := range int64(5) {
			m.Serial = 2 + i
			if v, err = s.Save(ctx, m, v); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < 4*time.Second {
			t.Errorf("five writes of one object in %s", took)
		}
	})
}

func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, em := t.Context(), world(t)
		ready(ctx, t, em)
		for _, prefix := range []string{"one", "two"} {
			s := store(ctx, t, em, gcs.Options{Prefix: prefix})
			if _, err := s.Save(ctx, state.Manifest{Lineage: prefix, Prefix: prefix, Serial: 1, Owner: "o"}, 0); err != nil {
				t.Fatal(err)
			}
		}
		list, err := store(ctx, t, em, gcs.Options{}).List(ctx)
		if err != nil || len(list) != 2 || list[0].Prefix != "one" {
			t.Errorf("%v %v", list, err)
		}
	})
}
