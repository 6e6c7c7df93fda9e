// Package catalog asks, reading only, what a project and a zone offer: the project itself, enabled APIs, permissions, quotas, the
// zone, machine and GPU types in it, images, subnetworks, service accounts, and the address ranges that are in use. What is
// asked and what is found are plain data (package offer). It decides nothing that depends on settings.
//
// Every question is asked once, beside the others, and to its end: what one of them fails with hides no other's answer.
//
// Worked example:
//
//	c := catalog.New(clients, scope)
//	answer, err := c.Look(ctx, offer.Query{Machine: "a2-highgpu-2g", Image: offer.ImageQuery{Project: "ml-images", Family: "pytorch-2-9-cu129-ubuntu-2404-nvidia-580"}})
//	answer.Image.Path // projects/ml-images/global/images/pytorch-2-9-cu129-ubuntu-2404-nvidia-580-v20260818
package catalog
