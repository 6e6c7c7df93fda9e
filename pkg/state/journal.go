package state

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Pace says how often a journal writes.
type Pace struct {
	Write  time.Duration // least time between two writes: a bucket takes only about one change a second of one object
	Gather time.Duration // how long outcomes wait for more of them, because each write costs the user a call
}

// Journal owns the manifest during a run. Changes are stored at once, as far as the pace allows; what is posted waits for more
// of its kind. Edits that come close together share one write. A slow store holds up nobody but who waits for a Change.
//
// When a write fails the journal is dead for good: it says so on Failed, and every waiting and later Change gets the error.
// What is posted after that is still applied in memory, so that Manifest, for Store.Rescue, has every outcome.
type Journal struct {
	wake   chan struct{} // has room for one: there is something new to look at
	quit   chan struct{} // closed by Close
	ended  chan struct{} // closed when the goroutine has ended
	failed chan struct{}
	once   sync.Once

	mu      sync.Mutex // guards what follows; held only for moments
	m       Manifest
	v       Version
	err     error
	closed  bool
	drop    bool           // end without a write
	begun   bool           // something was stored
	waiting []chan<- error // of the changes that are applied and not stored yet
	posted  time.Time      // when the first outcome was posted that is not stored yet; zero for none
}

// Start begins a journal on a manifest that was loaded as the given version. The goroutine that it starts ends with Close,
// and when ctx ends: give it the lease's context, not one that the user's interrupt ends.
func Start(ctx context.Context, s Store, m Manifest, v Version, pace Pace) *Journal {
	j := &Journal{
		wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}), failed: make(chan struct{}),
		m: m.Clone(), v: v,
	}
	w := &writer{journal: j, store: s, pace: pace}
	go w.run(ctx)
	return j
}

// Change changes anything in the manifest and returns when the change is stored, together with all that was posted before.
// When ctx ends first the change may still be stored. Serial, and the time of the update, are the journal's own. It may be
// called again after outcomes were posted: one journal serves several plans under one lease.
func (j *Journal) Change(ctx context.Context, f func(*Manifest)) error {
	done := make(chan error, 1)
	j.mu.Lock()
	switch {
	case j.err != nil:
		defer j.mu.Unlock()
		return j.err
	case j.closed:
		defer j.mu.Unlock()
		return ErrClosed
	}
	f(&j.m)
	j.waiting = append(j.waiting, done)
	j.mu.Unlock()
	j.nudge()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Post changes the manifest and waits for nothing: outcomes need not hold up what comes next, because the intent was stored
// before. Close stores what was posted; Failed tells when that could not be done. After either it is applied in memory only.
func (j *Journal) Post(f func(*Manifest)) {
	j.mu.Lock()
	f(&j.m)
	if j.posted.IsZero() {
		j.posted = time.Now()
	}
	j.mu.Unlock()
	j.nudge()
}

func (j *Journal) nudge() {
	select {
	case j.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Close stores what is not stored yet, ends the journal, and answers the error that it died of, if any. Closing again
// answers the same.
func (j *Journal) Close() error {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.once.Do(func() { close(j.quit) })
	<-j.ended
	return j.Err()
}

// Discard ends the journal without storing what is not stored yet: the manifest is about to be removed.
func (j *Journal) Discard() {
	j.mu.Lock()
	j.drop = true
	j.mu.Unlock()
	_ = j.Close() // nothing is written any more, so nothing can go wrong
}

// Failed is closed when a write has failed: the run must start nothing more.
func (j *Journal) Failed() <-chan struct{} { return j.failed }

// Err is the error that the journal died of.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Begun says that something was stored. Until then the run has changed nothing, because intents come first, and there is
// nothing to rescue.
func (j *Journal) Begun() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.begun
}

// Manifest is the manifest with every edit so far, stored or not.
func (j *Journal) Manifest() Manifest {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.m.Clone()
}

// Version is the version that was stored last.
func (j *Journal) Version() Version {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.v
}

// JournalError says that outcomes could not be stored.
type JournalError struct {
	Serial int64 // that could not be stored
	Err    error
}

// Error says which write failed.
func (e *JournalError) Error() string {
	return fmt.Sprintf("the manifest could not be stored (serial %d): %v", e.Serial, e.Err)
}

// Unwrap gives the store's answer.
func (e *JournalError) Unwrap() error { return e.Err }
