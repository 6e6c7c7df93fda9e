package compute

import (
	"encoding/json"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// step is something that happens to one member at a time, whatever the others do.
type step struct {
	Do string `json:"do"` // "make", or what the member's action comes to
	VM string `json:"vm"` // id of the VM it is about: one made again under the same name is another
}

// later plans a step of a member.
func later(tx *world.Tx, m *world.Object, do string, in time.Duration) {
	s := step{Do: do}
	if vm, ok := tx.Get(vmName(m)); ok {
		s.VM = doc.Str(vm.Doc, "id")
	}
	tx.At(tx.Now().Add(in), "member", m.Name, s)
}

// memberEvent carries out a step, unless the member is not at it any more.
func (svc *service) memberEvent(tx *world.Tx, e world.Event) {
	var s step
	m, ok := tx.Get(e.Subject)
	if !ok || json.Unmarshal(e.Data, &s) != nil {
		return
	}
	group, ok := tx.Get(groupOf(m))
	if !ok {
		return
	}
	vm, there := tx.Get(vmName(m))
	if s.Do == "make" {
		if action := actionOf(m); !there && (action == "RECREATING" || action == "CREATING") && doc.Str(m.Note, "vm") == "" && !group.Doomed {
			svc.makeVM(tx, group, m)
		}
		return
	}
	if !there || doc.Str(vm.Doc, "id") != s.VM || vm.Doomed {
		return
	}
	switch s.Do + " " + actionOf(m) {
	case "healthy VERIFYING", "unhealthy VERIFYING":
		svc.checked(tx, group, m, s.Do == "healthy")
	case "refreshed REFRESHING", "restarted RESTARTING":
		svc.updated(tx, group, m, vm)
	case "abandoned ABANDONING":
		vm.Owner = ""
		tx.Put(vm)
		forgetMember(tx, m)
	case "halt SUSPENDING", "halt STOPPING":
		setStatus(tx, vm, actionOf(m))
		later(tx, m, "halted", svc.cloud.Draw(tx, "compute_group.standby"))
	case "halted SUSPENDING", "halted STOPPING":
		setStatus(tx, vm, shownStatus(aim(m)))
		svc.settle(tx, group, m)
	case "woken RESUMING", "woken STARTING":
		svc.runVM(tx, vm)
		svc.managedDone(tx, vm)
	}
}

func setStatus(tx *world.Tx, vm *world.Object, status string) {
	vm.Doc["status"] = status
	tx.Put(vm)
}

// shownStatus is the status of a VM that has come to an aim: a stopped one is TERMINATED, as ever (discovery document,
// Instance.status).
func shownStatus(aim string) string {
	if aim == stopped {
		return "TERMINATED"
	}
	return aim
}

// perform does to a member what an update needs. Making it anew keeps its name.
func (svc *service) perform(tx *world.Tx, u update) {
	setVersion(u.m, u.to)
	switch u.action {
	case "REPLACE":
		svc.dropMember(tx, u.m, "RECREATING")
	case "RESTART":
		act(tx, u.m, "RESTARTING")
		if vm, ok := tx.Get(vmName(u.m)); ok {
			setStatus(tx, vm, "STOPPING")
		}
		later(tx, u.m, "restarted", svc.cloud.Draw(tx, "compute_group.restart"))
	case "REFRESH":
		act(tx, u.m, "REFRESHING")
		later(tx, u.m, "refreshed", svc.cloud.Draw(tx, "compute_instance.update"))
	default:
		tx.Put(u.m)
	}
}

// updated: a VM has been refreshed or restarted, and is now as its template, the group and its config say.
func (svc *service) updated(tx *world.Tx, group, m, vm *world.Object) {
	restarted := actionOf(m) == "RESTARTING"
	if template, ok := tx.Get(worldName(doc.Str(m.Note, "template"))); ok {
		c := svc.inZone(tx, group)
		want := doc.Clone(doc.Object(template.Doc, "properties"))
		svc.override(tx, group, m, want)
		setItems(want, map[string]any{"instance-template": doc.Str(m.Note, "template"), "created-by": objectPath(group)})
		for _, field := range refreshable {
			c.takeOver(vm.Doc, want, field)
		}
		if restarted {
			for _, field := range restartable {
				c.takeOver(vm.Doc, want, field)
			}
			vm.Doc["machineType"] = linkBase + c.scope() + "/machineTypes/" + basename(doc.Str(vm.Doc, "machineType"))
		}
	}
	tx.Put(vm)
	if restarted {
		svc.runVM(tx, vm)
		svc.managedDone(tx, vm)
		return
	}
	svc.settle(tx, group, m)
}

// takeOver sets a property of a VM with the fingerprint that goes with it.
func (c *call) takeOver(vm, want doc.Map, field string) {
	value, given := want[field]
	if vm[field] = value; !given {
		delete(vm, field)
	}
	switch inner := doc.Object(vm, field); field {
	case "labels":
		vm["labelFingerprint"] = c.fingerprint()
	case "metadata", "tags":
		if inner != nil {
			inner["fingerprint"] = c.fingerprint()
		}
	}
}

// verify: a VM runs, and the group waits for its health check. A guest of the emulator answers well as often as the check wants to
// hear it, unless the fault plan makes it fail; then the VM is unhealthy once it has failed often enough and its initial delay
// is over (discovery document, autoHealingPolicies.initialDelaySec). The plan is asked once a start.
func (svc *service) verify(tx *world.Tx, group, m, vm *world.Object) {
	act(tx, m, "VERIFYING")
	delete(m.Note, "health")
	check, ok := tx.Get(worldName(pathOf(healthCheckOf(group), "")))
	if !ok {
		svc.checked(tx, group, m, true)
		return
	}
	every := time.Duration(doc.Num(check.Doc, "checkIntervalSec")) * time.Second
	fx := svc.cloud.Strike("GET", "/"+computeHost+"/compute/v1/"+objectPath(vm)+"/healthChecks/"+basename(check.Name))
	if fx.Fail == nil && !fx.Drop && !fx.Lose {
		later(tx, m, "healthy", svc.cloud.Scaled(every*time.Duration(doc.Num(check.Doc, "healthyThreshold"))+fx.Delay))
		return
	}
	delay := time.Duration(doc.Num(doc.Objects(group.Doc, "autoHealingPolicies")[0], "initialDelaySec")) * time.Second
	later(tx, m, "unhealthy", svc.cloud.Scaled(max(delay, every*time.Duration(doc.Num(check.Doc, "unhealthyThreshold")))))
}

// checked: the health check has spoken. An unhealthy VM is made again unless the group's policy says otherwise. What becomes of one
// that is not is assumed: the group leaves it alone.
func (svc *service) checked(tx *world.Tx, group, m *world.Object, healthy bool) {
	if healthy {
		m.Note["health"] = "HEALTHY"
		svc.settle(tx, group, m)
		return
	}
	m.Note["health"] = "UNHEALTHY"
	policy := doc.Object(group.Doc, "instanceLifecyclePolicy")
	action := doc.Str(policy, "onFailedHealthCheck")
	if action == "DEFAULT_ACTION" {
		action = doc.Str(policy, "defaultActionOnFailure")
	}
	if action == "DO_NOTHING" {
		svc.settle(tx, group, m)
		return
	}
	if doc.Str(policy, "forceUpdateOnRepair") == "YES" || proactive(group) {
		renew(tx, group, []*world.Object{m})
	}
	svc.dropMember(tx, m, "RECREATING")
}
