package compute

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// retryAfter is how long a group waits before it tries again to make a VM that could not be made. The real pace is not known;
// that it tries for ever is (discovery doc.Map, currentActions.creating).
const retryAfter = 30 * time.Second

func (svc *service) groupReady(tx *world.Tx, o *world.Object) { svc.reconcile(tx, o) }

// lookAfter is how soon a group that updates its VMs looks at them again when one is done: all that were done meanwhile are dealt
// with at once, so that large groups stay cheap. The real pace is not known.
const lookAfter = time.Second

// plan lets a group look at all its VMs after a while, once for all who ask for the same reason.
func (svc *service) plan(tx *world.Tx, o *world.Object, why string, in time.Duration) {
	if o.Note == nil {
		o.Note = map[string]any{}
	}
	if o.Note[why] == nil {
		o.Note[why] = true
		tx.Put(o)
		tx.At(tx.Now().Add(svc.cloud.Scaled(in)), "group", o.Name, why)
	}
}

// groupEvent is the time for another look, or another try.
func (svc *service) groupEvent(tx *world.Tx, e world.Event) {
	var why string
	if o, ok := tx.Get(e.Subject); ok && json.Unmarshal(e.Data, &why) == nil {
		delete(o.Note, why)
		tx.Put(o)
		svc.reconcile(tx, o)
	}
}

// reconcile brings the VMs of a group closer to what it should be: the template and the settings, then the size. It looks at all
// members, so it runs when the group has changed; what happens to one VM is dealt with alone.
func (svc *service) reconcile(tx *world.Tx, o *world.Object) {
	if o.Doomed || !o.Ready {
		return
	}
	surge := svc.roll(tx, o)
	svc.fill(tx, o, running, int(doc.Num(o.Doc, "targetSize"))+surge)
	svc.fill(tx, o, suspended, int(doc.Num(o.Doc, "targetSuspendedSize")))
	svc.fill(tx, o, stopped, int(doc.Num(o.Doc, "targetStoppedSize")))
	choose(tx, o)
	for _, m := range members(tx, o) {
		if action := actionOf(m); (action == "CREATING" || action == "RECREATING") && doc.Str(m.Note, "vm") == "" {
			svc.makeVM(tx, o, m)
		}
	}
	svc.forgetErrors(tx, o)
}

// fill lets a group have as many members of one aim as it should: more are added, or taken out of the standby pool; some are let
// go.
func (svc *service) fill(tx *world.Tx, o *world.Object, status string, want int) {
	var have []*world.Object
	for _, m := range staying(tx, o) {
		if aim(m) == status {
			have = append(have, m)
		}
	}
	n := len(have)
	if status == running && doc.Str(o.Doc, "standbyPolicy", "mode") == "SCALE_OUT_POOL" {
		n += svc.scaleOut(tx, o, min(want, int(doc.Num(o.Doc, "targetSize")))-n)
	}
	for number := 0; n < want; n++ {
		var name string
		name, number = svc.freeName(tx, o, number)
		addMember(tx, o, name, status)
	}
	if n <= want {
		return
	}
	for _, m := range dispensable(tx, o, have)[:n-want] {
		svc.dropMember(tx, m, "DELETING")
	}
}

// dispensable orders members, those that a smaller group gives up first in front. The reference of resize says that their status
// and their template count, and calls the rest arbitrary. Here: attempts without a VM, then VMs that the group is at work on, then
// VMs of another version, then the last by name.
func dispensable(tx *world.Tx, o *world.Object, have []*world.Object) []*world.Object {
	wanted := quotas(o)
	rank := func(m *world.Object) int {
		vm, made := tx.Get(vmName(m))
		switch {
		case !made:
			return 0
		case !idle(m) || aim(m) == running && doc.Str(vm.Doc, "status") != running:
			return 1
		case !wants(wanted, memberVersion(m)):
			return 2
		}
		return 3
	}
	ranks := make(map[*world.Object]int, len(have))
	for _, m := range have {
		ranks[m] = rank(m)
	}
	out := slices.Clone(have)
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b *world.Object) int { return ranks[a] - ranks[b] })
	return out
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

// addMember lets a group have one more VM; reconcile makes it.
func addMember(tx *world.Tx, o *world.Object, name, status string) {
	note := map[string]any{"action": "CREATING"}
	if status != running {
		note["standby"] = status
	}
	tx.Put(&world.Object{Name: o.Name + "/managed/" + name, Note: note})
}

// choose gives each new member its version.
func choose(tx *world.Tx, o *world.Object) {
	var run, standby []*world.Object
	fresh := false
	for _, m := range staying(tx, o) {
		fresh = fresh || doc.Str(m.Note, "template") == ""
		if aim(m) == running {
			run = append(run, m)
		} else {
			standby = append(standby, m)
		}
	}
	if !fresh {
		return
	}
	versions, _ := assign(o, run)
	for _, m := range standby {
		versions[m] = openVersion(o)
	}
	for m, v := range versions {
		if doc.Str(m.Note, "template") == "" {
			setVersion(m, v)
			tx.Put(m)
		}
	}
}

// renew lets members have the versions that they would have if they were new, as far as the group wants.
func renew(tx *world.Tx, o *world.Object, some []*world.Object) {
	for _, m := range some {
		delete(m.Note, "template")
		delete(m.Note, "version")
	}
	choose(tx, o)
}

