package emulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

func (em *Emulator) instances() *collection {
	return &collection{
		service: "Instances", plural: "instances", single: "instance", noun: "instance", kind: "compute#instance",
		latency: "compute_instance",
		prepare: prepareInstance,
		inserted: func(c *call, o *world.Object) {
			if err := c.equip(o); err != nil { // unreachable but for a full subnetwork: the VM then has no address
				em.opt.Log.Debug("emulated VM without address", "vm", o.Name, "reason", err.Message)
			}
		},
		ready: func(tx *world.Tx, o *world.Object) { em.runVM(tx, o) },
		deleted: func(c *call, o *world.Object) {
			o.Doc["status"] = "STOPPING"
			c.tx.Put(o)
		},
		removed: em.vmRemoved,
	}
}

// prepareInstance merges the body over the template that the query names.
func prepareInstance(c *call, d document) error {
	if source := c.query.Get("sourceInstanceTemplate"); source != "" {
		template, err := c.refer("sourceInstanceTemplate", source, "instanceTemplates", "instance template")
		if err != nil {
			return err
		}
		props := clone(object(template.Doc, "properties"))
		for k, v := range d {
			if m, ok := v.(document); ok && len(m) == 0 {
				continue
			}
			props[k] = v
		}
		maps.Copy(d, props)
	}
	return c.prepareMachine(d, "resource.", c.vars["zone"])
}

// equip turns the properties of a template into what a read of a VM shows: links instead of names, disks, addresses
// (recorded: compute-instance-template-and-instances.log).
func (c *call) equip(o *world.Object) *OperationError {
	d, zone := o.Doc, linkBase+c.scope()
	d["machineType"] = zone + "/machineTypes/" + basename(str(d, "machineType"))
	for _, g := range objects(d, "guestAccelerators") {
		g["acceleratorType"] = zone + "/acceleratorTypes/" + basename(str(g, "acceleratorType"))
	}
	fill(d, document{
		"status": "PROVISIONING", "cpuPlatform": "Unknown CPU Platform", "deletionProtection": false, "startRestricted": false,
		"canIpForward": false, "labelFingerprint": contentFingerprint(fmt.Sprint(d["labels"])), "fingerprint": c.fingerprint(),
	})
	if tags := object(d, "tags"); tags != nil {
		tags["fingerprint"] = "42WmSpB8rSM=" // recorded for a VM without tags
	}
	for i, disk := range objects(d, "disks") {
		c.makeDisk(o, i, disk)
	}
	for _, nic := range objects(d, "networkInterfaces") {
		if err := c.address(nic); err != nil {
			return err
		}
	}
	c.tx.Put(o)
	return nil
}

// makeDisk makes the disk that a VM was created with; the boot disk is named like the VM.
func (c *call) makeDisk(o *world.Object, i int, disk document) {
	if str(disk, "source") != "" {
		return
	}
	name := basename(o.Name)
	if i > 0 {
		name = fmt.Sprintf("%s-%d", name, i)
	}
	init := object(disk, "initializeParams")
	size := str(init, "diskSizeGb")
	if img, ok := findImage(pathOf(str(init, "sourceImage"), c.project())); ok && size == "" {
		size = fmt.Sprint(img.diskGB)
	}
	path := c.scope() + "/disks/" + name
	d := document{
		"name": name, "sizeGb": size, "status": "READY", "users": []any{str(o.Doc, "selfLink")},
		"type":                   linkBase + c.scope() + "/diskTypes/" + orElse(basename(str(init, "diskType")), "pd-standard"),
		"sourceImage":            str(init, "sourceImage"),
		"labels":                 maps.Clone(object(o.Doc, "labels")),
		"physicalBlockSizeBytes": "4096",
	}
	made := c.place(c.em.collections["disks"], path, d)
	made.Ready, made.Owner = true, o.Name
	c.tx.Put(made)
	disk["source"], disk["diskSizeGb"] = linkBase+path, size
	delete(disk, "initializeParams")
}

