package progress

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
)

// jsonLines prints an object a line.
type jsonLines struct {
	mu      sync.Mutex
	out     io.Writer
	lookup  func(string) Step
	said    repeats
	details map[string]string // the latest of each running step
}

func newJSONLines(o Options) *jsonLines {
	return &jsonLines{out: o.Out, lookup: o.Lookup, said: repeats{}, details: map[string]string{}}
}

type jsonEvent struct {
	Type     string  `json:"type"` // "event", "progress" or "notice"
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
	Held     int     `json:"heldBack,omitempty"` // how often the same notice came since it was shown last
}

func (p *jsonLines) write(v jsonEvent) {
	v.Time = time.Now().UTC().Format(time.RFC3339Nano)
	raw, err := json.Marshal(v)
	if err != nil { // unreachable: texts and numbers are always JSON
		return
	}
	_, _ = fmt.Fprintf(p.out, "%s\n", raw) // who owns the writer hears of its errors
}

func (p *jsonLines) Event(e exec.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.lookup(e.ID)
	v := jsonEvent{Type: "event", ID: e.ID, What: s.What, Expected: s.Expected.Seconds(), After: e.After, Cause: e.Cause, State: string(e.Status)}
	if e.Started {
		v.State = "started"
		p.details[e.ID] = ""
	} else {
		delete(p.details, e.ID)
		if !e.Start.IsZero() {
			v.Seconds = e.End.Sub(e.Start).Seconds()
		}
	}
	if e.Err != nil {
		v.Error = e.Err.Error()
	}
	p.write(v)
}

func (p *jsonLines) Detail(id, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, running := p.details[id]; !running || text == "" || text == last {
		return
	}
	p.details[id] = text
	p.write(jsonEvent{Type: "progress", ID: id, What: p.lookup(id).What, Text: text})
}

func (p *jsonLines) Notice(level Level, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if show, held := p.said.next(level, text); show {
		p.write(jsonEvent{Type: "notice", Level: level, Text: text, Held: held})
	}
}

func (p *jsonLines) Close() {}
