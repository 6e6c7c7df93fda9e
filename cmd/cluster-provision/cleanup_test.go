package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// CLEANUP_ON_EXIT destroys when create was well and a signal came, when it was interrupted, and when it failed.
func TestCleanupOnExit(t *testing.T) {
	stopped := func(p *program) func(context.Context) error {
		return func(context.Context) error { p.signals.got(true); return errPartial }
	}
	failing := func(text string) func(context.Context) error {
		return func(context.Context) error {
			return &provision.ChangedError{Err: &provision.PartialError{Err: errors.New(text), Next: "what was made is billed"}}
		}
	}
	for _, tc := range []struct {
		name    string
		create  func(*program) func(context.Context) error
		destroy func(*program) func(context.Context) error
		changed bool
		calls   string
		code    int
		says    []string
	}{
		{name: "create was well, then a signal", changed: true, calls: "create destroy", create: func(p *program) func(context.Context) error {
			return func(context.Context) error { go p.signals.got(true); return nil }
		}},
		{name: "create was interrupted", create: stopped, changed: true, calls: "create destroy", code: 143, says: []string{"everything that it made is destroyed"}},
		{name: "create failed", create: func(*program) func(context.Context) error { return failing("no such thing") }, changed: true, calls: "create destroy", code: 5,
			says: []string{"create: no such thing", "everything that it made is destroyed"}},
		{name: "create failed and so did destroy", create: func(*program) func(context.Context) error { return failing("no such thing") },
			destroy: func(*program) func(context.Context) error { return failing("still in use") }, changed: true, calls: "create destroy", code: 5, says: []string{"create: no such thing", "CLEANUP_ON_EXIT: still in use"}},
		{name: "create was interrupted, and a second signal stops destroy", create: stopped, destroy: func(p *program) func(context.Context) error {
			return func(context.Context) error {
				stop := p.signals.stopped()
				<-time.NewTimer(2 * echo).C
				p.signals.got(false)
				<-stop // not aborted: it is a first one again
				return errPartial
			}
		}, changed: true, calls: "create destroy", code: 143, says: []string{"stopped before everything was done"}},
		{name: "create was aborted by two signals, and destroy has a context that lives", create: func(p *program) func(context.Context) error {
			return func(ctx context.Context) error {
				p.signals.got(false)
				<-time.NewTimer(2 * echo).C
				p.signals.got(false)
				<-ctx.Done()
				return ctx.Err()
			}
		}, destroy: func(*program) func(context.Context) error {
			return func(ctx context.Context) error { return ctx.Err() }
		}, changed: true, calls: "create destroy", code: 130},
		{name: "create was refused before it changed anything", create: func(*program) func(context.Context) error {
			return func(context.Context) error { return resources.Problems{{Path: "ZONE", Message: "is wrong"}} }
		}, calls: "create", code: 2, says: []string{"nothing is destroyed"}},
	} {
		for _, format := range []string{"text", "json"} {
			t.Run(tc.name+" in "+format, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					p, stdout, stderr := testProgram()
					p.signals, p.out.json = newSignals(cancel), format == "json"
					<-time.NewTimer(time.Minute).C
					e := &fakeEngine{changed: tc.changed, onCreate: tc.create(p)}
					if tc.destroy != nil {
						e.onDestroy = tc.destroy(p)
					}
					out, err := runCreate(ctx, createOptions{}, &config.Config{CleanupOnExit: true}, fakeDeps(p, e))
					if seen, terminated := p.signals.received(); seen {
						err = provision.Interrupted(err, terminated)
					}
					if code := p.out.end(out, err); code != tc.code {
						t.Errorf("exit code %d, want %d: %v", code, tc.code, err)
					}
					var calls []string
					for _, c := range e.calls {
						calls = append(calls, strings.Fields(c)[0])
					}
					if have := strings.Join(calls, " "); have != tc.calls {
						t.Errorf("called %s, want %s", have, tc.calls)
					}
					if format == "json" {
						if have := results(t, stdout.String()); len(have) != 1 || have[0]["exitCode"] != float64(tc.code) {
							t.Errorf("results: %v", have)
						}
						return
					}
					for _, s := range tc.says {
						if !strings.Contains(stderr.String(), s) {
							t.Errorf("no %q in: %s", s, stderr)
						}
					}
					if tc.destroy == nil && tc.calls != "create" && strings.Contains(stderr.String(), "billed") {
						t.Errorf("what is destroyed is called billed: %s", stderr)
					}
				})
			})
		}
	}
}
