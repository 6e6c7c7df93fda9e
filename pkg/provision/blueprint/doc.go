// Package blueprint turns checked settings into the resources that they mean. It is pure: the same settings and choices
// give the same set, and nothing is called.
//
// Choices are what a first run picked and every later run must keep: the address range of an own network, and the image
// family that stands in for a default that is gone. They come from the manifest.
//
// Worked example:
//
//	choices := blueprint.Choices{Image: "projects/ml-images/global/images/family/pytorch-2-9-cu129-ubuntu-2404-nvidia-580",
//		Range: netip.MustParsePrefix("10.0.0.0/16")}
//	set := blueprint.Build(cfg, choices)
//	set.Addresses() // firewall/allow-iap-ssh firewall/allow-internal instancetemplate/vm-… mig/mig network/net …
package blueprint
