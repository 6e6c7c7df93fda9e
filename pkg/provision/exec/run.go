package exec

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/graph"
)

// run is the state of one Run; only the goroutine of loop touches it.
type run struct {
	tasks   []Task
	opt     Options
	results []Result
	users   [][]int         // by task: who needs it
	missing []int           // by task: how many needs are not done yet
	ready   []int           // tasks that may start, in the order in which they became ready
	alone   map[string]bool // groups of which a task runs
	words   chan word
	freed   []bool // by task: its users need not wait for it any more
	running int
	open    int // tasks that have not ended
	stopped bool
	ends    chan end
}

// word is what a running task says of itself: how far it is, or, without a text, that it can be used.
type word struct {
	task int
	text string
}

// end is what a task's goroutine says last.
type end struct {
	task int
	err  error
}

func newRun(tasks []Task, opt Options) (*run, error) {
	r := &run{
		tasks: tasks, opt: opt, results: make([]Result, len(tasks)), users: make([][]int, len(tasks)),
		missing: make([]int, len(tasks)), open: len(tasks), ends: make(chan end),
		alone: map[string]bool{}, words: make(chan word), freed: make([]bool, len(tasks)),
	}
	index := make(map[string]int, len(tasks))
	g := graph.New[string]()
	for i, t := range tasks {
		if _, taken := index[t.ID]; taken {
			return nil, fmt.Errorf("task %q is in the list twice", t.ID)
		}
		index[t.ID] = i
		r.results[i].ID = t.ID
		g.Add(t.ID, t.Needs...)
	}
	for i, t := range tasks {
		for _, n := range g.Needs(t.ID) {
			need, ok := index[n]
			if !ok {
				return nil, fmt.Errorf("task %q needs %q, which is not in the list", t.ID, n)
			}
			r.users[need] = append(r.users[need], i)
			r.missing[i]++
		}
		if r.missing[i] == 0 {
			r.ready = append(r.ready, i)
		}
	}
	_, err := g.Order()
	return r, err
}

func (r *run) loop(ctx context.Context, cancel context.CancelCauseFunc) {
	stop := r.opt.Stop
	var grace <-chan time.Time
	for {
		if ctx.Err() != nil || isClosed(stop) {
			r.stopped = true
		}
		r.startReady(ctx)
		if r.running == 0 {
			r.cancelRest()
			return
		}
		select {
		case e := <-r.ends:
			r.ended(ctx, e)
		case w := <-r.words:
			if w.text == "" {
				r.free(w.task)
			} else if r.opt.Observe != nil {
				r.opt.Observe(Event{Detail: w.text, Result: r.results[w.task]})
			}
		case <-stop:
			stop, r.stopped = nil, true
			if r.opt.Grace > 0 {
				timer := time.NewTimer(r.opt.Grace)
				defer timer.Stop()
				grace = timer.C
			}
		case <-grace:
			cancel(ErrStopped)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (r *run) startReady(ctx context.Context) {
	var waiting []int // for another task of their group
	for len(r.ready) > 0 && !r.stopped && (r.opt.Workers <= 0 || r.running < r.opt.Workers) {
		i := r.ready[0]
		r.ready = r.ready[1:]
		if group := r.tasks[i].Exclusive; group != "" {
			if r.alone[group] {
				waiting = append(waiting, i)
				continue
			}
			r.alone[group] = true
		}
		r.running++
		r.results[i].Start = time.Now()
		r.tell(i, true)
		say := func(text string) {
			select {
			case r.words <- word{i, text}:
			case <-ctx.Done():
			}
		}
		tell := func(text string) {
			if text != "" {
				say(text)
			}
		}
		voice := Voice{Tell: tell, Usable: func() { say("") }}
		go func() { r.ends <- end{i, guarded(func() error { return r.tasks[i].Run(ctx, voice) })} }()
	}
	r.ready = append(waiting, r.ready...)
}

// guarded makes a panic of one task its error, so that the others are still awaited and recorded.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

func (r *run) ended(ctx context.Context, e end) {
	r.running--
	delete(r.alone, r.tasks[e.task].Exclusive)
	status := Done
	switch {
	case e.err == nil:
	case ctx.Err() != nil && byContext(ctx, e.err):
		status = Cancelled
	default:
		status = Failed
	}
	r.results[e.task].Err = e.err
	r.finish(e.task, status)
	switch status {
	case Done:
		r.free(e.task)
	case Failed:
		if !r.freed[e.task] {
			r.skipUsers(e.task)
		}
		r.stopped = r.stopped || r.opt.StopOnError
	case Skipped, Cancelled: // what needs a cancelled task is cancelled with the rest
	}
}

// free lets the users of a task start, once.
func (r *run) free(task int) {
	if r.freed[task] {
		return
	}
	r.freed[task] = true
	for _, u := range r.users[task] {
		r.results[u].After = r.tasks[task].ID
		if r.missing[u]--; r.missing[u] == 0 && r.results[u].Status == "" {
			r.ready = append(r.ready, u)
		}
	}
}

// byContext tells an error that only says that the context has ended from one that would have come anyway.
func byContext(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Cause(ctx))
}

// skipUsers skips all that needs a failed task, directly or not, without recursion: chains may be long.
func (r *run) skipUsers(failed int) {
	cause := r.tasks[failed].ID
	for todo := []int{failed}; len(todo) > 0; todo = todo[1:] {
		for _, u := range r.users[todo[0]] {
			if r.results[u].Status == "" {
				r.results[u].Cause = cause
				r.finish(u, Skipped)
				todo = append(todo, u)
			}
		}
	}
}

// cancelRest ends what was never started because the run was stopped.
func (r *run) cancelRest() {
	for i := range r.tasks {
		if r.open > 0 && r.results[i].Status == "" {
			r.finish(i, Cancelled)
		}
	}
}

func (r *run) finish(i int, s Status) {
	r.open--
	r.results[i].Status, r.results[i].End = s, time.Now()
	r.tell(i, false)
}

func (r *run) tell(i int, started bool) {
	if r.opt.Observe != nil {
		r.opt.Observe(Event{Started: started, Result: r.results[i]})
	}
}
