package exec

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Task is one thing to do.
type Task struct {
	ID        string
	Needs     []string // ids of the tasks that must be done first
	Exclusive string   // of tasks with the same group only one runs at a time; empty for none
	// Run does it. What it says through the voice it may say until it returns.
	Run func(context.Context, Voice) error
}

// Voice is how a running task speaks to the run.
type Voice struct {
	// Tell says how far the task is, for whoever observes.
	Tell func(detail string)
	// Usable says that what needs the task may start, although the task has something left to do. Should the task fail after
	// that, its users are not skipped.
	Usable func()
}

// Status says how a task ended.
type Status string

// The four ways to end.
const (
	Done      Status = "done"
	Failed    Status = "failed"
	Skipped   Status = "skipped"   // something it needs failed; it never started
	Cancelled Status = "cancelled" // the run was stopped before it started or while it ran
)

// Result says how one task ended.
type Result struct {
	ID     string
	Status Status
	Err    error     // of a task that failed, or that was cancelled while it ran
	Cause  string    // of a skipped one: the id of the task that failed first
	After  string    // the need that was done last, which is what it waited for
	Start  time.Time // zero when it never started
	End    time.Time
}

// Event tells the observer that a task has started, how far it is, or how it ended.
type Event struct {
	Started bool   //
	Detail  string // how far a running task is; empty when it started or ended
	Result
}

// Options of a run. The zero value runs everything that can run side by side.
type Options struct {
	Workers     int             // most tasks at a time; 0 is no bound
	StopOnError bool            // after a failure start nothing more; otherwise finish what does not depend on it
	Stop        <-chan struct{} // when closed, nothing more is started
	Grace       time.Duration   // how long what runs may go on after Stop; 0 is until it ends by itself
	Observe     func(Event)     // called from one goroutine, in order; it must not block
}

// ErrStopped is the cause of the end of a task's context after the grace has passed, and the error of a run of which tasks
// never started or were cut off. It is a context.Canceled in words for users.
var ErrStopped error = stoppedError{}

type stoppedError struct{}

func (stoppedError) Error() string        { return "stopped before everything was done" }
func (stoppedError) Is(target error) bool { return target == context.Canceled }

// Run runs the tasks and returns when none runs any more, with a result for each in the order of the list. The error joins
// the failures, each with its task's id in front; what was skipped is not in it. Tasks that name unknown needs, have the
// same id, or need each other in a circle are an error, and nothing is run.
func Run(ctx context.Context, tasks []Task, opt Options) ([]Result, error) {
	r, err := newRun(tasks, opt)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.loop(ctx, cancel)
	return r.results, r.failure(ctx)
}

// failure joins what the user has to know about: causes, never consequences.
func (r *run) failure(ctx context.Context) error {
	var errs []error
	cancelled := false
	for _, res := range r.results {
		switch res.Status {
		case Failed:
			errs = append(errs, fmt.Errorf("%s: %w", res.ID, res.Err))
		case Cancelled:
			cancelled = true
		case Done, Skipped:
		}
	}
	switch {
	case cancelled && ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.Canceled):
		errs = append(errs, context.Cause(ctx))
	case cancelled && ctx.Err() != nil:
		errs = append(errs, ErrStopped)
	case cancelled && len(errs) == 0:
		errs = append(errs, ErrStopped)
	}
	return errors.Join(errs...)
}
