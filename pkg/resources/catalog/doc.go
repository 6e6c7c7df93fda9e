// Package catalog asks, reading only, what a project and a zone offer: the project itself, enabled APIs, permissions, the
// zone, machine and GPU types in it, images, and the address ranges that are in use.
//
// Worked example:
//
//	c := catalog.New(clients, scope)
//	problems := c.CheckMachine(ctx, "a2-highgpu-2g", "nvidia-tesla-a100")
//	image, err := c.Image(ctx, "ml-images", "pytorch-2-9-cu129-ubuntu-2404-nvidia-580", "")
package catalog
