package compute

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// holder gives the instance that keeps a disk from being attached in a mode; "" when none does. Many may read a disk that nobody
// writes.
func (c *call) holder(o *world.Object, mode string) string {
	for _, user := range doc.Words(o.Doc, "users") {
		path := pathOf(user, "")
		vm, ok := c.tx.Get(worldName(path))
		if !ok {
			continue
		}
		for _, disk := range doc.Objects(vm.Doc, "disks") {
			if doc.Str(disk, "source") == doc.Str(o.Doc, "selfLink") && (doc.Str(disk, "mode") != "READ_ONLY" || mode != "READ_ONLY") {
				return path
			}
		}
	}
	return ""
}

// hold makes an instance a user of a disk.
func (c *call) hold(o, vm *world.Object) {
	o.Doc["users"] = append(doc.List(o.Doc, "users"), doc.Str(vm.Doc, "selfLink"))
	o.Doc["lastAttachTimestamp"] = timestamp(c.tx.Now())
	c.tx.Put(o)
}

// letGo takes an instance from the users of a disk.
func letGo(tx *world.Tx, o, vm *world.Object) {
	users := slices.DeleteFunc(doc.Words(o.Doc, "users"), func(s string) bool { return s == doc.Str(vm.Doc, "selfLink") })
	delete(o.Doc, "users")
	if len(users) > 0 {
		o.Doc["users"] = doc.Anys(users)
	}
	o.Doc["lastDetachTimestamp"] = timestamp(tx.Now())
	if o.Owner == vm.Name {
		o.Owner = ""
	}
	tx.Put(o)
}

// attachDisk attaches a disk that is there (discovery document: it cannot be made by this).
func attachDisk(c *call, k *collection) (any, error) {
	vm, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	disk := c.body
	if doc.Str(disk, "source") == "" {
		return nil, required("resource.source")
	}
	if rest.True(c.query, "forceAttach") {
		return nil, invalid("forceAttach", true, "Only regional disks can be attached by force.")
	}
	t, err := machineIn(doc.Str(vm.Doc, "machineType"), "", "")
	if err != nil {
		return nil, err
	}
	doc.Fill(disk, doc.Map{"mode": "READ_WRITE"})
	if err := c.checkAttached(disk, "resource", t); err != nil {
		return nil, err
	}
	attached := doc.Objects(vm.Doc, "disks")
	if len(attached) >= mostDisks {
		return nil, invalid("resource", len(attached), fmt.Sprintf("At most %d disks can be attached.", mostDisks))
	}
	if name := doc.Str(disk, "deviceName"); named(attached, name) >= 0 {
		return nil, invalid("resource.deviceName", name, "The device name is already used by another disk of the instance.")
	}
	index, has := 0, slices.ContainsFunc(attached, func(d doc.Map) bool { return doc.Bool(d, "boot") })
	if doc.Bool(disk, "boot") && has {
		return nil, invalid("resource.boot", true, "The instance has a boot disk.")
	}
	for _, other := range attached {
		index = max(index, int(doc.Num(other, "index"))+1)
	}
	if doc.Bool(disk, "boot") {
		index = 0 // of the boot disk always (discovery document)
	}
	number := index
	for named(attached, "persistent-disk-"+strconv.Itoa(number)) >= 0 {
		number++
	}
	doc.Fill(disk, doc.Map{
		"deviceName": "persistent-disk-" + strconv.Itoa(number), "autoDelete": false, "boot": false, "interface": "SCSI", "type": "PERSISTENT",
	})
	disk["index"], disk["kind"] = index, "compute#attachedDisk"
	o, _ := c.tx.Get(worldName(pathOf(doc.Str(disk, "source"), "")))
	showDisk(disk, o)
	vm.Doc["disks"] = append(doc.List(vm.Doc, "disks"), disk)
	if c.before == nil {
		c.hold(o, vm)
	}
	return c.changed(k, vm, "attachDisk"), nil
}

// named gives the index of the disk of a device name, or -1.
func named(disks []doc.Map, device string) int {
	return slices.IndexFunc(disks, func(d doc.Map) bool { return doc.Str(d, "deviceName") == device })
}

// detachDisk takes a disk off. The words on the boot disk are from a public report (litmuschaos/chaos-charts#562).
func detachDisk(c *call, k *collection) (any, error) {
	vm, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	disks := doc.Objects(vm.Doc, "disks")
	device := c.query.Get("deviceName")
	if device == "" {
		return nil, required("deviceName")
	}
	i := named(disks, device)
	switch {
	case i < 0:
		return nil, invalid("disk", device, fmt.Sprintf("No attached disk found with device name '%s'", device))
	case doc.Str(disks[i], "type") == "SCRATCH":
		return nil, invalidUsage("A Local SSD cannot be detached.")
	case doc.Bool(disks[i], "boot") && doc.Str(vm.Doc, "status") != "TERMINATED":
		return nil, invalidUsage("To detach the boot disk, the instance must be in TERMINATED state.")
	}
	if o, ok := c.tx.Get(worldName(pathOf(doc.Str(disks[i], "source"), ""))); ok && c.before == nil {
		letGo(c.tx, o, vm)
	}
	vm.Doc["disks"] = doc.Anys(slices.Delete(disks, i, i+1))
	return c.changed(k, vm, "detachDisk"), nil
}

// setDiskAutoDelete says whether a disk goes with its instance.
func setDiskAutoDelete(c *call, k *collection) (any, error) {
	vm, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"deviceName", "autoDelete"} {
		if !c.query.Has(name) {
			return nil, required(name)
		}
	}
	disks, device := doc.Objects(vm.Doc, "disks"), c.query.Get("deviceName")
	i := named(disks, device)
	if i < 0 {
		return nil, invalid("disk", device, fmt.Sprintf("No attached disk found with device name '%s'", device))
	}
	disks[i]["autoDelete"] = rest.True(c.query, "autoDelete")
	return c.changed(k, vm, "setDiskAutoDelete"), nil
}
