package compute

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

func (svc *service) instanceTemplates() *collection {
	return &collection{
		service: "InstanceTemplates", plural: "instanceTemplates", single: "instanceTemplate", noun: "instance_template",
		kind: "compute#instanceTemplate", latency: "compute_instance_template",
		insertType: "compute.instanceTemplates.insert", // recorded
		prepare: func(c *call, d doc.Map) error {
			props := doc.Object(d, "properties")
			if props == nil {
				return required("resource.properties")
			}
			doc.Fill(d, doc.Map{"description": ""})
			delete(d, "region")
			return c.prepareMachine(props, templateField, "")
		},
		user: templateUser,
	}
}

// templateUser refuses at once while a managed instance group uses the template (gcp-facts, section 10: both a refusal and a
// failed operation have been seen; this emulator refuses).
func templateUser(c *call, o *world.Object) error {
	link := doc.Str(o.Doc, "selfLink")
	for _, below := range c.tx.Below(worldName(c.project()) + "/zones/") {
		if basename(below) != "instanceGroupManagers" {
			continue
		}
		for _, g := range c.tx.List(below) {
			for _, v := range doc.Objects(g.Doc, "versions") {
				if doc.Str(v, "instanceTemplate") == link {
					return inUse("instance_template", objectPath(o), objectPath(g))
				}
			}
			for _, m := range c.tx.List(g.Name + "/managed") {
				if doc.Str(m.Note, "template") == objectPath(o) {
					return inUse("instance_template", objectPath(o), objectPath(g))
				}
			}
		}
	}
	return nil
}

