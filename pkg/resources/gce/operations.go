package gce

import (
	"context"
	"errors"
	"fmt"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Call makes one change, with the request id that it is given.
type Call func(ctx context.Context, request *string) (*compute.Operation, error)

// Do makes one change: it calls, and waits until the operation is done. A change that fails in passing is done again, with
// another request id, until the context of the step ends. part names the call within the step.
func Do(ctx context.Context, c *gcp.Clients, id resources.ID, stamp resources.Stamp, part string, call Call) error {
	return c.Again(ctx, stamp, part, func(ctx context.Context, request string) error {
		return once(ctx, c, id, request, call)
	})
}

// once calls and waits. When the operation cannot be found any more, the same call is asked again by the same request id: it
// answers with the operation, or says what has become of the resource.
func once(ctx context.Context, c *gcp.Clients, id resources.ID, request string, call Call) error {
	const most = 3
	for look := 1; ; look++ {
		op, err := call(ctx, proto.String(request))
		if err != nil {
			return gcp.Wrap(id, err)
		}
		err = c.Wait(ctx, id, &operation{clients: c, op: op.Proto()}, gcp.Pace{})
		var lost *gcp.LostError
		if !errors.As(err, &lost) || look == most {
			return err
		}
	}
}

// operation is Compute Engine's dialect: the wait method answers when it is done, or after two minutes.
type operation struct {
	clients *gcp.Clients
	op      *computepb.Operation
}

// Poll holds until the operation is done or two minutes have passed.
func (o *operation) Poll(ctx context.Context) error {
	var next *computepb.Operation
	var err error
	c, project, name := o.clients, IDOf(o.op.GetSelfLink()).Project(), o.op.GetName()
	switch {
	case o.op.GetZone() != "":
		next, err = c.ZoneOperations.Wait(ctx, &computepb.WaitZoneOperationRequest{Project: project, Zone: gcp.Base(o.op.GetZone()), Operation: name})
	case o.op.GetRegion() != "":
		next, err = c.RegionOperations.Wait(ctx, &computepb.WaitRegionOperationRequest{Project: project, Region: gcp.Base(o.op.GetRegion()), Operation: name})
	default:
		next, err = c.GlobalOperations.Wait(ctx, &computepb.WaitGlobalOperationRequest{Project: project, Operation: name})
	}
	if err != nil {
		return gcp.Lost(gcp.Wrap(IDOf(o.op.GetSelfLink()), err))
	}
	o.op = next
	return nil
}

// Done says that it has ended.
func (o *operation) Done() bool { return o.op.GetStatus() == computepb.Operation_DONE }

// Err is what it ended with.
func (o *operation) Err(id resources.ID) error { return gcp.FromOperation(id, o.op) }

// Detail is the cloud's status message.
func (o *operation) Detail() string { return o.op.GetStatusMessage() }

// Settle waits for every operation under way on a resource and says whether there was one. It lists by target, so it also
// finds what an earlier run started and did not live to see.
func Settle(ctx context.Context, c *gcp.Clients, id resources.ID) (bool, error) {
	pending, err := pending(ctx, c, id)
	if err != nil {
		return false, err
	}
	for _, op := range pending {
		// An operation that ends with an error has ended; what it left is seen by looking at the resource.
		if err := c.Wait(ctx, id, &operation{clients: c, op: op}, gcp.Pace{}); err != nil && ctx.Err() != nil {
			return true, err
		}
	}
	return len(pending) > 0, nil
}

func pending(ctx context.Context, c *gcp.Clients, id resources.ID) ([]*computepb.Operation, error) {
	filter := proto.String(fmt.Sprintf(`(targetLink = "%s") (status != "DONE")`, Link(id.Path())))
	switch {
	case Zone(id) != "":
		return gcp.Collect(ctx, c.ZoneOperations.List(ctx, &computepb.ListZoneOperationsRequest{Project: id.Project(), Zone: Zone(id), Filter: filter}).Next)
	case Region(id) != "":
		return gcp.Collect(ctx, c.RegionOperations.List(ctx, &computepb.ListRegionOperationsRequest{Project: id.Project(), Region: Region(id), Filter: filter}).Next)
	}
	return gcp.Collect(ctx, c.GlobalOperations.List(ctx, &computepb.ListGlobalOperationsRequest{Project: id.Project(), Filter: filter}).Next)
}
