package compute

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const unknownPlatform = "Unknown CPU Platform" // of an instance that does not run

// platforms are the CPUs of machine families (page "CPU platforms"; that of N1 in us-central1-a is recorded). The cloud chooses among
// several for the older ones.
var platforms = map[string]string{ //nolint:gochecknoglobals // a constant table
	"n1": "Intel Haswell", "n2": "Intel Cascade Lake", "e2": "Intel Broadwell", "c2": "Intel Cascade Lake", "a2": "Intel Cascade Lake",
	"a3": "Intel Sapphire Rapids", "a3-ultragpu": "Intel Emerald Rapids", "a4": "Intel Emerald Rapids", "a4x": "NVIDIA Grace",
	"g2": "Intel Cascade Lake", "g4": "AMD Turin",
}

func platform(machine string) string {
	family, rest, _ := strings.Cut(basename(machine), "-")
	class, _, _ := strings.Cut(rest, "-")
	return cmp.Or(platforms[family+"-"+class], cmp.Or(platforms[family], unknownPlatform))
}

// turn is a change of state that takes its time: the operation is done when the new state is reached. The states are those of the
// page "Instance life cycle".
type turn struct {
	kind, latency string // operationType and how long it takes
	from          []string
	via, to       string
	// refuse checks what else is needed.
	refuse func(*call, *world.Object) error
}

// turns are the verbs. That stopping what is stopped, and starting what runs, is an operation that changes nothing is assumed.
var turns = map[string]turn{ //nolint:gochecknoglobals // a constant table
	"Instances.Start":   {kind: "start", latency: "compute_instance.start", from: []string{"TERMINATED"}, via: "PROVISIONING", to: "RUNNING"},
	"Instances.Stop":    {kind: "stop", latency: "compute_instance.stop", from: []string{"RUNNING", "SUSPENDED"}, via: "STOPPING", to: "TERMINATED", refuse: keepsLocalSSD},
	"Instances.Suspend": {kind: "suspend", latency: "compute_instance.suspend", from: []string{"RUNNING"}, via: "SUSPENDING", to: "SUSPENDED", refuse: cannotSuspend},
	"Instances.Resume":  {kind: "resume", latency: "compute_instance.resume", from: []string{"SUSPENDED"}, via: "PROVISIONING", to: "RUNNING"},
	"Instances.Reset":   {kind: "reset", latency: "compute_instance.update", from: []string{"RUNNING"}, via: "RUNNING", to: "RUNNING"},
}

func (svc *service) turn(c *call, k *collection, t turn) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	takes := svc.cloud.Draw(c.tx, t.latency)
	status := doc.Str(o.Doc, "status")
	switch {
	case status == t.to && t.via != t.to, c.before != nil: // nothing to do, or an operation that will fail
	case !slices.Contains(t.from, status):
		return nil, invalidUsage(fmt.Sprintf("To %s the instance, it must be in %s state.", t.kind, strings.Join(t.from, " or ")))
	default:
		if t.refuse != nil {
			if err := t.refuse(c, o); err != nil {
				return nil, err
			}
		}
		if t.to != t.via {
			o.Ready = false
			o.Doc["status"] = t.via
			c.tx.Put(o)
			if t.to == "RUNNING" {
				c.tx.At(c.tx.Now().Add(takes/3), "vm", o.Name, "STAGING")
			}
			c.tx.At(c.tx.Now().Add(takes), "vm", o.Name, t.to) // before the operation's own end
		}
	}
	return c.start(t.kind, operations.Work{Target: o, Takes: takes, Effect: operations.Keep}), nil
}

func hasLocalSSD(o *world.Object) bool {
	return slices.ContainsFunc(doc.Objects(o.Doc, "disks"), func(d doc.Map) bool { return doc.Str(d, "type") == "SCRATCH" })
}

// keepsLocalSSD: of Local SSDs must be said whether they are discarded (public report: skypilot#2586).
func keepsLocalSSD(c *call, o *world.Object) error {
	if !hasLocalSSD(o) || c.query.Has("discardLocalSsd") {
		return nil
	}
	return wire.APIError{Code: 400, Reason: "badRequest", Message: "VM has a Local SSD attached but an undefined value for " +
		"`discard-local-ssd`. If using gcloud, please add `--discard-local-ssd=false` or `--discard-local-ssd=true` to your command."}
}

// cannotSuspend: machines with GPUs cannot be suspended (page "Suspend and resume", limitations). The words are assumed.
func cannotSuspend(c *call, o *world.Object) error {
	if len(doc.List(o.Doc, "guestAccelerators")) > 0 {
		return invalidUsage("Instances with guest accelerators cannot be suspended.")
	}
	return keepsLocalSSD(c, o)
}

