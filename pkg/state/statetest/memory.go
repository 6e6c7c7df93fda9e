// Package statetest holds the suite that every store must pass, and a store in memory for tests of what uses stores.
//
// Worked example:
//
//	statetest.Run(t, func(t *testing.T) statetest.Opened { return statetest.New().Opened() })
package statetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/state"
)

// TTL is how long a lease of the store in memory lasts.
const TTL = 2 * time.Minute

// errLost stands for an answer that did not come.
var errLost = errors.New("the answer was lost")

// Memory is a store in memory. Several engines may share it.
type Memory struct {
	mu      sync.Mutex
	raw     []byte
	version state.Version
	holder  *state.Holder
	lock    state.Version
	next    state.Version
	files   map[string]bool // ours, beside manifest and lock
	others  map[string]bool // not ours
	skew    time.Duration   // of the wall clock against the timers
	hang    int             // so many writes hang from now on
	lose    int             // so many writes happen and are not answered from now on
}

// New gives an empty store.
func New() *Memory { return &Memory{files: map[string]bool{}, others: map[string]bool{}} }

// Opened is the store as the suite wants it.
func (s *Memory) Opened() Opened {
	return Opened{
		Store: s, Another: func() state.Store { return s },
		Sleep: func(d time.Duration) { s.set(func() { s.skew += d }) },
		Hang:  func(n int) { s.set(func() { s.hang = n }) },
		Lose:  func(n int) { s.set(func() { s.lose = n }) },
		Plant: func(name string) { s.set(func() { s.others[name] = true }) },
	}
}

func (s *Memory) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *Memory) timing() state.Timing {
	return state.Timing{TTL: TTL, Beat: TTL / 4, Margin: TTL / 8, Try: TTL / 12, Now: func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return time.Now().Add(s.skew)
	}}
}

// write carries out one write, with what is to go wrong with it.
func (s *Memory) write(ctx context.Context, f func() error) error {
	s.mu.Lock()
	if s.hang > 0 {
		s.hang--
		s.mu.Unlock()
		<-ctx.Done()
		return context.Cause(ctx)
	}
	defer s.mu.Unlock()
	err := f()
	if err == nil && s.lose > 0 {
		s.lose--
		return errLost
	}
	return err
}

// Load gives what was saved last.
func (s *Memory) Load(context.Context) (state.Manifest, state.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version == 0 {
		return state.Manifest{}, 0, nil
	}
	m, err := state.Decode(s.raw)
	return m, s.version, err
}

// Save replaces one version and no other.
func (s *Memory) Save(ctx context.Context, m state.Manifest, v state.Version) (state.Version, error) {
	raw, err := state.Encode(m)
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, func() error {
		if v != s.version {
			return state.ErrConflict
		}
		s.next++
		s.raw, s.version = raw, s.next
		return nil
	})
	if err != nil && !errors.Is(err, errLost) {
		return 0, err
	}
	_, v, err = s.Load(ctx)
	return v, err
}

// Lock takes the lease, or says who has it.
func (s *Memory) Lock(ctx context.Context, who state.Holder) (state.Lease, error) {
	timing := s.timing()
	now := timing.Clock()
	who.Since = now
	who = timing.Stamp(who)
	var previous *state.Holder
	err := s.write(ctx, func() error {
		if s.holder != nil && !s.holder.Expired(now, timing.Margin) {
			return &state.HeldError{Holder: *s.holder, Where: "memory", Now: now}
		}
		previous = s.holder
		s.next++
		s.holder, s.lock = &who, s.next
		return nil
	})
	if err != nil && !errors.Is(err, errLost) {
		return nil, err
	}
	l := &lease{s: s, run: who.Run}
	l.Held = state.Hold(ctx, who, previous, timing, l.renew)
	return l, nil
}

// Holder shows who holds the lease.
func (s *Memory) Holder(context.Context) (state.Holder, state.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holder == nil {
		return state.Holder{}, 0, state.ErrNotLocked
	}
	return *s.holder, s.lock, nil
}

// Unlock removes the lease of one version.
func (s *Memory) Unlock(_ context.Context, v state.Version) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.holder == nil:
		return state.ErrNotLocked
	case v != s.lock:
		return state.ErrConflict
	}
	s.holder, s.lock = nil, 0
	return nil
}

// Rescue remembers that there was something to rescue.
func (s *Memory) Rescue(ctx context.Context, l state.Lease, run string, _ state.Manifest) (string, error) {
	if l.Check() != nil {
		return "", state.ErrLeaseLost
	}
	name := "recovery-" + run + ".json"
	return "memory/" + name, s.write(ctx, func() error { s.files[name] = true; return nil })
}

// Contents lists what there is.
func (s *Memory) Contents(context.Context) (state.Contents, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := state.Contents{Ours: slices.Collect(maps.Keys(s.files)), Others: slices.Sorted(maps.Keys(s.others))}
	if s.version != 0 {
		out.Ours = append(out.Ours, "manifest.json")
	}
	slices.Sort(out.Ours)
	return out, nil
}

// Clear removes what is ours.
func (s *Memory) Clear(ctx context.Context) ([]string, error) {
	err := s.write(ctx, func() error {
		s.raw, s.version = nil, 0
		clear(s.files)
		return nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.others)), err
}

// Dissolve clears and gives the lease back. There is no bucket to remove.
func (s *Memory) Dissolve(ctx context.Context, l state.Lease) (state.Dissolved, error) {
	if l.Check() != nil {
		return state.Dissolved{}, state.ErrLeaseLost
	}
	kept, err := s.Clear(ctx)
	if err != nil {
		return state.Dissolved{}, err
	}
	return state.Dissolved{Kept: kept}, l.Release(context.WithoutCancel(ctx))
}

type lease struct {
	*state.Held
	s   *Memory
	run string
}

func (l *lease) renew(ctx context.Context, h state.Holder) (state.Holder, error) {
	return h, l.s.write(ctx, func() error {
		if l.s.holder == nil || l.s.holder.Run != l.run {
			return state.ErrLeaseLost
		}
		l.s.next++
		l.s.holder, l.s.lock = &h, l.s.next
		return nil
	})
}

func (l *lease) Release(ctx context.Context) error {
	if err := l.Stop(ctx); err != nil {
		return err
	}
	l.End()
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.s.holder != nil && l.s.holder.Run == l.run {
		l.s.holder, l.s.lock = nil, 0
	}
	return nil
}