// address gives a NIC its subnetwork and an address in it.
func (c *call) address(nic document) *OperationError {
	if str(nic, "subnetwork") == "" {
		region := c.project() + "/regions/" + regionOf(c.vars["zone"])
		for _, s := range c.tx.List(worldName(region + "/subnetworks")) {
			if str(s.Doc, "network") == str(nic, "network") {
				nic["subnetwork"] = str(s.Doc, "selfLink")
			}
		}
	}
	sub, ok := c.tx.Get(worldName(pathOf(str(nic, "subnetwork"), c.project())))
	if !ok {
		return &OperationError{Code: "RESOURCE_NOT_FOUND", HTTPStatus: 404, Message: fmt.Sprintf("The resource '%s' was not found", str(nic, "subnetwork"))}
	}
	ip, full := c.freeAddress(sub)
	if full != nil {
		return full
	}
	fill(nic, document{"networkIP": ip, "stackType": "IPV4_ONLY", "fingerprint": c.fingerprint()})
	for _, access := range objects(nic, "accessConfigs") {
		n := uint64(c.tx.Count())
		fill(access, document{"natIP": fmt.Sprintf("34.%d.%d.%d", n>>16%256, n>>8%256, n%256)})
	}
	return nil
}

// freeAddress counts through the range; once it has come to the end it looks for addresses that are free again.
func (c *call) freeAddress(sub *world.Object) (string, *OperationError) {
	p, err := netip.ParsePrefix(str(sub.Doc, "ipCidrRange"))
	if err != nil {
		return "", &OperationError{Code: "INTERNAL_ERROR", HTTPStatus: 500}
	}
	usable := int64(1)<<(32-p.Bits()) - 4
	next := num(sub.Note, "next")
	if sub.Note == nil {
		sub.Note = map[string]any{}
	}
	if next < usable {
		sub.Note["next"] = next + 1
		c.tx.Put(sub)
		return offset(p, next+2).String(), nil
	}
	used := c.usedAddresses(str(sub.Doc, "selfLink"))
	for i := range usable {
		if ip := offset(p, i+2).String(); !used[ip] {
			return ip, nil
		}
	}
	return "", &OperationError{Code: "IP_SPACE_EXHAUSTED", HTTPStatus: 400, Message: fmt.Sprintf("IP space of '%s' is exhausted.", objectPath(sub))}
}

