package compute

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// disruptions are what an update can do to a VM, the least first.
var disruptions = []string{"NONE", "REFRESH", "RESTART", "REPLACE"} //nolint:gochecknoglobals // a constant list

func worse(a, b string) string {
	return disruptions[max(slices.Index(disruptions, a), slices.Index(disruptions, b), 0)]
}

// update is what is to be done to a member so that it becomes what the group wants.
type update struct {
	m      *world.Object
	to     version
	action string
}

func proactive(o *world.Object) bool { return doc.Str(o.Doc, "updatePolicy", "type") == "PROACTIVE" }

// updates finds what the VMs of a group lack, without asking whether it may be done.
func updates(tx *world.Tx, o *world.Object) []update {
	var run []*world.Object
	for _, m := range staying(tx, o) {
		if aim(m) == running {
			run = append(run, m)
		}
	}
	var out []update
	versions, surplus := assign(o, run)
	for _, m := range run {
		u, differs := lacks(tx, o, m, versions[m])
		if surplus[m] { // its version has enough without it
			u.action, differs = "REPLACE", true
		}
		if differs {
			out = append(out, u)
		}
	}
	return out
}

// lacks compares a member with what it should be.
func lacks(tx *world.Tx, o, m *world.Object, to version) (update, bool) {
	u := update{m: m, to: to, action: "NONE"}
	has := memberVersion(m)
	if has != to {
		u.action = difference(tx, has.template, to.template)
	}
	stale := doc.Str(m.Note, "revision") != doc.Str(o.Note, "revision") || configOf(tx, m) != doc.Str(m.Note, "config")
	if stale {
		u.action = worse(u.action, "REFRESH")
	}
	return u, stale || has != to
}

// refreshable and restartable are the properties of a template that a VM can take on while it runs, or by being restarted. That
// metadata needs no restart is documented (updatePolicy.minimalAction); the rest is from memory of the page on applying new
// configurations in a MIG.
var (
	refreshable = []string{"labels", "metadata", "tags"}                                     //nolint:gochecknoglobals // a constant list
	restartable = []string{"machineType", "minCpuPlatform", "serviceAccounts", "scheduling"} //nolint:gochecknoglobals // a constant list
)

// difference is what it takes to get a VM from one template to another.
func difference(tx *world.Tx, from, to string) string {
	if from == to {
		return "NONE"
	}
	was, ok := tx.Get(worldName(from))
	is, ok2 := tx.Get(worldName(to))
	if !ok || !ok2 {
		return "REPLACE"
	}
	a, b := doc.Clone(doc.Object(was.Doc, "properties")), doc.Clone(doc.Object(is.Doc, "properties"))
	out := "NONE"
	for _, kind := range []struct {
		fields []string
		action string
	}{{refreshable, "REFRESH"}, {restartable, "RESTART"}} {
		for _, field := range kind.fields {
			if !reflect.DeepEqual(a[field], b[field]) {
				out = worse(out, kind.action)
			}
			delete(a, field)
			delete(b, field)
		}
	}
	if !reflect.DeepEqual(a, b) {
		return "REPLACE"
	}
	return out
}

// roll carries out a proactive update as far as the policy lets it, and says how many VMs the group may have above its size
// meanwhile. An update that would need more than mostDisruptiveAllowedAction is not performed at all (discovery document).
func (svc *service) roll(tx *world.Tx, o *world.Object) (surge int) {
	if !doc.Bool(o.Note, "rolling") {
		return 0
	}
	policy := doc.Object(o.Doc, "updatePolicy")
	var due []update
	if proactive(o) {
		allowed := cmp.Or(doc.Str(policy, "mostDisruptiveAllowedAction"), "REPLACE")
		for _, u := range updates(tx, o) {
			u.action = worse(u.action, doc.Str(policy, "minimalAction"))
			if worse(u.action, allowed) == allowed {
				due = append(due, u)
			}
		}
	}
	if len(due) == 0 {
		delete(o.Note, "rolling")
		tx.Put(o)
		return 0
	}
	r := svc.roomOf(tx, o)
	for _, u := range due {
		surge += r.take(u)
	}
	return min(surge, r.surge)
}

// room is how many more VMs an update may make unavailable. What is done in place has no use for VMs above the size: where only
// those are allowed, as many are worked at together; an assumption.
type room struct {
	svc        *service
	tx         *world.Tx
	group      *world.Object
	left       int
	inPlace    int
	surge      int
	substitute bool
}

func (svc *service) roomOf(tx *world.Tx, o *world.Object) *room {
	size := doc.Num(o.Doc, "targetSize")
	policy := doc.Object(o.Doc, "updatePolicy")
	unavailable := int(share(doc.Object(policy, "maxUnavailable"), size))
	r := &room{
		svc: svc, tx: tx, group: o, substitute: doc.Str(policy, "replacementMethod") == "SUBSTITUTE",
		surge: int(share(doc.Object(policy, "maxSurge"), size)), left: unavailable - int(size),
	}
	for _, m := range staying(tx, o) {
		if vm, ok := tx.Get(vmName(m)); ok && idle(m) && aim(m) == running && doc.Str(vm.Doc, "status") == running {
			r.left++
		}
	}
	if r.inPlace = r.left; unavailable == 0 {
		r.inPlace += r.surge
	}
	return r
}

// take carries out one update if there is room, and says for how many VMs another is to be made beside it.
func (r *room) take(u update) int {
	_, made := r.tx.Get(vmName(u.m))
	switch {
	case !made || u.action == "NONE": // what was not made yet is of the new version when it is
		setVersion(u.m, u.to)
		r.tx.Put(u.m)
	case u.action == "REPLACE" && r.substitute && configOf(r.tx, u.m) == "" && doc.Str(u.m.Note, "config") == "": // a VM with a config keeps its name
		if r.left <= 0 || !idle(u.m) {
			return 1
		}
		r.left--
		r.inPlace--
		r.svc.dropMember(r.tx, u.m, "DELETING")
	case r.inPlace > 0 && idle(u.m):
		r.left--
		r.inPlace--
		r.svc.perform(r.tx, u)
	}
	return 0
}