// runVM is the moment at which a VM runs. What its guest does then and the API shows is only the Jupyter proxy's address,
// which a Deep Learning VM with proxy-mode writes into its own metadata after it has registered.
func (svc *service) runVM(tx *world.Tx, o *world.Object) {
	o.Ready = true
	o.Doc["status"] = "RUNNING"
	o.Doc["lastStartTimestamp"] = timestamp(tx.Now())
	o.Doc["cpuPlatform"] = platform(doc.Str(o.Doc, "machineType"))
	c := svc.inZone(tx, o)
	for _, nic := range doc.Objects(o.Doc, "networkInterfaces") {
		c.giveExternal(nic)
	}
	tx.Put(o)
	for _, item := range doc.Objects(o.Doc, "metadata", "items") {
		if doc.Str(item, "key") == "proxy-mode" && doc.Str(item, "value") == "project_editors" {
			tx.At(tx.Now().Add(svc.cloud.Draw(tx, "guest.proxy")), "proxy", o.Name, nil)
		}
	}
}

// restVM is the moment at which a VM has stopped or is suspended. Its ephemeral external addresses go (page "IP addresses").
func (svc *service) restVM(tx *world.Tx, o *world.Object, state, when string) {
	o.Ready = true
	o.Doc["status"] = state
	o.Doc[when] = timestamp(tx.Now())
	o.Doc["cpuPlatform"] = unknownPlatform // assumed
	c := svc.inZone(tx, o)
	for _, nic := range doc.Objects(o.Doc, "networkInterfaces") {
		for _, access := range doc.Objects(nic, "accessConfigs") {
			c.release(access)
		}
	}
	tx.Put(o)
}

// proxyEvent: the guest has registered with the proxy. The form of the host is gcp-facts, section 13, and the facts on VM
// bring-up; that it appears as metadata "proxy-url" is how the replaced tool read it.
func (svc *service) proxyEvent(tx *world.Tx, e world.Event) {
	o, ok := tx.Get(e.Subject)
	if !ok || doc.Str(o.Doc, "status") != "RUNNING" {
		return
	}
	meta := doc.Object(o.Doc, "metadata")
	if slices.ContainsFunc(doc.Objects(meta, "items"), func(item doc.Map) bool { return doc.Str(item, "key") == "proxy-url" }) {
		return // from an earlier start
	}
	host := fmt.Sprintf("%016x-dot-%s.notebooks.googleusercontent.com", draws.Mix(uint64(doc.Num(o.Doc, "id"))), places.RegionName(basename(doc.Str(o.Doc, "zone"))))
	meta["items"] = append(doc.List(meta, "items"), doc.Map{"key": "proxy-url", "value": host})
	meta["fingerprint"] = draws.Token(tx.Count())
	tx.Put(o)
}

// vmEvent moves a VM on.
func (svc *service) vmEvent(tx *world.Tx, e world.Event) {
	var state string
	o, ok := tx.Get(e.Subject)
	if !ok || json.Unmarshal(e.Data, &state) != nil {
		return
	}
	switch {
	case state == "GONE":
		svc.vmRemoved(tx, o)
		tx.Delete(o.Name)
	case o.Doomed:
	case state == "STAGING":
		if doc.Str(o.Doc, "status") == "PROVISIONING" {
			o.Doc["status"] = state
			tx.Put(o)
		}
	case state == "RUNNING":
		svc.runVM(tx, o)
		svc.managedDone(tx, o)
	case state == "TERMINATED":
		svc.restVM(tx, o, state, "lastStopTimestamp")
	case state == "SUSPENDED":
		svc.restVM(tx, o, state, "lastSuspendedTimestamp")
	}
}

// vmRemoved takes the disks away and tells the group, which makes the VM again if it still should be there.
func (svc *service) vmRemoved(tx *world.Tx, o *world.Object) {
	leaveTrace(tx, o)
	for i, disk := range doc.Objects(o.Doc, "disks") {
		d, ok := tx.Get(worldName(pathOf(doc.Str(disk, "source"), "")))
		switch {
		case !ok:
		case doc.Bool(disk, "autoDelete") || i == 0 && o.Owner != "":
			tx.Delete(d.Name)
		default:
			letGo(tx, d, o)
		}
	}
	svc.managedGone(tx, o)
}

// inZone is a call of the world's own in the zone of an object.
func (svc *service) inZone(tx *world.Tx, o *world.Object) *call {
	parts := strings.Split(objectPath(o), "/") // projects/P/zones/Z/…
	return &call{svc: svc, tx: tx, vars: map[string]string{"project": parts[1], "zone": parts[3]}}
}
