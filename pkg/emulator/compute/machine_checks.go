package compute

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

var (
	metadataKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`) })                      //nolint:gochecknoglobals // a constant
	labelKey    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`) }) //nolint:gochecknoglobals // a constant
	labelValue  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`) })               //nolint:gochecknoglobals // a constant
)

const (
	templateField    = "resource.properties." // begins the fields of a template in refusals
	maxMetadataValue = 262144                 // bytes (discovery doc.Map, Metadata.items.value)
	maxMetadata      = 524288
	maxTags          = 64
	// noFingerprint is the fingerprint of no labels and of no tags (recorded: c7n-compute-instance-list.json).
	noFingerprint = "42WmSpB8rSM="
)

// prepareMachine checks the properties of a machine, of a template's or of an instance's, and fills in what a read shows
// (recorded: compute-instance-template-and-instances.log). zone is "" for a template. The recordings do not show where the
// cloud refuses a machine type whose GPUs do not match, or a disk type that it cannot boot from: here both are refused at
// once, with the emulator's own words.
func (c *call) prepareMachine(p doc.Map, field, zone string) error {
	if doc.Str(p, "machineType") == "" {
		return required(field + "machineType")
	}
	t, err := machineIn(doc.Str(p, "machineType"), field, zone)
	if err != nil {
		return err
	}
	for _, check := range []func(doc.Map, string, machines.Type) error{
		c.checkDisks, c.checkNICs, c.checkGPUs, checkMetadata, checkScheduling, checkTags, c.checkHolds,
	} {
		if err := check(p, field, t); err != nil {
			return err
		}
	}
	return checkLabels(doc.Object(p, "labels"), field+"labels")
}

// machineIn finds a machine type that a zone offers; any zone when it is "".
func machineIn(ref, field, zone string) (machines.Type, error) {
	name := basename(ref)
	t, known := machines.Lookup(name)
	if !known || zone != "" && !offeredIn(name, zone) {
		return t, invalid(field+"machineType", ref, "The referenced resource does not exist.")
	}
	return t, nil
}

// checkScheduling fills in how a machine is scheduled. Spot VMs neither migrate nor start again by themselves, and say that they are
// preemptible (page "Spot VMs"); GPUs do not migrate.
func checkScheduling(p doc.Map, field string, t machines.Type) error {
	s := doc.Object(p, "scheduling")
	if s == nil {
		s = doc.Map{}
	}
	spot := doc.Str(s, "provisioningModel") == "SPOT" || doc.Bool(s, "preemptible")
	if spot && doc.Bool(s, "automaticRestart") {
		return invalid(field+"scheduling", "", "Scheduling must have automaticRestart be false when preemptible is true.")
	}
	doc.Fill(s, doc.Map{"automaticRestart": !spot, "preemptible": spot, "provisioningModel": "STANDARD"})
	if gpus := len(doc.List(p, "guestAccelerators")) > 0 || t.GPU != ""; gpus || spot {
		if m := doc.Str(s, "onHostMaintenance"); m != "" && m != "TERMINATE" {
			if gpus {
				return invalid(field+"scheduling.onHostMaintenance", m, "Instances with guest accelerators do not support live migration.")
			}
			return invalid(field+"scheduling.onHostMaintenance", m, "Preemptible instances do not support live migration.")
		}
		s["onHostMaintenance"] = "TERMINATE"
	}
	doc.Fill(s, doc.Map{"onHostMaintenance": "MIGRATE"})
	p["scheduling"] = s
	return nil
}

func checkTags(p doc.Map, field string, _ machines.Type) error {
	doc.Fill(p, doc.Map{"tags": doc.Map{}})
	items := doc.Words(p, "tags", "items")
	if len(items) > maxTags {
		return invalid(field+"tags", len(items), fmt.Sprintf("At most %d tags can be given.", maxTags))
	}
	for i, tag := range items {
		if !resourceName.MatchString(tag) {
			return invalid(fmt.Sprintf("%stags.items[%d]", field, i), tag, fmt.Sprintf("Must be a match of regex '%s'", namePattern))
		}
	}
	return nil
}

// checkHolds refuses an instance that is to use a resource policy or a reservation that does not exist. A template only names them. The
// words on reservations are those that the cluster autoscaler knows.
func (c *call) checkHolds(p doc.Map, field string, _ machines.Type) error {
	if c.vars["zone"] == "" {
		return nil
	}
	for _, ref := range doc.Words(p, "resourcePolicies") {
		path := pathOf(ref, c.project())
		if !strings.Contains(ref, "/") { // a template holds names
			path = c.region() + "/resourcePolicies/" + ref
		}
		if _, ok := c.lookup(path); !ok {
			return notFound(path)
		}
	}
	affinity := doc.Object(p, "reservationAffinity")
	if doc.Str(affinity, "consumeReservationType") != "SPECIFIC_RESERVATION" {
		return nil
	}
	for _, ref := range doc.Words(affinity, "values") {
		path := pathOf(ref, c.project())
		if !strings.Contains(path, "/zones/") {
			path = c.scope() + "/reservations/" + basename(ref)
		}
		if _, ok := c.lookup(path); !ok {
			return invalid(field+"reservationAffinity.values", ref, "Could not find the given reservation with the following name: "+basename(ref)+".")
		}
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
		if err := c.findNetwork(nic, at, field); err != nil {
			return err
		}
		if kind := doc.Str(nic, "nicType"); kind != "" && !slices.Contains([]string{"GVNIC", "VIRTIO_NET", "MRDMA", "IDPF", "IRDMA"}, kind) {
			return invalid(at+".nicType", kind, "Unknown NIC type.")
		}
		nic["name"], nic["kind"] = fmt.Sprintf("nic%d", i), "compute#networkInterface"
		for j, access := range doc.Objects(nic, "accessConfigs") {
			if j > 0 {
				return invalid(at+".accessConfigs", "", "At most one access config currently supported.")
			}
			fillAccess(access)
		}
		if c.vars["zone"] == "" {
			continue
		}
		if err := c.checkAddresses(nic, at); err != nil {
			return err
		}
	}
	return nil
}

// findNetwork finds the network and the subnetwork of a NIC.
func (c *call) findNetwork(nic doc.Map, at, field string) error {
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

func (c *call) checkGPUs(p doc.Map, field string, t machines.Type) error {
	for i, g := range doc.Objects(p, "guestAccelerators") {
		at := fmt.Sprintf("%sguestAccelerators[%d]", field, i)
		kind, count := basename(doc.Str(g, "acceleratorType")), int(doc.Num(g, "acceleratorCount"))
		zone := c.vars["zone"]
		if !slices.Contains(machines.GPUTypes(), kind) || zone != "" && !gpuIn(kind, zone) {
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
		case !metadataKey().MatchString(key):
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
		if !labelKey().MatchString(k) || !labelValue().MatchString(v) || strings.ToLower(k) != k {
			return invalid(field, k+"="+v, "Label keys and values can only contain lowercase letters, numeric characters, underscores and dashes, and must be at most 63 characters.")
		}
	}
	return nil
}
