// Package gcp is what all kinds share: clients over one transport, classes of errors, waiting for operations, owner marks,
// and one form for the many forms of a resource's URL.
//
// There is one seam: the transport. The emulator in the process, an emulator served elsewhere, and the real cloud differ in
// nothing else. All clients are REST clients.
//
// Calls are tried again in one place, the transport, with one bound for all tries: what only reads, and what carries a request id
// or a precondition. Another write is made again only if nothing of it can have arrived. Options.Stop ends the trying,
// Options.Retrying is told of it. A kind does not retry; the client libraries' own retries are switched off or see nothing to
// retry (TriedError says how).
//
// Wrap turns what went wrong into an *Error with a class and advice. Advice follows the reason that the cloud gives, never the
// HTTP status alone, and its words are kept. Only an answer of the API itself makes something absent.
//
// Writes go through Clients.Do: it waits for the operation by the long-polling wait method. The generated Operation.Wait is not
// used: it polls, and it loses the codes of a failed operation. Passing says whether a failed operation is worth another one.
//
// Worked example:
//
//	c, err := gcp.New(ctx, gcp.Options{})
//	err = c.Do(ctx, id, func(ctx context.Context) (*compute.Operation, error) {
//		return c.Networks.Insert(ctx, &computepb.InsertNetworkRequest{ … RequestId: proto.String(stamp.RequestID)})
//	})
//	resources.ClassOf(err) // resources.ClassQuota, …
package gcp