// dropMember takes a VM away, for good ("DELETING") or to make it anew ("RECREATING").
func (svc *service) dropMember(tx *world.Tx, m *world.Object, action string) {
	act(tx, m, action)
	vm, ok := tx.Get(vmName(m))
	if !ok {
		if action == "DELETING" {
			forgetMember(tx, m)
		} else {
			tx.At(tx.Now(), "member", m.Name, step{Do: "make"})
		}
		return
	}
	if vm.Doomed { // somebody is at it already
		return
	}
	vm.Doomed, vm.Doc["status"] = true, "STOPPING"
	tx.Put(vm)
	tx.At(tx.Now().Add(svc.cloud.Draw(tx, "compute_instance.delete")), "vm", vm.Name, "GONE")
}

// forgetMember removes a member and its per-instance config (pages on stateful groups: the config goes with the instance).
func forgetMember(tx *world.Tx, m *world.Object) {
	tx.Delete(m.Name)
	tx.Delete(configName(m))
}

// managedDone: the VM runs.
func (svc *service) managedDone(tx *world.Tx, vm *world.Object) {
	m, group := svc.entry(tx, vm)
	if m == nil || leaving(m) {
		return
	}
	switch {
	case aim(m) != running:
		svc.toStandby(tx, group, m, false)
	case healthCheckOf(group) != "":
		svc.verify(tx, group, m, vm)
	default:
		svc.settle(tx, group, m)
	}
}

// settle: nothing is left to do for a member.
func (svc *service) settle(tx *world.Tx, group, m *world.Object) {
	act(tx, m, "NONE")
	if doc.Bool(group.Note, "rolling") {
		svc.plan(tx, group, "look", lookAfter)
	}
}

// managedLeaving: the VM is being deleted, and not by the group, which will make it again: it says so at once, so that the group
// does not pass for stable meanwhile.
func (svc *service) managedLeaving(tx *world.Tx, vm *world.Object) {
	if m, group := svc.entry(tx, vm); m != nil && !leaving(m) {
		svc.fail(tx, group, m)
	}
}

// fail: a VM is lost and the group did not want it. It is made again under its name and of its version, of the group's when
// forceUpdateOnRepair or a proactive policy says so; or it is not, when the group does not repair (discovery document,
// instanceLifecyclePolicy). What such a member then looks like is assumed.
func (svc *service) fail(tx *world.Tx, group, m *world.Object) {
	if doc.Str(group.Doc, "instanceLifecyclePolicy", "defaultActionOnFailure") == "DO_NOTHING" {
		act(tx, m, "NONE")
		return
	}
	if doc.Str(group.Doc, "instanceLifecyclePolicy", "forceUpdateOnRepair") == "YES" || proactive(group) {
		renew(tx, group, []*world.Object{m})
	}
	act(tx, m, "RECREATING")
}

// managedGone: the VM is gone.
func (svc *service) managedGone(tx *world.Tx, vm *world.Object) {
	m, group := svc.entry(tx, vm)
	if m == nil {
		return
	}
	delete(m.Note, "vm")
	delete(m.Note, "health")
	if actionOf(m) == "DELETING" {
		forgetMember(tx, m)
		if doc.Bool(group.Note, "rolling") {
			svc.plan(tx, group, "look", lookAfter)
		}
		return
	}
	if a := actionOf(m); a != "RECREATING" {
		svc.fail(tx, group, m)
	}
	tx.Put(m)
	if actionOf(m) == "RECREATING" {
		tx.At(tx.Now(), "member", m.Name, step{Do: "make"}) // not now: the VM's name is still taken
	}
}

// groupDeleted: the VMs of a group go with it, while its operation runs.
func (svc *service) groupDeleted(c *call, o *world.Object) {
	for _, m := range members(c.tx, o) {
		act(c.tx, m, "DELETING")
		if vm, ok := c.tx.Get(vmName(m)); ok {
			vm.Doomed, vm.Doc["status"] = true, "STOPPING"
			c.tx.Put(vm)
		}
	}
}

// groupKept: the deletion has failed, and the VMs are as they were. Those that were not there yet are made.
func (svc *service) groupKept(tx *world.Tx, o *world.Object) {
	for _, m := range members(tx, o) {
		vm, ok := tx.Get(vmName(m))
		if !ok {
			act(tx, m, "CREATING")
			continue
		}
		vm.Doomed, vm.Doc["status"] = false, shownStatus(aim(m))
		tx.Put(vm)
		act(tx, m, "NONE")
	}
	svc.reconcile(tx, o)
}

func (svc *service) groupRemoved(tx *world.Tx, o *world.Object) {
	zone := parentPath(parentPath(o.Name))
	for _, part := range []string{"/errors", "/configs"} {
		for _, e := range tx.List(o.Name + part) {
			tx.Delete(e.Name)
		}
	}
	for _, m := range members(tx, o) {
		tx.Delete(m.Name)
		if vm, ok := tx.Get(vmName(m)); ok {
			svc.vmRemoved(tx, vm)
			tx.Delete(vm.Name)
		}
	}
	tx.Delete(zone + "/instanceGroups/" + basename(o.Name))
}
