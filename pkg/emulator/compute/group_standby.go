package compute

import (
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Suspended and stopped VMs of a group. The verbs, their effect on the three target sizes and the actions are the discovery
// document's; nothing of it is recorded.

// toStandby suspends or stops a member, not before its VM is as old as the standby policy wants, unless forced.
func (svc *service) toStandby(tx *world.Tx, group, m *world.Object, forced bool) {
	action := "STOPPING"
	if aim(m) == suspended {
		action = "SUSPENDING"
	}
	act(tx, m, action)
	wait := time.Duration(0)
	if vm, ok := tx.Get(vmName(m)); ok && !forced {
		delay := time.Duration(doc.Num(group.Doc, "standbyPolicy", "initialDelaySec")) * time.Second
		wait = max(0, vm.Created.Add(svc.cloud.Scaled(delay)).Sub(tx.Now()))
	}
	later(tx, m, "halt", wait)
}

// wake lets a member of the standby pool run again.
func (svc *service) wake(tx *world.Tx, m *world.Object) {
	action := "STARTING"
	if aim(m) == suspended {
		action = "RESUMING"
	}
	delete(m.Note, "standby")
	act(tx, m, action)
	if vm, ok := tx.Get(vmName(m)); ok && action == "STARTING" {
		setStatus(tx, vm, "STAGING")
	}
	later(tx, m, "woken", svc.cloud.Draw(tx, "compute_group.wake"))
}

// scaleOut wakes up to so many members, suspended ones first, and says how many. That a group with a pool for scaling out does so,
// and fills the pool again, is documented (standbyPolicy.mode); the order is assumed.
func (svc *service) scaleOut(tx *world.Tx, o *world.Object, most int) int {
	woken := 0
	for _, status := range []string{suspended, stopped} {
		for _, m := range staying(tx, o) {
			if woken < most && idle(m) && aim(m) == status {
				svc.wake(tx, m)
				woken++
			}
		}
	}
	return max(woken, 0)
}

// halting is suspendInstances and stopInstances: the VMs must run.
func (svc *service) halting(status, size, force string) groupChange {
	return func(c *call, o *world.Object) (func(), error) {
		picked, err := chosen(c, o, false)
		if err != nil {
			return nil, err
		}
		for _, m := range picked {
			vm, there := c.tx.Get(vmName(m))
			if !there || aim(m) != running || doc.Str(vm.Doc, "status") != running || !idle(m) {
				return nil, notInState(m, "running")
			}
			if status == suspended && len(doc.List(vm.Doc, "guestAccelerators")) > 0 { // page on suspending VMs
				return nil, invalid("instances", basename(m.Name), "Instances with guest accelerators cannot be suspended.")
			}
		}
		move(o, len(picked), "targetSize", size)
		return func() {
			for _, m := range picked {
				m.Note["standby"] = status
				svc.toStandby(c.tx, o, m, doc.Bool(c.body, force))
			}
		}, c.checkGroup(o.Doc, nil)
	}
}

// waking is resumeInstances and startInstances.
func (svc *service) waking(status, size string) groupChange {
	return func(c *call, o *world.Object) (func(), error) {
		picked, err := chosen(c, o, false)
		if err != nil {
			return nil, err
		}
		for _, m := range picked {
			if aim(m) != status || !idle(m) {
				return nil, notInState(m, map[string]string{suspended: "suspended", stopped: "stopped"}[status])
			}
		}
		move(o, len(picked), size, "targetSize")
		return func() {
			for _, m := range picked {
				svc.wake(c.tx, m)
			}
		}, c.checkGroup(o.Doc, nil)
	}
}

func notInState(m *world.Object, state string) error {
	return invalid("instances", basename(m.Name), "Only instances that are "+state+" can be specified.")
}

// move moves VMs from one target size of a group to another.
func move(o *world.Object, n int, from, to string) {
	o.Doc[from] = max(0, doc.Num(o.Doc, from)-int64(n))
	o.Doc[to] = doc.Num(o.Doc, to) + int64(n)
}
