package resources_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

type classed resources.Class

func (c classed) Error() string          { return string(c) }
func (c classed) Class() resources.Class { return resources.Class(c) }

// The order in which the parts of an error count does not matter, and neither does where they are joined.
func TestTheMostSeriousClassCounts(t *testing.T) {
	absent, unknown := classed(resources.ClassNotFound), errors.New("something else")
	for name, tc := range map[string]struct {
		a, b error
		want resources.Class
	}{
		"absent beside something unknown is not gone":     {absent, unknown, resources.ClassFatal},
		"absent beside in use":                            {absent, classed(resources.ClassInUse), resources.ClassInUse},
		"passing beside something unknown":                {classed(resources.ClassTransient), unknown, resources.ClassFatal},
		"a quota explains more than something unknown":    {classed(resources.ClassQuota), unknown, resources.ClassQuota},
		"a permission beside a quota":                     {classed(resources.ClassDenied), classed(resources.ClassQuota), resources.ClassDenied},
		"an interrupt is not hidden by a permission":      {context.Canceled, classed(resources.ClassDenied), resources.ClassInterrupted},
		"an interrupt is not hidden by a passing fault":   {classed(resources.ClassInterrupted), classed(resources.ClassTransient), resources.ClassInterrupted},
		"a policy beside what can be gone on from":        {classed(resources.ClassPolicy), classed(resources.ClassExists), resources.ClassPolicy},
		"a deadline beside absent":                        {context.DeadlineExceeded, absent, resources.ClassTimeout},
		"absent twice is absent":                          {absent, resources.ErrNotFound, resources.ClassNotFound},
		"a conflict that time mends beside another fault": {classed(resources.ClassConflict), classed(resources.ClassTransient), resources.ClassConflict},
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range []error{errors.Join(tc.a, tc.b), errors.Join(tc.b, tc.a), fmt.Errorf("%w and %w", tc.a, tc.b),
				fmt.Errorf("3 of 5: %w", errors.Join(tc.b, fmt.Errorf("deeper: %w", tc.a)))} {
				if got := resources.ClassOf(err); got != tc.want {
					t.Errorf("%q: %q", err, got)
				}
			}
		})
	}
}
