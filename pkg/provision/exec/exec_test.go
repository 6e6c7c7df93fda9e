package exec_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
)

var errBoom = errors.New("boom")

// tasks reads a line such as "a=5; b!=3 < a; c* < a b": b takes three seconds, needs a, and fails; c panics.
// A task without a time takes one second. All of them heed their context.
func tasks(text string) []exec.Task {
	var out []exec.Task
	for part := range strings.SplitSeq(text, ";") {
		head, needs, _ := strings.Cut(part, "<")
		name, length, ok := strings.Cut(strings.TrimSpace(head), "=")
		seconds := 1
		if ok {
			if _, err := fmt.Sscan(length, &seconds); err != nil {
				panic(err)
			}
		}
		id := strings.TrimRight(name, "!*")
		out = append(out, exec.Task{ID: id, Needs: strings.Fields(needs), Run: func(ctx context.Context, _ exec.Voice) error {
			timer := time.NewTimer(time.Duration(seconds) * time.Second)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				return fmt.Errorf("interrupted: %w", ctx.Err())
			}
			switch name[len(id):] {
			case "!":
				return errBoom
			case "*":
				panic("oh")
			}
			return nil
		}})
	}
	return out
}

// show renders results as "a:done b:failed c:skipped(b)".
func show(results []exec.Result) string {
	parts := make([]string, len(results))
	for i, r := range results {
		parts[i] = r.ID + ":" + string(r.Status)
		if r.Cause != "" {
			parts[i] += "(" + r.Cause + ")"
		}
	}
	return strings.Join(parts, " ")
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, tasks string
		opt         exec.Options
		want        string
		seconds     int
		err         string
	}{
		{name: "what is independent runs side by side", tasks: "a=5; b=3; c=4 < b", want: "a:done b:done c:done", seconds: 7},
		{name: "one worker does one thing at a time", tasks: "a=5; b=3; c=4 < b", opt: exec.Options{Workers: 1},
			want: "a:done b:done c:done", seconds: 12},
		{name: "a diamond ends with its slowest side", tasks: "a; b=9 < a; c=2 < a; d < b c", want: "a:done b:done c:done d:done", seconds: 11},
		{name: "dependants of a failure are skipped and the rest is finished", tasks: "a!; b < a; c < b; d=4; e < d",
			want: "a:failed b:skipped(a) c:skipped(a) d:done e:done", seconds: 5, err: "a: boom"},
		{name: "the first of two causes is named", tasks: "a!=2; b!=1; c < a b", want: "a:failed b:failed c:skipped(b)", seconds: 2,
			err: "a: boom\nb: boom"},
		{name: "on request nothing is started after a failure", tasks: "a!; b < a; c=2; d < c", opt: exec.Options{StopOnError: true},
			want: "a:failed b:skipped(a) c:done d:cancelled", seconds: 2, err: "a: boom"},
		{name: "a panic is the error of its task only", tasks: "a*; b; c < a", want: "a:failed b:done c:skipped(a)", seconds: 1, err: "a: panic: oh"},
		{name: "a need named twice counts once", tasks: "a; b < a a", want: "a:done b:done", seconds: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				results, err := exec.Run(t.Context(), tasks(c.tasks), c.opt)
				if diff := cmp.Diff(c.want, show(results)); diff != "" {
					t.Errorf("results (-want +got):\n%s", diff)
				}
				if took := time.Since(start); took != time.Duration(c.seconds)*time.Second {
					t.Errorf("took %s, want %d s", took, c.seconds)
				}
				if got := fmt.Sprint(err); (err == nil) != (c.err == "") || c.err != "" && !strings.HasPrefix(got, c.err) {
					t.Errorf("error is %q, want %q", got, c.err)
				}
			})
		})
	}
}

func TestNothingIsRunWhenTheListIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, tasks, err string }{
		{"an unknown need", "a < b", `task "a" needs "b", which is not in the list`},
		{"an id used twice", "a; a", `task "a" is in the list twice`},
		{"a circle", "a < b; b < a; c", "these need each other in a circle: a needs b needs a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			opt := exec.Options{Observe: func(e exec.Event) { t.Errorf("%s was started", e.ID) }}
			if _, err := exec.Run(t.Context(), tasks(c.tasks), opt); err == nil || err.Error() != c.err {
				t.Errorf("error is %v, want %s", err, c.err)
			}
		})
	}
	if results, err := exec.Run(t.Context(), nil, exec.Options{}); err != nil || len(results) != 0 {
		t.Errorf("an empty list gives %v, %v", results, err)
	}
}

