package provision_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// classed is an error of a class.
type classed resources.Class

func (c classed) Error() string          { return string(c) }
func (c classed) Class() resources.Class { return resources.Class(c) }

// settingError is an error that another value of a setting would mend.
type settingError struct{}

func (settingError) Error() string   { return "the bucket does not exist" }
func (settingError) Setting() string { return "TERRAFORM_GCS_PATH" }

func TestExitCode(t *testing.T) {
	problems := resources.Problems{{Path: "ZONE", Message: "is missing"}}
	changed := func(err error) error { return &provision.ChangedError{Err: err} }
	partial := func(err error) error { return &provision.PartialError{Err: err, Next: "run it again"} }
	final := func(err error) error {
		return &provision.PartialError{Err: err, Next: "repeating does not help", Final: true}
	}
	signalled := func(err error) error { return provision.Interrupted(err, false) }
	for _, tc := range []struct {
		name string
		err  error
		want int
	}{
		{"no error is done", nil, 0},
		{"any other error has failed", errors.New("x"), 1},
		{"a plan that has changes", fmt.Errorf("plan: %w", provision.ErrChanges), 3},
		{"a no is a failure: the action was not done", provision.ErrDeclined, 1},
		{"a lease that is held", changed(&state.HeldError{}), 4},

		{"wrong settings", problems, 2},
		{"warnings alone are no usage error", resources.Problems{{Path: "ZONE", Message: "is odd", Severity: resources.SeverityWarning}}, 1},
		{"a bucket that another setting would mend", settingError{}, 2},
		{"a wrong setting, found after something was changed", changed(problems), 1},
		{"a bucket that vanished after something was changed", changed(settingError{}), 1},
		{"a problem in a part that was done", partial(problems), 5},
		{"a bucket that vanished in the middle of a part", changed(partial(settingError{})), 5},
		{"a lease lost to a wrong setting", errors.Join(problems, state.ErrLeaseLost), 5},

		{"a context that ended without a signal", context.Canceled, 1},
		{"the class interrupted without a signal", classed(resources.ClassInterrupted), 1},
		{"an executor that was stopped by the journal", partial(exec.ErrStopped), 5},
		{"a lost lease ends contexts too", errors.Join(context.Canceled, state.ErrLeaseLost), 5},
		{"a context that ended by a signal", signalled(context.Canceled), 130},
		{"an executor that was stopped by a signal", signalled(partial(exec.ErrStopped)), 130},
		{"a call that was cut off by a signal", signalled(changed(classed(resources.ClassInterrupted))), 130},
		{"SIGTERM", provision.Interrupted(fmt.Errorf("create: %w", context.Canceled), true), 143},
		{"a wrong setting after a signal is still a wrong setting", signalled(problems), 2},
		{"no capacity after a signal is still no capacity", signalled(partial(classed(resources.ClassStockout))), 7},
		{"a signal that came too late", signalled(nil), 0},

		{"no capacity", changed(partial(classed(resources.ClassStockout))), 7},
		{"a quota", classed(resources.ClassQuota), 7},
		{"a denied call", partial(classed(resources.ClassDenied)), 6},
		{"not signed in", classed(resources.ClassUnauthenticated), 6},
		{"a part", partial(errors.New("x")), 5},
		{"a part that repeating cannot mend", final(errors.New("x")), 1},
		{"the same, of a cause with a code of its own", final(classed(resources.ClassQuota)), 7},
		{"the same, with the lease lost in the end", errors.Join(final(errors.New("x")), state.ErrLeaseLost), 5},
		{"the same, after a signal that came too late to be its cause", signalled(final(errors.New("x"))), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if have := provision.ExitCode(tc.err); have != tc.want {
				t.Errorf("exit code %d, want %d", have, tc.want)
			}
		})
	}
}
