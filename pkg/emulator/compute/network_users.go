package compute

import (
	"slices"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// lingering is where the traces of deleted VMs stand that a fault plan lets count as users for a while.
const lingering = "lingering/"

// projectOf is the name of the project of an object, which begins the names of all its things.
func projectOf(o *world.Object) string {
	return strings.Join(strings.Split(o.Name, "/")[:3], "/")
}

// networkUser finds one thing that keeps a network from being deleted: the operation names just one (recorded: errors.log).
func (svc *service) networkUser(tx *world.Tx, o *world.Object) *faults.OperationError {
	user := userOf(tx, o)
	if user == nil {
		return nil
	}
	return &faults.OperationError{Code: "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", HTTPStatus: 400,
		Message: inUse("network", objectPath(o), objectPath(user)).Message}
}

// subnetworkUser refuses at once while something is in the subnetwork.
func subnetworkUser(c *call, o *world.Object) error {
	if user := userOf(c.tx, o); user != nil {
		return inUse("subnetwork", objectPath(o), objectPath(user))
	}
	return nil
}

// userOf finds one thing that uses a network or a subnetwork; nil when nothing does.
func userOf(tx *world.Tx, o *world.Object) *world.Object {
	project := projectOf(o)
	for _, below := range tx.Below(project + "/") {
		for _, user := range tx.List(below) {
			if user.Owner != o.Name && user.Name != o.Name && refersTo(user, objectPath(o)) {
				return user
			}
		}
	}
	for _, below := range tx.Below(lingering + project + "/") {
		for _, trace := range tx.List(below) {
			switch until, err := time.Parse(time.RFC3339Nano, doc.Str(trace.Note, "until")); {
			case err != nil || !tx.Now().Before(until):
				tx.Delete(trace.Name)
			case hasNIC(trace, objectPath(o)):
				return &world.Object{Name: strings.TrimPrefix(trace.Name, lingering)}
			}
		}
	}
	return nil
}

// refersTo says whether a thing holds on to the network or the subnetwork of a path. Templates do not: they only name it. That
// firewall rules hold a network is recorded (errors.log), that VMs, routers and addresses do is reported by users; that a NAT's
// list and a network attachment hold a subnetwork is assumed.
func refersTo(user *world.Object, path string) bool {
	is := func(ref string) bool { return names(ref, path) }
	switch user.Kind {
	case "compute#firewall", "compute#route", "compute#subnetwork":
		return is(doc.Str(user.Doc, "network")) && user.Owner == ""
	case "compute#router":
		for _, nat := range doc.Objects(user.Doc, "nats") {
			for _, sub := range doc.Objects(nat, "subnetworks") {
				if is(doc.Str(sub, "name")) {
					return true
				}
			}
		}
		for _, i := range doc.Objects(user.Doc, "interfaces") {
			if is(doc.Str(i, "subnetwork")) {
				return true
			}
		}
		return is(doc.Str(user.Doc, "network"))
	case "compute#networkAttachment":
		for _, sub := range doc.Words(user.Doc, "subnetworks") {
			if is(sub) {
				return true
			}
		}
		return is(doc.Str(user.Doc, "network"))
	case "compute#address":
		return is(doc.Str(user.Doc, "network")) || is(doc.Str(user.Doc, "subnetwork"))
	case "compute#instance":
		return hasNIC(user, path)
	}
	return false
}

// names says whether a reference, in whichever form it was sent, is to a path.
func names(ref, path string) bool {
	return ref != "" && pathOf(ref, strings.Join(strings.Split(path, "/")[:2], "/")) == path
}

func hasNIC(vm *world.Object, path string) bool {
	return slices.ContainsFunc(doc.Objects(vm.Doc, "networkInterfaces"), func(nic doc.Map) bool {
		return names(doc.Str(nic, "network"), path) || names(doc.Str(nic, "subnetwork"), path)
	})
}

// markLingering notes, when the deletion of a VM or a group starts, that the networks of its VMs will count as used for a while
// longer than the VMs are there, because the fault plan says so.
func (c *call) markLingering(o *world.Object) {
	if c.fx.InUseFor == 0 {
		return
	}
	for _, below := range c.tx.Below(projectOf(o) + "/zones/") {
		for _, vm := range c.tx.List(below) {
			if vm.Kind != "compute#instance" || vm.Name != o.Name && vm.Owner != o.Name {
				continue
			}
			if vm.Note == nil {
				vm.Note = map[string]any{}
			}
			vm.Note["lingers"] = c.svc.cloud.Scaled(c.fx.InUseFor).String()
			c.tx.Put(vm)
		}
	}
}

// leaveTrace is called when a VM goes.
func leaveTrace(tx *world.Tx, vm *world.Object) {
	stays, err := time.ParseDuration(doc.Str(vm.Note, "lingers"))
	if err != nil {
		return // most VMs are gone when they are gone
	}
	tx.Put(&world.Object{
		Name: lingering + vm.Name, Doc: doc.Map{"networkInterfaces": vm.Doc["networkInterfaces"]},
		Note: map[string]any{"until": tx.Now().Add(stays).Format(time.RFC3339Nano)},
	})
}
