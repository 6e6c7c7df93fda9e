package compute

import (
	"fmt"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// groupMethods are the verbs of managed instance groups. Their operations are DONE when the change is recorded, not when the
// VMs follow (discovery doc.Map).
func (svc *service) groupMethods(k *collection) map[string]handler {
	change := func(kind string, f func(*call, *world.Object) error) handler {
		return func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			if err := f(c, o); err != nil {
				return nil, err
			}
			o.Doc["fingerprint"] = c.fingerprint()
			if o.Note == nil {
				o.Note = map[string]any{}
			}
			o.Note["rolling"] = true // until no VM of another template is left
			op := c.changed(k, o, kind)
			svc.reconcile(c.tx, o)
			return op, nil
		}
	}
	return map[string]handler{
		"InstanceGroupManagers.Patch":               change("patch", patchGroup),
		"InstanceGroupManagers.Resize":              change("compute.instanceGroupManagers.resize", resizeGroup),
		"InstanceGroupManagers.SetInstanceTemplate": change("compute.instanceGroupManagers.setInstanceTemplate", setGroupTemplate),
		"InstanceGroupManagers.CreateInstances":     change("compute.instanceGroupManagers.createInstances", svc.createInGroup),
		"InstanceGroupManagers.DeleteInstances":     change("compute.instanceGroupManagers.deleteInstances", svc.deleteFromGroup),
		"InstanceGroupManagers.RecreateInstances":   change("compute.instanceGroupManagers.recreateInstances", svc.recreateInGroup),
		"InstanceGroupManagers.ListManagedInstances": func(c *call) (any, error) {
			return svc.listManaged(c, k)
		},
		"InstanceGroupManagers.ListErrors": func(c *call) (any, error) { return svc.listGroupErrors(c, k) },
		"InstanceGroupManagers.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("instanceGroupManagers", "compute#instanceGroupManagerAggregatedList", k)
		},
		"InstanceGroups.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("instanceGroups", "compute#instanceGroupAggregatedList", svc.collections["instanceGroups"])
		},
		"InstanceGroups.ListInstances": func(c *call) (any, error) { return svc.listGroupInstances(c) },
		// Nobody can make an autoscaler here, so there are none: gcloud asks before it shows a group.
		"Autoscalers.List": func(c *call) (any, error) {
			return c.virtual(c.scope()+"/autoscalers", "compute#autoscalerList", nil)
		},
		"Autoscalers.AggregatedList": func(c *call) (any, error) {
			return c.virtualAggregated("autoscalers", "compute#autoscalerAggregatedList", func(*call, string) []doc.Map { return nil })
		},
	}
}

func patchGroup(c *call, o *world.Object) error {
	if f := doc.Str(c.body, "fingerprint"); f != "" && f != doc.Str(o.Doc, "fingerprint") {
		return badFingerprint("Invalid fingerprint.")
	}
	if _, given := c.body["targetSize"]; given {
		if err := checkSize("resource.targetSize", doc.Num(c.body, "targetSize")); err != nil {
			return err
		}
		o.Doc["targetSize"] = doc.Num(c.body, "targetSize")
	}
	if doc.Str(c.body, "instanceTemplate") != "" || len(doc.List(c.body, "versions")) > 0 {
		if err := c.setVersions(o.Doc, c.body); err != nil {
			return err
		}
	}
	if err := mergePolicy(o.Doc, doc.Object(c.body, "updatePolicy")); err != nil {
		return err
	}
	for field, v := range c.body {
		switch field {
		case "targetSize", "instanceTemplate", "versions", "updatePolicy", "fingerprint", "name", "kind", "id", "selfLink", "zone":
		case "description", "namedPorts", "autoHealingPolicies", "instanceLifecyclePolicy", "listManagedInstancesResults":
			doc.Merge(o.Doc, doc.Map{field: v})
		default:
			if c.alters(o, field) {
				return invalid("resource."+field, v, "This field cannot be changed.")
			}
		}
	}
	return nil
}

func resizeGroup(c *call, o *world.Object) error {
	if !c.query.Has("size") {
		return required("size")
	}
	size := doc.Num(doc.Map{"size": c.query.Get("size")}, "size")
	if fmt.Sprint(size) != c.query.Get("size") {
		return invalid("size", c.query.Get("size"), "Must be a number.")
	}
	if err := checkSize("size", size); err != nil {
		return err
	}
	o.Doc["targetSize"] = size
	return mergePolicy(o.Doc, nil)
}

func setGroupTemplate(c *call, o *world.Object) error { return c.setVersions(o.Doc, c.body) }

