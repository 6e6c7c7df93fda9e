// Package operations lets changes take their time: an operation starts, ends at its time whether or not anybody looks, and does to
// its target what its end means. How an operation looks is a service's Dialect; google.longrunning, which many speak, is here.
//
// Worked example:
//
//	ledger := operations.NewLedger()
//	err := ledger.Speak("compute#operation", closeOperation)
//	err = ledger.Live("compute#network", operations.Life{Ready: readyOwned, Removed: removeOwned})
//	ledger.Start(tx, operation, operations.Work{Target: network, Takes: 14 * time.Second, Effect: operations.Ready})
//	err = ledger.Wait(ctx, w, operation.Name, 2*time.Minute)
package operations