func offset(p netip.Prefix, n int64) netip.Addr {
	a := p.Addr().As4()
	v := (int64(a[0])<<24 | int64(a[1])<<16 | int64(a[2])<<8 | int64(a[3])) + n
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

func (c *call) usedAddresses(subnetwork string) map[string]bool {
	used := map[string]bool{}
	for _, below := range c.tx.Below(worldName(c.project()) + "/zones/") {
		if basename(below) != "instances" {
			continue
		}
		for _, vm := range c.tx.List(below) {
			for _, nic := range objects(vm.Doc, "networkInterfaces") {
				if str(nic, "subnetwork") == subnetwork {
					used[str(nic, "networkIP")] = true
				}
			}
		}
	}
	return used
}

// runVM is the moment at which a VM runs. What its guest does then and the API shows is only the Jupyter proxy's address,
// which a Deep Learning VM with proxy-mode writes into its own metadata after it has registered.
func (em *Emulator) runVM(tx *world.Tx, o *world.Object) {
	o.Ready = true
	o.Doc["status"] = "RUNNING"
	o.Doc["lastStartTimestamp"] = timestamp(tx.Now())
	o.Doc["cpuPlatform"] = "Intel Cascade Lake"
	tx.Put(o)
	for _, item := range objects(o.Doc, "metadata", "items") {
		if str(item, "key") == "proxy-mode" && str(item, "value") == "project_editors" {
			tx.At(tx.Now().Add(em.draw(tx, "guest.proxy")), "proxy", o.Name, nil)
		}
	}
}

// proxyEvent: the guest has registered with the proxy. The form of the host is gcp-facts, section 13, and the facts on VM
// bring-up; that it appears as metadata "proxy-url" is how the replaced tool read it.
func (em *Emulator) proxyEvent(tx *world.Tx, e world.Event) {
	o, ok := tx.Get(e.Subject)
	if !ok || str(o.Doc, "status") != "RUNNING" {
		return
	}
	host := fmt.Sprintf("%016x-dot-%s.notebooks.googleusercontent.com", splitmix(uint64(num(o.Doc, "id"))), regionOf(basename(str(o.Doc, "zone"))))
	meta := object(o.Doc, "metadata")
	meta["items"] = append(list(meta, "items"), document{"key": "proxy-url", "value": host})
	meta["fingerprint"] = newFingerprint(tx)
	tx.Put(o)
}

// vmEvent moves a VM of a managed instance group on.
func (em *Emulator) vmEvent(tx *world.Tx, e world.Event) {
	var state string
	o, ok := tx.Get(e.Subject)
	if !ok || json.Unmarshal(e.Data, &state) != nil {
		return
	}
	switch {
	case state == "GONE":
		em.vmRemoved(tx, o)
		tx.Delete(o.Name)
	case o.Doomed:
	case state == "STAGING":
		o.Doc["status"] = state
		tx.Put(o)
	case state == "RUNNING":
		em.runVM(tx, o)
		em.managedDone(tx, o)
	}
}

// vmRemoved takes the disks away and tells the group, which makes the VM again if it still should be there.
func (em *Emulator) vmRemoved(tx *world.Tx, o *world.Object) {
	for i, disk := range objects(o.Doc, "disks") {
		name := worldName(pathOf(str(disk, "source"), ""))
		d, ok := tx.Get(name)
		if !ok {
			continue
		}
		if boolean(disk, "autoDelete") || i == 0 && o.Owner != "" {
			tx.Delete(name)
			continue
		}
		delete(d.Doc, "users")
		d.Owner = ""
		tx.Put(d)
	}
	em.managedGone(tx, o)
}

func (em *Emulator) disks() *collection {
	return &collection{
		service: "Disks", plural: "disks", single: "disk", noun: "disk", kind: "compute#disk", latency: "compute_instance",
		prepare: func(*call, document) error {
			return failure{code: 501, reason: "notImplemented", message: "the emulator makes disks only with their VMs"}
		},
		user: func(_ *call, o *world.Object) error {
			if users := words(o.Doc, "users"); len(users) > 0 {
				return inUse("disk", objectPath(o), pathOf(users[0], ""))
			}
			return nil
		},
	}
}

func (em *Emulator) instanceMethods(k *collection) map[string]computeHandler {
	return map[string]computeHandler{
		"Instances.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("instances", "compute#instanceAggregatedList", k)
		},
		"Disks.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("disks", "compute#diskAggregatedList", em.collections["disks"])
		},
		"Instances.SetLabels": func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			if str(c.body, "labelFingerprint") != str(o.Doc, "labelFingerprint") {
				return nil, badFingerprint("Labels fingerprint either invalid or resource labels have changed")
			}
			if err := checkLabels(object(c.body, "labels"), "labels"); err != nil {
				return nil, err
			}
			o.Doc["labels"], o.Doc["labelFingerprint"] = object(c.body, "labels"), c.fingerprint()
			return c.changed(k, o, "setLabels"), nil
		},
		"Instances.SetMetadata": func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			if str(c.body, "fingerprint") != str(o.Doc, "metadata", "fingerprint") {
				return nil, badFingerprint("Supplied fingerprint does not match current metadata fingerprint.")
			}
			wrapped := document{"metadata": c.body}
			if err := checkMetadata(wrapped, "", machines.Type{}); err != nil {
				return nil, err
			}
			object(wrapped, "metadata")["fingerprint"] = c.fingerprint()
			o.Doc["metadata"] = wrapped["metadata"]
			return c.changed(k, o, "setMetadata"), nil
		},
	}
}

// inZone is a call of the world's own in the zone of an object.
func (em *Emulator) inZone(tx *world.Tx, o *world.Object) *call {
	parts := strings.Split(objectPath(o), "/") // projects/P/zones/Z/…
	return &call{em: em, tx: tx, vars: map[string]string{"project": parts[1], "zone": parts[3]}}
}
