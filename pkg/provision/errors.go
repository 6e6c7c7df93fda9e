package provision

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// PartialError says that an action has done a part, that the manifest has it, and what to do next.
type PartialError struct {
	Err  error
	Next string // what the user can do, with the exact commands
}

// Error gives the causes, then what to do.
func (e *PartialError) Error() string { return fmt.Sprintf("%v\n%s", e.Err, e.Next) }

// Unwrap gives the causes.
func (e *PartialError) Unwrap() error { return e.Err }

// ErrDeclined says that the user did not agree to a plan.
var ErrDeclined = errors.New("nothing was done: you did not agree")

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
)

// ExitCode is the one place where errors become exit codes.
func ExitCode(err error) int {
	var held *state.HeldError
	var partial *PartialError
	var problems resources.Problems
	var setting interface{ Setting() string } // an error that another value of a setting would mend
	class := resources.ClassOf(err)
	switch {
	case err == nil:
		return CodeDone
	case errors.Is(err, ErrChanges):
		return CodeChanges
	case errors.As(err, &held):
		return CodeHeld
	case errors.Is(err, exec.ErrStopped), errors.Is(err, context.Canceled), class == resources.ClassInterrupted:
		return CodeInterrupted
	case class == resources.ClassStockout, class == resources.ClassQuota:
		return CodeCapacity
	case class == resources.ClassDenied, class == resources.ClassUnauthenticated:
		return CodeDenied
	case errors.As(err, &problems), errors.As(err, &setting):
		return CodeUsage
	case errors.As(err, &partial), errors.Is(err, state.ErrLeaseLost):
		return CodePartial
	}
	return CodeFailed
}
