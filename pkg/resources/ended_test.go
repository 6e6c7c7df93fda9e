package resources_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

func TestTheEndOfAContextIsToldInWordsForUsers(t *testing.T) {
	plain := errors.New("no such thing")
	for name, tc := range map[string]struct {
		err   error
		want  string
		class resources.Class
	}{
		"an interrupt":              {context.Canceled, "interrupted before there was an answer", resources.ClassInterrupted},
		"within another error":      {fmt.Errorf("bucket b: %w", context.Canceled), "bucket b: interrupted before there was an answer", resources.ClassInterrupted},
		"a deadline":                {context.DeadlineExceeded, "cut off before there was an answer: its time was over", resources.ClassTimeout},
		"beside something else":     {errors.Join(plain, context.Canceled), "no such thing\ninterrupted before there was an answer", resources.ClassInterrupted},
		"twice is the same":         {resources.Ended(context.Canceled), "interrupted before there was an answer", resources.ClassInterrupted},
		"what is no context's ends": {plain, "no such thing", resources.ClassFatal},
	} {
		t.Run(name, func(t *testing.T) {
			have := resources.Ended(tc.err)
			if have.Error() != tc.want || resources.ClassOf(have) != tc.class || !errors.Is(have, tc.err) {
				t.Errorf("%q of class %q", have, resources.ClassOf(have))
			}
		})
	}
	if resources.Ended(nil) != nil {
		t.Error("no error became one")
	}
}

func TestHowSomethingWasToldIsNoDifference(t *testing.T) {
	const cause = "bucket b: no"
	for _, text := range []string{cause + resources.Tries(14, 151*time.Second) + " (503)", cause + " (503 backendError)", cause} {
		if resources.Cause(text) != cause {
			t.Errorf("%q", resources.Cause(text))
		}
	}
	if resources.Cause("no (not tried again)") != "no (not tried again)" {
		t.Error("a remark is taken for a status")
	}
}
