package state_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/state"
	"github.com/aiinfra/cluster-provision/pkg/state/statetest"
)

// slow is a store whose writes take a while, are counted and timed, and can fail.
type slow struct {
	state.Store
	mu    sync.Mutex
	takes time.Duration
	fail  error
	times []time.Time // when each write began
}

func (s *slow) Save(ctx context.Context, m state.Manifest, v state.Version) (state.Version, error) {
	s.mu.Lock()
	s.times = append(s.times, time.Now())
	takes, fail := s.takes, s.fail
	s.mu.Unlock()
	if takes > 0 {
		timer := time.NewTimer(takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	if fail != nil {
		return 0, fail
	}
	return s.Store.Save(ctx, m, v)
}

func (s *slow) writes() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.times)
}

func (s *slow) set(takes time.Duration, fail error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes, s.fail = takes, fail
}

func put(address string) func(*state.Manifest) {
	return func(m *state.Manifest) {
		m.Put(state.Record{Address: address, ID: "//t/" + address, Status: state.Ready})
	}
}

func pass(d time.Duration) { <-time.NewTimer(d).C }

// pace is that of a real run.
func pace() state.Pace { return state.Pace{Write: time.Second, Gather: 5 * time.Second} }

// withJournal runs a test in virtual time. The journal must be ended by the test.
func withJournal(t *testing.T, f func(context.Context, *testing.T, *slow, *state.Journal)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{Store: statetest.New()}
		m := state.Manifest{Lineage: "l", Owner: "o", Project: "p", Prefix: "n", Zone: "z"}
		f(t.Context(), t, s, state.Start(t.Context(), s, m, 0, pace()))
	})
}

func TestOutcomesShareWritesAndWritesAreNeverTooClose(t *testing.T) {
	withJournal(t, func(ctx context.Context, t *testing.T, s *slow, j *state.Journal) {
		if err := j.Change(ctx, put("a/first")); err != nil {
			t.Fatal(err)
		}
		for i := range 60 { // one a second: a write each five
			j.Post(put("a/" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)))
			pass(time.Second)
		}
		if n := len(s.writes()); n < 8 || n > 13 {
			t.Errorf("%d writes for a minute of outcomes", n)
		}
		j.Post(put("a/last"))
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		times := s.writes()
		for i := 1; i < len(times); i++ {
			if d := times[i].Sub(times[i-1]); d < time.Second {
				t.Errorf("two writes are %s apart", d)
			}
		}
		if m, v, err := s.Load(ctx); err != nil || len(m.Resources) != 62 || v != j.Version() {
			t.Errorf("stored are %d records, version %d of %d, %v", len(m.Resources), v, j.Version(), err)
		}
	})
}

