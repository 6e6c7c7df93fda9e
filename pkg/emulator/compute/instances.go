package compute

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

func (svc *service) instances() *collection {
	return &collection{
		service: "Instances", plural: "instances", single: "instance", noun: "instance", kind: "compute#instance",
		latency: "compute_instance",
		prepare: prepareInstance,
		inserted: func(c *call, o *world.Object) {
			if refused := c.equip(o); refused != nil && c.fx.Operation == nil {
				c.fx.Operation = refused // what shows only now lets the operation fail
				return
			}
			c.tx.At(c.tx.Now().Add(svc.cloud.Draw(c.tx, "compute_instance.provision")), "vm", o.Name, "STAGING")
		},
		ready: func(tx *world.Tx, o *world.Object) { svc.runVM(tx, o) },
		user: func(_ *call, o *world.Object) error {
			if doc.Bool(o.Doc, "deletionProtection") { // public report: terraform-provider-google#1211
				return invalidUsage("Resource cannot be deleted if it's protected against deletion.")
			}
			return nil
		},
		deleted: func(c *call, o *world.Object) {
			if o.Note == nil {
				o.Note = map[string]any{}
			}
			o.Note["was"] = o.Doc["status"]
			o.Doc["status"] = "STOPPING"
			c.tx.Put(o)
			svc.managedLeaving(c.tx, o)
		},
		removed: svc.vmRemoved,
		kept: func(tx *world.Tx, o *world.Object) {
			o.Doc["status"] = cmp.Or(doc.Str(o.Note, "was"), "RUNNING")
			tx.Put(o)
			svc.managedDone(tx, o)
		},
		view: viewInstance,
	}
}

// prepareInstance merges the body over the template that the query names.
func prepareInstance(c *call, d doc.Map) error {
	if c.query.Get("sourceMachineImage") != "" || doc.Str(d, "sourceMachineImage") != "" {
		return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator does not know machine images"}
	}
	if source, _, _ := strings.Cut(c.query.Get("sourceInstanceTemplate"), "?uniqueId="); source != "" {
		template, err := c.refer("sourceInstanceTemplate", source, "instanceTemplates", "instance template")
		if err != nil {
			return err
		}
		props := doc.Clone(doc.Object(template.Doc, "properties"))
		for k, v := range d {
			if m, ok := v.(doc.Map); v == nil || ok && len(m) == 0 {
				continue
			}
			props[k] = v
		}
		maps.Copy(d, props)
	}
	for _, outputOnly := range []string{"resourceStatus", "cpuPlatform", "labelFingerprint", "lastStartTimestamp", "lastStopTimestamp",
		"lastSuspendedTimestamp", "statusMessage", "startRestricted", "shieldedVmConfig", "shieldedVmIntegrityPolicy"} {
		delete(d, outputOnly)
	}
	delete(d, "params") // only read by insert (discovery document)
	if err := c.prepareMachine(d, "resource.", c.vars["zone"]); err != nil {
		return err
	}
	if taken := c.takenDisk(doc.Str(d, "name"), d); taken != "" { // public report: hashicorp/terraform#7998
		return alreadyExists(taken)
	}
	return nil
}