func TestStopping(t *testing.T) {
	t.Parallel()
	const list = "a=10; b=2; c=2 < b; d < a"
	for _, c := range []struct {
		name         string
		stop, cancel time.Duration
		grace        time.Duration
		want         string
		took         time.Duration
		err          error
	}{
		{name: "stop starts nothing more and awaits what runs", stop: 3 * time.Second,
			want: "a:done b:done c:done d:cancelled", took: 10 * time.Second, err: exec.ErrStopped},
		{name: "the grace bounds the waiting", stop: time.Second, grace: 4 * time.Second,
			want: "a:cancelled b:done c:cancelled d:cancelled", took: 5 * time.Second, err: exec.ErrStopped},
		{name: "the end of the context ends what runs at once", cancel: 3 * time.Second,
			want: "a:cancelled b:done c:cancelled d:cancelled", took: 3 * time.Second, err: context.Canceled},
		{name: "without either everything is done", want: "a:done b:done c:done d:done", took: 11 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stop := make(chan struct{})
				if c.stop > 0 {
					time.AfterFunc(c.stop, func() { close(stop) })
				}
				if c.cancel > 0 {
					time.AfterFunc(c.cancel, cancel)
				}
				start := time.Now()
				results, err := exec.Run(ctx, tasks(list), exec.Options{Stop: stop, Grace: c.grace})
				if diff := cmp.Diff(c.want, show(results)); diff != "" {
					t.Errorf("results (-want +got):\n%s", diff)
				}
				if took := time.Since(start); took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
				if !errors.Is(err, c.err) {
					t.Errorf("error is %v, want %v", err, c.err)
				}
			})
		})
	}
}

func TestStoppedBeforeTheStartRunsNothing(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	close(stop)
	results, err := exec.Run(t.Context(), tasks("a; b < a"), exec.Options{Stop: stop})
	if got := show(results); got != "a:cancelled b:cancelled" || !errors.Is(err, exec.ErrStopped) {
		t.Errorf("results are %s, error is %v", got, err)
	}
}

func TestARealFailureDuringAStopStaysAFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	list := []exec.Task{{ID: "a", Run: func(context.Context, exec.Voice) error { cancel(); return errBoom }}}
	results, err := exec.Run(ctx, list, exec.Options{})
	if show(results) != "a:failed" || !errors.Is(err, errBoom) {
		t.Errorf("results are %s, error is %v", show(results), err)
	}
}

func TestTheObserverSeesEachStartAndEachEndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		_, err := exec.Run(t.Context(), tasks("a=3; b!=3 < a; c=1; d < c; e < b c"), exec.Options{Observe: func(e exec.Event) {
			line := e.ID + " " + string(e.Status)
			if e.Started {
				line = e.ID + " started"
			}
			if e.After != "" {
				line += " after " + e.After
			}
			got = append(got, line)
		}})
		want := []string{
			"a started", "c started", "c done", "d started after c", "d done after c", "a done", "b started after a",
			"b failed after a", "e skipped after c",
		}
		if diff := cmp.Diff(want, got); diff != "" || err == nil {
			t.Errorf("error %v, events (-want +got):\n%s", err, diff)
		}
	})
}

func TestManyDependantsOfOneTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := tasks("root")
		for i := range 500 {
			list = append(list, tasks(fmt.Sprintf("leaf%d < root", i))...)
		}
		running, most := 0, 0
		start := time.Now()
		_, err := exec.Run(t.Context(), list, exec.Options{Workers: 2, Observe: func(e exec.Event) {
			if e.Started {
				running++
			} else {
				running--
			}
			most = max(most, running)
		}})
		if took := time.Since(start); err != nil || most != 2 || took != 251*time.Second {
			t.Errorf("most at a time %d, took %s, %v", most, took, err)
		}
	})
}

func TestALongChainIsSkippedWithoutRecursion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := tasks("t0!")
		for i := 1; i < 50_000; i++ {
			list = append(list, exec.Task{ID: fmt.Sprintf("t%d", i), Needs: []string{fmt.Sprintf("t%d", i-1)}})
		}
		results, _ := exec.Run(t.Context(), list, exec.Options{})
		if last := results[len(results)-1]; last.Status != exec.Skipped || last.Cause != "t0" {
			t.Errorf("the last is %+v", last)
		}
	})
}