// createInGroup makes VMs of given names. With a proactive policy that substitutes VMs the real API lets the operation fail
// with CONDITION_NOT_MET; here the call is refused (gcp-facts, section 8).
func (svc *service) createInGroup(c *call, o *world.Object) error {
	if doc.Str(o.Doc, "updatePolicy", "type") == "PROACTIVE" && doc.Str(o.Doc, "updatePolicy", "replacementMethod") == "SUBSTITUTE" {
		return wire.APIError{Code: 412, Reason: "conditionNotMet", Message: "Creating instances with names is not possible with a proactive update policy that substitutes instances."}
	}
	wanted := doc.Objects(c.body, "instances")
	if err := checkSize("instances", doc.Num(o.Doc, "targetSize")+int64(len(wanted))); err != nil {
		return err
	}
	for i, one := range wanted {
		name := doc.Str(one, "name")
		if !resourceName.MatchString(name) {
			return invalid(fmt.Sprintf("instances[%d].name", i), name, fmt.Sprintf("Must be a match of regex '%s'", namePattern))
		}
		if _, taken := c.tx.Get(worldName(c.scope() + "/instances/" + name)); taken {
			return alreadyExists(c.scope() + "/instances/" + name)
		}
	}
	o.Doc["targetSize"] = doc.Num(o.Doc, "targetSize") + int64(len(wanted))
	for _, one := range wanted {
		svc.addManaged(c.tx, o, doc.Str(one, "name"))
	}
	return mergePolicy(o.Doc, nil)
}

// chosen gives the managed VMs that a body names.
func chosen(c *call, o *world.Object) ([]*world.Object, error) {
	var out []*world.Object
	for i, ref := range doc.Words(c.body, "instances") {
		m, ok := c.tx.Get(o.Name + "/managed/" + basename(ref))
		if !ok {
			return nil, invalid(fmt.Sprintf("instances[%d]", i), ref, "The instance is not a member of the group.")
		}
		out = append(out, m)
	}
	return out, nil
}

func (svc *service) deleteFromGroup(c *call, o *world.Object) error {
	picked, err := chosen(c, o)
	if err != nil {
		return err
	}
	o.Doc["targetSize"] = doc.Num(o.Doc, "targetSize") - int64(len(picked))
	for _, m := range picked {
		svc.dropManaged(c.tx, m, "DELETING")
	}
	return mergePolicy(o.Doc, nil)
}

func (svc *service) recreateInGroup(c *call, o *world.Object) error {
	picked, err := chosen(c, o)
	if err != nil {
		return err
	}
	for _, m := range picked {
		svc.dropManaged(c.tx, m, "RECREATING")
	}
	return nil
}

func (svc *service) listManaged(c *call, k *collection) (any, error) {
	o, err := k.target(c)
	if err != nil {
		return nil, err
	}
	filter, err := c.filter()
	if err != nil {
		return nil, err
	}
	var items []doc.Map
	for _, m := range c.tx.List(o.Name + "/managed") {
		if d := svc.managedDoc(c.tx, m); filter.Match(d) {
			items = append(items, d)
		}
	}
	out := doc.Map{}
	if doc.Str(o.Doc, "listManagedInstancesResults") == "PAGINATED" {
		shown, token, err := c.cut(items)
		if err != nil {
			return nil, err
		}
		items = shown
		if token != "" {
			out["nextPageToken"] = token
		}
	}
	if len(items) > 0 {
		out["managedInstances"] = doc.Anys(items)
	}
	return out, nil
}

func (svc *service) managedDoc(tx *world.Tx, m *world.Object) doc.Map {
	group := parentPath(parentPath(m.Name))
	zone := strings.TrimPrefix(parentPath(parentPath(group)), computeHost+"/")
	name := basename(m.Name)
	d := doc.Map{
		"instance": linkBase + zone + "/instances/" + name, "name": name, "currentAction": doc.Str(m.Note, "action"),
		"version": doc.Map{"instanceTemplate": linkBase + doc.Str(m.Note, "template")},
	}
	if vm, ok := tx.Get(worldName(zone + "/instances/" + name)); ok {
		d["id"], d["instanceStatus"] = vm.Doc["id"], vm.Doc["status"]
	}
	if code := doc.Str(m.Note, "code"); code != "" {
		d["lastAttempt"] = doc.Map{"errors": doc.Map{"errors": []any{doc.Map{"code": code, "message": doc.Str(m.Note, "message")}}}}
	}
	return d
}

func parentPath(name string) string { return name[:max(0, strings.LastIndexByte(name, '/'))] }
