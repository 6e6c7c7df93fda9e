package compute

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// retryAfter is how long a group waits before it tries again to make a VM that could not be made. The real pace is not known;
// that it tries for ever is (discovery doc.Map, currentActions.creating).
const retryAfter = 30 * time.Second

func (svc *service) groupReady(tx *world.Tx, o *world.Object) { svc.reconcile(tx, o) }

// groupEvent is the time for another try.
func (svc *service) groupEvent(tx *world.Tx, e world.Event) {
	if o, ok := tx.Get(e.Subject); ok {
		delete(o.Note, "retry")
		tx.Put(o)
		svc.reconcile(tx, o)
	}
}

// reconcile brings the VMs of a group closer to what it should be: the size first, then the template.
func (svc *service) reconcile(tx *world.Tx, o *world.Object) {
	if o.Doomed || !o.Ready {
		return
	}
	managed := tx.List(o.Name + "/managed")
	staying := 0
	for _, m := range managed {
		if doc.Str(m.Note, "action") != "DELETING" {
			staying++
		}
	}
	target := int(doc.Num(o.Doc, "targetSize"))
	for number := 0; staying < target; staying++ {
		var name string
		name, number = svc.freeName(tx, o, number)
		svc.addManaged(tx, o, name)
	}
	for _, m := range dispensable(tx, o, managed) {
		if staying <= target {
			break
		}
		svc.dropManaged(tx, m, "DELETING")
		staying--
	}
	for _, m := range tx.List(o.Name + "/managed") {
		if action := doc.Str(m.Note, "action"); (action == "CREATING" || action == "RECREATING") && doc.Str(m.Note, "vm") == "" {
			svc.makeVM(tx, o, m)
		}
	}
	svc.roll(tx, o)
}

// dispensable gives the VMs that stay, those that a smaller group gives up first in front. The reference of resize says that their
// status and their template count, and calls the rest arbitrary. Here: attempts without a VM, then VMs that do not run yet, then
// VMs of another template, then the last by name.
func dispensable(tx *world.Tx, o *world.Object, managed []*world.Object) []*world.Object {
	rank := func(m *world.Object) int {
		vm, made := tx.Get(parentPath(parentPath(o.Name)) + "/instances/" + basename(m.Name))
		switch {
		case !made:
			return 0
		case doc.Str(m.Note, "action") != "NONE" || doc.Str(vm.Doc, "status") != "RUNNING":
			return 1
		case linkBase+doc.Str(m.Note, "template") != doc.Str(o.Doc, "instanceTemplate"):
			return 2
		}
		return 3
	}
	out := slices.DeleteFunc(slices.Clone(managed), func(m *world.Object) bool { return doc.Str(m.Note, "action") == "DELETING" })
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b *world.Object) int { return rank(a) - rank(b) })
	return out
}

// roll replaces VMs of an older template, as many at a time as the policy lets be unavailable.
func (svc *service) roll(tx *world.Tx, o *world.Object) {
	policy := doc.Object(o.Doc, "updatePolicy")
	if doc.Str(policy, "type") != "PROACTIVE" || !doc.Bool(o.Note, "rolling") {
		return
	}
	room := share(doc.Object(policy, "maxUnavailable"), doc.Num(o.Doc, "targetSize")) + share(doc.Object(policy, "maxSurge"), doc.Num(o.Doc, "targetSize"))
	managed := tx.List(o.Name + "/managed")
	for _, m := range managed {
		if doc.Str(m.Note, "action") != "NONE" {
			room--
		}
	}
	old := 0
	for _, m := range managed {
		if linkBase+doc.Str(m.Note, "template") == doc.Str(o.Doc, "instanceTemplate") {
			continue
		}
		old++
		if room > 0 && doc.Str(m.Note, "action") == "NONE" {
			svc.dropManaged(tx, m, "RECREATING")
			room--
		}
	}
	if old == 0 {
		delete(o.Note, "rolling")
		tx.Put(o)
	}
}

