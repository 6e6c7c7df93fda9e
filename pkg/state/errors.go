package state

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// The classes of errors that a store answers, found with errors.Is.
var (
	// ErrConflict says that somebody else has written since the version that a write wanted to replace.
	ErrConflict = errors.New("the manifest was written by another run meanwhile")
	// ErrNotLocked says that there is no lease to show or remove.
	ErrNotLocked = errors.New("no run holds the lease")
	// ErrLeaseLost is the cause of the end of a lease's context when it could not be renewed or somebody took it over.
	ErrLeaseLost = errors.New("the lease was lost")
	// ErrClosed says that a journal was used after its end.
	ErrClosed = errors.New("the journal is closed")
	// ErrNoManifest says that something belongs to a deployment that has no manifest, so that it was not stored.
	ErrNoManifest = errors.New("the deployment has no manifest")
)

// HeldError says that another run holds the lease.
type HeldError struct {
	Holder  Holder
	Where   string    // the lock, as a person can look at it
	Now     time.Time // when it was seen
	Command string    // the whole command that removes the lease; the engine fills it in
}

// Error says who, where, what, since when, until when, and what can be done.
func (e *HeldError) Error() string {
	h, command := e.Holder, e.Command
	if command == "" {
		command = "cluster-provision unlock"
	}
	return fmt.Sprintf("another run holds the lease: %s by %s on %s (process %d, run %s), since %s, until %s unless it is renewed (%s); "+
		"wait for it to end, or remove its lease with: %s",
		known(h.Action), known(h.Owner), known(h.Host), h.PID, known(h.Run), stamp(h.Since), stamp(h.Until), e.Where, command)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}

// printable is what somebody else has written, without what would steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// known is the same, and says so where there is nothing.
func known(s string) string {
	if s == "" {
		return "unknown"
	}
	return printable(s)
}

// DeploymentError says that one of several deployments could not be read.
type DeploymentError struct {
	Prefix string // its NAME_PREFIX
	Err    error
}

// Error says which, and why.
func (e *DeploymentError) Error() string {
	return "deployment " + printable(e.Prefix) + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *DeploymentError) Unwrap() error { return e.Err }

// FutureError says that a manifest comes from a version of the program that this one cannot go on with.
type FutureError struct {
	Schema     int    // its version
	Compatible int    // oldest version that it says can go on with it; 0 when it does not say
	Tool       string // program that wrote it
}

// Error says which program is needed.
func (e *FutureError) Error() string {
	by := ""
	if e.Tool != "" {
		by = fmt.Sprintf(", written by cluster-provision %s", e.Tool)
	}
	return fmt.Sprintf("the manifest has schema version %d%s; this program knows versions up to %d: run this action with that program or a newer one",
		e.Schema, by, Schema)
}

// DamagedError says that what is stored is not a manifest.
type DamagedError struct {
	Where string // object and generation, once the store has said so
	Why   error
	Mend  string // what to do, once the store has said so
}

// Error says where the damage is and what to go back to.
func (e *DamagedError) Error() string {
	where := e.Where
	if where == "" {
		where = "the manifest"
	}
	text := fmt.Sprintf("%s is damaged: %v", where, e.Why)
	if e.Mend != "" {
		text += "; " + e.Mend
	}
	return text
}

// Unwrap gives what is wrong with it.
func (e *DamagedError) Unwrap() error { return e.Why }
