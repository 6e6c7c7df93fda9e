package gcp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// The pace of doing a change again that has failed in passing. Repeating single calls is the transport's.
const (
	firstAgain   = 2 * time.Second
	longestAgain = 30 * time.Second
	// appearing is how long a thing that a change refers to may be missing although we have made it: reads and references lag
	// behind operations.
	appearing = 2 * time.Minute
)

// Again makes a change, its call and the wait for its operation, until it is done, fails for good, or the context of the step
// ends. Each try has a request id of its own, which the stamp and part, a name of the change within the step, decide: a run that
// goes on with the step after a crash uses the same ones.
func (c *Clients) Again(ctx context.Context, stamp resources.Stamp, part string, change func(ctx context.Context, request string) error) error {
	start, pause := time.Now(), firstAgain
	var last error
	for try := 1; ; try++ {
		err := change(ctx, stamp.Request(fmt.Sprintf("%s/%d", part, try)))
		if err != nil && ctx.Err() != nil && last != nil { // a time-out without its cause helps nobody
			return errors.Join(err, fmt.Errorf("the last of %d tries before: %w", try-1, last))
		}
		if !worthAgain(err, c.Unscaled(time.Since(start))) {
			return err
		}
		last = err
		resources.Tell(ctx, resources.Progress{Waiting: "tried again: " + err.Error()})
		if ended := c.Pause(ctx, pause/2+rand.N(pause)); ended != nil { //nolint:gosec // jitter needs no secrecy
			return errors.Join(err, ended)
		}
		pause = min(longestAgain, pause*3/2)
	}
}

func worthAgain(err error, passed time.Duration) bool {
	var tried *TriedError
	switch {
	case !Passing(err), errors.As(err, &tried): // the transport's patience is ours
		return false
	case resources.ClassOf(err) == resources.ClassNotFound: // it is another resource that is missing
		return passed < appearing
	}
	return true
}
