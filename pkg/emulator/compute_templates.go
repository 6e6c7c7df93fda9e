package emulator

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

func (em *Emulator) instanceTemplates() *collection {
	return &collection{
		service: "InstanceTemplates", plural: "instanceTemplates", single: "instanceTemplate", noun: "instance_template",
		kind: "compute#instanceTemplate", latency: "compute_instance_template",
		insertType: "compute.instanceTemplates.insert", // recorded
		prepare: func(c *call, d document) error {
			props := object(d, "properties")
			if props == nil {
				return required("resource.properties")
			}
			fill(d, document{"description": ""})
			delete(d, "region")
			return c.prepareMachine(props, "resource.properties.", "")
		},
		user: templateUser,
	}
}

// templateUser refuses at once while a managed instance group uses the template (gcp-facts, section 10: both a refusal and a
// failed operation have been seen; this emulator refuses).
func templateUser(c *call, o *world.Object) error {
	link := str(o.Doc, "selfLink")
	for _, below := range c.tx.Below(worldName(c.project()) + "/zones/") {
		if basename(below) != "instanceGroupManagers" {
			continue
		}
		for _, g := range c.tx.List(below) {
			for _, v := range objects(g.Doc, "versions") {
				if str(v, "instanceTemplate") == link {
					return inUse("instance_template", objectPath(o), objectPath(g))
				}
			}
			for _, m := range c.tx.List(g.Name + "/managed") {
				if str(m.Note, "template") == objectPath(o) {
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
	maxMetadataValue = 262144 // bytes (discovery document, Metadata.items.value)
	maxMetadata      = 524288
)

// prepareMachine checks the properties of a machine, of a template's or of an instance's, and fills in what a read shows
// (recorded: compute-instance-template-and-instances.log). zone is "" for a template. The recordings do not show where the
// cloud refuses a machine type whose GPUs do not match, or a disk type that it cannot boot from: here both are refused at
// once, with the emulator's own words.
func (c *call) prepareMachine(p document, field, zone string) error {
	name := basename(str(p, "machineType"))
	if name == "" {
		return required(field + "machineType")
	}
	t, known := machines.Lookup(name)
	if !known || zone != "" && !offeredIn(name, zone) {
		return invalid(field+"machineType", str(p, "machineType"), "The referenced resource does not exist.")
	}
	for _, check := range []func(document, string, machines.Type) error{c.checkDisks, c.checkNICs, checkGPUs, checkMetadata} {
		if err := check(p, field, t); err != nil {
			return err
		}
	}
	if err := checkLabels(object(p, "labels"), field+"labels"); err != nil {
		return err
	}
	scheduling := object(p, "scheduling")
	if scheduling == nil {
		scheduling = document{}
	}
	fill(scheduling, document{"automaticRestart": true, "preemptible": false, "provisioningModel": "STANDARD"})
	if len(list(p, "guestAccelerators")) > 0 || t.GPU != "" {
		if m := str(scheduling, "onHostMaintenance"); m != "" && m != "TERMINATE" {
			return invalid(field+"scheduling.onHostMaintenance", m, "Instances with guest accelerators do not support live migration.")
		}
		scheduling["onHostMaintenance"] = "TERMINATE"
	}
	fill(scheduling, document{"onHostMaintenance": "MIGRATE"})
	p["scheduling"] = scheduling
	fill(p, document{"tags": document{}})
	return nil
}

func (c *call) checkDisks(p document, field string, t machines.Type) error {
	boots := 0
	for i, disk := range objects(p, "disks") {
		at := fmt.Sprintf("%sdisks[%d]", field, i)
		if boolean(disk, "boot") {
			boots++
			kind := basename(str(disk, "initializeParams", "diskType"))
			if kind != "" && !t.Boots(kind) {
				return invalid(at+".initializeParams.diskType", kind, fmt.Sprintf("%s disk type cannot be used by %s machine type.", kind, t.Name))
			}
			if src := str(disk, "initializeParams", "sourceImage"); src != "" {
				img, ok := findImage(pathOf(src, c.project()))
				if !ok {
					return invalid(at+".initializeParams.sourceImage", src, "The referenced image resource cannot be found.")
				}
				if size := num(disk, "initializeParams", "diskSizeGb"); size > 0 && size < int64(img.diskGB) {
					return invalid(at+".initializeParams.diskSizeGb", size, fmt.Sprintf("Requested disk size cannot be smaller than the image size (%d GB)", img.diskGB))
				}
			}
		}
		fill(disk, document{
			"deviceName": fmt.Sprintf("persistent-disk-%d", i), "index": i, "kind": "compute#attachedDisk", "mode": "READ_WRITE",
			"type": "PERSISTENT", "interface": "SCSI", "autoDelete": false, "boot": false,
		})
	}
	if boots != 1 {
		return invalid(field+"disks", "", "Exactly one boot disk must be given.")
	}
	return nil
}

func (c *call) checkNICs(p document, field string, t machines.Type) error {
	nics := objects(p, "networkInterfaces")
	if len(nics) == 0 {
		return invalid(field+"networkInterfaces", "", "At least one network interface is required.")
	}
	if t.NICs > 0 && len(nics) > t.NICs {
		return invalid(field+"networkInterfaces", len(nics), fmt.Sprintf("%s takes at most %d network interfaces.", t.Name, t.NICs))
	}
	for i, nic := range nics {
		at := fmt.Sprintf("%snetworkInterfaces[%d]", field, i)
		if s := str(nic, "subnetwork"); s != "" {
			sub, err := c.refer(at+".subnetwork", s, "subnetworks", "subnetwork")
			if err != nil {
				return err
			}
			nic["subnetwork"] = str(sub.Doc, "selfLink")
			fill(nic, document{"network": str(sub.Doc, "network")})
		}
		if str(nic, "network") == "" {
			nic["network"] = "global/networks/default"
		}
		network, err := c.refer(at+".network", str(nic, "network"), "networks", "network")
		if err != nil {
			return err
		}
		nic["network"] = str(network.Doc, "selfLink")
		if !boolean(network.Doc, "autoCreateSubnetworks") && str(nic, "subnetwork") == "" {
			return invalid(at, "", "Subnetwork should be specified for custom subnetmode network")
		}
		if kind := str(nic, "nicType"); kind != "" && !slices.Contains([]string{"GVNIC", "VIRTIO_NET", "MRDMA", "IDPF", "IRDMA"}, kind) {
			return invalid(at+".nicType", kind, "Unknown NIC type.")
		}
		nic["name"], nic["kind"] = fmt.Sprintf("nic%d", i), "compute#networkInterface"
		for _, access := range objects(nic, "accessConfigs") {
			fill(access, document{"kind": "compute#accessConfig", "name": "external-nat", "type": "ONE_TO_ONE_NAT", "networkTier": "PREMIUM"})
		}
	}
	return nil
}

func checkGPUs(p document, field string, t machines.Type) error {
	gpus := objects(p, "guestAccelerators")
	for i, g := range gpus {
		at := fmt.Sprintf("%sguestAccelerators[%d]", field, i)
		kind, count := basename(str(g, "acceleratorType")), int(num(g, "acceleratorCount"))
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

func checkMetadata(p document, field string, _ machines.Type) error {
	meta := object(p, "metadata")
	if meta == nil {
		meta = document{}
	}
	total, seen := 0, map[string]bool{}
	for i, item := range objects(meta, "items") {
		at := fmt.Sprintf("%smetadata.items[%d]", field, i)
		key, value := str(item, "key"), str(item, "value")
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
	meta["fingerprint"] = contentFingerprint(fmt.Sprint(meta["items"]))
	p["metadata"] = meta
	return nil
}

func checkLabels(labels document, field string) error {
	if len(labels) > 64 {
		return invalid(field, len(labels), "At most 64 labels can be given.")
	}
	for _, k := range slices.Sorted(keys(labels)) {
		v := str(labels, k)
		if !labelKey.MatchString(k) || !labelValue.MatchString(v) || strings.ToLower(k) != k {
			return invalid(field, k+"="+v, "Label keys and values can only contain lowercase letters, numeric characters, underscores and dashes, and must be at most 63 characters.")
		}
	}
	return nil
}

func (em *Emulator) templateMethods(k *collection) map[string]computeHandler {
	return map[string]computeHandler{
		"InstanceTemplates.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("instanceTemplates", "compute#instanceTemplateAggregatedList", k)
		},
	}
}
