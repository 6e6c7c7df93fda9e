package gcp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/api/iterator"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Operation is work under way in the cloud, in the dialect of its API. There are three: Compute Engine's (package gce),
// google.longrunning (LongRunning) and GKE's own (GKE).
type Operation interface {
	// Poll asks once how far it is. It may take as long as the API holds the call.
	Poll(context.Context) error
	// Done says that it has ended, as of the last Poll.
	Done() bool
	// Err is what an operation that is done has ended with; nil when it went well.
	Err(resources.ID) error
	// Detail is what the cloud says about it meanwhile; may be empty.
	Detail() string
}

// Pace is how often something is looked at: a 25th of what is left until the usual time, and later a 25th of what has
// passed, never more often than Quickest nor more rarely than Slowest. The zero value looks every one to ten seconds.
type Pace struct {
	Usually  time.Duration // how long it usually takes
	Quickest time.Duration // 0 means one second
	Slowest  time.Duration // 0 means ten seconds
}

// After is the pause after some time has passed.
func (p Pace) After(passed time.Duration) time.Duration {
	quickest, slowest := p.Quickest, p.Slowest
	if quickest <= 0 {
		quickest = time.Second
	}
	if slowest <= 0 {
		slowest = 10 * time.Second
	}
	return min(slowest, max(quickest, max(p.Usually-passed, passed)/25))
}

// Wait returns when an operation is done, with what it ended with. Between looks it pauses at the pace; a look that the API
// has held for that long is followed by the next at once.
func (c *Clients) Wait(ctx context.Context, id resources.ID, op Operation, pace Pace) error {
	start := time.Now()
	for !op.Done() {
		asked := time.Now()
		if err := op.Poll(ctx); err != nil {
			return Wrap(id, err)
		}
		if op.Done() {
			break
		}
		if text := op.Detail(); text != "" {
			resources.Tell(ctx, resources.Progress{Waiting: text})
		}
		pause := pace.After(c.Unscaled(time.Since(start))) - c.Unscaled(time.Since(asked))
		if err := c.Pause(ctx, pause); err != nil {
			if text := op.Detail(); text != "" {
				return fmt.Errorf("%s: %w; the operation said last: %s", id.Path(), err, clean(text, longest))
			}
			return fmt.Errorf("%s: %w", id.Path(), err)
		}
	}
	return op.Err(id)
}

// LostError says that an operation is not there any more. It tells nothing about the resource, so it is not "not found".
type LostError struct{ Err error }

// Error says so.
func (e *LostError) Error() string { return "the operation is not there any more: " + e.Err.Error() }

// Class is ClassFatal: what became of the resource is seen by looking at it.
func (e *LostError) Class() resources.Class { return resources.ClassFatal }

// Lost makes a LostError of an answer to Poll that says "not found", and leaves any other error.
func Lost(err error) error {
	if resources.ClassOf(err) == resources.ClassNotFound {
		return &LostError{err}
	}
	return err
}

// Scaled is how long a wait takes at the pace of these clients.
func (c *Clients) Scaled(d time.Duration) time.Duration { return resources.Pace(c.pace).Scaled(d) }

// Unscaled is the opposite of Scaled: what a time that passed here means at the normal pace.
func (c *Clients) Unscaled(d time.Duration) time.Duration { return resources.Pace(c.pace).Unscaled(d) }

// Pause waits, at the pace of these clients, or until the context ends.
func (c *Clients) Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return Wrap("", ctx.Err())
	}
	t := time.NewTimer(c.Scaled(d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return Wrap("", ctx.Err())
	}
}

// Collect reads an iterator of a client library to its end and classifies what went wrong. The REST clients of Compute Engine
// make the requests of their lists without the caller's context (compute 1.75: List and AggregatedList of every client), so
// the end of the context is heeded here. The request itself then ends by the transport's limit, and nobody waits for it.
func Collect[T any](ctx context.Context, next func() (T, error)) ([]T, error) {
	type answer struct {
		list []T
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		list, err := collect(next)
		done <- answer{list, err}
	}()
	select {
	case a := <-done:
		return a.list, a.err
	case <-ctx.Done():
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		return nil, Wrap("", ctx.Err())
	}
	moment := time.NewTimer(lastMoment)
	defer moment.Stop()
	select {
	case a := <-done:
		return a.list, a.err
	case <-moment.C:
		return nil, Wrap("", ctx.Err())
	}
}

// lastMoment is for a list that the user's signal ends too, by the transport, which then has what the cloud said last.
const lastMoment = 100 * time.Millisecond

func collect[T any](next func() (T, error)) ([]T, error) {
	var out []T
	for {
		one, err := next()
		if errors.Is(err, iterator.Done) {
			return out, nil
		}
		if err != nil {
			return nil, Wrap("", err)
		}
		out = append(out, one)
	}
}