var (
	metadataKey = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`)
	labelKey    = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue  = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
)

const (
	templateField    = "resource.properties." // begins the fields of a template in refusals
	maxMetadataValue = 262144                 // bytes (discovery doc.Map, Metadata.items.value)
	maxMetadata      = 524288
)

// prepareMachine checks the properties of a machine, of a template's or of an instance's, and fills in what a read shows
// (recorded: compute-instance-template-and-instances.log). zone is "" for a template. The recordings do not show where the
// cloud refuses a machine type whose GPUs do not match, or a disk type that it cannot boot from: here both are refused at
// once, with the emulator's own words.
func (c *call) prepareMachine(p doc.Map, field, zone string) error {
	name := basename(doc.Str(p, "machineType"))
	if name == "" {
		return required(field + "machineType")
	}
	t, known := machines.Lookup(name)
	if !known || zone != "" && !offeredIn(name, zone) {
		return invalid(field+"machineType", doc.Str(p, "machineType"), "The referenced resource does not exist.")
	}
	for _, check := range []func(doc.Map, string, machines.Type) error{c.checkDisks, c.checkNICs, checkGPUs, checkMetadata} {
		if err := check(p, field, t); err != nil {
			return err
		}
	}
	if err := checkLabels(doc.Object(p, "labels"), field+"labels"); err != nil {
		return err
	}
	scheduling := doc.Object(p, "scheduling")
	if scheduling == nil {
		scheduling = doc.Map{}
	}
	doc.Fill(scheduling, doc.Map{"automaticRestart": true, "preemptible": false, "provisioningModel": "STANDARD"})
	if len(doc.List(p, "guestAccelerators")) > 0 || t.GPU != "" {
		if m := doc.Str(scheduling, "onHostMaintenance"); m != "" && m != "TERMINATE" {
			return invalid(field+"scheduling.onHostMaintenance", m, "Instances with guest accelerators do not support live migration.")
		}
		scheduling["onHostMaintenance"] = "TERMINATE"
	}
	doc.Fill(scheduling, doc.Map{"onHostMaintenance": "MIGRATE"})
	p["scheduling"] = scheduling
	doc.Fill(p, doc.Map{"tags": doc.Map{}})
	return nil
}

func (c *call) checkDisks(p doc.Map, field string, t machines.Type) error {
	boots := 0
	for i, disk := range doc.Objects(p, "disks") {
		at := fmt.Sprintf("%sdisks[%d]", field, i)
		if doc.Bool(disk, "boot") {
			boots++
			kind := basename(doc.Str(disk, "initializeParams", "diskType"))
			if kind != "" && !t.Boots(kind) {
				return invalid(at+".initializeParams.diskType", kind, fmt.Sprintf("%s disk type cannot be used by %s machine type.", kind, t.Name))
			}
			if src := doc.Str(disk, "initializeParams", "sourceImage"); src != "" {
				img, ok := findImage(pathOf(src, c.project()))
				if !ok {
					return invalid(at+".initializeParams.sourceImage", src, "The referenced image resource cannot be found.")
				}
				if size := doc.Num(disk, "initializeParams", "diskSizeGb"); size > 0 && size < int64(img.diskGB) {
					return invalid(at+".initializeParams.diskSizeGb", size, fmt.Sprintf("Requested disk size cannot be smaller than the image size (%d GB)", img.diskGB))
				}
			}
		}
		doc.Fill(disk, doc.Map{
			"deviceName": fmt.Sprintf("persistent-disk-%d", i), "index": i, "kind": "compute#attachedDisk", "mode": "READ_WRITE",
			"type": "PERSISTENT", "interface": "SCSI", "autoDelete": false, "boot": false,
		})
	}
	if boots != 1 {
		return invalid(field+"disks", "", "Exactly one boot disk must be given.")
	}
	return nil
}

func (c *call) checkNICs(p doc.Map, field string, t machines.Type) error {
	nics := doc.Objects(p, "networkInterfaces")
	if len(nics) == 0 {
		return invalid(field+"networkInterfaces", "", "At least one network interface is required.")
	}
	if t.NICs > 0 && len(nics) > t.NICs {
		return invalid(field+"networkInterfaces", len(nics), fmt.Sprintf("%s takes at most %d network interfaces.", t.Name, t.NICs))
	}
	for i, nic := range nics {
		at := fmt.Sprintf("%snetworkInterfaces[%d]", field, i)
		if s := doc.Str(nic, "subnetwork"); s != "" {
			sub, err := c.refer(at+".subnetwork", s, "subnetworks", "subnetwork")
			if err != nil {
				return err
			}
			nic["subnetwork"] = doc.Str(sub.Doc, "selfLink")
			doc.Fill(nic, doc.Map{"network": doc.Str(sub.Doc, "network")})
		}
		if doc.Str(nic, "network") == "" {
			nic["network"] = "global/networks/default"
		}
		network, err := c.refer(at+".network", doc.Str(nic, "network"), "networks", "network")
		if err != nil {
			return err
		}
		nic["network"] = doc.Str(network.Doc, "selfLink")
		if !doc.Bool(network.Doc, "autoCreateSubnetworks") && doc.Str(nic, "subnetwork") == "" {
			return noSubnetwork(at, field)
		}
		if kind := doc.Str(nic, "nicType"); kind != "" && !slices.Contains([]string{"GVNIC", "VIRTIO_NET", "MRDMA", "IDPF", "IRDMA"}, kind) {
			return invalid(at+".nicType", kind, "Unknown NIC type.")
		}
		nic["name"], nic["kind"] = fmt.Sprintf("nic%d", i), "compute#networkInterface"
		for _, access := range doc.Objects(nic, "accessConfigs") {
			doc.Fill(access, doc.Map{"kind": "compute#accessConfig", "name": "external-nat", "type": "ONE_TO_ONE_NAT", "networkTier": "PREMIUM"})
		}
	}
	return nil
}

// noSubnetwork refuses a NIC on a network in custom mode without a subnetwork: the words for templates and for VMs differ (public
// reports: hashicorp/terraform-google-vault#21, GoogleCloudPlatform/cluster-toolkit#140).
func noSubnetwork(at, field string) error {
	if field == templateField {
		return invalid(at+".subnetwork", "", "Network interface must specify a subnet if the network resource is in custom subnet mode.")
	}
	return invalid(at, "", "Subnetwork should be specified for custom subnetmode network")
}

func checkGPUs(p doc.Map, field string, t machines.Type) error {
	gpus := doc.Objects(p, "guestAccelerators")
	for i, g := range gpus {
		at := fmt.Sprintf("%sguestAccelerators[%d]", field, i)
		kind, count := basename(doc.Str(g, "acceleratorType")), int(doc.Num(g, "acceleratorCount"))
		if !slices.Contains(machines.GPUTypes(), kind) {
			return invalid(at+".acceleratorType", kind, "The referenced resource does not exist.")
		}
		if t.GPU != "" {
			if kind != t.GPU || count != t.GPUs {
				return invalid(at, fmt.Sprintf("%d %s", count, kind), fmt.Sprintf("[%s] comes with %d %s.", t.Name, t.GPUs, t.GPU))
			}
			continue
		}
		if err := machines.Attachable(t.Name, kind, count); err != nil {
			return invalid(at, fmt.Sprintf("%d %s", count, kind), err.Error()+".")
		}
	}
	return nil
}

func checkMetadata(p doc.Map, field string, _ machines.Type) error {
	meta := doc.Object(p, "metadata")
	if meta == nil {
		meta = doc.Map{}
	}
	total, seen := 0, map[string]bool{}
	for i, item := range doc.Objects(meta, "items") {
		at := fmt.Sprintf("%smetadata.items[%d]", field, i)
		key, value := doc.Str(item, "key"), doc.Str(item, "value")
		switch {
		case !metadataKey.MatchString(key):
			return invalid(at+".key", key, "Must be a match of regex '[a-zA-Z0-9-_]{1,128}'")
		case seen[key]:
			return invalid(at+".key", key, "Duplicate metadata key.")
		case len(value) > maxMetadataValue:
			return invalid(at+".value", fmt.Sprintf("%d bytes", len(value)), "Metadata values must be at most 262144 bytes.")
		}
		seen[key] = true
		total += len(key) + len(value)
	}
	if total >= maxMetadata {
		return invalid(field+"metadata", fmt.Sprintf("%d bytes", total), "Metadata must be smaller than 524288 bytes in all.")
	}
	meta["kind"] = "compute#metadata"
	meta["fingerprint"] = draws.TokenOf(fmt.Sprint(meta["items"]))
	p["metadata"] = meta
	return nil
}

func checkLabels(labels doc.Map, field string) error {
	if len(labels) > 64 {
		return invalid(field, len(labels), "At most 64 labels can be given.")
	}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		v := doc.Str(labels, k)
		if !labelKey.MatchString(k) || !labelValue.MatchString(v) || strings.ToLower(k) != k {
			return invalid(field, k+"="+v, "Label keys and values can only contain lowercase letters, numeric characters, underscores and dashes, and must be at most 63 characters.")
		}
	}
	return nil
}

func (svc *service) templateMethods(k *collection) map[string]handler {
	return map[string]handler{
		"InstanceTemplates.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("instanceTemplates", "compute#instanceTemplateAggregatedList", k)
		},
	}
}
