package state

import (
	"context"
	"time"
)

// writer is the goroutine of a journal: it gathers edits and stores them.
type writer struct {
	journal  *Journal
	store    Store
	interval time.Duration
	last     time.Time // end of the last write
	waiting  []edit    // applied, not yet stored
}

func (w *writer) run(ctx context.Context) {
	j := w.journal
	defer close(j.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var due <-chan time.Time
		if len(w.waiting) > 0 {
			timer.Reset(time.Until(w.last.Add(w.interval)))
			due = timer.C
		}
		select {
		case e := <-j.edits:
			w.apply(e)
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

func (w *writer) apply(e edit) {
	j := w.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	e.apply(&j.m)
	w.waiting = append(w.waiting, e)
}

// finish waits until the last write is due, and stores the rest.
func (w *writer) finish(ctx context.Context) {
	w.journal.mu.Lock()
	drop := w.journal.drop
	w.journal.mu.Unlock()
	if len(w.waiting) == 0 || drop {
		w.answer(nil)
		return
	}
	timer := time.NewTimer(time.Until(w.last.Add(w.interval)))
	defer timer.Stop()
	select {
	case <-timer.C:
		w.write(ctx)
	case <-ctx.Done():
		w.die(context.Cause(ctx))
	}
}

// write stores all edits so far. The write runs beside the gathering of nothing: edits that come meanwhile wait for the next.
func (w *writer) write(ctx context.Context) bool {
	j := w.journal
	j.mu.Lock()
	j.m.Serial++
	j.m.Updated = time.Now().UTC()
	if j.m.Created.IsZero() {
		j.m.Created = j.m.Updated
	}
	m, v := j.m.Clone(), j.v
	j.mu.Unlock()

	v, err := w.store.Save(ctx, m, v)
	w.last = time.Now()
	if err != nil {
		w.die(err)
		return false
	}
	j.mu.Lock()
	j.v = v
	j.mu.Unlock()
	w.answer(nil)
	return true
}

// die ends the journal with an error; what waits hears of it.
func (w *writer) die(err error) {
	j := w.journal
	j.mu.Lock()
	j.err = &JournalError{Serial: j.m.Serial, Err: err}
	err = j.err
	j.mu.Unlock()
	close(j.failed)
	w.answer(err)
}

func (w *writer) answer(err error) {
	for _, e := range w.waiting {
		e.done <- err
	}
	w.waiting = nil
}
