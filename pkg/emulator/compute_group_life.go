package emulator

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// retryAfter is how long a group waits before it tries again to make a VM that could not be made. The real pace is not known;
// that it tries for ever is (discovery document, currentActions.creating).
const retryAfter = 30 * time.Second

func (em *Emulator) groupReady(tx *world.Tx, o *world.Object) { em.reconcile(tx, o) }

// groupEvent is the time for another try.
func (em *Emulator) groupEvent(tx *world.Tx, e world.Event) {
	if o, ok := tx.Get(e.Subject); ok {
		delete(o.Note, "retry")
		tx.Put(o)
		em.reconcile(tx, o)
	}
}

// reconcile brings the VMs of a group closer to what it should be: the size first, then the template.
func (em *Emulator) reconcile(tx *world.Tx, o *world.Object) {
	if o.Doomed || !o.Ready {
		return
	}
	managed := tx.List(o.Name + "/managed")
	staying := 0
	for _, m := range managed {
		if str(m.Note, "action") != "DELETING" {
			staying++
		}
	}
	target := int(num(o.Doc, "targetSize"))
	for number := 0; staying < target; staying++ {
		var name string
		name, number = em.freeName(tx, o, number)
		em.addManaged(tx, o, name)
	}
	for i := len(managed) - 1; i >= 0 && staying > target; i-- { // assumption: the last by name go first
		if str(managed[i].Note, "action") != "DELETING" {
			em.dropManaged(tx, managed[i], "DELETING")
			staying--
		}
	}
	for _, m := range tx.List(o.Name + "/managed") {
		if action := str(m.Note, "action"); (action == "CREATING" || action == "RECREATING") && str(m.Note, "vm") == "" {
			em.makeVM(tx, o, m)
		}
	}
	em.roll(tx, o)
}

