package blueprint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
)

// Keys of records of images: the image that a family has meant since it was asked for first, and the family that stands in for
// a default family that is gone. There is at most one of each: another family or project is looked up anew.
const (
	imagePrefix   = "image/"
	insteadPrefix = "imageFamily/"
)

func imageKey(cfg *config.Config) string {
	return imagePrefix + cfg.ImageProject + "/" + cfg.ImageFamily
}

func insteadKey(cfg *config.Config) string {
	return insteadPrefix + cfg.ImageProject + "/" + cfg.ImageFamily
}

func imageKeyOfAny(key string) bool {
	return strings.HasPrefix(key, imagePrefix) || strings.HasPrefix(key, insteadPrefix)
}

// image settles what the VMs boot from. An image family is resolved to its image once and kept, so that a repair or a resize
// months later gives VMs like the others; a newer one is told of.
func (c *chooser) image() {
	found, cfg := c.a.Image, c.cfg
	if cfg.ImageName != "" {
		c.Image = "projects/" + cfg.ImageProject + "/global/images/" + cfg.ImageName
		if found != nil && found.Absent {
			c.fail("IMAGE_NAME", cfg.ImageName, "does not exist in project "+cfg.ImageProject,
				"list images with: gcloud compute images list --project="+cfg.ImageProject+" --no-standard-images")
		}
		return
	}
	earlier, instead := c.recorded[imageKey(cfg)], c.recorded[insteadKey(cfg)]
	switch {
	case earlier != "":
		c.Image = earlier
		if found != nil && !found.Absent && found.Path != earlier {
			c.warn("IMAGE_FAMILY_NAME", "", fmt.Sprintf("a newer image of %s is there: %s; the VMs have %s", cmp.Or(instead, cfg.ImageFamily), last(found.Path), last(earlier)),
				"take it with: create --upgrade-image")
		}
	case found == nil:
		return
	case !found.Absent:
		c.Image = found.Path
	default:
		instead = c.imageInstead(found.Families)
	}
	c.choose(imageKey(cfg), c.Image)
	c.choose(insteadKey(cfg), instead)
}

// imageInstead: a default family that is gone is replaced by the newest PyTorch GPU family; one that was given is a problem
// that lists the families that exist.
func (c *chooser) imageInstead(families []offer.Family) string {
	cfg := c.cfg
	i := slices.IndexFunc(families, func(f offer.Family) bool {
		return strings.HasPrefix(f.Name, "pytorch-") && (strings.Contains(f.Name, "-cu") || strings.Contains(f.Name, "gpu"))
	})
	if !cfg.ImageFamilyGiven && i >= 0 {
		c.Image = families[i].Path
		c.warn("IMAGE_FAMILY_NAME", "", fmt.Sprintf("the default family %s is gone from project %s: the newest PyTorch GPU family %s is taken",
			cfg.ImageFamily, cfg.ImageProject, families[i].Name), "")
		return families[i].Name
	}
	hint := "the project has no image families"
	if len(families) > 0 {
		list := make([]string, len(families))
		for i, f := range families {
			list[i] = f.Name
		}
		slices.Sort(list)
		hint = "families that exist: " + strings.Join(list, ", ")
	}
	c.fail("IMAGE_FAMILY_NAME", cfg.ImageFamily, "does not exist in project "+cfg.ImageProject, hint)
	return ""
}
