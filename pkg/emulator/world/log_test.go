package world_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func size(t *testing.T, dir string) int64 {
	t.Helper()
	i, err := os.Stat(filepath.Join(dir, "world.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return i.Size()
}

func do(t *testing.T, w *world.World, now time.Time, f func(*world.Tx)) {
	t.Helper()
	if err := w.Do(now, func(tx *world.Tx) error { f(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

// However often things change, the log stays bounded by what exists, and two processes that share it agree on everything.
func TestTheLogStaysBounded(t *testing.T) {
	dir := t.TempDir()
	ran := map[string]int{}
	start := time.Now()
	open := func(name string) *world.World {
		w, err := world.Open(dir, map[string]world.Handler{"tick": func(tx *world.Tx, e world.Event) {
			ran[e.Subject]++
			tx.Put(&world.Object{Name: "ticked/" + e.Subject})
		}})
		if err != nil {
			t.Fatal(name, err)
		}
		t.Cleanup(func() { _ = w.Close() })
		return w
	}
	a, b := open("a"), open("b")
	payload := map[string]any{"text": strings.Repeat("x", 10_000)}
	most := int64(0)
	for i := range 2000 { // 20 MB of changes of 10 objects
		w := a
		if i%3 == 0 {
			w = b
		}
		do(t, w, start.Add(time.Duration(i)*time.Millisecond), func(tx *world.Tx) {
			tx.Put(&world.Object{Name: fmt.Sprintf("things/%d", i%10), Doc: map[string]any{"i": i, "payload": payload}})
			tx.Delete(fmt.Sprintf("passing/%d", i-1))
			tx.Put(&world.Object{Name: fmt.Sprintf("passing/%d", i)})
			if i%100 == 0 {
				tx.At(tx.Now().Add(150*time.Millisecond), "tick", fmt.Sprint(i), nil)
			}
		})
		if i%10 == 0 {
			most = max(most, size(t, dir))
		}
	}
	if most < 1<<20 || most > 3<<20 {
		t.Errorf("the log had up to %d bytes", most)
	}
	end := start.Add(time.Minute)
	for name, w := range map[string]*world.World{"a": a, "b": b, "a new process": open("c")} {
		do(t, w, end, func(tx *world.Tx) {
			things, ticked, passing := tx.List("things"), tx.List("ticked"), tx.List("passing")
			if len(things) != 10 || len(ticked) != 20 || len(passing) != 1 {
				t.Errorf("%s: %d things, %d ticks, %d passing", name, len(things), len(ticked), len(passing))
			}
			for k, o := range things {
				if fmt.Sprint(o.Doc["i"]) != fmt.Sprint(1990+k) {
					t.Errorf("%s: %s has %v", name, o.Name, o.Doc["i"])
				}
			}
		})
	}
	for subject, n := range ran {
		if n != 1 {
			t.Errorf("event %s ran %d times", subject, n)
		}
	}
}

// A large world is not written anew at each change: only when as much again has been appended several times.
func TestALargeLogIsSeldomWrittenAnew(t *testing.T) {
	dir := t.TempDir()
	w, err := world.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	now := time.Now()
	do(t, w, now, func(tx *world.Tx) {
		for i := range 4000 {
			tx.Put(&world.Object{Name: fmt.Sprintf("things/%d", i), Doc: map[string]any{"text": strings.Repeat("x", 1000)}})
		}
	})
	last, shorter := size(t, dir), 0
	for i := range 200 {
		do(t, w, now, func(tx *world.Tx) {
			for k := range 100 {
				tx.Put(&world.Object{Name: fmt.Sprintf("things/%d", (i*100+k)%4000), Doc: map[string]any{"text": strings.Repeat("y", 1000)}})
			}
		})
		s := size(t, dir)
		if s < last {
			shorter++
		}
		last = s
	}
	if shorter < 1 || shorter > 2 { // 20 MB appended to a world of 4
		t.Errorf("written anew %d times", shorter)
	}
}
