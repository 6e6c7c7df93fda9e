package progress

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
)

// refresh is how often the table is drawn anew.
const refresh = 200 * time.Millisecond

// most bounds the table's height also on a tall terminal.
const most = 12

// table shows what runs under the lines of what has happened. It is a few lines of cursor movement; a library for it would
// take over the whole screen, which a log wants to keep.
type table struct {
	lines
	size    func() (width, height int)
	running map[string]*row
	drawn   []int // display width of each line of the table on the screen
	stop    chan struct{}
	stopped chan struct{}
	once    sync.Once
}

type row struct {
	start  time.Time
	detail string
}

func newTable(o Options) *table {
	t := &table{lines: *newLines(o), size: o.Size, running: map[string]*row{}, stop: make(chan struct{}), stopped: make(chan struct{})}
	go t.run() // Close ends it
	return t
}

func (t *table) run() {
	defer close(t.stopped)
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.above(func() {})
		case <-t.stop:
			return
		}
	}
}

// above takes the table off the screen, lets lines be printed, and draws it again below them.
func (t *table) above(print func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
	print()
	t.draw()
}

func (t *table) Event(e exec.Event) {
	if e.Started {
		t.mu.Lock()
		t.running[e.ID] = &row{start: e.Start} // the table shows it
		t.mu.Unlock()
		return
	}
	t.above(func() {
		delete(t.running, e.ID)
		t.event(e)
	})
}

func (t *table) Detail(id, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r, ok := t.running[id]; ok {
		r.detail = text
	}
}

func (t *table) Notice(level Level, text string) { t.above(func() { t.notice(level, text) }) }

// Close takes the table off the screen.
func (t *table) Close() {
	t.once.Do(func() { close(t.stop) })
	<-t.stopped
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
	clear(t.running)
}

// dimensions are the terminal's, or what is usual.
func (t *table) dimensions() (width, height int) {
	if t.size != nil {
		width, height = t.size()
	}
	if width <= 0 {
		width = 80
	}
	if height <= 0 {
		height = 24
	}
	return width, height
}

// erase goes up as many lines as the table takes now: a terminal that was made narrower meanwhile has wrapped them.
func (t *table) erase() {
	if len(t.drawn) == 0 {
		return
	}
	width, height := t.dimensions()
	up := 0
	for _, w := range t.drawn {
		up += 1 + max(0, w-1)/width
	}
	_, _ = fmt.Fprintf(t.out, "\x1b[%dA\x1b[J", min(up, height-1))
	t.drawn = t.drawn[:0]
}

// draw writes a line for each step that runs, none wider than the terminal and not more than it is high.
func (t *table) draw() {
	ids := make([]string, 0, len(t.running))
	for id := range t.running {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { // those that run longest first: they are what is waited for
		if c := t.running[a].start.Compare(t.running[b].start); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	width, height := t.dimensions()
	room := max(1, min(most, height-2))
	more := 0
	if len(ids) > room {
		more = len(ids) - max(1, room-1)
		ids = ids[:len(ids)-more]
	}
	for _, id := range ids {
		t.line(t.row(t.running[id], nameOf(t.lookup(id), id), t.lookup(id).Expected, width-1), width)
	}
	if more > 0 && room > 1 {
		t.line(fmt.Sprintf("  … and %d more", more), width)
	}
}

// line prints a line of the table. The last column stays empty: some terminals wrap there.
func (t *table) line(text string, width int) {
	text = runewidth.Truncate(text, width-1, "…")
	t.drawn = append(t.drawn, runewidth.StringWidth(text))
	_, _ = fmt.Fprintf(t.out, "%s\n", text)
}

// row is bar, name, time, and what is known inside the step. The time is never what is cut off: the name gives way.
func (t *table) row(r *row, what string, expected time.Duration, width int) string {
	elapsed := time.Since(r.start)
	clock := short(elapsed)
	if expected > 0 {
		clock += " of usually " + short(expected)
	}
	left := "  " + bar(elapsed, expected) + " "
	name, room := OneLine(what), width-runewidth.StringWidth(left)-1-runewidth.StringWidth(clock)
	if room < 16 { // a narrow terminal has no room for a bar
		left, room = "", width-1-runewidth.StringWidth(clock)
	}
	detail := OneLine(r.detail)
	if detail != "" { // it is the news: a long name makes room for it
		room = max(min(room, 24), room-2-runewidth.StringWidth(detail))
	}
	name = runewidth.Truncate(name, max(1, room), "…")
	text := left + name + strings.Repeat(" ", max(0, min(room, 40)-runewidth.StringWidth(name))) + " " + clock
	if free := width - runewidth.StringWidth(text) - 2; detail != "" && free >= 6 {
		text += ": " + runewidth.Truncate(detail, free, "…")
	}
	return text
}

// bar is ten characters of how much of the usual time has passed.
func bar(elapsed, expected time.Duration) string {
	if expected <= 0 {
		return "[··········]"
	}
	n := min(10, int(10*elapsed/expected))
	return "[" + strings.Repeat("#", n) + strings.Repeat("·", 10-n) + "]"
}

// Above gives a writer for lines that others write to the printer's terminal, such as a log: a live table makes room for them.
func Above(p Printer, w io.Writer) io.Writer {
	if t, ok := p.(*table); ok {
		return above{t, w}
	}
	return w
}

type above struct {
	t   *table
	out io.Writer
}

func (a above) Write(p []byte) (n int, err error) {
	a.t.above(func() { n, err = a.out.Write(p) })
	return n, err
}
