// Package statetest holds the suite that every store must pass, and a store in memory for tests of what uses stores.
//
// Worked example:
//
//	statetest.Run(t, func(t *testing.T) statetest.Opened { return statetest.Opened{Store: statetest.New()} })
package statetest

import (
	"context"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/state"
)

// TTL is how long a lease of the store in memory lasts; it is renewed at every fourth of it.
const TTL = 2 * time.Minute

// Memory is a store in memory. Several engines may share it.
type Memory struct {
	mu      sync.Mutex
	raw     []byte
	version state.Version
	holder  *state.Holder
	lock    state.Version
	next    state.Version
}

// New gives an empty store.
func New() *Memory { return &Memory{} }

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
func (s *Memory) Save(_ context.Context, m state.Manifest, v state.Version) (state.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v != s.version {
		return 0, state.ErrConflict
	}
	raw, err := state.Encode(m)
	if err != nil {
		return 0, err
	}
	s.next++
	s.raw, s.version = raw, s.next
	return s.version, nil
}

// Lock takes the lease, or says who has it.
func (s *Memory) Lock(ctx context.Context, who state.Holder) (state.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UTC()
	if s.holder != nil && !s.holder.Expired(now, 0) {
		return nil, &state.HeldError{Holder: *s.holder, Where: "memory", Now: now}
	}
	previous := s.holder
	who.Since, who.Beat, who.Until = now, now, now.Add(TTL)
	s.next++
	s.holder, s.lock = &who, s.next
	l := &lease{s: s, previous: previous, mine: s.lock, stop: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	go l.renew()
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

// Rescue forgets what it is given: nothing is beside memory.
func (s *Memory) Rescue(context.Context, string, state.Manifest) (string, error) {
	return "nowhere", nil
}

// Clear removes the manifest.
func (s *Memory) Clear(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw, s.version = nil, 0
	return nil
}

type lease struct {
	s        *Memory
	previous *state.Holder
	mine     state.Version
	ctx      context.Context //nolint:containedctx // the lease is a context that ends
	cancel   context.CancelCauseFunc
	stop     chan struct{}
	once     sync.Once
}

func (l *lease) Context() context.Context { return l.ctx }

func (l *lease) Previous() *state.Holder { return l.previous }

func (l *lease) renew() {
	tick := time.NewTicker(TTL / 4)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
		}
		l.s.mu.Lock()
		lost := l.s.lock != l.mine
		if !lost {
			l.s.holder.Beat = time.Now().UTC()
			l.s.holder.Until = l.s.holder.Beat.Add(TTL)
		}
		l.s.mu.Unlock()
		if lost {
			l.cancel(state.ErrLeaseLost)
			return
		}
	}
}

func (l *lease) Release(ctx context.Context) error {
	l.once.Do(func() { close(l.stop) })
	defer l.cancel(context.Canceled)
	_ = l.s.Unlock(ctx, l.mine) // one that is lost already is nothing to give back
	return nil
}
