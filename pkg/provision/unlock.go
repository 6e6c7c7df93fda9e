package provision

import (
	"context"
	"errors"

	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Unlock removes another run's lease, after agree has been shown who holds it.
func (e *Engine) Unlock(ctx context.Context, agree func(state.Holder) (bool, error)) error {
	there, err := e.Store.FindBucket(ctx)
	if err != nil {
		return err
	}
	if !there {
		e.note(progress.Info, "nobody holds the lease of "+e.Store.Location()+": its bucket is not there")
		return nil
	}
	h, version, err := e.Store.Holder(ctx)
	if errors.Is(err, state.ErrNotLocked) {
		e.note(progress.Info, "nobody holds the lease of "+e.Store.Location())
		return nil
	}
	if err != nil {
		return err
	}
	ok, err := agree(h)
	if err != nil || !ok {
		return errors.Join(err, ErrDeclined)
	}
	return e.Store.Unlock(ctx, version)
}
