// Package state is what a deployment remembers about itself: the manifest, the contract of the store that keeps it, the
// lease that lets one run at a time change things, and the journal that writes outcomes in groups.
//
// It does not know the kinds of resources. Inputs and outputs are opaque JSON, so a record of a kind that this build does
// not know is kept, never lost. The same holds for fields: what a newer version has added is carried along.
//
// Nothing leaks because of an order that the engine keeps:
//
//   - Lock. The lease's context ends before anybody may take the lease over. The manifest is loaded under the lease.
//   - Write all intents in one write: address, id, needs and request id of everything that could come to exist.
//   - Act. Record each outcome through the Journal; it stores edits that come close together in one write.
//   - Every write names the version that it replaces. A process that overslept its lease gets ErrConflict, and its journal
//     is dead for good.
//
// Schema: a manifest names the version that wrote it and the oldest version that can go on with it. An older build goes on
// with a newer manifest when it is told that it can, and refuses it otherwise (FutureError).
//
// Worked example:
//
//	lease, err := store.Lock(ctx, state.Self("create", run))
//	defer lease.Release(cleanup)
//	m, version, err := store.Load(ctx)
//	j := state.Start(lease.Context(), store, m, version, state.Pace{Write: time.Second, Gather: 5 * time.Second})
//	err = j.Change(ctx, func(m *state.Manifest) { m.Put(intent) }) // stored when it returns
//	j.Post(func(m *state.Manifest) { m.Put(outcome) })             // stored soon, and by Close
//	err = j.Close()
package state