// equip turns the properties of a template into what a read of a VM shows: links instead of names, disks, addresses
// (recorded: compute-instance-template-and-instances.log). What cannot be given is how the creation fails; nothing is made then.
func (c *call) equip(o *world.Object) *faults.OperationError {
	d, zone := o.Doc, linkBase+c.scope()
	t, _ := machines.Lookup(basename(doc.Str(d, "machineType")))
	d["machineType"] = zone + "/machineTypes/" + basename(doc.Str(d, "machineType"))
	if t.GPU != "" && len(doc.List(d, "guestAccelerators")) == 0 {
		d["guestAccelerators"] = []any{doc.Map{"acceleratorType": t.GPU, "acceleratorCount": t.GPUs}}
	}
	for _, g := range doc.Objects(d, "guestAccelerators") {
		g["acceleratorType"] = zone + "/acceleratorTypes/" + basename(doc.Str(g, "acceleratorType"))
	}
	for _, account := range doc.Objects(d, "serviceAccounts") {
		if email := doc.Str(account, "email"); email == "" || email == "default" {
			account["email"] = cloud.Number(c.vars["project"]) + "-compute@developer.gserviceaccount.com"
		}
	}
	doc.Fill(d, doc.Map{
		"status": "PROVISIONING", "cpuPlatform": unknownPlatform, "deletionProtection": false, "startRestricted": false,
		"labelFingerprint": labelPrint(d), "fingerprint": c.fingerprint(),
	})
	if tags := doc.Object(d, "tags"); tags != nil {
		tags["fingerprint"] = tagPrint(tags)
	}
	shield(d)
	if taken := c.takenDisk(basename(o.Name), d); taken != "" {
		return &faults.OperationError{Code: "RESOURCE_ALREADY_EXISTS", HTTPStatus: 409, Message: alreadyExists(taken).Message}
	}
	for _, nic := range doc.Objects(d, "networkInterfaces") {
		if err := c.address(nic, objectPath(o)); err != nil {
			return err
		}
	}
	c.equipDisks(o)
	c.tx.Put(o)
	return nil
}

func (c *call) equipDisks(o *world.Object) {
	paths := c.newDisks(basename(o.Name), o.Doc)
	for i, disk := range doc.Objects(o.Doc, "disks") {
		if path, ok := paths[i]; ok {
			c.makeDisk(o, disk, path)
			continue
		}
		delete(disk, "initializeParams") // of a Local SSD, which is no disk resource
		if there, ok := c.tx.Get(worldName(pathOf(doc.Str(disk, "source"), ""))); ok {
			c.hold(there, o)
			showDisk(disk, there)
		}
	}
}

func tagPrint(tags doc.Map) string {
	if len(doc.List(tags, "items")) == 0 {
		return noFingerprint
	}
	return draws.TokenOf(fmt.Sprint(tags["items"]))
}

// shield fills in the settings of a Shielded VM, which every image here can be (recorded; under the old name, too).
func shield(d doc.Map) {
	config := doc.Object(d, "shieldedInstanceConfig")
	if config == nil {
		config = doc.Map{}
	}
	doc.Fill(config, doc.Map{"enableIntegrityMonitoring": true, "enableSecureBoot": false, "enableVtpm": true})
	d["shieldedInstanceConfig"], d["shieldedVmConfig"] = config, maps.Clone(config)
	policy := doc.Map{"updateAutoLearnPolicy": true}
	d["shieldedInstanceIntegrityPolicy"], d["shieldedVmIntegrityPolicy"] = policy, maps.Clone(policy)
}

// viewInstance adds what follows from the metadata: of VMs without any, that names are resolved by the project's global DNS (recorded).
// Of the other keys that the discovery document names only those that are set are shown (assumed). Metadata of the project does
// not count here.
func viewInstance(_ *world.Tx, o *world.Object, d doc.Map) {
	effective := doc.Map{"vmDnsSettingMetadataValue": "GlobalDefault"}
	for _, item := range doc.Objects(o.Doc, "metadata", "items") {
		key, value := doc.Str(item, "key"), doc.Str(item, "value")
		switch key {
		case "VmDnsSetting":
			effective["vmDnsSettingMetadataValue"] = value
		case "enable-oslogin":
			effective["enableOsloginMetadataValue"] = strings.EqualFold(value, "true")
		case "enable-guest-attributes":
			effective["enableGuestAttributesMetadataValue"] = strings.EqualFold(value, "true")
		case "enable-osconfig":
			effective["enableOsconfigMetadataValue"] = strings.EqualFold(value, "true")
		case "block-project-ssh-keys":
			effective["blockProjectSshKeysMetadataValue"] = strings.EqualFold(value, "true")
		case "serial-port-logging-enable":
			effective["serialPortLoggingEnableMetadataValue"] = strings.EqualFold(value, "true")
		}
	}
	d["resourceStatus"] = doc.Map{"effectiveInstanceMetadata": effective, "scheduling": doc.Map{}}
}
