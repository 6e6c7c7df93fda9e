package exec_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
)

// Of one group only one task runs at a time, whichever; the others, and other groups, are not held up.
func TestAGroupRunsOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inGroup, most, all, mostAll atomic.Int32
		var list []exec.Task
		for i := range 6 {
			group := ""
			if i < 4 {
				group = "cluster"
			}
			list = append(list, exec.Task{ID: fmt.Sprint(i), Exclusive: group, Run: func(context.Context, exec.Voice) error {
				if group != "" {
					most.Store(max(most.Load(), inGroup.Add(1)))
					defer inGroup.Add(-1)
				}
				mostAll.Store(max(mostAll.Load(), all.Add(1)))
				defer all.Add(-1)
				<-time.NewTimer(time.Second).C
				return nil
			}})
		}
		start := time.Now()
		results, err := exec.Run(t.Context(), list, exec.Options{})
		if err != nil || most.Load() != 1 || mostAll.Load() != 3 || time.Since(start) != 4*time.Second {
			t.Errorf("%v: %d of the group and %d of all at a time, in %s", err, most.Load(), mostAll.Load(), time.Since(start))
		}
		for _, r := range results {
			if r.Status != exec.Done {
				t.Errorf("%s %s", r.ID, r.Status)
			}
		}
	})
}

// A group that a failed task leaves is free again, and a stop cancels what waits for it.
func TestAGroupIsLeftByFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		ran := 0
		task := func(id string) exec.Task {
			return exec.Task{ID: id, Exclusive: "g", Run: func(context.Context, exec.Voice) error {
				if ran++; ran == 2 {
					close(stop)
				}
				return errBoom
			}}
		}
		results, _ := exec.Run(t.Context(), []exec.Task{task("a"), task("b"), task("c")}, exec.Options{Stop: stop})
		var got []exec.Status
		for _, r := range results {
			got = append(got, r.Status)
		}
		if diff := cmp.Diff([]exec.Status{exec.Failed, exec.Failed, exec.Cancelled}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatARunningTaskSaysIsObserved(t *testing.T) {
	var got []string
	list := []exec.Task{{ID: "a", Run: func(_ context.Context, v exec.Voice) error { v.Tell("1 of 2"); v.Tell("2 of 2"); return nil }}}
	_, err := exec.Run(t.Context(), list, exec.Options{Observe: func(e exec.Event) {
		got = append(got, fmt.Sprintf("%v %q %s", e.Started, e.Detail, e.Status))
	}})
	if diff := cmp.Diff([]string{`true "" `, `false "1 of 2" `, `false "2 of 2" `, `false "" done`}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// What needs a task may start when the task says so, before it ends. A failure after that skips nobody.
func TestATaskIsUsableBeforeItEnds(t *testing.T) {
	for name, late := range map[string]error{"and goes well": nil, "and fails in the end": errBoom} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, began := time.Now(), time.Duration(0)
				list := []exec.Task{
					{ID: "a", Run: func(_ context.Context, v exec.Voice) error {
						v.Usable()
						v.Usable()
						<-time.NewTimer(time.Minute).C
						return late
					}},
					{ID: "b", Needs: []string{"a"}, Run: func(context.Context, exec.Voice) error {
						began = time.Since(start)
						<-time.NewTimer(2 * time.Minute).C
						return nil
					}},
				}
				results, err := exec.Run(t.Context(), list, exec.Options{})
				if began != 0 || results[1].Status != exec.Done || results[1].After != "a" || (err != nil) != (late != nil) {
					t.Errorf("b began after %s and is %s (%v)", began, results[1].Status, err)
				}
			})
		})
	}
}
