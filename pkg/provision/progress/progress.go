// Package progress shows a run: plain lines, a live table on a terminal, or JSON lines. It is fed with the executor's events,
// with what is known inside a running step, and with notices, and knows nothing of resources.
//
// Worked example:
//
//	p := progress.New(progress.Options{Mode: progress.Plain, Err: stderr, Lookup: lookup})
//	p.Event(exec.Event{Started: true, Result: exec.Result{ID: "create mig/mig"}}) // 12:04:05Z create mig/mig demo-mig: started
//	p.Detail("create mig/mig", "3 of 8 VMs run")                                  // 12:04:15Z create mig/mig demo-mig: 3 of 8 VMs run
//	p.Close()
package progress

import (
	"io"
	"time"

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
	Expected time.Duration // how long it usually takes, at the pace of the cloud in use; 0 when nobody knows
}

// Printer shows a run. Its methods may be called from many goroutines. Close ends the show; more than once does no harm.
type Printer interface {
	// Event tells that a step has started, or how it ended.
	Event(exec.Event)
	// Detail says what is known inside a running step: how many of how many are done, or what is waited for. The latest text
	// counts; plain lines show it at most every ten seconds a step. It is no harm to say the same again.
	Detail(id, text string)
	// Notice says something beside the steps. The same text is not said again: an Info never, others after a minute, with
	// how often they were held back.
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

// Options say how to show a run.
type Options struct {
	Mode   Mode
	Out    io.Writer // of JSON
	Err    io.Writer // of Plain and Terminal; what is written to it is clean already. Errors of it are ignored: it must not end a run
	Lookup func(id string) Step
	Color  bool
	// Size is the terminal's width and height in cells at the moment; 0 when not known. nil is 80 by 24.
	Size func() (width, height int)
}

// New gives a printer.
func New(o Options) Printer {
	switch o.Mode {
	case JSON:
		return newJSONLines(o)
	case Terminal:
		return newTable(o)
	case Plain:
	}
	return newLines(o)
}

// repeats remembers which notices were given.
type repeats map[string]*repeat

type repeat struct {
	shown time.Time
	held  int
}

// damped is how long the same warning is not shown again.
const damped = time.Minute

// next says whether a notice is to be shown now, and how often it was held back since it was shown last.
func (r repeats) next(level Level, text string) (show bool, held int) {
	last, seen := r[text]
	if seen && (level == Info || time.Since(last.shown) < damped) {
		last.held++
		return false, 0
	}
	if seen {
		held = last.held
	}
	r[text] = &repeat{shown: time.Now()}
	return true, held
}
