package compute

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

// diskTypes are the types of durable disks with their least size in GB (page "Persistent Disk and Hyperdisk performance limits",
// from memory).
var diskTypes = map[string]int64{ //nolint:gochecknoglobals // a constant table
	"pd-standard": 10, "pd-balanced": 10, "pd-ssd": 10, "pd-extreme": 500,
	"hyperdisk-balanced": 4, "hyperdisk-extreme": 64, "hyperdisk-throughput": 2048, "hyperdisk-ml": 4, "hyperdisk-balanced-high-availability": 4,
}

const (
	localSSD        = "local-ssd"
	localSSDGB      = "375" // of each Local SSD disk (page "Local SSD")
	blankDiskGB     = 500   // of a disk without size and source (discovery document, disks.insert)
	largestDiskGB   = 65536 // page "Persistent Disk"
	mostDisks       = 128   // of one machine (page "Persistent Disk", machine types with custom or predefined sizes)
	defaultDiskType = "pd-standard"
)

// diskKind checks the type of a durable disk, and gives its name.
func diskKind(ref, field string) (string, error) {
	kind := cmp.Or(basename(ref), defaultDiskType)
	if _, ok := diskTypes[kind]; !ok {
		return "", invalid(field, ref, "The referenced diskType resource cannot be found.")
	}
	return kind, nil
}

// checkDiskSize checks a size in GB; the words on images are from a public report (BasedHardware/omi#7155), the others are assumed.
func checkDiskSize(field, kind string, size, least int64) error {
	switch {
	case size < least:
		return invalid(field, size, fmt.Sprintf("Requested disk size cannot be smaller than the image size (%d GB)", least))
	case size < diskTypes[kind]:
		return invalid(field, size, fmt.Sprintf("Disk size must be at least %d GB for %s.", diskTypes[kind], kind))
	case size > largestDiskGB:
		return invalid(field, size, fmt.Sprintf("Disk size must be at most %d GB.", largestDiskGB))
	}
	return nil
}

// unusableDisk refuses a disk type that a machine type cannot use: from facts, Persistent Disks are for booting and for data alike.
func unusableDisk(t machines.Type, kind, field string, boot bool) error {
	if boot && !t.Boots(kind) || strings.HasPrefix(kind, "pd-") && kind != "pd-extreme" && !t.Boots(kind) {
		return invalid(field, kind, fmt.Sprintf("%s disk type cannot be used by %s machine type.", kind, t.Name))
	}
	return nil
}

// checkDisks checks the disks of a machine and fills in what a read shows.
func (c *call) checkDisks(p doc.Map, field string, t machines.Type) error {
	boots, scratch := 0, 0
	for i, disk := range doc.Objects(p, "disks") {
		at := fmt.Sprintf("%sdisks[%d]", field, i)
		name := fmt.Sprintf("persistent-disk-%d", i)
		var err error
		if doc.Str(disk, "type") == "SCRATCH" || basename(doc.Str(disk, "initializeParams", "diskType")) == localSSD {
			name = fmt.Sprintf("local-ssd-%d", scratch)
			scratch++
			err = checkLocalSSD(disk, at, t)
		} else {
			err = c.checkDisk(disk, at, t)
		}
		if err != nil {
			return err
		}
		if doc.Bool(disk, "boot") {
			boots++
		}
		doc.Fill(disk, doc.Map{
			"deviceName": name, "index": i, "kind": "compute#attachedDisk", "mode": "READ_WRITE",
			"type": "PERSISTENT", "interface": "SCSI", "autoDelete": false, "boot": false,
		})
	}
	if boots != 1 {
		return invalid(field+"disks", "", "Exactly one boot disk must be given.")
	}
	return nil
}

// checkLocalSSD checks a disk of the host: it lives and dies with the machine, and there is none for E2 (page "Local SSD").
func checkLocalSSD(disk doc.Map, at string, t machines.Type) error {
	switch {
	case doc.Bool(disk, "boot"):
		return invalid(at+".boot", true, "Local SSDs cannot be boot disks.")
	case t.Family() == "e2":
		return invalid(at+".initializeParams.diskType", localSSD, fmt.Sprintf("%s disk type cannot be used by %s machine type.", localSSD, t.Name))
	case doc.Str(disk, "source") != "":
		return invalid(at+".source", doc.Str(disk, "source"), "Local SSDs have no source.")
	}
	doc.Fill(disk, doc.Map{"type": "SCRATCH", "diskSizeGb": localSSDGB, "autoDelete": true})
	return nil
}

