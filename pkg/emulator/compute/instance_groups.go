package compute

import (
	"cmp"
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// instanceGroups are the twins of managed groups. Unmanaged ones are not emulated.
func (svc *service) instanceGroups() *collection {
	return &collection{
		service: "InstanceGroups", plural: "instanceGroups", single: "instanceGroup", noun: "instance_group",
		kind: "compute#instanceGroup", latency: "compute_group", readOnly: true,
		view: func(tx *world.Tx, o *world.Object, d doc.Map) {
			size := 0 // VMs that exist: attempts without success are no members
			for _, m := range tx.List(o.Owner + "/managed") {
				vm, made := tx.Get(vmName(m))
				if !made {
					continue
				}
				size++
				if nics := doc.Objects(vm.Doc, "networkInterfaces"); len(nics) > 0 { // of the first NIC (discovery document)
					d["network"], d["subnetwork"] = nics[0]["network"], nics[0]["subnetwork"]
				}
			}
			d["size"] = size
		},
	}
}

// groupInserted makes the twin in instanceGroups that every managed group has, and which keeps its named ports.
func groupInserted(c *call, o *world.Object) {
	name := basename(o.Name)
	path := c.scope() + "/instanceGroups/" + name
	d := doc.Map{"name": name, "description": "This instance group is controlled by Instance Group Manager '" + name + "'. To modify instances in this group, use the Instance Group Manager API: https://cloud.google.com/compute/docs/reference/latest/instanceGroupManagers"}
	setPorts(c, d, doc.List(o.Doc, "namedPorts"))
	delete(o.Doc, "namedPorts")
	twin := c.place(c.svc.collections["instanceGroups"], path, d)
	twin.Ready, twin.Owner = true, o.Name
	c.tx.Put(twin)
	if doc.Object(o.Doc, "allInstancesConfig") != nil {
		o.Note = map[string]any{"revision": timestamp(c.tx.Now())}
	}
	c.tx.Put(o)
}

// setPorts sets named ports and the fingerprint of them (discovery document). That of none is assumed to be that of an empty list of
// tags, which is recorded.
func setPorts(c *call, d doc.Map, ports []any) {
	if d["fingerprint"] = emptyFingerprint; len(ports) == 0 {
		delete(d, "namedPorts")
		return
	}
	d["namedPorts"], d["fingerprint"] = ports, c.fingerprint()
}

// checkNamedPorts checks names and numbers (discovery document). One name may stand for several ports.
func checkNamedPorts(field string, ports []doc.Map) error {
	for i, p := range ports {
		at := fmt.Sprintf("%s[%d]", field, i)
		if name := doc.Str(p, "name"); !resourceName.MatchString(name) {
			return invalid(at+".name", name, fmt.Sprintf("Must be a match of regex '%s'", namePattern))
		}
		if port := doc.Num(p, "port"); port < 1 || port > 65535 {
			return invalid(at+".port", port, "Must be between 1 and 65535.")
		}
	}
	return nil
}

// setNamedPorts replaces the named ports. The operationType is assumed.
func setNamedPorts(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	if f := doc.Str(c.body, "fingerprint"); f != "" && !draws.SameToken(f, doc.Str(o.Doc, "fingerprint")) {
		return nil, badFingerprint("Invalid fingerprint.")
	}
	if err := checkNamedPorts("namedPorts", doc.Objects(c.body, "namedPorts")); err != nil {
		return nil, err
	}
	setPorts(c, o.Doc, doc.List(c.body, "namedPorts"))
	return c.changed(k, o, "compute.instanceGroups.setNamedPorts"), nil
}

// listGroupInstances lists the VMs of a group, all or those that run.
func (svc *service) listGroupInstances(c *call) (any, error) {
	path := c.scope() + "/instanceGroups/" + c.vars["instanceGroup"]
	twin, ok := c.lookup(path)
	if !ok {
		return nil, notFound(path)
	}
	state := cmp.Or(doc.Str(c.body, "instanceState"), "ALL")
	if err := oneOf("instanceState", state, "ALL", running); err != nil {
		return nil, err
	}
	var items []doc.Map
	for _, m := range c.tx.List(twin.Owner + "/managed") {
		vm, ok := c.tx.Get(vmName(m))
		if !ok || state == running && doc.Str(vm.Doc, "status") != running {
			continue
		}
		item := doc.Map{"instance": doc.Str(vm.Doc, "selfLink"), "status": doc.Str(vm.Doc, "status")}
		if ports := doc.List(twin.Doc, "namedPorts"); len(ports) > 0 {
			item["namedPorts"] = ports
		}
		items = append(items, item)
	}
	return c.virtual(path+"/listInstances", "compute#instanceGroupsListInstances", items)
}
