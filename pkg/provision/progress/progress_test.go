package progress_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
)

func lookup(id string) progress.Step {
	return progress.Step{What: id + " demo\x1b[2J", Expected: 14 * time.Second}
}

func wait(seconds int) { <-time.NewTimer(time.Duration(seconds) * time.Second).C }

func started(id string) exec.Event {
	return exec.Event{Started: true, Result: exec.Result{ID: id, Start: time.Now()}}
}

func play(p progress.Printer) {
	start := time.Now()
	p.Event(started("create a"))
	p.Detail("create a", "1 of 8 VMs run")
	wait(12)
	p.Detail("create a", "7 of 8 VMs run")
	p.Detail("create a", "8 of 8 VMs run") // too soon for a line of its own
	p.Event(exec.Event{Result: exec.Result{ID: "create a", Status: exec.Done, Start: start, End: time.Now()}})
	p.Detail("create a", "late")
	p.Event(exec.Event{Result: exec.Result{ID: "create b", Status: exec.Failed, Start: start, End: start.Add(time.Second), Err: errors.New("no capacity")}})
	p.Event(exec.Event{Result: exec.Result{ID: "create c", Status: exec.Skipped, Cause: "create b"}})
	p.Event(exec.Event{Result: exec.Result{ID: "create d", Status: exec.Cancelled, Start: start, End: start.Add(time.Second)}})
	p.Event(exec.Event{Result: exec.Result{ID: "create e", Status: exec.Cancelled}})
	for range 2 {
		p.Notice(progress.Warning, "slow")
		p.Notice(progress.Info, "once")
	}
	wait(61)
	p.Notice(progress.Warning, "slow")
	p.Notice(progress.Info, "once")
	p.Close()
	p.Close()
}

func TestPlainLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		play(progress.New(progress.Options{Mode: progress.Plain, Err: &out, Lookup: lookup}))
		want := `00:00:00Z create a demo\x1b[2J: started, usually 14s
00:00:12Z create a demo\x1b[2J: 7 of 8 VMs run
00:00:12Z create a demo\x1b[2J: done in 12s
00:00:12Z create b demo\x1b[2J: failed after 1s: no capacity
00:00:12Z create c demo\x1b[2J: skipped, because this failed: create b
00:00:12Z create d demo\x1b[2J: stopped after 1s
00:00:12Z create e demo\x1b[2J: not done, the run was stopped
00:00:12Z warning: slow
00:00:12Z once
00:01:13Z warning: slow (and 1 times more)
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestJSONLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		play(progress.New(progress.Options{Mode: progress.JSON, Out: &out, Lookup: lookup}))
		var have []string
		for line := range strings.Lines(out.String()) {
			var v map[string]any
			if err := json.Unmarshal([]byte(line), &v); err != nil || v["time"] == nil {
				t.Errorf("%s: %v", line, err)
			}
			text := []string{}
			for _, key := range []string{"type", "id", "state", "text", "error"} {
				if s, ok := v[key].(string); ok {
					text = append(text, s)
				}
			}
			have = append(have, strings.Join(text, " | "))
		}
		want := []string{
			"event | create a | started", "progress | create a | 1 of 8 VMs run", "progress | create a | 7 of 8 VMs run", "progress | create a | 8 of 8 VMs run",
			"event | create a | done", "event | create b | failed | no capacity", "event | create c | skipped", "event | create d | cancelled", "event | create e | cancelled",
			"notice | slow", "notice | once", "notice | slow",
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Error(diff)
		}
	})
}

// screen is a terminal as far as the table needs one: it wraps, scrolls, moves up, and clears to the end.
type screen struct {
	t             *testing.T
	width, height int
	rows          []string // of the whole session
	column        int
}

func (s *screen) Write(p []byte) (int, error) {
	for text := string(p); text != ""; {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' && r <= '~' })
			s.control(rest[:end], rest[end])
			text = rest[end+1:]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		if r == '\n' {
			s.rows, s.column = append(s.rows, ""), 0
			continue
		}
		if s.column == s.width {
			s.rows, s.column = append(s.rows, ""), 0
		}
		s.rows[len(s.rows)-1] += string(r)
		s.column++
	}
	return len(p), nil
}

func (s *screen) control(arg string, final byte) {
	switch final {
	case 'A':
		n := 0
		for _, d := range arg {
			n = 10*n + int(d-'0')
		}
		if n >= s.height {
			s.t.Errorf("the cursor is moved up %d lines on a screen of %d", n, s.height)
		}
		s.rows = s.rows[:max(1, len(s.rows)-n)]
		s.rows[len(s.rows)-1], s.column = "", 0
	case 'J', 'm':
	default:
		s.t.Errorf("unexpected control %q", arg+string(final))
	}
}

// shown are the lines on the screen now.
func (s *screen) shown() []string {
	rows := s.rows
	if rows[len(rows)-1] == "" {
		rows = rows[:len(rows)-1]
	}
	return rows
}

// narrow makes the terminal narrower, which wraps what is on it.
func (s *screen) narrow(width int) {
	var rows []string
	for _, row := range s.rows {
		r := []rune(row)
		for len(r) > width {
			rows, r = append(rows, string(r[:width])), r[width:]
		}
		rows = append(rows, string(r))
	}
	s.rows, s.width = rows, width
}

// The table shows what runs, holds within the terminal whatever its size, survives a resize, and leaves nothing behind.
func TestTheTable(t *testing.T) {
	for _, size := range []struct{ width, height, rows int }{{80, 24, 12}, {60, 10, 8}, {20, 4, 2}, {8, 2, 1}, {80, 40, 12}, {200, 60, 12}} {
		synctest.Test(t, func(t *testing.T) {
			s := &screen{t: t, width: size.width, height: size.height, rows: []string{""}}
			p := progress.New(progress.Options{
				Mode: progress.Terminal, Err: s, Lookup: lookup, Color: true, Size: func() (int, int) { return s.width, s.height },
			})
			p.Notice(progress.Info, "begun")
			before := len(s.shown())
			for i := range 20 {
				p.Event(started("create instancetemplate/vm-with-a-long-name-" + string(rune('a'+i))))
			}
			p.Detail("create instancetemplate/vm-with-a-long-name-a", "3 of 8 VMs run, 5 are waited for: STAGING\x1b[2J")
			wait(8)
			synctest.Wait()
			lines := s.shown()[before:]
			if len(lines) != size.rows {
				t.Errorf("%dx%d: %d lines, want %d: %q", size.width, size.height, len(lines), size.rows, lines)
			}
			if size.rows > 1 && !strings.Contains(lines[len(lines)-1], "more") {
				t.Errorf("%dx%d: what is left out is not said: %q", size.width, size.height, lines)
			}
			if size.width >= 60 && (!strings.Contains(lines[0], "8s of usually 14s") || !strings.Contains(lines[0], "[#####·····]")) {
				t.Errorf("%dx%d: %q", size.width, size.height, lines[0])
			}
			if size.width == 200 && !strings.Contains(lines[0], `3 of 8 VMs run, 5 are waited for: STAGING\x1b[2J`) {
				t.Errorf("no detail: %q", lines[0])
			}
			if 2*size.rows < size.height { // what has scrolled away cannot be taken back
				s.narrow(s.width / 2)
				wait(1)
				synctest.Wait()
				if now := s.shown(); len(now)-before > size.rows {
					t.Errorf("after a resize %d lines are on the screen: %q", len(now)-before, now)
				}
			}
			p.Event(exec.Event{Result: exec.Result{ID: "create b", Status: exec.Failed, Start: time.Now(), End: time.Now(), Err: errors.New("no capacity")}})
			p.Close()
			if text := strings.Join(s.rows[before:], ""); strings.Contains(text, "usually") || !strings.Contains(text, "failed") {
				t.Errorf("behind the last table: %q", text)
			}
		})
	}
}

// A notice that comes while the table is drawn stays on the screen: printing is one step with taking the table off.
func TestNoNoticeIsLostUnderTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{t: t, width: 80, height: 24, rows: []string{""}}
		p := progress.New(progress.Options{Mode: progress.Terminal, Err: s, Lookup: lookup})
		p.Event(started("create a"))
		for i := range 50 {
			p.Notice(progress.Info, "notice "+string(rune('A'+i)))
			wait(1)
		}
		p.Close()
		if n := strings.Count(strings.Join(s.rows, "\n"), "notice"); n != 50 {
			t.Errorf("%d of 50 notices are on the screen", n)
		}
	})
}

// What comes from outside never reaches a terminal with its control characters, however it is cut into writes.
func TestCleanWriter(t *testing.T) {
	for _, tc := range []struct {
		name   string
		writes []string
		want   string
	}{
		{"plain text goes through", []string{"héllo\n"}, "héllo\n"},
		{"an escape sequence in a holder's name shows", []string{"by \x1b[2J\x1b]0;owned\x07 on h\n"}, `by \x1b[2J\x1b]0;owned\x07 on h` + "\n"},
		{"a carriage return cannot overwrite the line", []string{"error\rok"}, `error\x0dok`},
		{"an eight-bit escape is no UTF-8", []string{"\x9b2J"}, `\x9b2J`},
		{"the same as a character", []string{"\u009b2J"}, `\u009b2J`},
		{"a change of writing direction shows", []string{"a\u202eb"}, `a\u202eb`},
		{"a character in two writes stays whole", []string{"h\xc3", "\xa9llo"}, "héllo"},
		{"a cut escape character stays an escape", []string{"\xc2", "\x9b2J"}, `\u009b2J`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			w := progress.CleanWriter(&out)
			for _, s := range tc.writes {
				if _, err := io.WriteString(w, s); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if have := progress.OneLine("a\nb"); have != `a\nb` {
		t.Errorf("%q", have)
	}
}
