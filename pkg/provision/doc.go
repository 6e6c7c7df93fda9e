// Package provision is the engine: create, destroy, validate, plan, status, list and graph on one deployment. It knows the
// contract of kinds and of stores and talks to no cloud itself; what it asks the cloud it asks through the ports in ports.go.
//
// A create goes in this order, and nothing that changes anything comes before the preflight:
//
//  1. Read the manifest, then side by side what it leaves open: what the settings need of the project, the image, the network.
//  2. Refresh: read what is wanted; resolve what nodes promise each other. Compute the plan; show it; ask if asked to.
//     With nothing to do that was all: no lease is taken, nothing is written.
//  3. Take the lease, and load the manifest again under it: when another run was quicker, plan again.
//  4. Store every intent in one write: addresses, cloud names, needs, request ids. Only now the first change is made.
//  5. Carry the plan out. Outcomes are stored in groups, and nobody waits for that. What is not as planned any more is
//     planned again under the same lease; the next zone will come the same way.
//  6. Give the lease back. Then collect what users want to see.
//
// So at any moment the manifest names everything that could exist, and a destroy by another process finds it.
//
// Worked example:
//
//	e := provision.Engine{Registry: all.Registry(clients), Store: store, Catalog: catalog.New(clients, scope), …}
//	report, err := e.Create(ctx, cfg, nil)
//	os.Exit(provision.ExitCode(err))
package provision
