package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

func newID() string { return uuid.NewString() }

type timestamp = time.Time

func now() timestamp { return time.Now().UTC().Round(0) }

// session is one run that may change things: it holds the lease, has loaded the manifest under it, and keeps the journal once
// there are intents.
type session struct {
	e        *Engine
	run      string
	lease    state.Lease
	manifest state.Manifest
	version  state.Version
	journal  *state.Journal
	fresh    map[string]bool // addresses whose step no earlier run has begun
}

// open takes the lease and loads the manifest under it: what was read before may have been another run's by now.
func (e *Engine) open(ctx context.Context, action string) (*session, error) {
	s := &session{e: e, run: newID()}
	who := state.Self(action, s.run)
	who.Version = e.Tool
	var err error
	if s.lease, err = e.Store.Lock(ctx, who); err != nil {
		var held *state.HeldError
		if errors.As(err, &held) {
			held.Command = "cluster-provision unlock " + e.Flags
		}
		return nil, err
	}
	if p := s.lease.Previous(); p != nil {
		e.note(progress.Warning, fmt.Sprintf("took over the lease of %s on %s (%s since %s), which has ended", p.Owner, p.Host, p.Action, p.Since.UTC().Format("2006-01-02 15:04:05Z")))
	}
	if s.manifest, s.version, err = e.Store.Load(ctx); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

// context is what changes run under: it outlives the user's interrupt and ends with the lease.
func (s *session) context() context.Context { return s.lease.Context() }

// close stores what is not stored yet and gives the lease back, once. It keeps every error.
func (s *session) close(ctx context.Context) error {
	err := s.flush(ctx)
	if s.lease == nil {
		return err
	}
	lease := s.lease
	s.lease = nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.e.scaled(grace))
	defer cancel()
	return errors.Join(err, resources.Ended(lease.Release(ctx)))
}

// flush ends the journal. What could not be stored is rescued: on this machine, and beside the manifest while the lease is held.
// A run that has stored nothing has changed nothing, and there is nothing to rescue.
func (s *session) flush(ctx context.Context) error {
	j := s.journal
	if j == nil {
		return nil
	}
	s.journal = nil
	err := resources.Ended(j.Close())
	if err == nil || !j.Begun() {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.e.scaled(grace))
	defer cancel()
	var where []string
	rescued := state.ErrLeaseLost
	if !errors.Is(err, state.ErrConflict) { // another run has written, so the lease is lost, whether or not we have heard of it
		var there string
		if there, rescued = s.e.Store.Rescue(ctx, s.lease, s.run, j.Manifest()); rescued == nil {
			where = append(where, there)
		}
	}
	local := filepath.Join(s.e.Rescue, "recovery-"+s.run+".json")
	if raw, encoded := state.Encode(j.Manifest()); encoded == nil && os.WriteFile(local, raw, 0o600) == nil {
		where = append(where, local)
	}
	if len(where) == 0 {
		return errors.Join(err, rescued)
	}
	return fmt.Errorf("%w; what happened since is in %s: run the same action again, it finds what was made by its mark", err, strings.Join(where, " and "))
}

// discard ends the journal and forgets what is not stored yet: the manifest itself is about to go.
func (s *session) discard() {
	if s.journal != nil {
		s.journal.Discard()
		s.journal = nil
	}
}

// latest is the manifest with all that has happened so far.
func (s *session) latest() state.Manifest {
	if s.journal == nil {
		return s.manifest
	}
	return s.journal.Manifest()
}
