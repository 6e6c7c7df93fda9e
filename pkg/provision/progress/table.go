package progress

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
)

// refresh is how often the table is drawn anew.
const refresh = 200 * time.Millisecond

// most bounds the table's height, so that it never scrolls.
const most = 12

// table shows what runs under the lines of what has happened. It is a few lines of cursor movement; a library for it would
// take over the whole screen, which a log wants to keep.
type table struct {
	lines
	running map[string]time.Time
	drawn   int // lines of the table on the screen
	stop    chan struct{}
	stopped chan struct{}
	once    sync.Once
}

func newTable(out io.Writer, lookup func(string) Step, color bool) *table {
	t := &table{
		lines:   lines{out: out, lookup: lookup, color: color, last: map[string]*repeat{}},
		running: map[string]time.Time{}, stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go t.run()
	return t
}

func (t *table) run() {
	defer close(t.stopped)
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.mu.Lock()
			t.erase()
			t.draw()
			t.mu.Unlock()
		case <-t.stop:
			return
		}
	}
}

func (t *table) Event(e exec.Event) {
	t.mu.Lock()
	if e.Started {
		t.running[e.ID] = e.Start
		t.mu.Unlock()
		return // the table shows it
	}
	delete(t.running, e.ID)
	t.erase()
	t.mu.Unlock()
	t.lines.Event(e)
}

func (t *table) Notice(level Level, text string) {
	t.mu.Lock()
	t.erase()
	t.mu.Unlock()
	t.lines.Notice(level, text)
}

// Close takes the table off the screen.
func (t *table) Close() {
	t.once.Do(func() { close(t.stop) })
	<-t.stopped
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
}

func (t *table) erase() {
	if t.drawn > 0 {
		_, _ = fmt.Fprintf(t.out, "\x1b[%dA\x1b[J", t.drawn)
		t.drawn = 0
	}
}

func (t *table) draw() {
	ids := make([]string, 0, len(t.running))
	for id := range t.running {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for i, id := range ids {
		if i == most {
			_, _ = fmt.Fprintf(t.out, "  … and %d more\n", len(ids)-most)
			t.drawn++
			return
		}
		s := t.lookup(id)
		elapsed := time.Since(t.running[id])
		_, _ = fmt.Fprintf(t.out, "  %s %-58.58s %6s%s\n", bar(elapsed, s.Expected), Clean(s.What), short(elapsed), usual(s.Expected))
		t.drawn++
	}
}

func usual(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return " of usually " + short(d)
}

// bar is ten characters of how much of the usual time has passed.
func bar(elapsed, expected time.Duration) string {
	if expected <= 0 {
		return "[··········]"
	}
	n := min(10, int(10*elapsed/expected))
	return "[" + strings.Repeat("#", n) + strings.Repeat("·", 10-n) + "]"
}
