package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"cloud.google.com/go/storage"
	"golang.org/x/sync/errgroup"

	"github.com/aiinfra/cluster-provision/pkg/state"
)

// lease is a lock object of ours.
type lease struct {
	*state.Held
	store *Store
	run   string

	mu         sync.Mutex
	generation int64
	old        []int64 // that were replaced; a versioned bucket keeps them
	released   bool
	unsure     bool // a renewal may have happened, although no answer came
}

// tries bounds how often a lock that changes hands meanwhile is looked at again.
const tries = 10

// Lock takes the lease, or says who holds it. It makes a default bucket that is missing.
func (s *Store) Lock(ctx context.Context, who state.Holder) (state.Lease, error) {
	if _, err := s.look(ctx); err != nil {
		return nil, err
	}
	who.Since = s.timing.Clock()
	var previous *state.Holder
	var replaces int64
	for range tries {
		who = s.timing.Stamp(who)
		generation, err := s.lock(ctx, who, replaces)
		if err == nil {
			return s.hold(ctx, who, generation, previous), nil
		}
		if !conflict(err) {
			return nil, s.explain(err)
		}
		there, version, err := s.Holder(ctx)
		switch {
		case errors.Is(err, state.ErrNotLocked):
			replaces, previous = 0, nil // it vanished while we looked
		case err != nil:
			return nil, err
		case there.Run == who.Run: // our own write, whose answer was lost
			return s.hold(ctx, there, int64(version), previous), nil
		case there.Expired(s.timing.Clock(), s.timing.Margin) || there.Gone():
			replaces, previous = int64(version), &there
		default:
			return nil, &state.HeldError{Holder: there, Where: s.Location() + lockName, Now: s.timing.Clock()}
		}
	}
	return nil, fmt.Errorf("the lease %s%s changes hands faster than it can be read: run the same command again", s.Location(), lockName)
}

// lock writes the lock object over one generation.
func (s *Store) lock(ctx context.Context, h state.Holder, generation int64) (int64, error) {
	raw, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return 0, err
	}
	return s.write(ctx, lockName, raw, generation)
}

// Holder shows who holds the lease.
func (s *Store) Holder(ctx context.Context) (state.Holder, state.Version, error) {
	raw, generation, err := s.fetch(ctx, lockName)
	if err != nil {
		return state.Holder{}, 0, err
	}
	if generation == 0 {
		return state.Holder{}, 0, state.ErrNotLocked
	}
	var h state.Holder
	if err := json.Unmarshal(raw, &h); err != nil { // nobody can renew what nobody can read: it counts as expired
		return state.Holder{Owner: "unknown", Run: "unreadable lock"}, state.Version(generation), nil //nolint:nilerr // as said
	}
	return h.Printable(), state.Version(generation), nil
}

// Unlock removes the lease of one version and no other.
func (s *Store) Unlock(ctx context.Context, v state.Version) error {
	there, err := s.look(ctx)
	if err != nil {
		return err
	}
	if !there.exists {
		return state.ErrNotLocked
	}
	// Without the generation in the call, so that the precondition is about the live lock for sure.
	err = s.change(ctx, lockName, func(ctx context.Context) error {
		return s.object(lockName).If(storage.Conditions{GenerationMatch: int64(v)}).Delete(ctx)
	})
	switch {
	case err == nil:
		return s.explain(s.remove(ctx, lockName, int64(v), false)) // its noncurrent rest in a versioned bucket
	case absent(err):
		return state.ErrNotLocked
	case conflict(err):
		if _, _, err := s.Holder(ctx); errors.Is(err, state.ErrNotLocked) {
			return err // whether a precondition on an absent object is 404 or 412 is not recorded
		}
		return state.ErrConflict
	}
	return s.explain(err)
}

func (s *Store) hold(ctx context.Context, who state.Holder, generation int64, previous *state.Holder) *lease {
	l := &lease{store: s, run: who.Run, generation: generation}
	l.Held = state.Hold(ctx, who, previous, s.timing, l.renew)
	return l
}

// renew writes another heartbeat. A conflict may come of an earlier one of ours that has happened although no answer came:
// then that is gone on from.
func (l *lease) renew(ctx context.Context, next state.Holder) (state.Holder, error) {
	l.mu.Lock()
	last := l.generation
	l.mu.Unlock()
	generation, err := l.store.lock(ctx, next, last)
	if err == nil {
		l.adopt(generation)
		return next, nil
	}
	if !conflict(err) && !absent(err) {
		l.mu.Lock()
		l.unsure = true
		l.mu.Unlock()
		return state.Holder{}, err
	}
	there, version, err := l.store.Holder(ctx)
	switch {
	case errors.Is(err, state.ErrNotLocked), err == nil && there.Run != l.run:
		return state.Holder{}, state.ErrLeaseLost
	case err != nil:
		return state.Holder{}, err
	}
	l.adopt(int64(version))
	return there, nil
}

func (l *lease) adopt(generation int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if generation != l.generation {
		l.old = append(l.old, l.generation)
	}
	l.generation, l.unsure = generation, false
}

// settle finds out which generation is ours when a renewal was left without an answer.
func (l *lease) settle(ctx context.Context) error {
	l.mu.Lock()
	unsure := l.unsure
	l.mu.Unlock()
	if !unsure {
		return nil
	}
	there, version, err := l.store.Holder(ctx)
	if err == nil && there.Run == l.run {
		l.adopt(int64(version))
	}
	if errors.Is(err, state.ErrNotLocked) {
		return nil
	}
	return err
}

// forget removes the old generations of this lease's lock but those that are removed already: a bucket is not empty with them.
// No renewal is under way any more.
func (l *lease) forget(ctx context.Context, removed map[int64]bool) error {
	if err := l.settle(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	old := l.old
	l.mu.Unlock()
	if there, err := l.store.look(ctx); err == nil && there.attrs != nil && !there.attrs.VersioningEnabled {
		return nil // such a bucket has kept none
	}
	group, ctx2 := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, g := range old {
		if !removed[g] {
			group.Go(func() error { return l.store.remove(ctx2, lockName, g, false) })
		}
	}
	return l.store.explain(group.Wait())
}

// Release gives the lease back in one call. Old generations of the lock stay: the default bucket removes them by itself, and
// Clear removes them all.
func (l *lease) Release(ctx context.Context) error {
	if err := l.Stop(ctx); err != nil {
		return err
	}
	l.End() // before anybody else may have it
	if err := l.settle(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	generation, released := l.generation, l.released
	l.mu.Unlock()
	if released {
		return nil
	}
	err := l.store.change(ctx, lockName, func(ctx context.Context) error {
		return l.store.object(lockName).Generation(generation).If(storage.Conditions{GenerationMatch: generation}).Delete(ctx)
	})
	if err != nil && !absent(err) && !conflict(err) {
		return l.store.explain(err)
	}
	l.mu.Lock()
	l.released = true
	l.mu.Unlock()
	return nil
}
