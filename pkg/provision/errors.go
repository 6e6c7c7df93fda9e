package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// PartialError says that an action has done a part, that the manifest has it, and what to do next.
type PartialError struct {
	Err   error
	Next  string // what the user can do, with the exact commands
	Final bool   // the same action again cannot mend it, and Next says so
}

// Error gives the causes, then what to do.
func (e *PartialError) Error() string { return fmt.Sprintf("%v\n%s", e.Err, e.Next) }

// Unwrap gives the causes.
func (e *PartialError) Unwrap() error { return e.Err }

// ChangedError marks the error of an action that had called something that changes something before it failed: whatever the
// error is about, it is no longer the error of somebody who may assume that nothing has happened (exit code 2).
type ChangedError struct{ Err error }

// Error is the error's own text.
func (e *ChangedError) Error() string { return e.Err.Error() }

// Unwrap gives the error.
func (e *ChangedError) Unwrap() error { return e.Err }

// InterruptedError marks the error of an action that ended because a signal told it to. Contexts also end for other reasons,
// a lost lease among them, so only who has received the signal can say this.
type InterruptedError struct {
	Err        error
	Terminated bool // by SIGTERM; otherwise by SIGINT or SIGHUP
}

// Error is the error's own text.
func (e *InterruptedError) Error() string { return e.Err.Error() }

// Unwrap gives the error.
func (e *InterruptedError) Unwrap() error { return e.Err }

// Interrupted marks an error as the consequence of a signal that was received, if it is one: an action that failed for a
// reason of its own, though after a signal, keeps its reason.
func Interrupted(err error, terminated bool) error {
	if errors.Is(err, exec.ErrStopped) || errors.Is(err, context.Canceled) || resources.ClassOf(err) == resources.ClassInterrupted {
		return &InterruptedError{Err: err, Terminated: terminated}
	}
	return err
}

// ErrDeclined says that the user did not agree to a plan.
var ErrDeclined = errors.New("nothing was done: you did not agree")

// declinedRestError says that the user did not agree to a plan that was made anew after a part was done. The same create can go on.
type declinedRestError struct{ err error }

func (e *declinedRestError) Error() string {
	text := "the rest was not done: you did not agree to the new plan"
	if why := strings.TrimSpace(strings.TrimSuffix(e.err.Error(), ErrDeclined.Error())); why != "" {
		text += ": " + why
	}
	return text
}

func (e *declinedRestError) Unwrap() error { return e.err }

// ErrChanges is the answer of a plan that has changes, when the exit code should tell.
var ErrChanges = errors.New("there are changes")

// The exit codes of the contract.
const (
	CodeDone        = 0
	CodeFailed      = 1
	CodeUsage       = 2
	CodeChanges     = 3
	CodeHeld        = 4
	CodePartial     = 5
	CodeDenied      = 6
	CodeCapacity    = 7
	CodeInterrupted = 130
	CodeTerminated  = 143
)

// ExitCode is the one place where errors become exit codes. Two codes promise something that only the caller can know, so they
// need a mark or its absence: 130 and 143 an InterruptedError, and 2 that there is no ChangedError.
func ExitCode(err error) int {
	var held *state.HeldError
	var partial *PartialError
	var changed *ChangedError
	var interrupted *InterruptedError
	var problems resources.Problems
	var setting interface{ Setting() string } // an error that another value of a setting would mend
	class := resources.ClassOf(err)
	switch {
	case err == nil:
		return CodeDone
	case errors.Is(err, ErrChanges):
		return CodeChanges
	case errors.As(err, &interrupted) && interrupted.Terminated:
		return CodeTerminated
	case errors.As(err, &interrupted):
		return CodeInterrupted
	case errors.As(err, &held):
		return CodeHeld
	case class == resources.ClassStockout, class == resources.ClassQuota:
		return CodeCapacity
	case class == resources.ClassDenied, class == resources.ClassUnauthenticated:
		return CodeDenied
	case errors.Is(err, state.ErrLeaseLost), errors.As(err, &partial) && !partial.Final:
		return CodePartial
	case errors.As(err, &partial):
		return CodeFailed // "run it again" is what 5 means
	case errors.As(err, &changed):
		return CodeFailed
	case errors.As(err, &problems) && problems.Err() != nil, errors.As(err, &setting):
		return CodeUsage
	}
	return CodeFailed
}
