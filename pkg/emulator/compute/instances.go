package compute

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

func (svc *service) instances() *collection {
	return &collection{
		service: "Instances", plural: "instances", single: "instance", noun: "instance", kind: "compute#instance",
		latency: "compute_instance",
		prepare: prepareInstance,
		inserted: func(c *call, o *world.Object) {
			if err := c.equip(o); err != nil { // unreachable but for a full subnetwork: the VM then has no address
				svc.cloud.Log.Debug("emulated VM without address", "vm", o.Name, "reason", err.Message)
			}
		},
		ready: func(tx *world.Tx, o *world.Object) { svc.runVM(tx, o) },
		deleted: func(c *call, o *world.Object) {
			o.Doc["status"] = "STOPPING"
			c.tx.Put(o)
			svc.managedLeaving(c.tx, o)
		},
		removed: svc.vmRemoved,
		kept: func(tx *world.Tx, o *world.Object) {
			o.Doc["status"] = "RUNNING"
			tx.Put(o)
			svc.managedDone(tx, o)
		},
	}
}

// prepareInstance merges the body over the template that the query names.
func prepareInstance(c *call, d doc.Map) error {
	if source := c.query.Get("sourceInstanceTemplate"); source != "" {
		template, err := c.refer("sourceInstanceTemplate", source, "instanceTemplates", "instance template")
		if err != nil {
			return err
		}
		props := doc.Clone(doc.Object(template.Doc, "properties"))
		for k, v := range d {
			if m, ok := v.(doc.Map); ok && len(m) == 0 {
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
func (c *call) equip(o *world.Object) *faults.OperationError {
	d, zone := o.Doc, linkBase+c.scope()
	d["machineType"] = zone + "/machineTypes/" + basename(doc.Str(d, "machineType"))
	for _, g := range doc.Objects(d, "guestAccelerators") {
		g["acceleratorType"] = zone + "/acceleratorTypes/" + basename(doc.Str(g, "acceleratorType"))
	}
	doc.Fill(d, doc.Map{
		"status": "PROVISIONING", "cpuPlatform": "Unknown CPU Platform", "deletionProtection": false, "startRestricted": false,
		"canIpForward": false, "labelFingerprint": draws.TokenOf(fmt.Sprint(d["labels"])), "fingerprint": c.fingerprint(),
	})
	if tags := doc.Object(d, "tags"); tags != nil {
		tags["fingerprint"] = "42WmSpB8rSM=" // recorded for a VM without tags
	}
	for i, disk := range doc.Objects(d, "disks") {
		c.makeDisk(o, i, disk)
	}
	for _, nic := range doc.Objects(d, "networkInterfaces") {
		if err := c.address(nic); err != nil {
			return err
		}
	}
	c.tx.Put(o)
	return nil
}

// address gives a NIC its subnetwork and an address in it.
func (c *call) address(nic doc.Map) *faults.OperationError {
	if doc.Str(nic, "subnetwork") == "" {
		region := c.project() + "/regions/" + places.RegionName(c.vars["zone"])
		for _, s := range c.tx.List(worldName(region + "/subnetworks")) {
			if doc.Str(s.Doc, "network") == doc.Str(nic, "network") {
				nic["subnetwork"] = doc.Str(s.Doc, "selfLink")
			}
		}
	}
	sub, ok := c.tx.Get(worldName(pathOf(doc.Str(nic, "subnetwork"), c.project())))
	if !ok {
		return &faults.OperationError{Code: "RESOURCE_NOT_FOUND", HTTPStatus: 404, Message: fmt.Sprintf("The resource '%s' was not found", doc.Str(nic, "subnetwork"))}
	}
	ip, full := c.freeAddress(sub)
	if full != nil {
		return full
	}
	doc.Fill(nic, doc.Map{"networkIP": ip, "stackType": "IPV4_ONLY", "fingerprint": c.fingerprint()})
	for _, access := range doc.Objects(nic, "accessConfigs") {
		n := uint64(c.tx.Count())
		doc.Fill(access, doc.Map{"natIP": fmt.Sprintf("34.%d.%d.%d", n>>16%256, n>>8%256, n%256)})
	}
	return nil
}

// freeAddress counts through the range; once it has come to the end it looks for addresses that are free again.
func (c *call) freeAddress(sub *world.Object) (string, *faults.OperationError) {
	p, err := netip.ParsePrefix(doc.Str(sub.Doc, "ipCidrRange"))
	if err != nil {
		return "", &faults.OperationError{Code: "INTERNAL_ERROR", HTTPStatus: 500}
	}
	usable := int64(1)<<(32-p.Bits()) - 4
	next := doc.Num(sub.Note, "next")
	if sub.Note == nil {
		sub.Note = map[string]any{}
	}
	if next < usable {
		sub.Note["next"] = next + 1
		c.tx.Put(sub)
		return offset(p, next+2).String(), nil
	}
	used := c.usedAddresses(doc.Str(sub.Doc, "selfLink"))
	for i := range usable {
		if ip := offset(p, i+2).String(); !used[ip] {
			return ip, nil
		}
	}
	return "", &faults.OperationError{Code: "IP_SPACE_EXHAUSTED", HTTPStatus: 400, Message: fmt.Sprintf("IP space of '%s' is exhausted.", objectPath(sub))}
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
			for _, nic := range doc.Objects(vm.Doc, "networkInterfaces") {
				if doc.Str(nic, "subnetwork") == subnetwork {
					used[doc.Str(nic, "networkIP")] = true
				}
			}
		}
	}
	return used
}

// runVM is the moment at which a VM runs. What its guest does then and the API shows is only the Jupyter proxy's address,
// which a Deep Learning VM with proxy-mode writes into its own metadata after it has registered.
func (svc *service) runVM(tx *world.Tx, o *world.Object) {
	o.Ready = true
	o.Doc["status"] = "RUNNING"
	o.Doc["lastStartTimestamp"] = timestamp(tx.Now())
	o.Doc["cpuPlatform"] = "Intel Cascade Lake"
	tx.Put(o)
	for _, item := range doc.Objects(o.Doc, "metadata", "items") {
		if doc.Str(item, "key") == "proxy-mode" && doc.Str(item, "value") == "project_editors" {
			tx.At(tx.Now().Add(svc.cloud.Draw(tx, "guest.proxy")), "proxy", o.Name, nil)
		}
	}
}

// proxyEvent: the guest has registered with the proxy. The form of the host is gcp-facts, section 13, and the facts on VM
// bring-up; that it appears as metadata "proxy-url" is how the replaced tool read it.
func (svc *service) proxyEvent(tx *world.Tx, e world.Event) {
	o, ok := tx.Get(e.Subject)
	if !ok || doc.Str(o.Doc, "status") != "RUNNING" {
		return
	}
	host := fmt.Sprintf("%016x-dot-%s.notebooks.googleusercontent.com", draws.Mix(uint64(doc.Num(o.Doc, "id"))), places.RegionName(basename(doc.Str(o.Doc, "zone"))))
	meta := doc.Object(o.Doc, "metadata")
	meta["items"] = append(doc.List(meta, "items"), doc.Map{"key": "proxy-url", "value": host})
	meta["fingerprint"] = draws.Token(tx.Count())
	tx.Put(o)
}

// vmEvent moves a VM of a managed instance group on.
func (svc *service) vmEvent(tx *world.Tx, e world.Event) {
	var state string
	o, ok := tx.Get(e.Subject)
	if !ok || json.Unmarshal(e.Data, &state) != nil {
		return
	}
	switch {
	case state == "GONE":
		svc.vmRemoved(tx, o)
		tx.Delete(o.Name)
	case o.Doomed:
	case state == "STAGING":
		o.Doc["status"] = state
		tx.Put(o)
	case state == "RUNNING":
		svc.runVM(tx, o)
		svc.managedDone(tx, o)
	}
}

// vmRemoved takes the disks away and tells the group, which makes the VM again if it still should be there.
func (svc *service) vmRemoved(tx *world.Tx, o *world.Object) {
	leaveTrace(tx, o)
	for i, disk := range doc.Objects(o.Doc, "disks") {
		name := worldName(pathOf(doc.Str(disk, "source"), ""))
		d, ok := tx.Get(name)
		if !ok {
			continue
		}
		if doc.Bool(disk, "autoDelete") || i == 0 && o.Owner != "" {
			tx.Delete(name)
			continue
		}
		delete(d.Doc, "users")
		d.Owner = ""
		tx.Put(d)
	}
	svc.managedGone(tx, o)
}

func (svc *service) instanceMethods(k *collection) map[string]handler {
	return map[string]handler{
		"Instances.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("instances", "compute#instanceAggregatedList", k)
		},
		"Disks.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("disks", "compute#diskAggregatedList", svc.collections["disks"])
		},
		"Instances.SetLabels": func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			if doc.Str(c.body, "labelFingerprint") != doc.Str(o.Doc, "labelFingerprint") {
				return nil, badFingerprint("Labels fingerprint either invalid or resource labels have changed")
			}
			if err := checkLabels(doc.Object(c.body, "labels"), "labels"); err != nil {
				return nil, err
			}
			o.Doc["labels"], o.Doc["labelFingerprint"] = doc.Object(c.body, "labels"), c.fingerprint()
			return c.changed(k, o, "setLabels"), nil
		},
		"Instances.SetMetadata": func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			if doc.Str(c.body, "fingerprint") != doc.Str(o.Doc, "metadata", "fingerprint") {
				return nil, badFingerprint("Supplied fingerprint does not match current metadata fingerprint.")
			}
			wrapped := doc.Map{"metadata": c.body}
			if err := checkMetadata(wrapped, "", machines.Type{}); err != nil {
				return nil, err
			}
			doc.Object(wrapped, "metadata")["fingerprint"] = c.fingerprint()
			o.Doc["metadata"] = wrapped["metadata"]
			return c.changed(k, o, "setMetadata"), nil
		},
	}
}

// inZone is a call of the world's own in the zone of an object.
func (svc *service) inZone(tx *world.Tx, o *world.Object) *call {
	parts := strings.Split(objectPath(o), "/") // projects/P/zones/Z/…
	return &call{svc: svc, tx: tx, vars: map[string]string{"project": parts[1], "zone": parts[3]}}
}
