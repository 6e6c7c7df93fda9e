// Package faults makes chosen calls go wrong: a Plan is what a user writes, Active is the plan at work, Effect is what it does to
// one call. It knows no service: how a stock-out reads is up to who words it.
//
// Worked example:
//
//	plan, err := faults.Parse([]byte(`{"rules": [{"match": {"path": "/networks$"}, "nth": [1], "fault": {"loseAnswer": true}}]}`))
//	active, err := faults.Activate(plan, seed)
//	if fx := active.Strike("POST", "/compute.googleapis.com/compute/v1/projects/p/global/networks"); fx.Lose { … }
package faults
