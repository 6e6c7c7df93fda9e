package state_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/state"
)

// A renewal that hangs and does not even heed its context delays nothing: the lease ends in time.
func TestARenewalThatHeedsNothingDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timing := state.Timing{TTL: 2 * time.Minute, Beat: 30 * time.Second, Margin: 15 * time.Second, Try: 10 * time.Second}
		who := timing.Stamp(state.Holder{Run: "one"})
		stuck := make(chan struct{})
		l := state.Hold(t.Context(), who, nil, timing, func(context.Context, state.Holder) (state.Holder, error) {
			<-stuck
			return state.Holder{}, errors.New("stuck")
		})
		<-l.Context().Done()
		if now := time.Now(); now.After(who.Until.Add(-timing.Margin+time.Second)) || !errors.Is(context.Cause(l.Context()), state.ErrLeaseLost) {
			t.Errorf("it ended %s before its expiry: %v", who.Until.Sub(now), context.Cause(l.Context()))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stopping waits for ever, or not at all: %v", err)
		}
		close(stuck)
	})
}
