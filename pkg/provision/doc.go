// Package provision is the engine: create, destroy, validate, plan, status, list and graph on one deployment. It knows the
// contract of kinds and of stores and talks to no cloud itself; what it asks the cloud it asks through the ports in ports.go.
//
// A create goes in this order, and nothing that changes anything comes before the preflight:
//
//  1. Read the manifest, then side by side what it leaves open: what the settings need of the project, the image, the network.
//  2. Take the lease, and read what is live.
//  3. Compute the plan; show it; ask if asked to.
//  4. Store every intent in one write: addresses, cloud names, needs, request ids. Only now the first change is made.
//  5. Carry the plan out. Outcomes are stored in groups, and nobody waits for that.
//  6. Collect what users want to see. Give the lease back.
//
// So at any moment the manifest names everything that could exist, and a destroy by another process finds it.
//
// Worked example:
//
//	e := provision.Engine{Registry: all.Registry(clients), Store: store, Catalog: catalog.New(clients, scope), …}
//	report, err := e.Create(ctx, cfg, nil)
//	os.Exit(provision.ExitCode(err))
package provision
