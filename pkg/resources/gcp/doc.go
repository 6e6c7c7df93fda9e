// Package gcp is what all kinds share: clients over one transport, classes of errors, waiting for operations, owner marks,
// and one form for the many forms of a resource's URL.
//
// There is one seam: the transport. The emulator in the process, an emulator served elsewhere, and the real cloud differ in
// nothing else. All clients are REST clients.
//
// Writes go through Clients.Do: it tries again what is worth another try, with the same request id, waits for the operation
// by the long-polling wait method, and turns what went wrong into an *Error with a class and a hint. The generated
// Operation.Wait is not used: it polls, and it loses the codes of a failed operation.
//
// Worked example:
//
//	c, err := gcp.New(ctx, gcp.Options{})
//	err = c.Do(ctx, id, func(ctx context.Context) (*compute.Operation, error) {
//		return c.Networks.Insert(ctx, &computepb.InsertNetworkRequest{ … RequestId: proto.String(stamp.RequestID)})
//	})
//	resources.ClassOf(err) // resources.ClassQuota, …
package gcp
