package state

import (
	"context"
	"time"
)

// writer is the goroutine of a journal: it stores what has been applied.
type writer struct {
	journal *Journal
	store   Store
	pace    Pace
	last    time.Time // end of the last write
}

func (w *writer) run(ctx context.Context) {
	j := w.journal
	defer close(j.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var due <-chan time.Time
		if at, any := w.due(); any {
			timer.Reset(time.Until(at))
			due = timer.C
		}
		select {
		case <-j.wake:
		case <-due:
			if !w.write(ctx) {
				return
			}
		case <-j.quit:
			w.finish(ctx)
			return
		case <-ctx.Done():
			w.die(context.Cause(ctx))
			return
		}
	}
}

// due is when the next write is to be made; false when there is nothing to store.
func (w *writer) due() (time.Time, bool) {
	j := w.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	next := w.last.Add(w.pace.Write)
	switch {
	case len(j.waiting) > 0:
		return next, true
	case j.posted.IsZero():
		return time.Time{}, false
	}
	if gathered := j.posted.Add(w.pace.Gather); gathered.After(next) {
		return gathered, true
	}
	return next, true
}

// finish waits until the last write may be made, and stores the rest.
func (w *writer) finish(ctx context.Context) {
	j := w.journal
	j.mu.Lock()
	rest := len(j.waiting) > 0 || !j.posted.IsZero()
	drop := j.drop
	j.mu.Unlock()
	if drop || !rest {
		w.answer(ErrClosed)
		return
	}
	timer := time.NewTimer(time.Until(w.last.Add(w.pace.Write)))
	defer timer.Stop()
	select {
	case <-timer.C:
		w.write(ctx)
	case <-ctx.Done():
		w.die(context.Cause(ctx))
	}
}

// write stores all edits so far. Those that come meanwhile wait for the next write, and hold up nobody.
func (w *writer) write(ctx context.Context) bool {
	j := w.journal
	j.mu.Lock()
	j.m.Serial++
	j.m.Updated = time.Now().UTC()
	if j.m.Created.IsZero() {
		j.m.Created = j.m.Updated
	}
	m, v := j.m.Clone(), j.v
	waiting, posted := j.waiting, j.posted
	j.waiting, j.posted = nil, time.Time{}
	j.mu.Unlock()

	v, err := w.store.Save(ctx, m, v)
	w.last = time.Now()
	if err != nil {
		j.mu.Lock()
		j.waiting, j.posted = append(waiting, j.waiting...), posted
		j.mu.Unlock()
		w.die(err)
		return false
	}
	j.mu.Lock()
	j.v, j.begun = v, true
	j.mu.Unlock()
	for _, done := range waiting {
		done <- nil
	}
	return true
}

// die ends the journal with an error; who waits hears of it.
func (w *writer) die(err error) {
	j := w.journal
	j.mu.Lock()
	err = &JournalError{Serial: j.m.Serial, Err: err}
	j.err = err
	j.mu.Unlock()
	close(j.failed)
	w.answer(err)
}

// answer tells who waits how it ended. No change is accepted any more: the journal is closed or dead.
func (w *writer) answer(err error) {
	j := w.journal
	j.mu.Lock()
	waiting := j.waiting
	j.waiting = nil
	j.mu.Unlock()
	for _, done := range waiting {
		done <- err
	}
}
