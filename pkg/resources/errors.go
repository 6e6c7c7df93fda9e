package resources

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNotFound is what Read answers, wrapped or plain, when the resource is absent.
var ErrNotFound = errors.New("not found")

// Class sorts errors by what is to be done about them. Exit codes follow from it (contract, "Output and exit codes").
type Class string

// The classes.
const (
	ClassNone            Class = ""                  // no error
	ClassFatal           Class = "failed"            // anything else: not retried
	ClassNotFound        Class = "not found"         // the resource is absent
	ClassExists          Class = "exists"            // the name is taken
	ClassInUse           Class = "in use"            // something still refers to the resource
	ClassBusy            Class = "busy"              // another operation runs on it
	ClassConflict        Class = "conflict"          // a fingerprint, etag or generation has moved on
	ClassQuota           Class = "quota"             // a quota is used up
	ClassStockout        Class = "no capacity"       // the zone has no capacity
	ClassDenied          Class = "denied"            // permission denied
	ClassUnauthenticated Class = "not signed in"     // no credentials, or expired ones
	ClassDisabled        Class = "api disabled"      // the API is not enabled in the project
	ClassPolicy          Class = "refused by policy" // an organization's, a perimeter's or a bucket's policy forbids it
	ClassTransient       Class = "transient"         // worth another try
	ClassInvalid         Class = "invalid"           // the cloud refused the request as malformed or inconsistent
	ClassInterrupted     Class = "interrupted"       // the context ended
	ClassForeign         Class = "not ours"          // something with this name belongs to somebody else
	ClassTimeout         Class = "took too long"     // our own deadline for a step passed
)

// Classed is an error that knows its class.
type Classed interface {
	error
	Class() Class
}

// ClassOf finds the class of an error. Of joined errors the most serious counts, by a fixed order: first what ended everything,
// then what only a person can mend, then what is not known, and last what the caller may go on from. So "not found" beside
// something else is never taken for "gone", and an interrupt is never hidden.
func ClassOf(err error) Class {
	if err == nil {
		return ClassNone
	}
	order := []Class{
		ClassInterrupted, ClassUnauthenticated, ClassDenied, ClassDisabled, ClassPolicy, ClassQuota, ClassStockout, ClassForeign, ClassInvalid,
		ClassTimeout, ClassFatal, ClassConflict, ClassInUse, ClassBusy, ClassExists, ClassTransient, ClassNotFound,
	}
	best := len(order)
	for _, one := range classes(err) {
		if i := slices.Index(order, one); i >= 0 && i < best {
			best = i
		}
	}
	if best == len(order) {
		return ClassFatal
	}
	return order[best]
}

// classes are those of an error's parts: it is one part, or joins several, at any depth. The outermost error that knows its class
// speaks for all that it wraps.
func classes(err error) []Class {
	if classed, ok := err.(Classed); ok { //nolint:errorlint // the chain is walked here
		return []Class{classed.Class()}
	}
	switch wrapped := err.(type) { //nolint:errorlint // likewise
	case interface{ Unwrap() []error }:
		var out []Class
		for _, e := range wrapped.Unwrap() {
			if e != nil {
				out = append(out, classes(e)...)
			}
		}
		return out
	case interface{ Unwrap() error }:
		if inner := wrapped.Unwrap(); inner != nil {
			return classes(inner)
		}
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return []Class{ClassNotFound}
	case errors.Is(err, context.Canceled):
		return []Class{ClassInterrupted}
	case errors.Is(err, context.DeadlineExceeded):
		return []Class{ClassTimeout}
	}
	return []Class{ClassFatal}
}

// ForeignError says that a resource with our name exists and is not ours.
type ForeignError struct {
	ID    ID
	Owner string // its owner mark, empty when it has none
}

// Error says whose it is and what to do.
func (e *ForeignError) Error() string {
	whose := "carries no owner mark"
	if e.Owner != "" {
		whose = fmt.Sprintf("belongs to deployment %q", e.Owner)
	}
	return fmt.Sprintf("%s exists and %s; it is left alone: choose another NAME_PREFIX, or remove it if nobody needs it", e.ID.Path(), whose)
}

// Class is ClassForeign.
func (e *ForeignError) Class() Class { return ClassForeign }

// Blocker is something of somebody else's that keeps a resource of ours from being deleted.
type Blocker struct {
	ID      ID     // what it is
	Command string // the exact command that removes it; empty when there is none
	Frees   string // what frees the resource when no command does
}

// BlockedError says that a deletion must wait until somebody removes what is not ours.
type BlockedError struct {
	ID  ID
	By  []Blocker
	Err error // what the cloud said
}

// Error names every blocker with the command that removes it.
func (e *BlockedError) Error() string {
	lines := make([]string, 0, len(e.By)+1)
	lines = append(lines, fmt.Sprintf("%s is still used by what this deployment does not own:", e.ID.Path()))
	for _, b := range e.By {
		how := "remove it with: " + b.Command
		if b.Command == "" {
			how = b.Frees
		}
		lines = append(lines, fmt.Sprintf("  %s\n    %s", b.ID.Path(), how))
	}
	if len(e.By) == 0 && e.Err != nil {
		lines[0] = fmt.Sprintf("%s is still in use: %v", e.ID.Path(), e.Err)
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives what the cloud said.
func (e *BlockedError) Unwrap() error { return e.Err }

// Class is ClassInUse.
func (e *BlockedError) Class() Class { return ClassInUse }
