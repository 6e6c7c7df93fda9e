package statetest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Opened is a fresh, empty store to be tested.
type Opened struct{ Store state.Store }

// Run holds a store to what state.Store promises, in virtual time.
func Run(t *testing.T, open func(*testing.T) Opened) {
	for name, test := range map[string]func(*testing.T, context.Context, state.Store){
		"nothing is version 0":                      nothing,
		"a write replaces one version and no other": fencing,
		"the second of two holders is told who":     held,
		"a lease that is renewed outlasts its TTL":  renewed,
		"a lease that was removed ends its context": removed,
		"unlock removes that version and no other":  unlock,
		"releasing again is fine":                   releaseTwice,
		"clearing leaves nothing but a lease":       cleared,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, t.Context(), open(t).Store) })
		})
	}
}

func wait(d time.Duration) { <-time.NewTimer(d).C }

func manifest(serial int64) state.Manifest {
	return state.Manifest{Lineage: "l", Serial: serial, Writer: "w", Project: "p", Prefix: "n", Owner: "o"}
}

func nothing(t *testing.T, ctx context.Context, s state.Store) { //nolint:revive // the test comes first in all of them
	m, v, err := s.Load(ctx)
	if err != nil || v != 0 || m.Lineage != "" {
		t.Errorf("%v %d %v", m, v, err)
	}
	if _, _, err := s.Holder(ctx); !errors.Is(err, state.ErrNotLocked) {
		t.Errorf("holder: %v", err)
	}
}

func fencing(t *testing.T, ctx context.Context, s state.Store) { //nolint:revive // as above
	v1, err := s.Save(ctx, manifest(1), 0)
	if err != nil {
		t.Fatal(err)
	}
	other := manifest(1)
	other.Writer = "another run"
	if _, err := s.Save(ctx, other, 0); !errors.Is(err, state.ErrConflict) {
		t.Errorf("a second first write: %v", err)
	}
	v2, err := s.Save(ctx, manifest(2), v1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(ctx, manifest(3), v1); !errors.Is(err, state.ErrConflict) {
		t.Errorf("a write over an old version: %v", err)
	}
	if m, v, err := s.Load(ctx); err != nil || v != v2 || m.Serial != 2 {
		t.Errorf("stored: serial %d, version %d of %d, %v", m.Serial, v, v2, err)
	}
}

func held(t *testing.T, ctx context.Context, s state.Store) { //nolint:revive // as above
	l := lock(t, ctx, s, "one")
	_, err := s.Lock(ctx, state.Holder{Owner: "o", Run: "two"})
	var heldBy *state.HeldError
	if !errors.As(err, &heldBy) || heldBy.Holder.Run != "one" {
		t.Errorf("the second: %v", err)
	}
	if err := l.Release(ctx); err != nil {
		t.Error(err)
	}
	if err := lock(t, ctx, s, "two").Release(ctx); err != nil {
		t.Error(err)
	}
}

func lock(t *testing.T, ctx context.Context, s state.Store, run string) state.Lease { //nolint:revive // as above
	t.Helper()
	l, err := s.Lock(ctx, state.Holder{Owner: "owner", Host: "host", Run: run, Action: "create"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func renewed(t *testing.T, ctx context.Context, s state.Store) { //nolint:revive // as above
	l := lock(t, ctx, s, "one")
	wait(10 * time.Minute)
	if l.Context().Err() != nil {
		t.Errorf("the lease has ended: %v", context.Cause(l.Context()))
	}
	if _, err := s.Lock(ctx, state.Holder{Run: "two"}); err == nil {
		t.Error("a renewed lease was taken over")
	}
	if err := l.Release(ctx); err != nil {
		t.Error(err)
	}
}

func removed(t *testing.T, ctx context.Context, s state.Store) { //nolint:revive // as above
	l := lock(t, ctx, s, "one")
	wait(5 * time.Second)
	_, v, err := s.Holder(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unlock(ctx, v); err != nil {
		t.Fatal(err)
	}
	wait(5 * time.Minute)
	if !errors.Is(context.Cause(l.Context()), state.ErrLeaseLost) {
		t.Errorf("cause: %v", context.Cause(l.Context()))
	}
	if err := l.Release(ctx); err != nil {
		t.Errorf("releasing a lost lease: %v", err)
	}
}

func unlock(t *testing.T, ctx context.Context, s state.Store) { //nolint:revive // as above
	if err := s.Unlock(ctx, 1); !errors.Is(err, state.ErrNotLocked) {
		t.Errorf("unlocking nothing: %v", err)
	}
	l := lock(t, ctx, s, "one")
	_, v, err := s.Holder(ctx)
	if err != nil {
		t.Fatal(err)
	}
	wait(2 * time.Second)
	if err := s.Unlock(ctx, v+1); !errors.Is(err, state.ErrConflict) {
		t.Errorf("unlocking another version: %v", err)
	}
	if err := l.Release(ctx); err != nil {
		t.Error(err)
	}
}

func releaseTwice(t *testing.T, ctx context.Context, s state.Store) { //nolint:revive // as above
	l := lock(t, ctx, s, "one")
	for range 2 {
		if err := l.Release(ctx); err != nil {
			t.Error(err)
		}
	}
	if l.Context().Err() == nil {
		t.Error("the context of a released lease goes on")
	}
}

func cleared(t *testing.T, ctx context.Context, s state.Store) { //nolint:revive // as above
	l := lock(t, ctx, s, "one")
	if _, err := s.Save(ctx, manifest(1), 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Clear(ctx); err != nil {
		t.Fatal(err)
	}
	if _, v, err := s.Load(ctx); err != nil || v != 0 {
		t.Errorf("the manifest is still there: %d %v", v, err)
	}
	if _, _, err := s.Holder(ctx); err != nil {
		t.Errorf("the lease is gone: %v", err)
	}
	if err := l.Release(ctx); err != nil {
		t.Error(err)
	}
}
