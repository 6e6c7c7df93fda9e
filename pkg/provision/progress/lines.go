package progress

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
)

// detailEvery is the least time between two lines about the inside of one step.
const detailEvery = 10 * time.Second

// lines prints a line an event.
type lines struct {
	mu     sync.Mutex
	out    io.Writer
	lookup func(string) Step
	color  bool
	said   repeats
	steps  map[string]*spoken
}

// spoken is what was last printed of a running step.
type spoken struct {
	at   time.Time
	text string
}

func newLines(o Options) *lines {
	return &lines{out: o.Err, lookup: o.Lookup, color: o.Color, said: repeats{}, steps: map[string]*spoken{}}
}

func (p *lines) Event(e exec.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Started {
		p.steps[e.ID] = &spoken{at: time.Now()}
	} else {
		delete(p.steps, e.ID)
	}
	p.event(e)
}

func (p *lines) event(e exec.Event) {
	if text, style := describe(p.lookup(e.ID), e); text != "" {
		p.print(style, text)
	}
}

func (p *lines) Detail(id, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, running := p.steps[id]
	if !running || text == "" || text == last.text || time.Since(last.at) < detailEvery {
		return
	}
	*last = spoken{at: time.Now(), text: text}
	p.print("", nameOf(p.lookup(id), id)+": "+text)
}

func (p *lines) Notice(level Level, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notice(level, text)
}

func (p *lines) notice(level Level, text string) {
	show, held := p.said.next(level, text)
	if !show {
		return
	}
	if held > 0 {
		text += fmt.Sprintf(" (and %d times more)", held)
	}
	switch level {
	case Warning:
		p.print(yellow, "warning: "+text)
	case Problem:
		p.print(red, "error: "+text)
	case Info:
		p.print("", text)
	}
}

func (p *lines) Close() {}

// The colours of a terminal.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

func (p *lines) print(style, text string) {
	stamp := time.Now().UTC().Format("15:04:05Z")
	for i, line := range strings.Split(Clean(text), "\n") {
		if i > 0 {
			stamp = strings.Repeat(" ", len(stamp))
		}
		if p.color && style != "" {
			line = style + line + plain
		}
		_, _ = fmt.Fprintf(p.out, "%s %s\n", stamp, line) // a closed terminal must not end the run
	}
}

func nameOf(s Step, id string) string {
	if s.What == "" {
		return id
	}
	return s.What
}

// describe words an event.
func describe(s Step, e exec.Event) (text, style string) {
	what := nameOf(s, e.ID)
	if e.Started {
		if s.Expected >= 50*time.Millisecond { // less rounds to nothing
			return fmt.Sprintf("%s: started, usually %s", what, short(s.Expected)), ""
		}
		return what + ": started", ""
	}
	took := short(e.End.Sub(e.Start))
	switch e.Status {
	case exec.Done:
		return fmt.Sprintf("%s: done in %s", what, took), green
	case exec.Failed:
		return fmt.Sprintf("%s: failed after %s: %v", what, took, e.Err), red
	case exec.Skipped:
		return fmt.Sprintf("%s: skipped, because this failed: %s", what, e.Cause), yellow
	case exec.Cancelled:
		if e.Start.IsZero() {
			return what + ": not done, the run was stopped", yellow
		}
		return fmt.Sprintf("%s: stopped after %s", what, took), yellow
	}
	return "", ""
}

// short writes a duration as people read it: 0.4s, 14s, 3m10s.
func short(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + "s"
	}
	return d.Round(time.Second).String()
}