// checkDisk checks a durable disk: one that is there, or one that is to be made with the machine.
func (c *call) checkDisk(disk doc.Map, at string, t machines.Type) error {
	if source := doc.Str(disk, "source"); source != "" {
		if doc.Object(disk, "initializeParams") != nil {
			return invalid(at, "", "Only one of source and initializeParams can be given.")
		}
		if c.vars["zone"] == "" { // a template only names it
			return nil
		}
		return c.checkAttached(disk, at, t)
	}
	init := doc.Object(disk, "initializeParams")
	for _, field := range []string{"sourceSnapshot", "sourceInstantSnapshot"} {
		if doc.Str(init, field) != "" {
			return noSnapshots()
		}
	}
	kind := doc.Str(init, "diskType")
	if kind != "" {
		var err error
		if kind, err = diskKind(kind, at+".initializeParams.diskType"); err != nil {
			return err
		}
		if err := unusableDisk(t, kind, at+".initializeParams.diskType", doc.Bool(disk, "boot")); err != nil {
			return err
		}
	}
	var least int64
	if src := doc.Str(init, "sourceImage"); src != "" {
		img, ok := findImage(pathOf(src, c.project()))
		if !ok {
			return invalid(at+".initializeParams.sourceImage", src, "The referenced image resource cannot be found.")
		}
		least = int64(img.diskGB)
	}
	if size := doc.Num(init, "diskSizeGb"); size > 0 {
		if err := checkDiskSize(at+".initializeParams.diskSizeGb", cmp.Or(kind, defaultDiskType), size, least); err != nil {
			return err
		}
	}
	return checkLabels(doc.Object(init, "labels"), at+".initializeParams.labels")
}

// checkAttached checks a disk that is there and is to be attached: it must be in the zone, and free or shared for reading.
func (c *call) checkAttached(disk doc.Map, at string, t machines.Type) error {
	source := doc.Str(disk, "source")
	o, err := c.refer(at+".source", source, "disks", "disk")
	if err != nil {
		return err
	}
	path := objectPath(o)
	if !strings.HasPrefix(path, c.scope()+"/") {
		return invalid(at+".source", source, "The disk must be in the same zone as the instance.")
	}
	if user := c.holder(o, doc.Str(disk, "mode")); user != "" {
		return inUse("disk", path, user)
	}
	if err := unusableDisk(t, basename(doc.Str(o.Doc, "type")), at+".source", doc.Bool(disk, "boot")); err != nil {
		return err
	}
	disk["source"] = linkBase + path
	return nil
}

// newDisks gives the paths of the disks that an instance is to be made with, by the index of the attachment: the boot disk is named
// like the instance (recorded), others by their number unless they are named (assumed).
func (c *call) newDisks(instance string, d doc.Map) map[int]string {
	out := map[int]string{}
	for i, disk := range doc.Objects(d, "disks") {
		if doc.Str(disk, "source") != "" || doc.Str(disk, "type") == "SCRATCH" {
			continue
		}
		name := instance
		if !doc.Bool(disk, "boot") {
			name = fmt.Sprintf("%s-%d", instance, i)
		}
		out[i] = c.scope() + "/disks/" + cmp.Or(doc.Str(disk, "initializeParams", "diskName"), name)
	}
	return out
}

// takenDisk gives the first of the new disks whose name is taken; "" when none is.
func (c *call) takenDisk(instance string, d doc.Map) string {
	var taken []string
	for _, path := range c.newDisks(instance, d) {
		if _, ok := c.tx.Get(worldName(path)); ok {
			taken = append(taken, path)
		}
	}
	slices.Sort(taken)
	return strings.Join(taken[:min(1, len(taken))], "")
}

func noSnapshots() error {
	return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator does not know snapshots"}
}
