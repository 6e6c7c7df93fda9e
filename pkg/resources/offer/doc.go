// Package offer is data: what is asked of a project and a zone before anything is planned, and what was found. The blueprint,
// which knows the settings and calls nothing, writes the Query and decides on the Answer; the catalog, which calls the cloud and
// knows no settings, answers; the engine carries the one to the other. The package imports nothing but the contract, so that all
// three can see it.
//
// Worked example:
//
//	answer, err := catalog.Look(ctx, blueprint.Ask(cfg, recorded, false))
//	choices, problems := blueprint.Choose(cfg, recorded, answer)
package offer
