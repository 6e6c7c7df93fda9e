package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// outcome is what an action has to show.
type outcome struct {
	value any    // of the JSON result
	text  string // for people
	told  bool   // the action has said its error already
}

// output is the one way out of the program. Results that cannot be written are an error in the end; what goes to standard
// error must never end a run.
type output struct {
	stdout *checked  // as it is: JSON
	text   io.Writer // standard output for text
	stderr io.Writer // standard error for text
	screen io.Writer // standard error for who cleans text himself and draws with control characters
	json   bool
}

func newOutput(stdout, stderr io.Writer) *output {
	o := &output{stdout: &checked{out: stdout}, screen: lenient{stderr}}
	o.text, o.stderr = progress.CleanWriter(o.stdout), progress.CleanWriter(o.screen)
	return o
}

// checked remembers the first error.
type checked struct {
	mu  sync.Mutex
	out io.Writer
	err error
}

func (c *checked) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.out.Write(p)
	if err != nil && c.err == nil {
		c.err = err
	}
	return n, err
}

func (c *checked) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// lenient takes everything.
type lenient struct{ out io.Writer }

func (l lenient) Write(p []byte) (int, error) {
	_, _ = l.out.Write(p)
	return len(p), nil
}

// line prints one JSON object.
func (o *output) line(kind string, oc outcome, err error) {
	v := map[string]any{"type": kind, "exitCode": provision.ExitCode(err), "result": oc.value}
	if err != nil && provision.ExitCode(err) != provision.CodeChanges {
		v["error"] = err.Error()
		if class := resources.ClassOf(err); class != resources.ClassNone {
			v["class"] = class
		}
		if ps, ok := resources.AsProblems(err); ok {
			v["problems"] = ps
		}
	}
	raw, encodeErr := json.Marshal(v)
	if encodeErr != nil {
		raw = fmt.Appendf(nil, `{"type":%q,"exitCode":1,"error":%q}`, kind, encodeErr.Error())
	}
	_, _ = fmt.Fprintf(o.stdout, "%s\n", raw) // remembered
}

// interim shows how a part of an action ended, when more is to come.
func (o *output) interim(kind string, oc outcome, err error) {
	if o.json {
		o.line(kind, oc, err)
		return
	}
	fmt.Fprint(o.text, oc.text)
}

// end shows how the program's run ended, once, and gives the exit code.
func (o *output) end(oc outcome, err error) int {
	if o.json {
		o.line("result", oc, err)
	} else {
		fmt.Fprint(o.text, oc.text)
	}
	code := provision.ExitCode(err)
	if err != nil && code != provision.CodeChanges && !oc.told {
		fmt.Fprintln(o.stderr, "error:", err)
	}
	if lost := o.stdout.failed(); lost != nil {
		fmt.Fprintln(o.stderr, "error: results could not be written to standard output:", lost)
		if code == provision.CodeDone || code == provision.CodeChanges {
			code = provision.CodeFailed
		}
	}
	return code
}

// isTerminal says whether a writer is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// sizeOf asks a terminal for its size, each time: windows change.
func sizeOf(f *os.File) func() (width, height int) {
	return func() (int, int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0, 0
		}
		return width, height
	}
}
