// Package plan decides what is to be done: from what is wanted, what the manifest records and what is live it computes
// steps, each with the reason for it. It is pure. A plan is data: create executes exactly the plan that was shown.
//
// Per wanted resource one table decides (decide.go):
//
//	recorded     live            step
//	-            -               create: does not exist
//	intended     -               create: an earlier run meant to make it (same request id, so nothing is made twice)
//	ready        -               create: deleted outside
//	any          not ours        refused: whose it is
//	not ready    ours            adopt: found, already ours
//	any          ours, pending   update without changes: wait until it is usable
//	ready        ours, equal     keep: no step
//	updating     ours, equal     adopt: an earlier run was killed after its change was done
//	-            unmarked, equal keep: it has no place for a mark and is there, whoever's it is; we do not record it
//	any          ours, differs   update, or replace when a field cannot be changed
//
// What is recorded and no longer wanted is deleted, after everything that used it has been switched away or deleted. When a
// resource is replaced, whatever refers to it is replaced too: it would refer to something that is gone. What only comes after
// it, without a reference, stays.
//
// An address may have stood for something else before: the group in another zone, say. That is deleted before the new one is
// made, and stays in the record and in every plan until it is gone.
//
// Worked example:
//
//	p, err := plan.Compute(plan.Input{Nodes: nodes, Have: manifest, Live: live, Owner: "demo-1a2b3c4d"})
//	fmt.Print(p.Text())        // "+ create network/net (demo-net): does not exist" ...
//	for _, s := range p.Steps { run(s) }
package plan
