package compute

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

// instanceMethods are the verbs of instances. No recording has the operationType of any of them: each is named like its method, as
// insert and delete are. What is not here is answered 501, such as getEffectiveFirewalls and the screenshot.
func (svc *service) instanceMethods(k *collection) map[string]handler {
	change := func(kind string, f func(*call, *world.Object) error) handler {
		return func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			if err := f(c, o); err != nil {
				return nil, err
			}
			return c.changed(k, o, kind), nil
		}
	}
	out := map[string]handler{
		"Instances.AggregatedList":               func(c *call) (any, error) { return c.aggregated("instances", "compute#instanceAggregatedList", k) },
		"Instances.SetLabels":                    k.setLabels,
		"Instances.SetMetadata":                  change("setMetadata", setMetadata),
		"Instances.SetTags":                      change("setTags", setTags),
		"Instances.SetScheduling":                change("setScheduling", setScheduling),
		"Instances.SetMachineType":               change("setMachineType", whileTerminated("", setMachineType)),
		"Instances.SetMinCpuPlatform":            change("setMinCpuPlatform", whileTerminated("", setMinCPUPlatform)),
		"Instances.UpdateShieldedInstanceConfig": change("updateShieldedInstanceConfig", whileTerminated("", updateShield)),
		"Instances.SetServiceAccount":            change("setServiceAccount", whileTerminated("The instance must be stopped before the service account can be changed.", setServiceAccount)),
		"Instances.SetDeletionProtection":        func(c *call) (any, error) { return setDeletionProtection(c, k) },
		"Instances.AttachDisk":                   func(c *call) (any, error) { return attachDisk(c, k) },
		"Instances.DetachDisk":                   func(c *call) (any, error) { return detachDisk(c, k) },
		"Instances.SetDiskAutoDelete":            func(c *call) (any, error) { return setDiskAutoDelete(c, k) },
		"Instances.AddAccessConfig":              onNIC(k, "addAccessConfig", addAccessConfig),
		"Instances.DeleteAccessConfig":           onNIC(k, "deleteAccessConfig", deleteAccessConfig),
		"Instances.UpdateAccessConfig":           onNIC(k, "updateAccessConfig", updateAccessConfig),
		"Instances.UpdateNetworkInterface":       onNIC(k, "updateNetworkInterface", updateNIC),
		"Instances.GetSerialPortOutput":          func(c *call) (any, error) { return serialPort(c, k) },
		"Instances.GetGuestAttributes":           func(c *call) (any, error) { return guestAttributes(c, k) },
		"Instances.ListReferrers":                func(c *call) (any, error) { return listReferrers(c, k) },
	}
	for method, t := range turns {
		out[method] = func(c *call) (any, error) { return svc.turn(c, k, t) }
	}
	return out
}

// whileTerminated lets a change be made only while the instance is TERMINATED (discovery document: setMachineType, setMinCpuPlatform,
// updateShieldedInstanceConfig; public reports for setServiceAccount, with its words). Other words are assumed.
func whileTerminated(words string, f func(*call, *world.Object) error) func(*call, *world.Object) error {
	return func(c *call, o *world.Object) error {
		switch {
		case doc.Str(o.Doc, "status") == "TERMINATED":
			return f(c, o)
		case words != "":
			return wire.APIError{Code: 400, Reason: "invalid", Message: words}
		}
		return invalidUsage("To change this, the instance must be in TERMINATED state.")
	}
}

func setMetadata(c *call, o *world.Object) error {
	if !draws.SameToken(doc.Str(c.body, "fingerprint"), doc.Str(o.Doc, "metadata", "fingerprint")) {
		return badFingerprint("Supplied fingerprint does not match current metadata fingerprint.")
	}
	wrapped := doc.Map{"metadata": c.body}
	if err := checkMetadata(wrapped, "", machines.Type{}); err != nil {
		return err
	}
	doc.Object(wrapped, "metadata")["fingerprint"] = c.fingerprint()
	o.Doc["metadata"] = wrapped["metadata"]
	return nil
}

// setTags replaces the tags. The words on a stale fingerprint are assumed, after those of labels.
func setTags(c *call, o *world.Object) error {
	if !draws.SameToken(doc.Str(c.body, "fingerprint"), doc.Str(o.Doc, "tags", "fingerprint")) {
		return badFingerprint("Tags fingerprint either invalid or resource tags have changed")
	}
	wrapped := doc.Map{"tags": c.body}
	if err := checkTags(wrapped, "", machines.Type{}); err != nil {
		return err
	}
	tags := doc.Map{"fingerprint": tagPrint(c.body)}
	if items := doc.List(c.body, "items"); len(items) > 0 {
		tags["items"] = items
	}
	o.Doc["tags"] = tags
	return nil
}

// setScheduling changes the options that are given; those that decide where and how a machine is placed only while it is stopped.
func setScheduling(c *call, o *world.Object) error {
	next := doc.Clone(doc.Object(o.Doc, "scheduling"))
	for field, v := range c.body {
		if field != "automaticRestart" && field != "onHostMaintenance" && !same(next[field], v) && doc.Str(o.Doc, "status") != "TERMINATED" {
			return invalidUsage("To change this, the instance must be in TERMINATED state.")
		}
		next[field] = v
		if v == nil {
			delete(next, field)
		}
	}
	t, err := machineIn(doc.Str(o.Doc, "machineType"), "resource.", "")
	if err != nil {
		return err
	}
	wrapped := doc.Map{"scheduling": next, "guestAccelerators": doc.List(o.Doc, "guestAccelerators")}
	if err := checkScheduling(wrapped, "resource.", t); err != nil {
		return err
	}
	o.Doc["scheduling"] = wrapped["scheduling"]
	return nil
}

