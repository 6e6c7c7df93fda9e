// Command cluster-provision creates, changes, inspects and destroys a GPU cluster on Google Cloud. README.md says how it is
// used; package pkg/provision what it does.
//
// Each action has a file: a struct of its options, how flags become that struct, and a function that takes it together with
// what it works on (deps) and answers what is to be shown. Everything that leaves the program goes through output.go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Set by the linker: -X main.version=… -X main.commit=….
var (
	version = ""
	commit  = "" //nolint:gochecknoglobals // only the linker writes it
)

func main() { os.Exit(runMain()) }

// runMain is the program but its end, so that tests can run it in their own process.
func runMain() int {
	// Without this a write to a dead standard output or error kills the process (package os/signal, "SIGPIPE"): in
	// `create 2>&1 | tee log` Ctrl-C ends tee as well, and nothing would be recorded. Now the write fails, and who writes decides.
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := &program{
		stdin: os.Stdin, out: newOutput(os.Stdout, os.Stderr), environ: os.Environ(), signals: watchSignals(cancel),
		terminal: isTerminal(os.Stderr), size: sizeOf(os.Stderr),
	}
	return p.main(ctx, os.Args)
}
