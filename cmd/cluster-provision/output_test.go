package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// results are the lines of type result, which must be the last ones; every line must be an object.
func results(t *testing.T, stdout string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(stdout) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Errorf("not an object: %s", line)
		}
		if v["type"] == "result" {
			out = append(out, v)
		} else if len(out) > 0 {
			t.Errorf("behind the result: %s", line)
		}
	}
	return out
}

// Usage errors, wrong settings and faults of the program itself end a JSON run with one result, and help is no result.
func TestEveryJSONRunEndsWithAResult(t *testing.T) {
	for _, args := range []string{
		"--output json", "--output json frobnicate", "--output=json --no-such-flag", "create --output json", "create surplus --output json", "create --no-such-flag --output json",
		"list --output json", "emulator --output json --listen nowhere", "emulator resources --output json", "--output json emulator calls --dir /no/such", "version --output json",
		"create --help --output json", "--help --output json", "graph --format x --output=json", "--output json debug --log-level loud", "unlock --output json", "destroy --env-file /no/such --output json",
	} {
		t.Run(args, func(t *testing.T) {
			p, stdout, _ := testProgram()
			code := p.main(t.Context(), append([]string{"cluster-provision"}, strings.Fields(args)...))
			if have := results(t, stdout.String()); len(have) != 1 || have[0]["exitCode"] != float64(code) {
				t.Errorf("exit code %d, stdout: %s", code, stdout)
			}
		})
	}
	t.Run("a panic", func(t *testing.T) {
		p, stdout, stderr := testProgram()
		signals := p.signals
		p.signals = nil // the fault: nobody listens
		err := p.guarded(t.Context(), strings.Fields("cluster-provision list --project-id my-gpu-project --output json --latency off --emulate "+t.TempDir()))
		p.signals = signals
		code := p.out.end(outcome{}, err)
		if !strings.Contains(stderr.String(), "a fault in cluster-provision") {
			t.Errorf("stderr: %s", stderr)
		}
		if have := results(t, stdout.String()); len(have) != 1 || code != provision.CodeFailed {
			t.Errorf("exit code %d, stdout: %s", code, stdout)
		}
	})
}

// fullWriter is a full disk, or a pipe whose reader is gone.
type fullWriter struct{ err error }

func (f fullWriter) Write([]byte) (int, error) { return 0, f.err }

func TestResultsThatCannotBeWritten(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{{nil, 1}, {provision.ErrChanges, 1}, {errPartial, 5}, {resources.Problems{{Path: "ZONE", Message: "is missing"}}, 2}} {
		for _, asJSON := range []bool{false, true} {
			var stderr bytes.Buffer
			o := newOutput(fullWriter{syscall.ENOSPC}, &stderr)
			o.json = asJSON
			if code := o.end(outcome{text: "x\n"}, tc.err); code != tc.want {
				t.Errorf("%v: exit code %d, want %d", tc.err, code, tc.want)
			}
			if !strings.Contains(stderr.String(), "results could not be written to standard output: no space left on device") {
				t.Errorf("%v: %s", tc.err, &stderr)
			}
		}
	}
	o := newOutput(io.Discard, fullWriter{syscall.EPIPE})
	if code := o.end(outcome{text: "x\n"}, nil); code != 0 {
		t.Errorf("a dead standard error ends with %d", code)
	}
}
