// Package gcs keeps manifests in a Cloud Storage bucket. A deployment has the folder <folder/>PREFIX-deployment/ with
// manifest.json, lock.json, recovery-RUN.json and logs/. The table in folder.go has every name that is written; nothing else is
// ever removed, because others put things there too: the state of the tool that this one replaces, or whole deployments.
//
// Every write of the manifest replaces a generation and no other, so a run that overslept its lease cannot overwrite what
// came after it. The lease is an object that is made only if it is absent, renewed by generation and removed by generation.
// A bucket takes about one change a second of one object name, deletions included: changes are paced, and a 429 is tried
// again. A 412 after a lost answer may be our own earlier write: it is read back and compared before it counts as a conflict.
//
// A default bucket comes with the first deployment and goes with the last. Any run may find that another one's destroy has
// just removed it, and makes it again; the cloud itself refuses to remove one with anything in it, a lock for example.
//
// Calls are the user's money. The bucket is looked at once a run; a lease of a minute is three calls; old generations are
// removed once, in the end, side by side.
//
// Worked example:
//
//	store := gcs.New(client, gcs.Options{Bucket: "aiinfra-terraform-my-project", Prefix: "demo", Default: true, …})
//	lease, err := store.Lock(ctx, state.Self("create", run))
//	manifest, version, err := store.Load(ctx) // under the lease
//	…
//	left, err := store.Dissolve(ctx, lease) // a destroy; a create ends with lease.Release(ctx)
package gcs
