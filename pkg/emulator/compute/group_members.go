package compute

import (
	"cmp"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// A member is what a group knows of one of its VMs, whether the VM exists or not: an object GROUP/managed/VM whose note has
//
//	action    what the group does with it: currentAction
//	standby   "SUSPENDED" or "STOPPED" when it belongs to the standby pool; absent when it should run
//	template  path of the template it was made from, and version, the name of the version; absent: to be chosen
//	vm        "made" as long as its VM exists
//	code, message   why the last attempt failed
//	revision  of allInstancesConfig, as applied
//	config    fingerprint of its per-instance config, as applied; preserved, the metadata that came with it
//	health    what its health check said last

const (
	running   = "RUNNING"
	suspended = "SUSPENDED"
	stopped   = "STOPPED"
)

func actionOf(m *world.Object) string { return doc.Str(m.Note, "action") }

// idle says that the group does nothing with a member.
func idle(m *world.Object) bool { return actionOf(m) == "NONE" }

// leaving says that a member is on its way out of the group.
func leaving(m *world.Object) bool { a := actionOf(m); return a == "DELETING" || a == "ABANDONING" }

// aim is the status that a member should come to.
func aim(m *world.Object) string { return cmp.Or(doc.Str(m.Note, "standby"), running) }

func memberVersion(m *world.Object) version {
	return version{name: doc.Str(m.Note, "version"), template: doc.Str(m.Note, "template")}
}

func setVersion(m *world.Object, v version) {
	m.Note["template"] = v.template
	if m.Note["version"] = v.name; v.name == "" {
		delete(m.Note, "version")
	}
}

// act lets the group do something with a member.
func act(tx *world.Tx, m *world.Object, action string) {
	m.Note["action"] = action
	tx.Put(m)
}

func members(tx *world.Tx, o *world.Object) []*world.Object { return tx.List(o.Name + "/managed") }

// staying are the members that are not on their way out.
func staying(tx *world.Tx, o *world.Object) []*world.Object {
	var out []*world.Object
	for _, m := range members(tx, o) {
		if !leaving(m) {
			out = append(out, m)
		}
	}
	return out
}

// groupOf is the name of a member's group, vmName that of its VM, as the world has them.
func groupOf(m *world.Object) string { return parentPath(parentPath(m.Name)) }

func vmName(m *world.Object) string {
	return parentPath(parentPath(groupOf(m))) + "/instances/" + basename(m.Name)
}

// entry finds the member that a VM is of a group, and the group.
func (svc *service) entry(tx *world.Tx, vm *world.Object) (m, group *world.Object) {
	if vm.Owner == "" {
		return nil, nil
	}
	group, ok := tx.Get(vm.Owner)
	if !ok {
		return nil, nil
	}
	m, ok = tx.Get(group.Name + "/managed/" + basename(vm.Name))
	if !ok {
		return nil, group
	}
	return m, group
}

func (svc *service) listManaged(c *call, k *collection) (any, error) {
	o, err := k.target(c)
	if err != nil {
		return nil, err
	}
	filter, err := c.filter()
	if err != nil {
		return nil, err
	}
	var items []doc.Map
	for _, m := range members(c.tx, o) {
		if d := memberDoc(c.tx, o, m); filter.Match(d) {
			items = append(items, d)
		}
	}
	out := doc.Map{}
	if doc.Str(o.Doc, "listManagedInstancesResults") == "PAGINATED" {
		shown, token, err := c.cut(items)
		if err != nil {
			return nil, err
		}
		items = shown
		if token != "" {
			out["nextPageToken"] = token
		}
	}
	if len(items) > 0 {
		out["managedInstances"] = doc.Anys(items)
	}
	return out, nil
}

// memberDoc is a member as listManagedInstances shows it. A member on its way out has no version (discovery document).
func memberDoc(tx *world.Tx, o, m *world.Object) doc.Map {
	link := linkBase + strings.TrimPrefix(vmName(m), computeHost+"/")
	d := doc.Map{"instance": link, "name": basename(m.Name), "currentAction": actionOf(m), "targetStatus": aim(m)}
	switch actionOf(m) {
	case "DELETING":
		d["targetStatus"] = "DELETED"
	case "ABANDONING":
		d["targetStatus"] = "ABANDONED"
	default:
		d["version"] = shownVersion(m)
	}
	vm, there := tx.Get(vmName(m))
	if there {
		d["id"], d["instanceStatus"] = vm.Doc["id"], vm.Doc["status"]
	}
	if code := doc.Str(m.Note, "code"); code != "" {
		d["lastAttempt"] = doc.Map{"errors": doc.Map{"errors": []any{doc.Map{"code": code, "message": doc.Str(m.Note, "message")}}}}
	}
	if preserved := doc.Object(m.Note, "preserved"); len(preserved) > 0 {
		d["preservedStateFromConfig"] = doc.Map{"metadata": preserved}
	}
	if check := healthCheckOf(o); check != "" && there {
		d["instanceHealth"] = []any{doc.Map{"healthCheck": check, "detailedHealthState": healthOf(m)}}
	}
	return d
}

func shownVersion(m *world.Object) doc.Map {
	v := memberVersion(m)
	shown := doc.Map{"instanceTemplate": linkBase + v.template}
	if v.name != "" {
		shown["name"] = v.name
	}
	return shown
}

// healthOf is what the health check of a member's group says of it. A VM that is not looked at yet is UNKNOWN; one that ran
// before there was a check answers it.
func healthOf(m *world.Object) string {
	if idle(m) && aim(m) == running {
		return cmp.Or(doc.Str(m.Note, "health"), "HEALTHY")
	}
	return cmp.Or(doc.Str(m.Note, "health"), "UNKNOWN")
}

func healthCheckOf(o *world.Object) string {
	policies := doc.Objects(o.Doc, "autoHealingPolicies")
	if len(policies) == 0 {
		return ""
	}
	return doc.Str(policies[0], "healthCheck")
}

func parentPath(name string) string { return name[:max(0, strings.LastIndexByte(name, '/'))] }
