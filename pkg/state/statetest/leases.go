package statetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/state"
)

// The part of the suite that is about leases.

func held(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "one")
	mustBeHeldBy(ctx, t, o.Another(), "one")
	if err := l.Check(); err != nil {
		t.Errorf("a lease that is held: %v", err)
	}
	release(ctx, t, l)
	release(ctx, t, lock(ctx, t, o.Another(), "two"))
}

func renewed(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "one")
	wait(10 * time.Minute)
	if err := l.Check(); err != nil || l.Context().Err() != nil {
		t.Errorf("the lease has ended: %v", err)
	}
	mustBeHeldBy(ctx, t, o.Another(), "one")
	release(ctx, t, l)
}

func removed(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "one")
	wait(5 * time.Second)
	_, v := holder(ctx, t, o.Another())
	if err := o.Another().Unlock(ctx, v); err != nil {
		t.Fatal(err)
	}
	wait(5 * time.Minute)
	if !errors.Is(context.Cause(l.Context()), state.ErrLeaseLost) {
		t.Errorf("cause: %v", context.Cause(l.Context()))
	}
	release(ctx, t, l)
}

func unlock(ctx context.Context, t *testing.T, o Opened) {
	if err := o.Store.Unlock(ctx, 1); !errors.Is(err, state.ErrNotLocked) {
		t.Errorf("unlocking nothing: %v", err)
	}
	l := lock(ctx, t, o.Store, "one")
	_, v := holder(ctx, t, o.Store)
	wait(2 * time.Second)
	if err := o.Another().Unlock(ctx, v+1); !errors.Is(err, state.ErrConflict) {
		t.Errorf("unlocking another version: %v", err)
	}
	mustBeHeldBy(ctx, t, o.Another(), "one")
	release(ctx, t, l)
}

func releaseTwice(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "one")
	for range 2 {
		release(ctx, t, l)
	}
	if l.Context().Err() == nil || l.Check() == nil {
		t.Error("the context of a released lease goes on")
	}
}

func lostLock(ctx context.Context, t *testing.T, o Opened) {
	o.Lose(1)
	l := lock(ctx, t, o.Store, "one")
	mustBeHeldBy(ctx, t, o.Another(), "one")
	wait(2 * time.Second)
	release(ctx, t, l)
	release(ctx, t, lock(ctx, t, o.Another(), "two"))
}

func lostRenewals(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "one")
	for range 20 {
		o.Lose(1)
		wait(30 * time.Second)
	}
	o.Lose(0)
	if err := l.Check(); err != nil {
		t.Errorf("the lease has ended: %v", err)
	}
	mustBeHeldBy(ctx, t, o.Another(), "one")
	release(ctx, t, l)
	release(ctx, t, lock(ctx, t, o.Another(), "two")) // nothing of the first is left behind
}

func oneHangs(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "one")
	for range 5 {
		o.Hang(1)
		wait(2 * time.Minute)
	}
	o.Hang(0)
	if err := l.Check(); err != nil {
		t.Errorf("the lease has ended: %v", err)
	}
	release(ctx, t, l)
}

func allHang(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "one")
	wait(time.Minute)
	o.Hang(always)
	h, _ := holder(ctx, t, o.Another())
	<-l.Context().Done()
	if now := time.Now(); !now.Before(h.Until) {
		t.Errorf("the context has ended %s too late", now.Sub(h.Until))
	}
	if !errors.Is(context.Cause(l.Context()), state.ErrLeaseLost) || !errors.Is(l.Check(), state.ErrLeaseLost) {
		t.Errorf("cause: %v, check: %v", context.Cause(l.Context()), l.Check())
	}
	o.Hang(0)
	mustBeHeldBy(ctx, t, o.Another(), "one") // it has not expired for others
	wait(3 * time.Minute)
	second := lock(ctx, t, o.Another(), "two")
	release(ctx, t, l) // nothing to give back, and not the second's
	mustBeHeldBy(ctx, t, o.Store, "two")
	release(ctx, t, second)
}

func contenders(ctx context.Context, t *testing.T, o Opened) {
	dead := lock(ctx, t, o.Store, "dead")
	o.Hang(always)
	<-dead.Context().Done()
	wait(5 * time.Minute)
	o.Hang(0)
	type answer struct {
		l   state.Lease
		err error
	}
	const many = 5
	answers := make(chan answer, many)
	for i := range many {
		s := o.Another()
		go func() {
			l, err := s.Lock(ctx, state.Holder{Owner: "o", Run: fmt.Sprintf("contender-%d", i)})
			answers <- answer{l, err}
		}()
	}
	var won []state.Lease
	var lost []*state.HeldError
	for range many {
		a := <-answers
		var by *state.HeldError
		switch {
		case a.err == nil:
			won = append(won, a.l)
			if p := a.l.Previous(); p == nil || p.Run != "dead" {
				t.Errorf("taken over from %v", p)
			}
		case errors.As(a.err, &by):
			lost = append(lost, by)
		default:
			t.Error(a.err)
		}
	}
	if len(won) != 1 {
		t.Fatalf("%d contenders have the lease", len(won))
	}
	now, _ := holder(ctx, t, o.Store)
	for _, by := range lost {
		if by.Holder.Run != now.Run {
			t.Errorf("a loser was told %s instead of %s", by.Holder.Run, now.Run)
		}
	}
	release(ctx, t, won[0])
}

func paused(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "sleeper")
	v, err := o.Store.Save(ctx, manifest(1), 0)
	if err != nil {
		t.Fatal(err)
	}
	o.Sleep(time.Hour)
	// It wakes, and no timer has gone off yet.
	if _, err := o.Store.Rescue(ctx, l, "sleeper", manifest(2)); !errors.Is(err, state.ErrLeaseLost) {
		t.Errorf("rescue on waking: %v", err)
	}
	if err := l.Check(); !errors.Is(err, state.ErrLeaseLost) || l.Context().Err() == nil {
		t.Errorf("on waking: %v, context %v", err, l.Context().Err())
	}
	second := lock(ctx, t, o.Another(), "second")
	if p := second.Previous(); p == nil || p.Run != "sleeper" {
		t.Errorf("taken over from %v", p)
	}
	wait(2 * time.Second)
	after := manifest(2)
	after.Writer = "second"
	if v2, err := o.Another().Save(ctx, after, v); err != nil || v2 == v {
		t.Fatalf("version %d, %v", v2, err)
	}
	if _, err := o.Store.Save(ctx, manifest(2), v); !errors.Is(err, state.ErrConflict) {
		t.Errorf("the sleeper wrote over the second's manifest: %v", err)
	}
	release(ctx, t, l)
	mustBeHeldBy(ctx, t, o.Store, "second")
	if c, err := o.Store.Contents(ctx); err != nil || len(c.Ours) != 1 {
		t.Errorf("contents: %+v %v", c, err)
	}
	release(ctx, t, second)
}

func slept(ctx context.Context, t *testing.T, o Opened) {
	l := lock(ctx, t, o.Store, "sleeper")
	wait(5 * time.Second)
	o.Sleep(time.Hour)
	wait(2 * time.Second) // no renewal is due for long
	if !errors.Is(context.Cause(l.Context()), state.ErrLeaseLost) {
		t.Errorf("cause: %v", context.Cause(l.Context()))
	}
	release(ctx, t, l)
}
