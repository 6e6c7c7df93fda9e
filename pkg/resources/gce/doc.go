// Package gce is what the kinds of Compute Engine have in common: names, links and owner marks, one change with its
// operation, pending operations on a resource, what keeps a resource from being deleted, and Collection, which has every
// verb of a kind but the three or four that differ.
//
// Worked example, the whole of a simple kind but its fields:
//
//	func New(c *gcp.Clients) Driver {
//		return Driver{gce.Collection[Spec, Outputs, *computepb.Network]{
//			Clients: c, Noun: Kind, Plural: "networks",
//			Fetch:   func(ctx context.Context, id resources.ID) (*computepb.Network, error) { … },
//			Remove:  func(ctx context.Context, id resources.ID, request *string) (*compute.Operation, error) { … },
//			List:    func(ctx context.Context, project string, filter *string) ([]*computepb.Network, error) { … },
//			Live:    func(n *computepb.Network) resources.Live[Spec, Outputs] { … },
//		}}
//	}
//
// A request id belongs to one call. A step has one id, decided before it and recorded; each call of the step, and each
// further try after an operation that has failed, has one that is derived from it. So a run that goes on after a crash asks
// the very same questions again and gets the very same operations.
package gce
