package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cluster-provision": main})
}

// TestScripts runs the scripts in testdata/script against the program. Beside testscript's own commands there are:
//
//	exits CODE PROGRAM ARGS…     runs and wants the exit code; stdout and stderr can then be asked for
//	nothing-left DIR             the emulated world in DIR holds only what is built in
//	json-lines                   every line of the last stdout is a JSON object, the last one of type result
//	interrupt SIGNAL WORD PROGRAM …   runs, sends the signal when stderr shows the word, wants the end by it or the contract's exit code
//	tee-dies WORD PROGRAM …      runs with stdout and stderr on a pipe; when it shows the word the reader goes away, then SIGINT; wants 130
//	full CODE PROGRAM …          runs with /dev/full as stdout, wants the exit code; stderr can then be asked for
func TestScripts(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examples)
			e.Setenv("EMULATE_TIME_SCALE", "1000")
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "nothing-left": nothingLeft, "json-lines": jsonLines, "interrupt": interrupt, "tee-dies": teeDies, "full": full,
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	have := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		have = exit.ExitCode()
	} else if err != nil {
		have = 1
		if code, ok := strings.CutPrefix(err.Error(), "exit status "); ok {
			have, _ = strconv.Atoi(code)
		}
	}
	if have != want {
		ts.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", have, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

func nothingLeft(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("cluster-provision", "emulator", "resources", "--dir", args[0]))
	if out := ts.ReadFile("stdout"); strings.Contains(out, `"builtin": false`) || !strings.Contains(out, `"builtin": true`) {
		ts.Fatalf("left: %s", out)
	}
}

func jsonLines(ts *testscript.TestScript, _ bool, _ []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	var v map[string]any
	for _, line := range lines {
		v = nil
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			ts.Fatalf("not a JSON object: %s", line)
		}
	}
	if v["type"] != "result" {
		ts.Fatalf("the last line is no result: %s", lines[len(lines)-1])
	}
}

// scriptCommand is a program of the script's PATH, ready to run there.
func scriptCommand(ts *testscript.TestScript, args []string) *exec.Cmd {
	program, err := exec.LookPath(args[0])
	if found := ts.Getenv("PATH"); err != nil {
		for _, dir := range filepath.SplitList(found) {
			if _, statErr := os.Stat(filepath.Join(dir, args[0])); statErr == nil {
				program = filepath.Join(dir, args[0])
			}
		}
	}
	cmd := exec.Command(program, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"))
	return cmd
}

func teeDies(ts *testscript.TestScript, _ bool, args []string) {
	cmd := scriptCommand(ts, args[1:])
	reader, writer, err := os.Pipe()
	ts.Check(err)
	cmd.Stdout, cmd.Stderr = writer, writer
	ts.Check(cmd.Start())
	ts.Check(writer.Close())
	var seen bytes.Buffer
	for scan := bufio.NewScanner(reader); scan.Scan(); {
		seen.WriteString(scan.Text() + "\n")
		if strings.Contains(scan.Text(), args[0]) {
			break
		}
	}
	ts.Check(reader.Close())
	ts.Check(cmd.Process.Signal(syscall.SIGINT))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		ts.Fatalf("it ended with %v: %s", err, seen.String())
	}
}

func full(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	device, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	ts.Check(err)
	defer device.Close()
	cmd := scriptCommand(ts, args[1:])
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = device, &stderr
	err = cmd.Run()
	if have := cmd.ProcessState.ExitCode(); have != want || !strings.Contains(stderr.String(), "could not be written") {
		ts.Fatalf("exit code %d, want %d (%v): %s", have, want, err, &stderr)
	}
}

func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP}[args[0]]
	code := 128 + int(sig)
	if sig == syscall.SIGHUP {
		code = 130
	}
	cmd := scriptCommand(ts, args[2:])
	pipe, err := cmd.StderrPipe()
	ts.Check(err)
	var seen bytes.Buffer
	ts.Check(cmd.Start())
	sent := false
	for scan := bufio.NewScanner(pipe); scan.Scan(); {
		seen.WriteString(scan.Text() + "\n")
		if !sent && strings.Contains(scan.Text(), args[1]) {
			ts.Check(cmd.Process.Signal(sig))
			sent = true
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !sent || !errors.As(err, &exit) {
		ts.Fatalf("it was not stopped (%v): %s", err, seen.String())
	}
	status, _ := exit.Sys().(syscall.WaitStatus)
	if sig == syscall.SIGKILL && !status.Signaled() || sig != syscall.SIGKILL && exit.ExitCode() != code {
		ts.Fatalf("it ended with %v: %s", exit, seen.String())
	}
}
