// Package blueprint turns checked settings into the resources that they mean. It is pure: the same settings and choices
// give the same set, and nothing is called.
//
// Choices are what the settings leave open and every later run must keep: the image that a family meant, the address range of an
// own network, the subnetwork of the default one. Ask says what has to be looked up for them, Choose decides on what was found
// and on what is recorded; Choices.Record is what later runs are to be given. What is recorded wins as long as the same is asked for.
//
// Needs is what the deployment takes that no single resource tells: permissions and quotas of the VMs, and the API of the state.
//
// Worked example:
//
//	answer, err := catalog.Look(ctx, blueprint.Ask(cfg, recorded, false))
//	choices, problems := blueprint.Choose(cfg, recorded, answer)
//	set := blueprint.Build(cfg, choices)
//	set.Addresses() // firewall/allow-iap-ssh firewall/allow-internal instancetemplate/vm-… mig/mig network/net …
package blueprint
