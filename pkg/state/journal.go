package state

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Journal owns the manifest during a run. Edits that come close together share one write, and writes are never closer than
// the interval, because a bucket takes only about one write a second to one object.
//
// When a write fails the journal is dead for good: it says so on Failed, every waiting and later Edit gets the error, and
// Manifest gives what should have been stored, for Store.Rescue.
type Journal struct {
	edits  chan edit
	quit   chan struct{} // closed by Close
	ended  chan struct{} // closed when the goroutine has ended
	failed chan struct{}
	once   sync.Once

	mu  sync.Mutex // guards what follows; only the goroutine writes it
	m   Manifest
	v   Version
	err error

	drop bool // end without a write
}

type edit struct {
	apply func(*Manifest)
	done  chan error // has room for one answer
}

// Start begins a journal on a manifest that was loaded as the given version. The goroutine that it starts ends with Close,
// and when ctx ends: give it the lease's context, not one that the user's interrupt ends.
func Start(ctx context.Context, s Store, m Manifest, v Version, interval time.Duration) *Journal {
	j := &Journal{
		edits: make(chan edit), quit: make(chan struct{}), ended: make(chan struct{}), failed: make(chan struct{}),
		m: m.Clone(), v: v,
	}
	w := &writer{journal: j, store: s, interval: interval}
	go w.run(ctx)
	return j
}

// Edit changes records, by address, and returns when the change is stored. A key that is removed drops its record; the
// key is the address, whatever the record says. When ctx ends first the change may still be stored.
func (j *Journal) Edit(ctx context.Context, f func(map[string]Record)) error {
	return j.Change(ctx, func(m *Manifest) {
		records := make(map[string]Record, len(m.Resources))
		for _, r := range m.Resources {
			records[r.Address] = r
		}
		f(records)
		m.Resources = m.Resources[:0:0]
		for address, r := range records {
			r.Address = address
			m.Put(r)
		}
	})
}

// Change changes anything in the manifest and returns when the change is stored; see Edit. Serial, and the time of the
// update, are the journal's own.
func (j *Journal) Change(ctx context.Context, f func(*Manifest)) error {
	e := edit{apply: f, done: make(chan error, 1)}
	select {
	case j.edits <- e:
	case <-j.ended:
		return j.closedError()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-e.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Post changes the manifest and does not wait until that is stored: outcomes need not hold up what comes next, because the
// intent was stored before. Close stores what was posted; Failed tells when that could not be done.
func (j *Journal) Post(f func(*Manifest)) {
	select {
	case j.edits <- edit{apply: f, done: make(chan error, 1)}:
	case <-j.ended:
	}
}

// Close stores what is not stored yet, ends the journal, and answers the error that it died of, if any. Closing again
// answers the same.
func (j *Journal) Close() error {
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

func (j *Journal) closedError() error {
	if err := j.Err(); err != nil {
		return err
	}
	return ErrClosed
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
