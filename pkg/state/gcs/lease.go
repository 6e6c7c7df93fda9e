package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"cloud.google.com/go/storage"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// lease is a lock object of ours.
type lease struct {
	store    *Store
	previous *state.Holder
	ctx      context.Context //nolint:containedctx // the lease is a context that ends
	cancel   context.CancelCauseFunc
	stop     chan struct{} // closed by Release
	stopped  chan struct{} // closed when the heartbeat has ended
	once     sync.Once

	mu         sync.Mutex
	holder     state.Holder
	generation int64
}

// Lock takes the lease, or says who holds it.
func (s *Store) Lock(ctx context.Context, who state.Holder) (state.Lease, error) {
	who.Since = time.Now().UTC()
	who = s.beat(who)
	var previous *state.Holder
	var replaces int64
	for {
		generation, err := s.put(ctx, who, replaces)
		if err == nil {
			return s.hold(ctx, who, generation, previous), nil
		}
		if resources.ClassOf(gcp.Wrap("", err)) != resources.ClassConflict {
			return nil, s.explain(err)
		}
		there, version, err := s.Holder(ctx)
		switch {
		case errors.Is(err, state.ErrNotLocked):
			replaces, previous = 0, nil // it vanished while we looked
		case err != nil:
			return nil, err
		case there.Run == who.Run: // our own write, whose answer was lost
			return s.hold(ctx, who, int64(version), previous), nil
		case there.Expired(time.Now(), s.scaled(leaseMargin)) || there.Gone():
			replaces, previous = int64(version), &there
		default:
			return nil, &state.HeldError{Holder: there, Where: s.Location() + lockName, Now: time.Now().UTC()}
		}
	}
}

func (s *Store) beat(h state.Holder) state.Holder {
	h.Beat = time.Now().UTC().Round(0) // wall time: a laptop that slept must notice
	h.Until = h.Beat.Add(s.scaled(leaseTTL))
	return h
}

func (s *Store) put(ctx context.Context, h state.Holder, generation int64) (int64, error) {
	raw, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return 0, err
	}
	made, err := s.write(ctx, lockName, raw, generation)
	if err == nil && generation != 0 {
		_ = s.object(lockName).Generation(generation).Delete(ctx) // in a versioned bucket renewals would pile up
	}
	return made, err
}

// Holder shows who holds the lease.
func (s *Store) Holder(ctx context.Context) (state.Holder, state.Version, error) {
	raw, generation, err := s.read(ctx, lockName)
	if isAbsent(err) {
		return state.Holder{}, 0, state.ErrNotLocked
	}
	if err != nil {
		return state.Holder{}, 0, s.explain(err)
	}
	h, err := decodeHolder(raw)
	if err != nil { // nobody can renew what nobody can read: it counts as expired
		return state.Holder{Owner: "unknown", Run: "unreadable lock"}, state.Version(generation), nil //nolint:nilerr // as said
	}
	return h, state.Version(generation), nil
}

// Unlock removes the lease of one version and no other.
func (s *Store) Unlock(ctx context.Context, v state.Version) error {
	err := s.change(ctx, lockName, func() error {
		return s.object(lockName).If(storage.Conditions{GenerationMatch: int64(v)}).Delete(ctx)
	})
	switch {
	case err == nil:
		_ = s.object(lockName).Generation(int64(v)).Delete(ctx) // its noncurrent rest in a versioned bucket
		return nil
	case isAbsent(err):
		return state.ErrNotLocked
	case resources.ClassOf(gcp.Wrap("", err)) == resources.ClassConflict:
		if _, _, err := s.Holder(ctx); errors.Is(err, state.ErrNotLocked) {
			return err // whether a precondition on an absent object is 404 or 412 is not recorded
		}
		return state.ErrConflict
	}
	return s.explain(err)
}

func (s *Store) hold(ctx context.Context, who state.Holder, generation int64, previous *state.Holder) *lease {
	l := &lease{store: s, previous: previous, holder: who, generation: generation, stop: make(chan struct{}), stopped: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	go l.run()
	return l
}

// Context ends before anybody else may take the lease over.
func (l *lease) Context() context.Context { return l.ctx }

// Previous is the holder whose expired lease this one replaced.
func (l *lease) Previous() *state.Holder { return l.previous }

// run renews the lease until Release, or until it is lost. Wall time is looked at every second, because a machine may sleep.
func (l *lease) run() {
	defer close(l.stopped)
	s := l.store
	tick := time.NewTicker(s.scaled(time.Second))
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
		}
		now := time.Now().Round(0)
		switch {
		case now.After(l.holder.Until.Add(-s.scaled(leaseMargin))):
			l.cancel(state.ErrLeaseLost)
			return
		case now.Sub(l.holder.Beat) >= s.scaled(leaseBeat):
			if !l.renew() {
				return
			}
		}
	}
}

// renew writes another heartbeat. What fails in passing is tried again at the next tick, while the lease lasts.
func (l *lease) renew() bool {
	ctx, cancel := context.WithDeadline(l.ctx, l.holder.Until.Add(-l.store.scaled(leaseMargin)))
	defer cancel()
	next := l.store.beat(l.holder)
	generation, err := l.store.put(ctx, next, l.generation)
	if resources.ClassOf(gcp.Wrap("", err)) == resources.ClassConflict {
		there, version, readErr := l.store.Holder(ctx)
		if readErr == nil && there.Run == next.Run && there.Beat.Equal(next.Beat) {
			generation, err = int64(version), nil // our own write, whose answer was lost
		} else if readErr == nil || errors.Is(readErr, state.ErrNotLocked) {
			l.cancel(state.ErrLeaseLost)
			return false
		}
	}
	if err == nil {
		l.mu.Lock()
		l.holder, l.generation = next, generation
		l.mu.Unlock()
	}
	return true
}

// Release gives the lease back.
func (l *lease) Release(ctx context.Context) error {
	l.once.Do(func() { close(l.stop) })
	<-l.stopped
	defer l.cancel(context.Canceled)
	l.mu.Lock()
	generation := l.generation
	l.mu.Unlock()
	err := l.store.Unlock(ctx, state.Version(generation))
	if errors.Is(err, state.ErrNotLocked) || errors.Is(err, state.ErrConflict) {
		return nil
	}
	return err
}
