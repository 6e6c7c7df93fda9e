package progress_test

import (
	"bytes"
	"encoding/json"
	"errors"
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

func play(p progress.Printer) {
	start := time.Now()
	p.Event(exec.Event{Started: true, Result: exec.Result{ID: "create a", Start: start}})
	<-time.NewTimer(12 * time.Second).C
	p.Event(exec.Event{Result: exec.Result{ID: "create a", Status: exec.Done, Start: start, End: time.Now()}})
	p.Event(exec.Event{Result: exec.Result{ID: "create b", Status: exec.Failed, Start: start, End: start.Add(time.Second), Err: errors.New("no capacity")}})
	p.Event(exec.Event{Result: exec.Result{ID: "create c", Status: exec.Skipped, Cause: "create b"}})
	p.Notice(progress.Warning, "slow")
	p.Notice(progress.Warning, "slow") // held back
	p.Close()
}

func TestPlainLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		play(progress.New(progress.Plain, nil, &out, lookup, false))
		want := `00:00:00Z create a demo\x1b[2J: started, usually 14s
00:00:12Z create a demo\x1b[2J: done in 12s
00:00:12Z create b demo\x1b[2J: failed after 1s: no capacity
00:00:12Z create c demo\x1b[2J: skipped, because this failed: create b
00:00:12Z warning: slow
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestJSONLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		play(progress.New(progress.JSON, &out, nil, lookup, false))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for _, line := range lines {
			var v map[string]any
			if err := json.Unmarshal([]byte(line), &v); err != nil || v["type"] == nil || v["time"] == nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		if !strings.Contains(lines[1], `"state":"done"`) || !strings.Contains(lines[1], `"seconds":12`) || !strings.Contains(lines[2], `"error":"no capacity"`) {
			t.Errorf("%s", out.String())
		}
	})
}

// The table shows what runs, and leaves nothing behind.
func TestTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		play(progress.New(progress.Terminal, nil, &out, lookup, true))
		text := out.String()
		if !strings.Contains(text, "[#####·····]") || !strings.Contains(text, "of usually 14s") {
			t.Errorf("no table was drawn: %q", text)
		}
		after := text[strings.LastIndex(text, "\x1b[J"):]
		if strings.Contains(after, "usually") || !strings.Contains(after, "\x1b[32m") {
			t.Errorf("behind the last table: %q", after)
		}
	})
}
