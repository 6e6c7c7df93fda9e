package compute

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) disks() *collection {
	return &collection{
		service: "Disks", plural: "disks", single: "disk", noun: "disk", kind: "compute#disk", latency: "compute_disk",
		prepare: prepareDisk,
		user: func(_ *call, o *world.Object) error {
			if users := doc.Words(o.Doc, "users"); len(users) > 0 {
				return inUse("disk", objectPath(o), pathOf(users[0], ""))
			}
			return nil
		},
		view: func(_ *world.Tx, o *world.Object, d doc.Map) {
			d["status"] = "READY"
			if !o.Ready {
				d["status"] = "CREATING"
			} else if o.Doomed {
				d["status"] = "DELETING"
			}
		},
	}
}

// prepareDisk checks a disk that is made by itself: an empty one, or one of an image.
func prepareDisk(c *call, d doc.Map) error {
	if source := c.query.Get("sourceImage"); source != "" {
		doc.Fill(d, doc.Map{"sourceImage": source})
	}
	for _, field := range []string{"sourceSnapshot", "sourceInstantSnapshot"} {
		if doc.Str(d, field) != "" {
			return noSnapshots()
		}
	}
	for _, field := range []string{"sourceDisk", "sourceStorageObject", "asyncPrimaryDisk", "storagePool", "diskEncryptionKey"} {
		if d[field] != nil {
			return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator makes disks empty or of an image: it does not know " + field}
		}
	}
	kind, err := diskKind(doc.Str(d, "type"), "resource.type")
	if err != nil {
		return err
	}
	var least int64
	if src := doc.Str(d, "sourceImage"); src != "" {
		img, ok := findImage(pathOf(src, c.project()))
		if !ok {
			return invalid("resource.sourceImage", src, "The referenced image resource cannot be found.")
		}
		least = int64(img.diskGB)
		maps.Copy(d, img.traits())
	}
	size := doc.Num(d, "sizeGb")
	if size == 0 {
		size = max(least, diskTypes[kind])
		if least == 0 {
			size = max(blankDiskGB, diskTypes[kind])
		}
	}
	if err := checkDiskSize("resource.sizeGb", kind, size, least); err != nil {
		return err
	}
	if block := doc.Num(d, "physicalBlockSizeBytes"); block != 0 && block != 4096 && block != 16384 {
		return invalid("resource.physicalBlockSizeBytes", block, "Supported values are 4096 and 16384.")
	}
	for _, ref := range doc.Words(d, "resourcePolicies") {
		if path := pathOf(ref, c.project()); c.missing(path) {
			return notFound(path)
		}
	}
	if err := checkLabels(doc.Object(d, "labels"), "resource.labels"); err != nil {
		return err
	}
	for _, outputOnly := range []string{"users", "lastAttachTimestamp", "lastDetachTimestamp"} {
		delete(d, outputOnly)
	}
	c.fillDisk(d, kind, size)
	return nil
}

func (c *call) missing(path string) bool {
	_, ok := c.lookup(path)
	return !ok
}

// fillDisk writes what a read of any disk shows (recorded: compute-instance-template-and-instances.log, where the type is no full
// link, unlike in older public output).
func (c *call) fillDisk(d doc.Map, kind string, size int64) {
	maps.Copy(d, doc.Map{
		"sizeGb": strconv.FormatInt(size, 10), "type": c.scope() + "/diskTypes/" + kind, "labelFingerprint": labelPrint(d),
	})
	doc.Fill(d, doc.Map{"physicalBlockSizeBytes": "4096"})
}

