package gcp

import (
	"context"
	"errors"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// wordsKey is the key of what a caller has put into a context to hear the last words by.
type wordsKey struct{}

type words struct {
	mu   sync.Mutex
	last *TriedError
}

func (t retrying) cutOff(ctx context.Context, e *TriedError, ended error) error {
	e.Ended = ended
	if w, ok := ctx.Value(wordsKey{}).(*words); ok {
		w.mu.Lock()
		w.last = e
		w.mu.Unlock()
	}
	return e
}

// LastWords makes calls. When they are cut off it answers what the cloud had said before, if anything. Client libraries on
// googleapi put the bare end of the context in place of the transport's error (gensupport.send), so that the words go past them.
func LastWords(ctx context.Context, calls func(context.Context) error) error {
	w := &words{}
	err := calls(context.WithValue(ctx, wordsKey{}, w))
	w.mu.Lock()
	defer w.mu.Unlock()
	var tried *TriedError
	if w.last == nil || err == nil || errors.As(err, &tried) || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return w.last
}

// onceKey is the key of the wish that a call be tried once.
type onceKey struct{}

// Once lets calls be tried once and not waited for: who asks has waited for the same cause already. What was said is a *TriedError
// all the same.
func Once(ctx context.Context) context.Context { return context.WithValue(ctx, onceKey{}, true) }

func once(ctx context.Context) bool { return ctx.Value(onceKey{}) != nil }

// GaveUp says whether a call was given up after all the tries that it was worth, and not cut off.
func GaveUp(err error) bool {
	var tried *TriedError
	return errors.As(err, &tried) && tried.Ended == nil
}

// CutOff is the error of calls whose context has ended: what the cloud had said before, or that nothing was. A call that is cut off
// may fail with whatever it was cut off for, which says nothing about what was asked. While the context lasts, and for nil, it is the
// error itself.
func CutOff(ctx context.Context, err error) error {
	var tried *TriedError
	if err == nil || ctx.Err() == nil || errors.As(err, &tried) {
		return err
	}
	return resources.Ended(ctx.Err())
}
