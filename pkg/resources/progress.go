package resources

import (
	"context"
	"fmt"
)

// Progress is how far a step is, for whoever watches it.
type Progress struct {
	Done    int    `json:"done"`              // of Total; both 0 when nothing is counted
	Total   int    `json:"total,omitempty"`   //
	Waiting string `json:"waiting,omitempty"` // what is waited for, or what the cloud says meanwhile
}

// String is "3 of 4, waiting for demo-vm-0004".
func (p Progress) String() string {
	switch {
	case p.Total == 0:
		return p.Waiting
	case p.Waiting == "":
		return fmt.Sprintf("%d of %d", p.Done, p.Total)
	}
	return fmt.Sprintf("%d of %d, %s", p.Done, p.Total, p.Waiting)
}

type progressKey struct{}

// WithProgress gives a context in which Tell reaches f. f is called from the goroutine that tells and must not block.
func WithProgress(ctx context.Context, f func(Progress)) context.Context {
	return context.WithValue(ctx, progressKey{}, f)
}

// Tell says how far the step of this context is. Without a watcher it does nothing.
func Tell(ctx context.Context, p Progress) {
	if f, ok := ctx.Value(progressKey{}).(func(Progress)); ok {
		f(p)
	}
}
