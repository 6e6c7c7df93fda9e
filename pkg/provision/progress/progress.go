// Package progress shows a run: plain lines, a live table on a terminal, or JSON lines. It is fed with the executor's events
// and with notices, and knows nothing of resources.
//
// Worked example:
//
//	p := progress.New(progress.Plain, stdout, stderr, lookup, false)
//	p.Event(exec.Event{Started: true, Result: exec.Result{ID: "create network/net"}}) // 12:04:05Z create network/net demo-net: started
//	p.Close()
package progress

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
)

// Level says how much a notice matters.
type Level string

// The levels.
const (
	Info    Level = "info"
	Warning Level = "warning"
	Problem Level = "error"
)

// Step is what a task id means to people.
type Step struct {
	What     string        // "create network/net demo-net"
	Expected time.Duration // how long it usually takes; 0 when nobody knows
}

// Printer shows a run. Its methods may be called from many goroutines. Close ends the show, once.
type Printer interface {
	Event(exec.Event)
	Notice(level Level, text string)
	Close()
}

// Mode chooses a printer.
type Mode string

// The modes.
const (
	Plain    Mode = "plain"
	Terminal Mode = "terminal"
	JSON     Mode = "json"
)

// New gives a printer. Plain and Terminal write to err; JSON writes to out.
func New(mode Mode, out, err io.Writer, lookup func(id string) Step, color bool) Printer {
	switch mode {
	case JSON:
		return &jsonLines{out: out, lookup: lookup}
	case Terminal:
		return newTable(err, lookup, color)
	case Plain:
	}
	return &lines{out: err, lookup: lookup, color: color, last: map[string]*repeat{}}
}

// damped is how long the same notice is not shown again.
const damped = time.Minute

type repeat struct {
	shown time.Time
	held  int
}

// lines prints a line an event.
type lines struct {
	mu     sync.Mutex
	out    io.Writer
	lookup func(string) Step
	color  bool
	last   map[string]*repeat
}

func (p *lines) Event(e exec.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text, style := describe(p.lookup(e.ID), e); text != "" {
		p.print(style, text)
	}
}

func (p *lines) Notice(level Level, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, seen := p.last[text]
	if seen && time.Since(r.shown) < damped {
		r.held++
		return
	}
	suffix := ""
	if seen && r.held > 0 {
		suffix = fmt.Sprintf(" (and %d times more)", r.held)
	}
	p.last[text] = &repeat{shown: time.Now()}
	style := ""
	prefix := ""
	switch level {
	case Warning:
		style, prefix = yellow, "warning: "
	case Problem:
		style, prefix = red, "error: "
	case Info:
	}
	p.print(style, prefix+text+suffix)
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

// Clean makes text from outside safe to print: control characters other than newline show as escapes.
func Clean(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r != '\n' && unicode.IsControl(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// describe words an event.
func describe(s Step, e exec.Event) (text, style string) {
	what := s.What
	if what == "" {
		what = e.ID
	}
	if e.Started {
		if s.Expected > 0 {
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
		return what + ": not done, the run was stopped", yellow
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

// jsonLines prints an object a line.
type jsonLines struct {
	mu     sync.Mutex
	out    io.Writer
	lookup func(string) Step
}

type jsonEvent struct {
	Type     string  `json:"type"` // "event" or "notice"
	Time     string  `json:"time"`
	ID       string  `json:"id,omitempty"`
	What     string  `json:"what,omitempty"`
	State    string  `json:"state,omitempty"` // started, done, failed, skipped, cancelled
	Seconds  float64 `json:"seconds,omitempty"`
	Expected float64 `json:"expectedSeconds,omitempty"`
	After    string  `json:"waitedFor,omitempty"`
	Cause    string  `json:"cause,omitempty"`
	Error    string  `json:"error,omitempty"`
	Level    Level   `json:"level,omitempty"`
	Text     string  `json:"text,omitempty"`
}

func (p *jsonLines) write(v jsonEvent) {
	v.Time = time.Now().UTC().Format(time.RFC3339Nano)
	raw, err := json.Marshal(v)
	if err != nil { // unreachable: texts and numbers are always JSON
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, "%s\n", raw)
}

func (p *jsonLines) Event(e exec.Event) {
	s := p.lookup(e.ID)
	v := jsonEvent{Type: "event", ID: e.ID, What: s.What, Expected: s.Expected.Seconds(), After: e.After, Cause: e.Cause, State: string(e.Status)}
	if e.Started {
		v.State = "started"
	} else if !e.Start.IsZero() {
		v.Seconds = e.End.Sub(e.Start).Seconds()
	}
	if e.Err != nil {
		v.Error = e.Err.Error()
	}
	p.write(v)
}

func (p *jsonLines) Notice(level Level, text string) {
	p.write(jsonEvent{Type: "notice", Level: level, Text: text})
}

func (p *jsonLines) Close() {}
