package compute

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
)

// image is a public image of the emulated world.
type image struct {
	project, family, name string
	created               string // month and day of its release, for order
	diskGB                int
	deprecated            string // "", DEPRECATED or OBSOLETE
	arch                  string
}

// images are the Deep Learning VM families that public code of 2026 uses (facts on VM bring-up), in the two projects that serve
// them, and what is left of the old default: the image that env-files name, deprecated, in a family that resolves no more
// because all its images are deprecated. Sizes are the 50 GB of Deep Learning VM images; ids and dates are the emulator's own.
var images = slices.Concat(dlvm("ml-images"), dlvm("deeplearning-platform-release"), []image{ //nolint:gochecknoglobals // a constant table
	{"ml-images", "pytorch-1-12-gpu-debian-10", "c2-deeplearning-pytorch-1-12-cu113-v20221107-debian-10", "2022-11-07", 50, "DEPRECATED", "X86_64"},
	{"debian-cloud", "debian-12", "debian-12-bookworm-v20261014", "2026-10-14", 10, "", "X86_64"},
	{"debian-cloud", "debian-11", "debian-11-bullseye-v20231010", "2023-10-10", 10, "", "X86_64"}, // recorded: compute-instance-template-and-instances.log
	{"ubuntu-os-cloud", "ubuntu-2404-lts-amd64", "ubuntu-2404-noble-amd64-v20261020", "2026-10-20", 10, "", "X86_64"},
})

func dlvm(project string) []image {
	var out []image
	for _, f := range []struct{ family, version, created string }{
		{"common-cu129-debian-12-nvidia-580", "v20260818", "2026-08-18"},
		{"common-cu129-ubuntu-2204-nvidia-580", "v20260818", "2026-08-18"},
		{"common-cu129-ubuntu-2404-nvidia-580", "v20260818", "2026-08-18"},
		{"pytorch-2-7-cu128-ubuntu-2204-nvidia-570", "v20260310", "2026-03-10"},
		{"pytorch-2-9-cu129-ubuntu-2204-nvidia-580", "v20260408", "2026-04-08"},
		{"pytorch-2-9-cu129-ubuntu-2404-nvidia-580", "v20260818", "2026-08-18"},
	} {
		out = append(out, image{project, f.family, f.family + "-" + f.version, f.created, 50, "", "X86_64"})
	}
	return out
}

// imageProject says whether a project holds public images: it exists for everybody, and has nothing else to show.
func imageProject(project string) bool {
	return slices.ContainsFunc(images, func(i image) bool { return i.project == project })
}

func (i image) path() string { return "projects/" + i.project + "/global/images/" + i.name }

func (i image) doc() doc.Map {
	d := doc.Map{
		"kind": "compute#image", "id": fmt.Sprint(1<<60 + uint64(draws.Uniform(0, i.name, 1)*(1<<60))), "name": i.name, "family": i.family,
		"status": "READY", "sourceType": "RAW", "diskSizeGb": fmt.Sprint(i.diskGB), "archiveSizeBytes": fmt.Sprint(int64(i.diskGB) << 28),
		"architecture": i.arch, "creationTimestamp": i.created + "T00:00:00.000-08:00", "selfLink": linkBase + i.path(),
		"storageLocations": []any{"us"}, "labelFingerprint": "42WmSpB8rSM=",
	}
	if i.deprecated != "" {
		d["deprecated"] = doc.Map{"state": i.deprecated}
	}
	return d
}

// findImage resolves an image or an image family by path; a family gives its newest image that is not deprecated.
func findImage(path string) (image, bool) {
	if project, view, ok := strings.Cut(strings.TrimPrefix(path, "projects/"), "/zones/"); ok { // gcloud names families by view
		if _, family, ok := strings.Cut(view, "/imageFamilyViews/"); ok {
			path = "projects/" + project + "/global/images/family/" + family
		}
	}
	if project, family, ok := strings.Cut(strings.TrimPrefix(path, "projects/"), "/global/images/family/"); ok {
		var newest image
		for _, i := range images {
			if i.project == project && i.family == family && i.deprecated == "" && i.created > newest.created {
				newest = i
			}
		}
		return newest, newest.name != ""
	}
	k := slices.IndexFunc(images, func(i image) bool { return i.path() == path })
	if k < 0 {
		return image{}, false
	}
	return images[k], true
}

func (svc *service) imageMethods() map[string]handler {
	read := func(c *call) (any, error) {
		i, ok := findImage(c.path)
		if !ok {
			return nil, notFound(c.path)
		}
		return i.doc(), nil
	}
	return map[string]handler{
		"Images.Get":           read,
		"Images.GetFromFamily": read,
		"Images.List": func(c *call) (any, error) {
			var items []doc.Map
			for _, i := range images {
				if i.project == c.vars["project"] {
					items = append(items, i.doc())
				}
			}
			slices.SortFunc(items, func(a, b doc.Map) int { return strings.Compare(doc.Str(a, "name"), doc.Str(b, "name")) })
			return c.virtual(c.project()+"/global/images", "compute#imageList", items)
		},
	}
}