// freeName is the next name of a group and its number: numbers for a base that ends in "#", from after the given one on; four
// random characters otherwise.
func (svc *service) freeName(tx *world.Tx, o *world.Object, after int) (string, int) {
	base := doc.Str(o.Doc, "baseInstanceName")
	zone := parentPath(parentPath(o.Name))
	taken := func(name string) bool {
		_, managed := tx.Get(o.Name + "/managed/" + name)
		_, exists := tx.Get(zone + "/instances/" + name)
		return managed || exists
	}
	hash := strings.IndexByte(base, '#')
	if hash < 0 {
		for {
			tail := strconv.FormatUint(draws.Mix(uint64(tx.Count()))%(36*36*36*36), 36)
			if name := base + "-" + strings.Repeat("0", 4-len(tail)) + tail; !taken(name) {
				return name, 0
			}
		}
	}
	digits := strings.Count(base, "#")
	first := 1
	if _, from, ok := strings.Cut(base, "["); ok {
		if n, err := strconv.Atoi(strings.TrimSuffix(from, "]")); err == nil {
			first = n
		}
	}
	for i := max(first, after+1); ; i++ {
		if name := fmt.Sprintf("%s%0*d", base[:hash], digits, i); !taken(name) {
			return name, i
		}
	}
}

// addManaged lets a group have one more VM; reconcile makes it.
func (svc *service) addManaged(tx *world.Tx, o *world.Object, name string) {
	tx.Put(&world.Object{
		Name: o.Name + "/managed/" + name,
		Note: map[string]any{"action": "CREATING", "template": pathOf(doc.Str(o.Doc, "instanceTemplate"), "")},
	})
}

// makeVM makes the VM of a managed entry, or records why it cannot be made.
func (svc *service) makeVM(tx *world.Tx, o, m *world.Object) {
	c := svc.inZone(tx, o)
	path := c.scope() + "/instances/" + basename(m.Name)
	m.Note["template"] = pathOf(doc.Str(o.Doc, "instanceTemplate"), "")
	refused := svc.vmRefusal(c, path)
	if refused == nil {
		refused = svc.buildVM(c, o, m, path)
	}
	delete(m.Note, "code")
	delete(m.Note, "message")
	if refused != nil {
		m.Note["code"] = refused.Code
		m.Note["message"] = fmt.Sprintf("Instance '%s' creation failed: %s", basename(m.Name), refused.Message)
		svc.recordError(tx, o, m)
		if o.Note == nil {
			o.Note = map[string]any{}
		}
		if o.Note["retry"] == nil {
			o.Note["retry"] = true
			tx.Put(o)
			tx.At(tx.Now().Add(svc.cloud.Scaled(retryAfter)), "group", o.Name, nil)
		}
	}
	tx.Put(m)
}

// vmRefusal asks the fault plan about a VM that a group makes.
func (svc *service) vmRefusal(c *call, path string) *faults.OperationError {
	fx := svc.cloud.Strike("POST", "/"+computeHost+"/compute/v1/"+path)
	return failsWith(fx, c.vars["project"], c.vars["zone"])
}

func (svc *service) buildVM(c *call, o, m *world.Object, path string) *faults.OperationError {
	template, ok := c.tx.Get(worldName(doc.Str(m.Note, "template")))
	if !ok {
		return &faults.OperationError{Code: "RESOURCE_NOT_FOUND", HTTPStatus: 404, Message: notFound(doc.Str(m.Note, "template")).Message}
	}
	d := doc.Clone(doc.Object(template.Doc, "properties"))
	d["name"] = basename(path)
	if err := c.prepareMachine(d, "resource.", c.vars["zone"]); err != nil {
		return &faults.OperationError{Code: "INVALID_ARGUMENT", HTTPStatus: 400, Message: refusalText(err)}
	}
	if refused := c.refusedVM(d, path); refused != nil {
		return refused
	}
	vm := c.place(c.svc.collections["instances"], path, d)
	vm.Owner = o.Name
	meta := doc.Object(vm.Doc, "metadata")
	meta["items"] = append(doc.List(meta, "items"),
		doc.Map{"key": "instance-template", "value": doc.Str(m.Note, "template")},
		doc.Map{"key": "created-by", "value": objectPath(o)})
	if full := c.equip(vm); full != nil {
		c.tx.Delete(vm.Name)
		return full
	}
	m.Note["vm"] = "made"
	takes := svc.cloud.Draw(c.tx, "compute_instance.create")
	c.tx.At(c.tx.Now().Add(takes/3), "vm", vm.Name, "STAGING")
	c.tx.At(c.tx.Now().Add(takes), "vm", vm.Name, "RUNNING")
	return nil
}

