package state_test

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/state"
)

// child starts a process that waits for its standard input to end.
func child(t *testing.T) (cmd *exec.Cmd, end func()) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells which process a PID means")
	}
	cmd = exec.CommandContext(t.Context(), "cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, func() { _ = in.Close() }
}

func TestWhichHoldersAreGone(t *testing.T) {
	me := state.Self("create", "run")
	if me.Gone() {
		t.Error("this process is gone")
	}
	cmd, end := child(t)
	h := me
	h.PID, h.Born = cmd.Process.Pid, ""
	if h.Gone() {
		t.Error("a process that runs is gone, its start not being known")
	}
	h.Born = me.Born + "1"
	if !h.Gone() {
		t.Error("a PID that is another process's by now runs on")
	}
	other := h
	other.Place = "another machine"
	if other.Gone() {
		t.Error("what happens on another machine cannot be known")
	}
	reused := me
	reused.Born += "1"
	if !reused.Gone() {
		t.Error("a holder with this process's PID that started at another time runs on")
	}
	h.Born = ""
	end()
	deadline := time.Now().Add(10 * time.Second)
	for !h.Gone() { // it ends and is a zombie, because nobody fetches its end
		if time.Now().After(deadline) {
			t.Fatal("a zombie runs on")
		}
		runtime.Gosched()
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if !h.Gone() {
		t.Error("a process that has ended runs on")
	}
}

func TestWhyALeaseIsHeldNoMore(t *testing.T) {
	cmd, end := child(t)
	end()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	alive := state.Self("create", "run")
	alive.Until = now.Add(time.Minute)
	late, dead := alive, alive
	late.Until = now.Add(-time.Second)
	dead.PID = cmd.Process.Pid
	for want, h := range map[string]state.Holder{"": alive, "has run out": late, "process has ended": dead} {
		if have := h.Ended(now); !strings.Contains(have, want) || (have == "") != (want == "") {
			t.Errorf("%q, want %q", have, want)
		}
	}
}

func TestWhoHoldsTheLeaseIsSaid(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	err := &state.HeldError{
		Holder: state.Holder{Owner: "ann\x1b[31m", Host: "box", PID: 7, Run: "r1", Action: "create", Since: at, Until: at.Add(time.Minute)},
		Where:  "gs://b/demo-deployment/lock.json", Command: "cluster-provision unlock --project-id=p --name-prefix=demo --zone=z",
	}
	text := err.Error()
	for _, want := range []string{"ann?[31m", "box", "process 7", "r1", "create", "2026-01-02T03:04:05Z", "2026-01-02T03:05:05Z", err.Where, err.Command} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in: %s", want, text)
		}
	}
	if strings.ContainsRune(text, 0x1b) {
		t.Errorf("%q steers a terminal", text)
	}
}
