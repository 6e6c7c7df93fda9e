package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// signals tells the first interrupt, after which nothing more is started, from the second, which ends everything at once.
type signals struct {
	mu    sync.Mutex
	stop  chan struct{} // closed by the first one since the last rearm
	seen  bool          // there was one at all
	term  bool          // the first one was a SIGTERM
	last  time.Time
	abort context.CancelFunc
}

// echo is how close two signals are that were meant as one: a shell's Ctrl-C and a wrapper that passes it on both arrive.
const echo = time.Second

func newSignals(abort context.CancelFunc) *signals {
	return &signals{stop: make(chan struct{}), abort: abort}
}

// watchSignals begins to listen. A closed terminal is an interrupt like Ctrl-C, unless the program was started to outlive it
// (nohup). The contract has no code of its own for it: it ends with 130.
func watchSignals(abort context.CancelFunc) *signals {
	s := newSignals(abort)
	c := make(chan os.Signal, 4)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(c, syscall.SIGHUP)
	}
	go func() { // ends with the process
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
		if !s.seen {
			s.term = term
		}
		s.seen = true
		close(s.stop)
	}
}

// stopped is closed by the next interrupt.
func (s *signals) stopped() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop
}

// rearm makes the next interrupt a first one again, and gives the context that the one after it ends: a create that was told
// to clean up is then destroying.
func (s *signals) rearm(ctx context.Context) (context.Context, context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.abort = make(chan struct{}), cancel
	return ctx, cancel
}

// received says whether there was a signal at all, and whether the first one was a SIGTERM.
func (s *signals) received() (any, terminated bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen, s.term
}
