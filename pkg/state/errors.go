package state

import (
	"errors"
	"fmt"
	"time"
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
)

// HeldError says that another run holds the lease.
type HeldError struct {
	Holder Holder
	Where  string    // the lock, as a person can look at it
	Now    time.Time // when it was seen
}

// Error says who, where, since when, until when, and what can be done.
func (e *HeldError) Error() string {
	h := e.Holder
	return fmt.Sprintf("%s holds the lease: %s by %s on %s, since %s, until %s unless it is renewed (%s); "+
		"wait for it to end, or remove its lease with: cluster-provision unlock",
		h.Run, h.Action, h.Owner, h.Host, stamp(h.Since), stamp(h.Until), e.Where)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

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