// roll replaces VMs of an older template, as many at a time as the policy lets be unavailable.
func (em *Emulator) roll(tx *world.Tx, o *world.Object) {
	policy := object(o.Doc, "updatePolicy")
	if str(policy, "type") != "PROACTIVE" || !boolean(o.Note, "rolling") {
		return
	}
	room := share(object(policy, "maxUnavailable"), num(o.Doc, "targetSize")) + share(object(policy, "maxSurge"), num(o.Doc, "targetSize"))
	managed := tx.List(o.Name + "/managed")
	for _, m := range managed {
		if str(m.Note, "action") != "NONE" {
			room--
		}
	}
	old := 0
	for _, m := range managed {
		if linkBase+str(m.Note, "template") == str(o.Doc, "instanceTemplate") {
			continue
		}
		old++
		if room > 0 && str(m.Note, "action") == "NONE" {
			em.dropManaged(tx, m, "RECREATING")
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
func (em *Emulator) freeName(tx *world.Tx, o *world.Object, after int) (string, int) {
	base := str(o.Doc, "baseInstanceName")
	zone := parentPath(parentPath(o.Name))
	taken := func(name string) bool {
		_, managed := tx.Get(o.Name + "/managed/" + name)
		_, exists := tx.Get(zone + "/instances/" + name)
		return managed || exists
	}
	hash := strings.IndexByte(base, '#')
	if hash < 0 {
		for {
			tail := strconv.FormatUint(splitmix(uint64(tx.Count()))%(36*36*36*36), 36)
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
func (em *Emulator) addManaged(tx *world.Tx, o *world.Object, name string) {
	tx.Put(&world.Object{
		Name: o.Name + "/managed/" + name,
		Note: map[string]any{"action": "CREATING", "template": pathOf(str(o.Doc, "instanceTemplate"), "")},
	})
}

// makeVM makes the VM of a managed entry, or records why it cannot be made.
func (em *Emulator) makeVM(tx *world.Tx, o, m *world.Object) {
	c := em.inZone(tx, o)
	path := c.scope() + "/instances/" + basename(m.Name)
	m.Note["template"] = pathOf(str(o.Doc, "instanceTemplate"), "")
	refused := em.vmRefusal(c, path)
	if refused == nil {
		refused = em.buildVM(c, o, m, path)
	}
	delete(m.Note, "code")
	delete(m.Note, "message")
	if refused != nil {
		m.Note["code"], m.Note["tried"] = refused.Code, timestamp(tx.Now())
		m.Note["message"] = fmt.Sprintf("Instance '%s' creation failed: %s", basename(m.Name), refused.Message)
		if o.Note == nil {
			o.Note = map[string]any{}
		}
		if o.Note["retry"] == nil {
			o.Note["retry"] = true
			tx.Put(o)
			tx.At(tx.Now().Add(em.scaled(retryAfter)), "group", o.Name, nil)
		}
	}
	tx.Put(m)
}

// vmRefusal asks the fault plan about a VM that a group makes.
func (em *Emulator) vmRefusal(c *call, path string) *OperationError {
	fx := em.faults.Load().strike("POST", "/"+computeHost+"/compute/v1/"+path)
	if fx.opErr == nil {
		return nil
	}
	return fx.opErr(c.vars["project"], c.vars["zone"])
}

func (em *Emulator) buildVM(c *call, o, m *world.Object, path string) *OperationError {
	template, ok := c.tx.Get(worldName(str(m.Note, "template")))
	if !ok {
		return &OperationError{Code: "RESOURCE_NOT_FOUND", HTTPStatus: 404, Message: notFound(str(m.Note, "template")).message}
	}
	d := clone(object(template.Doc, "properties"))
	d["name"] = basename(path)
	if err := c.prepareMachine(d, "resource.", c.vars["zone"]); err != nil {
		return &OperationError{Code: "INVALID_ARGUMENT", HTTPStatus: 400, Message: refusalText(err)}
	}
	vm := c.place(c.em.collections["instances"], path, d)
	vm.Owner = o.Name
	meta := object(vm.Doc, "metadata")
	meta["items"] = append(list(meta, "items"),
		document{"key": "instance-template", "value": str(m.Note, "template")},
		document{"key": "created-by", "value": objectPath(o)})
	if full := c.equip(vm); full != nil {
		c.tx.Delete(vm.Name)
		return full
	}
	m.Note["vm"] = "made"
	takes := em.draw(c.tx, "compute_instance.create")
	c.tx.At(c.tx.Now().Add(takes/3), "vm", vm.Name, "STAGING")
	c.tx.At(c.tx.Now().Add(takes), "vm", vm.Name, "RUNNING")
	return nil
}

func refusalText(err error) string {
	if f, ok := err.(failure); ok { //nolint:errorlint // made a few lines above, never wrapped
		return f.message
	}
	return err.Error()
}

// dropManaged takes a VM away, for good ("DELETING") or to make it anew ("RECREATING").
func (em *Emulator) dropManaged(tx *world.Tx, m *world.Object, action string) {
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
	tx.At(tx.Now().Add(em.draw(tx, "compute_instance.delete")), "vm", vm.Name, "GONE")
}

// entry finds the managed entry of a VM and its group.
func (em *Emulator) entry(tx *world.Tx, vm *world.Object) (m, group *world.Object) {
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
func (em *Emulator) managedDone(tx *world.Tx, vm *world.Object) {
	if m, group := em.entry(tx, vm); m != nil {
		m.Note["action"] = "NONE"
		tx.Put(m)
		em.roll(tx, group)
	}
}

// managedGone: the VM is gone. Was it not the group that took it away, the group makes it again under the same name.
func (em *Emulator) managedGone(tx *world.Tx, vm *world.Object) {
	m, group := em.entry(tx, vm)
	if m == nil {
		return
	}
	delete(m.Note, "vm")
	switch str(m.Note, "action") {
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
func (em *Emulator) groupDeleted(c *call, o *world.Object) {
	for _, m := range c.tx.List(o.Name + "/managed") {
		m.Note["action"] = "DELETING"
		c.tx.Put(m)
		if vm, ok := c.tx.Get(worldName(c.scope() + "/instances/" + basename(m.Name))); ok {
			vm.Doomed, vm.Doc["status"] = true, "STOPPING"
			c.tx.Put(vm)
		}
	}
}

func (em *Emulator) groupRemoved(tx *world.Tx, o *world.Object) {
	zone := parentPath(parentPath(o.Name))
	for _, m := range tx.List(o.Name + "/managed") {
		tx.Delete(m.Name)
		if vm, ok := tx.Get(zone + "/instances/" + basename(m.Name)); ok {
			em.vmRemoved(tx, vm)
			tx.Delete(vm.Name)
		}
	}
	tx.Delete(zone + "/instanceGroups/" + basename(o.Name))
}
