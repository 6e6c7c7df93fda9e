package state

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Timing says how a lease is kept.
type Timing struct {
	TTL    time.Duration // how long one renewal is good for
	Beat   time.Duration // time between two renewals
	Margin time.Duration // for clocks that differ: the holder stops so long before the end, others wait so long after it
	Try    time.Duration // limit of one try to renew
	// Now is the wall clock; nil means time.Now. It is not the monotonic one, which stands still while a machine sleeps.
	Now func() time.Time
}

// Clock is the wall clock, in UTC and without a monotonic part.
func (t Timing) Clock() time.Time {
	if t.Now != nil {
		return t.Now().UTC().Round(0)
	}
	return time.Now().UTC().Round(0)
}

// Stamp gives a holder the times of a renewal at this moment.
func (t Timing) Stamp(h Holder) Holder {
	h.Beat = t.Clock()
	h.Until = h.Beat.Add(t.TTL)
	return h
}

// look is how often expiry is looked at: often enough for the shortest margin.
func (t Timing) look() time.Duration { return min(time.Second, max(t.Margin/15, time.Millisecond)) }

// Renew writes another heartbeat over the last one and answers what is stored now, which may be an earlier heartbeat of the
// same run whose answer was lost. An error that is ErrLeaseLost says for sure that the lease is another's or gone; after any
// other it is tried again while the lease lasts.
type Renew func(context.Context, Holder) (Holder, error)

// Held is a lease that is held: two goroutines renew it and watch its end, so that a renewal that hangs delays nothing. What
// stores add is how the lock is written and removed.
type Held struct {
	previous *Holder
	timing   Timing
	renew    Renew
	ctx      context.Context //nolint:containedctx // the lease is a context that ends
	cancel   context.CancelCauseFunc
	once     sync.Once
	quit     chan struct{} // closed by Stop: no more renewals
	quiet    chan struct{} // closed when no renewal is under way and none will be

	mu     sync.Mutex
	holder Holder
}

// Hold keeps a lease that was just taken. Its goroutines end with Stop and End, and when the lease is lost; ctx gives values
// only, because a lease outlives the user's interrupt.
func Hold(ctx context.Context, who Holder, previous *Holder, timing Timing, renew Renew) *Held {
	l := &Held{
		previous: previous, timing: timing, renew: renew, holder: who, quit: make(chan struct{}), quiet: make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	go l.beat()
	go l.watch()
	return l
}

// Context ends before anybody else may take the lease over.
func (l *Held) Context() context.Context { return l.ctx }

// Previous is the holder whose expired lease this one replaced.
func (l *Held) Previous() *Holder { return l.previous }

// Check looks at the wall clock and ends the context when the lease may not be trusted any more.
func (l *Held) Check() error {
	if l.ctx.Err() == nil {
		l.mu.Lock()
		until := l.holder.Until
		l.mu.Unlock()
		if !l.timing.Clock().Before(until.Add(-l.timing.Margin)) {
			l.cancel(ErrLeaseLost)
		}
	}
	return context.Cause(l.ctx)
}

// Stop ends the renewals and waits until none is under way, at most until ctx ends. The lease lasts as long as it was
// renewed for.
func (l *Held) Stop(ctx context.Context) error {
	l.once.Do(func() { close(l.quit) })
	select {
	case <-l.quiet:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// End ends the lease's context, with context.Canceled as the cause if it was held until now.
func (l *Held) End() { l.cancel(context.Canceled) }

// watch ends the context in time. It does nothing that could block.
func (l *Held) watch() {
	tick := time.NewTicker(l.timing.look())
	defer tick.Stop()
	for l.Check() == nil {
		select {
		case <-tick.C:
		case <-l.ctx.Done():
		}
	}
}

func (l *Held) beat() {
	defer close(l.quiet)
	wait := l.timing.Beat
	for {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-l.quit:
			timer.Stop()
			return
		case <-l.ctx.Done():
			timer.Stop()
			return
		}
		wait = l.timing.Beat
		if l.Check() != nil {
			return
		}
		if err := l.try(); errors.Is(err, ErrLeaseLost) {
			l.cancel(ErrLeaseLost)
			return
		} else if err != nil {
			wait = l.timing.look() // again soon: the lease lasts for some tries more
		}
	}
}

// try renews once.
func (l *Held) try() error {
	ctx, cancel := context.WithTimeout(l.ctx, l.timing.Try)
	defer cancel()
	l.mu.Lock()
	last := l.holder
	l.mu.Unlock()
	now, err := l.renew(ctx, l.timing.Stamp(last))
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.holder = now
	l.mu.Unlock()
	return nil
}
