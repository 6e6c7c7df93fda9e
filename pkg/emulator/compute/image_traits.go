package compute

import (
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// licence is what an image is licensed under: link and code.
type licence struct{ project, name, code string }

// licences are known by image family. That of debian-11 is recorded with its code, those of debian-12 and ubuntu-2404 follow the same
// naming; codes of those, and licences of Deep Learning VM images, are not known and not shown.
var licences = map[string]licence{ //nolint:gochecknoglobals // a constant table
	"debian-11":             {"debian-cloud", "debian-11-bullseye", "3853522013536123851"},
	"debian-12":             {"debian-cloud", "debian-12-bookworm", ""},
	"ubuntu-2404-lts-amd64": {"ubuntu-os-cloud", "ubuntu-2404-lts", ""},
}

// guestFeatures are those recorded for debian-11. That the other images have the same is assumed: each of them boots by UEFI and
// has the driver of gVNIC.
var guestFeatures = []string{"UEFI_COMPATIBLE", "VIRTIO_SCSI_MULTIQUEUE", "GVNIC"} //nolint:gochecknoglobals // a constant table

// traits is what a disk takes over from the image that it is made of (recorded: compute-instance-template-and-instances.log).
func (i image) traits() doc.Map {
	var features []any
	for _, f := range guestFeatures {
		features = append(features, doc.Map{"type": f})
	}
	d := doc.Map{
		"architecture": i.arch, "guestOsFeatures": features,
		"sourceImage": linkBase + i.path(), "sourceImageId": doc.Str(i.doc(), "id"),
	}
	if l, ok := licences[i.family]; ok {
		d["licenses"] = []any{linkBase + "projects/" + l.project + "/global/licenses/" + l.name}
		if l.code != "" {
			d["licenseCodes"] = []any{l.code}
		}
	}
	return d
}
