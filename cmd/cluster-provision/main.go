// Command cluster-provision creates, changes, inspects and destroys a GPU cluster on Google Cloud. README.md says how it is
// used; package pkg/provision what it does.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision"
)

// Set by the linker: -X main.version=… -X main.commit=….
var (
	version = ""
	commit  = "" //nolint:gochecknoglobals // only the linker writes it
)

func main() { os.Exit(runMain()) }

// runMain is the program but its end, so that tests can run it in their own process.
func runMain() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := watchSignals(cancel)
	err := newApp(program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), signals: s, terminal: isTerminal,
	}).RunContext(ctx, lowerAction(os.Args))
	code := provision.ExitCode(err)
	if err != nil && code != provision.CodeChanges {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	if code == provision.CodeInterrupted && s.terminated() {
		return 128 + int(syscall.SIGTERM)
	}
	return code
}

// signals tells the first interrupt, after which nothing more is started, from the second, which ends everything at once.
type signals struct {
	mu    sync.Mutex
	stop  chan struct{} // closed by the first one since the last rearm
	term  bool
	last  time.Time
	abort context.CancelFunc
}

// echo is how close two signals are that were meant as one: a shell's Ctrl-C and a wrapper that passes it on both arrive.
const echo = time.Second

func watchSignals(abort context.CancelFunc) *signals {
	s := &signals{stop: make(chan struct{}), abort: abort}
	c := make(chan os.Signal, 4)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for sig := range c {
			s.got(sig == syscall.SIGTERM)
		}
	}()
	return s
}

func (s *signals) got(term bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.last) < echo {
		return
	}
	s.last = now
	select {
	case <-s.stop:
		s.abort()
	default:
		s.term = term
		close(s.stop)
	}
}

// stopped is closed by the next interrupt.
func (s *signals) stopped() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop
}

// rearm makes the next interrupt a first one again: a create that was told to clean up is then destroying.
func (s *signals) rearm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop = make(chan struct{})
}

func (s *signals) terminated() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.term
}
