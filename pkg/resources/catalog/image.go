package catalog

import (
	"context"
	"slices"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
)

// image finds the image of a name, or the newest of a family: images.getFromFamily answers the image itself, the one "part of
// an image family and not deprecated" that is newest (compute/v1 discovery document).
func (l *look) image(ctx context.Context) error {
	q := l.q.Image
	var got *computepb.Image
	var err error
	if q.Name != "" {
		got, err = l.c.Images.Get(ctx, &computepb.GetImageRequest{Project: q.Project, Image: q.Name})
	} else {
		got, err = l.c.Images.GetFromFamily(ctx, &computepb.GetFromFamilyImageRequest{Project: q.Project, Family: q.Family})
	}
	found := offer.Image{Path: pathOf(q.Project, got)}
	if ctx.Err() == nil && resources.ClassOf(gcp.Wrap("", err)) == resources.ClassNotFound {
		found, err = offer.Image{Absent: true}, nil
		if q.Others {
			found.Families, err = l.families(ctx, q.Project)
		}
	}
	if err != nil {
		return err
	}
	l.answer(func() { l.Image = &found })
	return nil
}

// pathOf is the image's own path, whatever name it was asked by.
func pathOf(project string, i *computepb.Image) string {
	if link := i.GetSelfLink(); link != "" {
		return gcp.Path(link)
	}
	return "projects/" + project + "/global/images/" + i.GetName()
}

// families lists the image families of a project that still have an image in use; none when the project is not there.
func (l *look) families(ctx context.Context, project string) ([]offer.Family, error) {
	list, err := gcp.Collect(ctx, l.c.Images.List(ctx, &computepb.ListImagesRequest{Project: project}).Next)
	if resources.ClassOf(err) == resources.ClassNotFound {
		return nil, nil
	}
	newest := map[string]*computepb.Image{}
	for _, i := range list {
		if i.GetFamily() != "" && i.GetDeprecated().GetState() == "" && i.GetCreationTimestamp() > newest[i.GetFamily()].GetCreationTimestamp() {
			newest[i.GetFamily()] = i
		}
	}
	out := make([]offer.Family, 0, len(newest))
	for name, i := range newest {
		out = append(out, offer.Family{Name: name, Path: pathOf(project, i)})
	}
	slices.SortFunc(out, func(a, b offer.Family) int {
		if d := strings.Compare(newest[b.Name].GetCreationTimestamp(), newest[a.Name].GetCreationTimestamp()); d != 0 {
			return d
		}
		return strings.Compare(b.Name, a.Name)
	})
	return out, err
}
