// Package gcs keeps manifests in a Cloud Storage bucket. A deployment has the folder <folder/>PREFIX-deployment/ with
// manifest.json, lock.json, recovery-RUN.json and logs/.
//
// Every write of the manifest replaces a generation and no other, so a run that overslept its lease cannot overwrite what
// came after it. The lease is an object that is made only if it is absent, renewed by generation and removed by generation.
// A bucket takes about one change a second of one object name, deletions included: changes are paced, and a 429 is tried
// again. A 412 after a lost answer may be our own earlier write: it is read back and compared before it counts as a conflict.
//
// Worked example:
//
//	store := gcs.New(client, gcs.Options{Bucket: "aiinfra-terraform-my-project", Prefix: "demo", Default: true, …})
//	lease, err := store.Lock(ctx, state.Self("create", run))
//	manifest, version, err := store.Load(ctx)
package gcs