// makeDisk makes the disk of a path that a VM is created with. Its labels are its own, not the VM's (recorded).
func (c *call) makeDisk(vm *world.Object, disk doc.Map, path string) {
	init := doc.Object(disk, "initializeParams")
	kind, size := c.bootKind(vm, disk), doc.Num(init, "diskSizeGb")
	d := doc.Map{"name": basename(path), "users": []any{doc.Str(vm.Doc, "selfLink")}, "lastAttachTimestamp": timestamp(c.tx.Now())}
	if labels := doc.Object(init, "labels"); len(labels) > 0 {
		d["labels"] = labels
	}
	for _, field := range []string{"description", "resourcePolicies", "provisionedIops", "provisionedThroughput"} {
		if init[field] != nil {
			d[field] = init[field]
		}
	}
	least := int64(blankDiskGB)
	if img, ok := findImage(pathOf(doc.Str(init, "sourceImage"), c.project())); ok {
		maps.Copy(d, img.traits())
		least = int64(img.diskGB)
	}
	if size == 0 {
		size = max(least, diskTypes[kind])
	}
	c.fillDisk(d, kind, size)
	made := c.place(c.svc.collections["disks"], path, d)
	made.Ready, made.Owner = true, vm.Name
	c.tx.Put(made)
	delete(disk, "initializeParams")
	showDisk(disk, made)
}

// bootKind is the type of a disk that is made with a VM: what was asked for; else pd-standard, or what the machine type boots from if it
// does not boot from that (assumed).
func (c *call) bootKind(vm *world.Object, disk doc.Map) string {
	if kind := basename(doc.Str(disk, "initializeParams", "diskType")); kind != "" {
		return kind
	}
	if t, err := machineIn(doc.Str(vm.Doc, "machineType"), "", ""); err == nil && !t.Boots(defaultDiskType) && len(t.BootDisks) > 0 {
		return t.BootDisks[0]
	}
	return defaultDiskType
}

// showDisk writes into an attachment what it shows of the disk (recorded).
func showDisk(disk doc.Map, o *world.Object) {
	disk["source"], disk["diskSizeGb"] = doc.Str(o.Doc, "selfLink"), doc.Str(o.Doc, "sizeGb")
	for _, field := range []string{"architecture", "guestOsFeatures", "licenses"} {
		if v := o.Doc[field]; v != nil {
			disk[field] = v
		}
	}
}

// diskMethods are those beyond the common ones. Snapshots are not emulated: disks.createSnapshot is answered 501 as they are.
func (svc *service) diskMethods(k *collection) map[string]handler {
	return map[string]handler{
		"Disks.AggregatedList": func(c *call) (any, error) { return c.aggregated("disks", "compute#diskAggregatedList", k) },
		"Disks.SetLabels":      k.setLabels,
		"Disks.Resize":         func(c *call) (any, error) { return svc.resizeDisk(c, k) },
		"Disks.Update":         func(c *call) (any, error) { return updateDisk(c, k) },
	}
}

// resizeDisk makes a disk larger; it cannot become smaller (discovery document). The words are assumed.
func (svc *service) resizeDisk(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	size, have := doc.Num(c.body, "sizeGb"), doc.Num(o.Doc, "sizeGb")
	if c.body["sizeGb"] == nil {
		return nil, required("sizeGb")
	}
	if size <= have {
		return nil, invalid("sizeGb", size, fmt.Sprintf("The new disk size must be larger than the existing size (%d GB).", have))
	}
	if err := checkDiskSize("sizeGb", basename(doc.Str(o.Doc, "type")), size, 0); err != nil {
		return nil, err
	}
	o.Doc["sizeGb"] = strconv.FormatInt(size, 10)
	op := c.changed(k, o, "resizeDisk") // assumed
	for _, user := range doc.Words(o.Doc, "users") {
		vm, ok := c.tx.Get(worldName(pathOf(user, "")))
		if !ok {
			continue
		}
		for _, disk := range doc.Objects(vm.Doc, "disks") {
			if doc.Str(disk, "source") == doc.Str(o.Doc, "selfLink") {
				showDisk(disk, o)
			}
		}
		c.tx.Put(vm)
	}
	return op, nil
}

// updateDisk changes the fields that the query names (reference of disks.update); only performance and access can be changed.
func updateDisk(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	paths := c.query["paths"]
	if len(paths) == 0 {
		return nil, required("paths")
	}
	for _, path := range paths {
		if !slices.Contains([]string{"provisionedIops", "provisionedThroughput", "accessMode"}, path) {
			return nil, invalid("paths", path, "This field cannot be changed.")
		}
		o.Doc[path] = c.body[path]
	}
	return c.changed(k, o, "update"), nil // assumed
}
