package compute

import (
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) instanceGroups() *collection {
	return &collection{
		service: "InstanceGroups", plural: "instanceGroups", single: "instanceGroup", noun: "instance_group",
		kind: "compute#instanceGroup", readOnly: true,
		view: func(tx *world.Tx, o *world.Object, d doc.Map) {
			size := 0 // VMs that exist: attempts without success are no members
			for _, m := range tx.List(o.Owner + "/managed") {
				if _, made := tx.Get(parentPath(parentPath(o.Name)) + "/instances/" + basename(m.Name)); made {
					size++
				}
			}
			d["size"] = size
			d["fingerprint"] = draws.TokenOf(o.Name)
		},
	}
}

// groupInserted makes the twin in instanceGroups that every managed group has.
func groupInserted(c *call, o *world.Object) {
	name := basename(o.Name)
	path := c.scope() + "/instanceGroups/" + name
	d := doc.Map{"name": name, "description": "This instance group is controlled by Instance Group Manager '" + name + "'. To modify instances in this group, use the Instance Group Manager API: https://cloud.google.com/compute/docs/reference/latest/instanceGroupManagers"}
	twin := c.place(c.svc.collections["instanceGroups"], path, d)
	twin.Ready, twin.Owner = true, o.Name
	c.tx.Put(twin)
}

func (svc *service) listGroupInstances(c *call) (any, error) {
	path := c.scope() + "/instanceGroups/" + c.vars["instanceGroup"]
	twin, ok := c.lookup(path)
	if !ok {
		return nil, notFound(path)
	}
	var items []doc.Map
	for _, m := range c.tx.List(twin.Owner + "/managed") {
		if vm, ok := c.tx.Get(worldName(c.scope() + "/instances/" + basename(m.Name))); ok {
			items = append(items, doc.Map{"instance": doc.Str(vm.Doc, "selfLink"), "status": doc.Str(vm.Doc, "status")})
		}
	}
	return c.virtual(path+"/listInstances", "compute#instanceGroupsListInstances", items)
}
