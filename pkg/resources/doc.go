// Package resources is the contract between kinds of resources and the engine. It imports nothing of ours and no cloud
// library, so the engine and its tests build in a second.
//
// A kind is a folder below this one. It gives a Driver: what it wants (Spec), what it publishes (Outputs), and the verbs
// read, create, update and delete. Erase turns the typed Driver into a Handler, which is all that the engine sees; a
// Registry lists the handlers of a build. A blueprint fills a Set with specs; Registry.Nodes binds them.
//
// Three rules carry the design:
//
//   - Names are computed, never assigned: Driver.ID gives the cloud's full resource name before anything exists. So most
//     references between nodes are known beforehand (Link), and the manifest can name everything before the first call. Where
//     the server picks names, the computed one is a stand-in that Read finds by its mark.
//   - What feeds other nodes always comes from Read. Create answers only an error. So creating, finding it already there,
//     and going on after a crash are one path.
//   - Ownership is on the thing itself (Stamp, OwnerLabel). A Handler deletes nothing that carries another mark. What has no
//     place for a mark (Live.Unmarked) is ours exactly if the manifest has it.
//
// What only some kinds have is a small interface that Erase finds: Requirer, Preflighter, Estimator, Excluder (one change at a
// time), Foreseer (another call may have made it), Sweeper. A driver says how far it is through Tell.
//
// Worked example: one network and its subnetwork.
//
//	set := resources.NewSet(resources.Scope{Project: "p", Region: "us-central1", Zone: "us-central1-a", Prefix: "demo"})
//	net := network.Add(set, "main", network.Spec{})
//	subnetwork.Add(set, "main", subnetwork.Spec{Network: net.URL(), CIDR: "10.8.0.0/20"})
//	nodes, err := registry.Nodes(set) // subnetwork/main needs network/main
//
// Deviations from the design note: a Ref may be a Link, a value that is known before its node exists, because nearly all
// references are paths that we compute; only a Promise waits. Update and Delete take the Stamp, because their request ids
// are decided and recorded before the call just as those of Create. Outputs of a kind that publishes nothing are not read back
// when this run has made the thing: the call would tell nothing.
package resources