func refusalText(err error) string {
	if f, ok := err.(wire.APIError); ok { //nolint:errorlint // made a few lines above, never wrapped
		return f.Message
	}
	return err.Error()
}

// dropManaged takes a VM away, for good ("DELETING") or to make it anew ("RECREATING").
func (svc *service) dropManaged(tx *world.Tx, m *world.Object, action string) {
	m.Note["action"] = action
	tx.Put(m)
	group := parentPath(parentPath(m.Name))
	vm, ok := tx.Get(parentPath(parentPath(group)) + "/instances/" + basename(m.Name))
	if !ok {
		if action == "DELETING" {
			tx.Delete(m.Name)
		}
		return
	}
	vm.Doomed, vm.Doc["status"] = true, "STOPPING"
	tx.Put(vm)
	tx.At(tx.Now().Add(svc.cloud.Draw(tx, "compute_instance.delete")), "vm", vm.Name, "GONE")
}

// entry finds the managed entry of a VM and its group.
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

// managedDone: the VM runs.
func (svc *service) managedDone(tx *world.Tx, vm *world.Object) {
	if m, group := svc.entry(tx, vm); m != nil {
		m.Note["action"] = "NONE"
		tx.Put(m)
		svc.roll(tx, group)
	}
}

// managedLeaving: the VM is being deleted, and not by the group, which will make it again: it says so at once, so that the group
// does not pass for stable meanwhile.
func (svc *service) managedLeaving(tx *world.Tx, vm *world.Object) {
	if m, _ := svc.entry(tx, vm); m != nil && doc.Str(m.Note, "action") != "DELETING" {
		m.Note["action"] = "RECREATING"
		tx.Put(m)
	}
}

// managedGone: the VM is gone. Was it not the group that took it away, the group makes it again under the same name.
func (svc *service) managedGone(tx *world.Tx, vm *world.Object) {
	m, group := svc.entry(tx, vm)
	if m == nil {
		return
	}
	delete(m.Note, "vm")
	switch doc.Str(m.Note, "action") {
	case "DELETING":
		tx.Delete(m.Name)
	case "NONE", "CREATING":
		m.Note["action"] = "RECREATING"
		tx.Put(m)
	default:
		tx.Put(m)
	}
	tx.At(tx.Now(), "group", group.Name, nil)
}

// groupDeleted: the VMs of a group go with it, while its operation runs.
func (svc *service) groupDeleted(c *call, o *world.Object) {
	for _, m := range c.tx.List(o.Name + "/managed") {
		m.Note["action"] = "DELETING"
		c.tx.Put(m)
		if vm, ok := c.tx.Get(worldName(c.scope() + "/instances/" + basename(m.Name))); ok {
			vm.Doomed, vm.Doc["status"] = true, "STOPPING"
			c.tx.Put(vm)
		}
	}
}

func (svc *service) groupRemoved(tx *world.Tx, o *world.Object) {
	zone := parentPath(parentPath(o.Name))
	for _, e := range tx.List(o.Name + "/errors") {
		tx.Delete(e.Name)
	}
	for _, m := range tx.List(o.Name + "/managed") {
		tx.Delete(m.Name)
		if vm, ok := tx.Get(zone + "/instances/" + basename(m.Name)); ok {
			svc.vmRemoved(tx, vm)
			tx.Delete(vm.Name)
		}
	}
	tx.Delete(zone + "/instanceGroups/" + basename(o.Name))
}
