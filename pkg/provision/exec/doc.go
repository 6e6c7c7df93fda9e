// Package exec runs tasks, each as soon as all that it needs is done. It knows no domain, no retries and no output: a task
// is a function, and what happens is told to an observer.
//
// One goroutine owns all state: it counts down the unmet needs of each task, starts tasks in the order in which
// they become ready, and hears of each end over one channel. Every task ends in exactly one of four ways: done, failed, skipped (something that
// it needs failed) or cancelled (the run was stopped first).
//
// There are two ways to stop a run. Closing Options.Stop starts nothing more and lets what runs end, for at most
// Options.Grace. Ending the context ends the contexts of the tasks at once. In both cases Run returns only when no task runs
// any more.
//
// Worked example:
//
//	results, err := exec.Run(ctx, []exec.Task{
//		{ID: "create network/net", Run: makeNetwork},
//		{ID: "create subnetwork/subnet", Needs: []string{"create network/net"}, Run: makeSubnetwork},
//	}, exec.Options{Workers: 32, Observe: show})
//	// err names the tasks that failed, not those that were skipped because of them
package exec
