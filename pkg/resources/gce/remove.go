package gce

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// letGo is how long the cloud may still count what we have just deleted as a user of something: in a recording a network was
// asked to go eleven times until its last firewall rule was forgotten.
const letGo = 3 * time.Minute

// The pace of asking a resource to go again.
const (
	firstPause   = 2 * time.Second
	longestPause = 30 * time.Second
)

// remove deletes a resource and returns when it is gone. An absent one is gone already. One that is busy is awaited. One that
// is in use by what others own is a *resources.BlockedError that names them; one that is in use by what we have just deleted
// is asked to go again.
func remove(ctx context.Context, c *gcp.Clients, id resources.ID, stamp resources.Stamp, call Call) error {
	start, pause := time.Now(), firstPause
	for try := 1; ; try++ {
		err := Do(ctx, c, id, stamp, fmt.Sprintf("delete %d", try), call)
		switch resources.ClassOf(err) {
		case resources.ClassNotFound:
			var said *gcp.Error
			if errors.As(err, &said) && said.NamesAnother() {
				return err // what is not there is something else
			}
			return nil
		case resources.ClassInUse:
		default:
			return err
		}
		users, unread := blockers(ctx, c, id, stamp.Owner, err)
		if len(users) > 0 || c.Unscaled(time.Since(start)) > letGo {
			return &resources.BlockedError{ID: id, By: users, Err: errors.Join(err, unread)}
		}
		resources.Tell(ctx, resources.Progress{Waiting: err.Error()})
		if ended := c.Pause(ctx, pause); ended != nil {
			return errors.Join(err, ended)
		}
		pause = min(longestPause, pause*3/2)
	}
}