// Intents do not wait for outcomes to gather, and take along those that are posted.
func TestAnIntentIsStoredAtOnce(t *testing.T) {
	withJournal(t, func(ctx context.Context, t *testing.T, s *slow, j *state.Journal) {
		if j.Begun() {
			t.Error("begun before anything was stored")
		}
		start := time.Now()
		if err := j.Change(ctx, put("a/one")); err != nil || time.Since(start) > 0 {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		if !j.Begun() {
			t.Error("stored, and not begun")
		}
		j.Post(put("a/outcome"))
		pass(10 * time.Second)
		j.Post(put("a/another"))
		start = time.Now()
		if err := j.Change(ctx, put("a/two")); err != nil || time.Since(start) > 0 { // the next plan under the same lease
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		if m, _, err := s.Load(ctx); err != nil || len(m.Resources) != 4 {
			t.Errorf("stored are %d records, %v", len(m.Resources), err)
		}
		start = time.Now()
		if err := j.Change(ctx, put("a/three")); err != nil || time.Since(start) != time.Second {
			t.Errorf("two intents are %s apart, %v", time.Since(start), err)
		}
		if err := j.Close(); err != nil || len(s.writes()) != 4 {
			t.Errorf("%d writes, %v", len(s.writes()), err)
		}
	})
}

// A slow bucket does not hold up the steps that post outcomes.
func TestPostingNeverWaits(t *testing.T) {
	withJournal(t, func(ctx context.Context, t *testing.T, s *slow, j *state.Journal) {
		s.set(time.Minute, nil)
		first := make(chan error, 1)
		go func() { first <- j.Change(ctx, put("a/intent")) }()
		synctest.Wait() // the write is under way
		start := time.Now()
		for range 100 {
			j.Post(put("a/outcome"))
		}
		if m := j.Manifest(); len(m.Resources) != 2 || time.Since(start) > 0 {
			t.Errorf("posting took %s; %d records", time.Since(start), len(m.Resources))
		}
		if err := <-first; err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil || len(s.writes()) != 2 {
			t.Errorf("%d writes, %v", len(s.writes()), err)
		}
	})
}

// What happens after a journal has died is still in the manifest that is rescued.
func TestADeadJournalStillTakesOutcomes(t *testing.T) {
	withJournal(t, func(ctx context.Context, t *testing.T, s *slow, j *state.Journal) {
		if err := j.Change(ctx, put("a/intent")); err != nil {
			t.Fatal(err)
		}
		s.set(0, state.ErrConflict)
		j.Post(put("a/before"))
		<-j.Failed()
		s.set(0, nil)
		j.Post(put("a/after"))
		if err := j.Change(ctx, put("a/intent2")); !errors.Is(err, state.ErrConflict) {
			t.Errorf("a later intent: %v", err)
		}
		var died *state.JournalError
		if err := j.Close(); !errors.Is(err, state.ErrConflict) || !errors.As(err, &died) || died.Serial != 2 || len(s.writes()) != 2 {
			t.Errorf("%v after %d writes", err, len(s.writes()))
		}
		j.Post(put("a/late"))
		m := j.Manifest()
		for _, address := range []string{"a/intent", "a/before", "a/after", "a/late"} {
			if _, ok := m.Find(address); !ok {
				t.Errorf("%s is not there", address)
			}
		}
		if _, ok := m.Find("a/intent2"); ok || !j.Begun() {
			t.Errorf("an intent that was refused is there: %v; begun: %v", ok, j.Begun())
		}
	})
}

// A run that lost the race before it changed anything has nothing to rescue.
func TestAJournalWhoseFirstWriteFailedHasNotBegun(t *testing.T) {
	withJournal(t, func(ctx context.Context, t *testing.T, s *slow, j *state.Journal) {
		s.set(0, state.ErrConflict)
		if err := j.Change(ctx, put("a/b")); !errors.Is(err, state.ErrConflict) || j.Begun() {
			t.Errorf("begun: %v, %v", j.Begun(), err)
		}
		if err := j.Close(); !errors.Is(err, state.ErrConflict) {
			t.Error(err)
		}
	})
}

// The end of the lease ends the journal: nothing more is stored, nothing more must be started.
func TestALostLeaseEndsTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{Store: statetest.New(), takes: time.Hour}
		ctx, cancel := context.WithCancelCause(t.Context())
		j := state.Start(ctx, s, state.Manifest{}, 0, pace())
		done := make(chan error, 1)
		go func() { done <- j.Change(t.Context(), put("a/b")) }()
		synctest.Wait()
		cancel(state.ErrLeaseLost)
		<-j.Failed()
		if err := <-done; !errors.Is(err, state.ErrLeaseLost) {
			t.Errorf("who waited: %v", err)
		}
		if err := j.Close(); !errors.Is(err, state.ErrLeaseLost) {
			t.Error(err)
		}
	})
}

func TestAChangeAfterTheEndIsRefused(t *testing.T) {
	withJournal(t, func(ctx context.Context, t *testing.T, s *slow, j *state.Journal) {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		if err := j.Change(ctx, put("a/b")); !errors.Is(err, state.ErrClosed) || len(s.writes()) > 0 {
			t.Error(err)
		}
	})
}

func TestDiscardWritesNothing(t *testing.T) {
	withJournal(t, func(ctx context.Context, t *testing.T, s *slow, j *state.Journal) {
		if err := j.Change(ctx, put("a/b")); err != nil {
			t.Fatal(err)
		}
		j.Post(put("a/c"))
		start := time.Now()
		j.Discard()
		if len(s.writes()) != 1 || time.Since(start) > 0 {
			t.Errorf("%d writes, %s", len(s.writes()), time.Since(start))
		}
	})
}

func TestTheStoreInMemory(t *testing.T) {
	statetest.Run(t, func(*testing.T) statetest.Opened { return statetest.New().Opened() })
}
