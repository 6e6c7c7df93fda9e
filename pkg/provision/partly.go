package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// countLimit bounds the one list of VMs by which a failed create knows what is billed. It is real time: a server works no faster
// because the program waits less.
const countLimit = 10 * time.Second

// left is the error of a destroy that has done a part. To destroy again is always right: what others own may have gone by then.
func (e *Engine) left(err error) error {
	return &PartialError{Err: err, Next: "what is left is recorded in " + e.Store.Location() + "; go on with: cluster-provision destroy " + e.Flags}
}

// partly is the error of a create that has done a part, with what can be done next. "The same again" is advised only where
// repeating can mend it, and only what exists is called billed.
func (e *Engine) partly(ctx context.Context, err error, report *Report) error {
	p := &PartialError{Err: err, Final: !mendable(err)}
	next := "go on with the same create"
	if p.Final {
		next = "repeating does not help before that is mended"
	}
	what, remove := e.billed(ctx, err, report)
	p.Next = fmt.Sprintf("%s; %s; or %s with: cluster-provision destroy %s", what, next, remove, e.Flags)
	return p
}

// mendable says whether the same create can get further: the cause may pass, or it ends the run and not the work.
func mendable(err error) bool {
	var stale *StaleError
	if errors.Is(err, ErrDeclined) || errors.Is(err, state.ErrLeaseLost) || errors.Is(err, state.ErrConflict) || errors.As(err, &stale) {
		return true
	}
	switch resources.ClassOf(err) {
	case resources.ClassInterrupted, resources.ClassTransient, resources.ClassBusy, resources.ClassConflict, resources.ClassTimeout, resources.ClassStockout:
		return true
	}
	return false
}

// billed says what there is after a failed create and what of it costs money, and what a destroy would do about it. VMs are
// counted by one list, since there may be some of earlier runs; after an interrupt nobody waits for that.
func (e *Engine) billed(ctx context.Context, err error, report *Report) (what, remove string) {
	vms, known := 0, false
	running := 0
	if !e.stopped() && ctx.Err() == nil && resources.ClassOf(err) != resources.ClassInterrupted {
		ctx, cancel := context.WithTimeout(ctx, countLimit)
		defer cancel()
		list, unread := e.Fleet.List(ctx, e.Owner)
		known, vms = unread == nil, len(list)
		for _, v := range list {
			if v.Status == "RUNNING" {
				running++
			}
		}
	}
	recorded := "what was made is recorded in " + e.Store.Location()
	switch {
	case !known && !report.made():
		return "what is recorded in " + e.Store.Location() + " may be billed", "remove it"
	case !known:
		return recorded + " and may be billed", "remove it"
	case vms == 0 && !report.made():
		return "nothing was made that is billed: there is no VM", "clear what is recorded"
	case vms == 0:
		return recorded + "; there is no VM, the rest may be billed", "remove it"
	case !report.made():
		recorded = "this run has made nothing that is billed"
	}
	if running == vms {
		return fmt.Sprintf("%s; %s and billed", recorded, count(vms, "VM is running", "VMs are running")), "remove all"
	}
	return fmt.Sprintf("%s; %s there, %d running, and billed", recorded, count(vms, "VM is", "VMs are"), running), "remove all"
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