// setMachineType gives the instance another machine type, if its disks, NICs and GPUs go with it.
func setMachineType(c *call, o *world.Object) error {
	if doc.Str(c.body, "machineType") == "" {
		return required("resource.machineType")
	}
	t, err := machineIn(doc.Str(c.body, "machineType"), "resource.", c.vars["zone"])
	if err != nil {
		return err
	}
	next := doc.Map{"scheduling": doc.Clone(doc.Object(o.Doc, "scheduling")), "guestAccelerators": o.Doc["guestAccelerators"]}
	if before, err := machineIn(doc.Str(o.Doc, "machineType"), "", ""); err == nil && before.GPU != "" {
		delete(next, "guestAccelerators") // came with the type, and go with it
	}
	if next["guestAccelerators"] == nil {
		delete(next, "guestAccelerators")
	}
	if err := c.checkGPUs(next, "resource.", t); err != nil {
		return err
	}
	if t.GPU != "" {
		next["guestAccelerators"] = []any{doc.Map{"acceleratorType": linkBase + c.scope() + "/acceleratorTypes/" + t.GPU, "acceleratorCount": t.GPUs}}
	}
	if err := checkScheduling(next, "resource.", t); err != nil {
		return err
	}
	if nics := len(doc.List(o.Doc, "networkInterfaces")); t.NICs > 0 && nics > t.NICs {
		return invalid("resource.machineType", t.Name, fmt.Sprintf("%s takes at most %d network interfaces.", t.Name, t.NICs))
	}
	for _, disk := range doc.Objects(o.Doc, "disks") {
		if there, ok := c.tx.Get(worldName(pathOf(doc.Str(disk, "source"), ""))); ok {
			if err := unusableDisk(t, basename(doc.Str(there.Doc, "type")), "resource.machineType", doc.Bool(disk, "boot")); err != nil {
				return err
			}
		}
	}
	delete(o.Doc, "guestAccelerators")
	for field, v := range next {
		o.Doc[field] = v
	}
	o.Doc["machineType"] = linkBase + c.scope() + "/machineTypes/" + t.Name
	return nil
}

func setMinCPUPlatform(c *call, o *world.Object) error {
	delete(o.Doc, "minCpuPlatform")
	if p := doc.Str(c.body, "minCpuPlatform"); p != "" && p != "Automatic" {
		o.Doc["minCpuPlatform"] = p
	}
	return nil
}

func updateShield(c *call, o *world.Object) error {
	for field, v := range c.body {
		doc.Object(o.Doc, "shieldedInstanceConfig")[field] = v
	}
	shield(o.Doc)
	return nil
}

func setServiceAccount(c *call, o *world.Object) error {
	delete(o.Doc, "serviceAccounts")
	email, scopes := doc.Str(c.body, "email"), doc.List(c.body, "scopes")
	if email == "" && len(scopes) == 0 {
		return nil
	}
	if email == "" || email == "default" {
		email = cloud.Number(c.vars["project"]) + "-compute@developer.gserviceaccount.com"
	}
	account := doc.Map{"email": email}
	if len(scopes) > 0 {
		account["scopes"] = scopes
	}
	o.Doc["serviceAccounts"] = []any{account}
	return nil
}

// setDeletionProtection protects the instance unless the query says otherwise (discovery document: default true).
func setDeletionProtection(c *call, k *collection) (any, error) {
	c.vars[k.single] = c.vars["resource"]
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	o.Doc["deletionProtection"] = !strings.EqualFold(c.query.Get("deletionProtection"), "false")
	return c.changed(k, o, "setDeletionProtection"), nil
}

// serialPort shows what the guest has written: nothing, for there is no guest. An instance that does not run has no port.
func serialPort(c *call, k *collection) (any, error) {
	o, err := k.target(c)
	if err != nil {
		return nil, err
	}
	if p := c.query.Get("port"); p != "" {
		if port, err := strconv.Atoi(p); err != nil || port < 1 || port > 4 {
			return nil, invalid("port", p, "Must be between 1 and 4.")
		}
	}
	if doc.Str(o.Doc, "status") != "RUNNING" {
		return nil, notReady(objectPath(o))
	}
	return doc.Map{
		"kind": "compute#serialPortOutput", "contents": "", "start": "0", "next": "0",
		"selfLink": linkBase + objectPath(o) + "/serialPort",
	}, nil
}

// guestAttributes are what the guest has written: nothing, which is answered 404 (discovery document, and gcp-facts, section 7).
func guestAttributes(c *call, k *collection) (any, error) {
	o, err := k.target(c)
	if err != nil {
		return nil, err
	}
	return nil, notFound(objectPath(o) + "/guestAttributes/" + cmp.Or(c.query.Get("queryPath"), c.query.Get("variableKey")))
}

// listReferrers names the group of an instance (discovery document: instances.listReferrers, Reference).
func listReferrers(c *call, k *collection) (any, error) {
	o, err := k.target(c)
	if err != nil {
		return nil, err
	}
	var items []doc.Map
	if group, ok := c.tx.Get(o.Owner); ok && doc.Str(group.Doc, "instanceGroup") != "" {
		items = append(items, doc.Map{
			"kind": "compute#reference", "referenceType": "MEMBER_OF", "referrer": doc.Str(group.Doc, "instanceGroup"), "target": doc.Str(o.Doc, "selfLink"),
		})
	}
	return c.virtual(objectPath(o)+"/referrers", "compute#instanceListReferrers", items)
}
