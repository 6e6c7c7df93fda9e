package statetest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Opened is a fresh, empty store to be tested, and what can be done to it.
type Opened struct {
	Store state.Store
	// Another is the same deployment as another process sees it.
	Another func() state.Store
	// Sleep lets the wall clock of all processes jump, while no timer goes off: what a process that was stopped, or a machine
	// that slept, finds on waking.
	Sleep func(time.Duration)
	// Hang lets the next so many writes hang until their context ends, without happening.
	Hang func(int)
	// Lose lets the next so many writes happen while their answers are lost.
	Lose func(int)
	// Plant puts something there that is not ours.
	Plant func(name string)
}

// always is more writes than any test makes.
const always = 1 << 30

// Run holds a store to what state.Store promises, in virtual time.
func Run(t *testing.T, open func(*testing.T) Opened) {
	for name, test := range map[string]func(context.Context, *testing.T, Opened){
		"nothing is version 0":                                               nothing,
		"a write replaces one version and no other":                          fencing,
		"a write whose answer was lost is a success":                         lostWrite,
		"the second of two holders is told who":                              held,
		"a lease that is renewed outlasts its TTL":                           renewed,
		"a lease that was removed ends its context":                          removed,
		"unlock removes that version and no other":                           unlock,
		"releasing again is fine":                                            releaseTwice,
		"a lock whose answer was lost is held, and given back":               lostLock,
		"renewals whose answers were lost keep the lease":                    lostRenewals,
		"one renewal that hangs loses nothing":                               oneHangs,
		"when every renewal hangs the context ends before anybody may enter": allHang,
		"exactly one contender gets an expired lease":                        contenders,
		"a holder that was stopped too long finds at once that it has lost":  paused,
		"a machine that slept too long ends the context by itself":           slept,
		"what was rescued is among the contents, and needs the lease":        rescued,
		"clearing leaves a lease and what others have put there":             cleared,
		"dissolving gives the lease back and names what stays":               dissolved,
		"without the lease nothing is dissolved":                             dissolvedLost,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t.Context(), t, open(t)) })
		})
	}
}

func wait(d time.Duration) { <-time.NewTimer(d).C }

func manifest(serial int64) state.Manifest {
	return state.Manifest{Lineage: "l", Serial: serial, Writer: "w", Project: "p", Prefix: "n", Owner: "o"}
}

func lock(ctx context.Context, t *testing.T, s state.Store, run string) state.Lease {
	t.Helper()
	l, err := s.Lock(ctx, state.Holder{Owner: "owner", Host: "host", Run: run, Action: "create"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func release(ctx context.Context, t *testing.T, l state.Lease) {
	t.Helper()
	if err := l.Release(ctx); err != nil {
		t.Errorf("release: %v", err)
	}
}

// holder is who holds the lease.
func holder(ctx context.Context, t *testing.T, s state.Store) (state.Holder, state.Version) {
	t.Helper()
	h, v, err := s.Holder(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return h, v
}

// mustBeHeldBy says that nobody may enter now.
func mustBeHeldBy(ctx context.Context, t *testing.T, s state.Store, run string) {
	t.Helper()
	_, err := s.Lock(ctx, state.Holder{Owner: "o", Run: "intruder"})
	var by *state.HeldError
	if !errors.As(err, &by) || by.Holder.Run != run {
		t.Errorf("want a lease held by %s, have %v", run, err)
	}
}

func nothing(ctx context.Context, t *testing.T, o Opened) {
	m, v, err := o.Store.Load(ctx)
	if err != nil || v != 0 || m.Lineage != "" {
		t.Errorf("%v %d %v", m, v, err)
	}
	if _, _, err := o.Store.Holder(ctx); !errors.Is(err, state.ErrNotLocked) {
		t.Errorf("holder: %v", err)
	}
	if c, err := o.Store.Contents(ctx); err != nil || len(c.Ours)+len(c.Others) > 0 {
		t.Errorf("contents: %+v %v", c, err)
	}
}

func fencing(ctx context.Context, t *testing.T, o Opened) {
	s := o.Store
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

func lostWrite(ctx context.Context, t *testing.T, o Opened) {
	o.Lose(1)
	v, err := o.Store.Save(ctx, manifest(1), 0)
	if err != nil {
		t.Fatal(err)
	}
	o.Lose(1)
	if v, err = o.Store.Save(ctx, manifest(2), v); err != nil {
		t.Fatal(err)
	}
	if m, now, err := o.Store.Load(ctx); err != nil || now != v || m.Serial != 2 {
		t.Errorf("stored: serial %d, version %d of %d, %v", m.Serial, now, v, err)
	}
}

func rescued(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "one")
	for range 2 { // a second time, with more in it, is fine
		if where, err := o.Store.Rescue(ctx, l, "one", manifest(1)); err != nil || where == "" {
			t.Errorf("%q %v", where, err)
		}
	}
	release(ctx, t, l)
	if _, err := o.Store.Rescue(ctx, l, "two", manifest(1)); !errors.Is(err, state.ErrLeaseLost) {
		t.Errorf("without the lease: %v", err)
	}
	if c, err := o.Store.Contents(ctx); err != nil || len(c.Ours) != 1 || c.Ours[0] != "recovery-one.json" {
		t.Errorf("contents: %+v %v", c, err)
	}
}

func cleared(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "one")
	if _, err := o.Store.Save(ctx, manifest(1), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Store.Rescue(ctx, l, "one", manifest(1)); err != nil {
		t.Fatal(err)
	}
	o.Plant("default.tfstate")
	kept, err := o.Store.Clear(l.Context())
	if err != nil || len(kept) != 1 {
		t.Errorf("kept %v, %v", kept, err)
	}
	if _, v, err := o.Store.Load(ctx); err != nil || v != 0 {
		t.Errorf("the manifest is still there: %d %v", v, err)
	}
	if c, err := o.Store.Contents(ctx); err != nil || len(c.Ours) != 0 || len(c.Others) != 1 {
		t.Errorf("contents: %+v %v", c, err)
	}
	mustBeHeldBy(ctx, t, o.Another(), "one")
	release(ctx, t, l)
}

func dissolved(ctx context.Context, t *testing.T, o Opened) {
	o.Plant("default.tfstate")
	l := lock(ctx, t, o.Store, "one")
	if _, err := o.Store.Save(ctx, manifest(1), 0); err != nil {
		t.Fatal(err)
	}
	wait(5 * time.Minute) // some renewals
	d, err := o.Store.Dissolve(l.Context(), l)
	if err != nil || len(d.Kept) != 1 || d.BucketRemoved {
		t.Errorf("%+v %v", d, err)
	}
	if l.Check() == nil {
		t.Error("the lease goes on")
	}
	if _, _, err := o.Another().Holder(ctx); !errors.Is(err, state.ErrNotLocked) {
		t.Errorf("holder: %v", err)
	}
	if c, err := o.Another().Contents(ctx); err != nil || len(c.Ours) != 0 || len(c.Others) != 1 {
		t.Errorf("contents: %+v %v", c, err)
	}
	release(ctx, t, l) // as a deferred release does
}

func dissolvedLost(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "one")
	if _, err := o.Store.Save(ctx, manifest(1), 0); err != nil {
		t.Fatal(err)
	}
	o.Sleep(time.Hour)
	if _, err := o.Store.Dissolve(ctx, l); !errors.Is(err, state.ErrLeaseLost) {
		t.Errorf("%v", err)
	}
	if _, v, err := o.Store.Load(ctx); err != nil || v == 0 {
		t.Errorf("the manifest is gone: %v", err)
	}
	release(ctx, t, l)
}
