package compute

import (
	"fmt"
	"maps"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) disks() *collection {
	return &collection{
		service: "Disks", plural: "disks", single: "disk", noun: "disk", kind: "compute#disk", latency: "compute_instance",
		prepare: func(*call, doc.Map) error {
			return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator makes disks only with their VMs"}
		},
		user: func(_ *call, o *world.Object) error {
			if users := doc.Words(o.Doc, "users"); len(users) > 0 {
				return inUse("disk", objectPath(o), pathOf(users[0], ""))
			}
			return nil
		},
	}
}

// makeDisk makes the disk that a VM was created with; the boot disk is named like the VM.
func (c *call) makeDisk(o *world.Object, i int, disk doc.Map) {
	if doc.Str(disk, "source") != "" {
		return
	}
	name := basename(o.Name)
	if i > 0 {
		name = fmt.Sprintf("%s-%d", name, i)
	}
	init := doc.Object(disk, "initializeParams")
	size := doc.Str(init, "diskSizeGb")
	if img, ok := findImage(pathOf(doc.Str(init, "sourceImage"), c.project())); ok && size == "" {
		size = fmt.Sprint(img.diskGB)
	}
	path := c.scope() + "/disks/" + name
	d := doc.Map{
		"name": name, "sizeGb": size, "status": "READY", "users": []any{doc.Str(o.Doc, "selfLink")},
		"type":                   linkBase + c.scope() + "/diskTypes/" + orElse(basename(doc.Str(init, "diskType")), "pd-standard"),
		"sourceImage":            doc.Str(init, "sourceImage"),
		"labels":                 maps.Clone(doc.Object(o.Doc, "labels")),
		"physicalBlockSizeBytes": "4096",
	}
	made := c.place(c.svc.collections["disks"], path, d)
	made.Ready, made.Owner = true, o.Name
	c.tx.Put(made)
	disk["source"], disk["diskSizeGb"] = linkBase+path, size
	delete(disk, "initializeParams")
}
