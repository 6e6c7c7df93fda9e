package gcp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/api/iterator"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Do makes one change: it calls, again while that is worth it, and waits until the operation is done. The call must carry
// its request id, so that a lost answer changes nothing twice.
func (c *Clients) Do(ctx context.Context, id resources.ID, call func(context.Context) (*compute.Operation, error)) error {
	var op *compute.Operation
	err := c.Retry(ctx, func(ctx context.Context) error {
		var err error
		op, err = call(ctx)
		return Wrap(id, err)
	})
	if err != nil {
		return err
	}
	return c.Await(ctx, id, op.Proto())
}

// Await waits for an operation by the wait method, which answers when it is done or after two minutes.
func (c *Clients) Await(ctx context.Context, id resources.ID, op *computepb.Operation) error {
	for op.GetStatus() != computepb.Operation_DONE {
		err := c.Retry(ctx, func(ctx context.Context) error {
			next, err := c.longPoll(ctx, op)
			if err != nil {
				return Wrap(id, err)
			}
			op = next
			return nil
		})
		if err != nil {
			return err
		}
	}
	return FromOperation(id, op)
}

func (c *Clients) longPoll(ctx context.Context, op *computepb.Operation) (*computepb.Operation, error) {
	project := pathPart(op.GetSelfLink(), "projects")
	switch {
	case op.GetZone() != "":
		return c.ZoneOperations.Wait(ctx, &computepb.WaitZoneOperationRequest{Project: project, Zone: base(op.GetZone()), Operation: op.GetName()})
	case op.GetRegion() != "":
		return c.RegionOperations.Wait(ctx, &computepb.WaitRegionOperationRequest{Project: project, Region: base(op.GetRegion()), Operation: op.GetName()})
	}
	return c.GlobalOperations.Wait(ctx, &computepb.WaitGlobalOperationRequest{Project: project, Operation: op.GetName()})
}

// The pace of trying again: from first to longest, half as long again each time, with jitter, for as long as patience lasts.
const (
	firstPause  = 400 * time.Millisecond
	longestWait = 10 * time.Second
	patience    = 3 * time.Minute
)

// Retry calls f until it succeeds, fails for good, or patience or the context ends. Worth another try are passing faults and
// resources that are busy with something else.
func (c *Clients) Retry(ctx context.Context, f func(context.Context) error) error {
	start, pause := time.Now(), firstPause
	for {
		err := f(ctx)
		class := resources.ClassOf(err)
		if class != resources.ClassTransient && class != resources.ClassBusy || time.Since(start) > c.Scaled(patience) {
			return err
		}
		if ctxErr := c.Pause(ctx, pause/2+rand.N(pause)); ctxErr != nil { //nolint:gosec // jitter needs no secrecy
			return errors.Join(ctxErr, err)
		}
		pause = min(longestWait, pause*3/2)
	}
}

// Scaled is how long a wait takes at the pace of these clients.
func (c *Clients) Scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / c.pace) }

// Unscaled is the opposite of Scaled: what a time that passed here means at the normal pace.
func (c *Clients) Unscaled(d time.Duration) time.Duration { return time.Duration(float64(d) * c.pace) }

// Pause waits, at the pace of these clients, or until the context ends.
func (c *Clients) Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(c.Scaled(d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return Wrap("", ctx.Err())
	}
}

// Settle waits for every operation under way on a resource and says whether there was one. It lists by target, so it also
// finds what an earlier run started and did not live to see.
func (c *Clients) Settle(ctx context.Context, id resources.ID) (bool, error) {
	var pending []*computepb.Operation
	err := c.Retry(ctx, func(ctx context.Context) error {
		var err error
		pending, err = c.pending(ctx, id)
		return Wrap(id, err)
	})
	if err != nil {
		return false, err
	}
	for _, op := range pending {
		// An operation that ends with an error has ended; what it left is seen by looking at the resource.
		if err := c.Await(ctx, id, op); err != nil && ctx.Err() != nil {
			return true, err
		}
	}
	return len(pending) > 0, nil
}

func (c *Clients) pending(ctx context.Context, id resources.ID) ([]*computepb.Operation, error) {
	filter := proto.String(fmt.Sprintf(`(targetLink = "%s") (status != "DONE")`, Link(id)))
	project := pathPart(string(id), "projects")
	if zone := pathPart(string(id), "zones"); zone != "" {
		return collect(c.ZoneOperations.List(ctx, &computepb.ListZoneOperationsRequest{Project: project, Zone: zone, Filter: filter}).Next)
	}
	if region := pathPart(string(id), "regions"); region != "" {
		return collect(c.RegionOperations.List(ctx, &computepb.ListRegionOperationsRequest{Project: project, Region: region, Filter: filter}).Next)
	}
	return collect(c.GlobalOperations.List(ctx, &computepb.ListGlobalOperationsRequest{Project: project, Filter: filter}).Next)
}

// collect reads an iterator of a client library to its end.
func collect[T any](next func() (T, error)) ([]T, error) {
	var out []T
	for {
		one, err := next()
		if errors.Is(err, iterator.Done) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
}

// Collect reads an iterator of a client library to its end and classifies what went wrong.
func Collect[T any](id resources.ID, next func() (T, error)) ([]T, error) {
	out, err := collect(next)
	return out, Wrap(id, err)
}
