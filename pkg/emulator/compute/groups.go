package compute

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Managed instance groups. The shape of a steady group is recorded (compute-mig-zonal-get-from-gke.log). Their life, that is
// inserting, resizing, rolling, failing, is not: it follows the texts of the discovery document and gcp-facts, section 8.

const largestGroup = 1000 // VMs of a zonal group by default (reference of instanceGroupManagers.insert)

func (svc *service) instanceGroupManagers() *collection {
	return &collection{
		service: "InstanceGroupManagers", plural: "instanceGroupManagers", single: "instanceGroupManager",
		noun: "instance_group_manager", kind: "compute#instanceGroupManager", latency: "compute_group",
		prepare: prepareGroup, inserted: groupInserted, ready: svc.groupReady, deleted: svc.groupDeleted, removed: svc.groupRemoved,
		view: svc.viewGroup,
	}
}

// baseName is the discovery document's pattern of baseInstanceName.
var baseName = regexp.MustCompile(`^[a-z](([-a-z0-9]{0,57})|([-a-z0-9]{0,51}-#{1,10}(\[[0-9]{1,10}\])?))$`)

func prepareGroup(c *call, d doc.Map) error {
	doc.Fill(d, doc.Map{"baseInstanceName": doc.Str(d, "name")})
	if base := doc.Str(d, "baseInstanceName"); !baseName.MatchString(base) {
		return invalid("resource.baseInstanceName", base, fmt.Sprintf("Must be a match of regex '%s'", strings.Trim(baseName.String(), "^$")))
	}
	if _, given := d["targetSize"]; !given {
		return required("resource.targetSize")
	}
	if err := checkSize("resource.targetSize", doc.Num(d, "targetSize")); err != nil {
		return err
	}
	if err := c.setVersions(d, d); err != nil {
		return err
	}
	if err := mergePolicy(d, doc.Object(d, "updatePolicy")); err != nil {
		return err
	}
	for _, outputOnly := range []string{"currentActions", "instanceGroup", "serviceAccount"} {
		delete(d, outputOnly)
	}
	doc.Fill(d, doc.Map{
		"description": "", "listManagedInstancesResults": "PAGELESS", "targetStoppedSize": 0, "targetSuspendedSize": 0,
		"targetSizePolicy": doc.Map{"mode": "INDIVIDUAL"}, "standbyPolicy": doc.Map{"mode": "MANUAL"},
		"instanceLifecyclePolicy": doc.Map{"defaultActionOnFailure": "REPAIR", "forceUpdateOnRepair": "NO", "onFailedHealthCheck": "DEFAULT_ACTION"},
	})
	d["fingerprint"] = c.fingerprint()
	d["serviceAccount"] = cloud.Number(c.vars["project"]) + "@cloudservices.gserviceaccount.com"
	d["instanceGroup"] = linkBase + c.scope() + "/instanceGroups/" + doc.Str(d, "name")
	return nil
}

func checkSize(field string, n int64) error {
	if n < 0 || n > largestGroup {
		return invalid(field, n, fmt.Sprintf("Must be between 0 and %d.", largestGroup))
	}
	return nil
}

// setVersions takes the template of a body over into a group: from "versions", or from "instanceTemplate".
func (c *call) setVersions(d, body doc.Map) error {
	versions := doc.Objects(body, "versions")
	if len(versions) == 0 {
		if doc.Str(body, "instanceTemplate") == "" {
			return required("resource.instanceTemplate")
		}
		versions = []doc.Map{{"instanceTemplate": doc.Str(body, "instanceTemplate")}}
	}
	if len(versions) > 1 {
		return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator does not know groups of several versions"}
	}
	template, err := c.referTemplate("resource.instanceTemplate", doc.Str(versions[0], "instanceTemplate"))
	if err != nil {
		return err
	}
	versions[0]["instanceTemplate"] = doc.Str(template.Doc, "selfLink")
	d["versions"], d["instanceTemplate"] = doc.Anys(versions), doc.Str(template.Doc, "selfLink")
	return nil
}

// mergePolicy merges an update policy into a group's, and checks the whole.
func mergePolicy(d, policy doc.Map) error {
	have := doc.Object(d, "updatePolicy")
	if have == nil {
		have = doc.Map{}
	}
	for k, v := range policy {
		have[k] = v
	}
	doc.Fill(have, doc.Map{
		"type": "OPPORTUNISTIC", "minimalAction": "REPLACE", "replacementMethod": "SUBSTITUTE", "minReadySec": 0,
	})
	for _, field := range []string{"maxSurge", "maxUnavailable"} { // a number or a percentage: not to be filled in deeply
		if len(doc.Object(have, field)) == 0 {
			have[field] = doc.Map{"fixed": 1}
		}
	}
	for field, words := range map[string]string{
		"type": "PROACTIVE OPPORTUNISTIC", "minimalAction": "NONE REFRESH RESTART REPLACE", "replacementMethod": "RECREATE SUBSTITUTE",
	} {
		if v := doc.Str(have, field); !strings.Contains(" "+words+" ", " "+v+" ") {
			return invalid("resource.updatePolicy."+field, v, "Must be one of "+words+".")
		}
	}
	size := doc.Num(d, "targetSize")
	for _, field := range []string{"maxSurge", "maxUnavailable"} {
		limit := doc.Object(have, field)
		if limit["percent"] != nil && size < 10 {
			return invalid("resource.updatePolicy."+field, "percent", "A percentage is only possible in groups of 10 or more.")
		}
		limit["calculated"] = share(limit, size)
	}
	surge, unavailable := share(doc.Object(have, "maxSurge"), size), share(doc.Object(have, "maxUnavailable"), size)
	if doc.Str(have, "replacementMethod") == "RECREATE" && surge != 0 {
		return invalid("resource.updatePolicy.maxSurge", surge, "maxSurge must be 0 when replacementMethod is RECREATE.")
	}
	if surge == 0 && unavailable == 0 && doc.Str(have, "type") == "PROACTIVE" {
		return invalid("resource.updatePolicy", "", "maxSurge and maxUnavailable cannot both be 0.")
	}
	d["updatePolicy"] = have
	return nil
}

func share(limit doc.Map, size int64) int64 {
	if limit["percent"] != nil {
		return (doc.Num(limit, "percent")*size + 99) / 100
	}
	return doc.Num(limit, "fixed")
}

// viewGroup counts what the group does to its VMs, and whether it is done.
func (svc *service) viewGroup(tx *world.Tx, o *world.Object, d doc.Map) {
	actions := doc.Map{}
	for _, a := range []string{"none", "creating", "creatingWithoutRetries", "deleting", "abandoning", "recreating", "refreshing",
		"restarting", "resuming", "starting", "stopping", "suspending", "verifying"} {
		actions[a] = 0
	}
	current, stable := 0, o.Ready && !o.Doomed
	managed := tx.List(o.Name + "/managed")
	for _, m := range managed {
		action := doc.Str(m.Note, "action")
		key := strings.ToLower(action)
		actions[key] = int(doc.Num(actions, key)) + 1
		stable = stable && action == "NONE"
		if linkBase+doc.Str(m.Note, "template") == doc.Str(o.Doc, "instanceTemplate") {
			current++
		}
	}
	reached := current == len(managed)
	proactive := doc.Str(o.Doc, "updatePolicy", "type") == "PROACTIVE"
	stable = stable && int64(len(managed)) == doc.Num(o.Doc, "targetSize") && (reached || !proactive)
	d["currentActions"] = actions
	d["status"] = doc.Map{
		"isStable": stable, "versionTarget": doc.Map{"isReached": reached}, "allInstancesConfig": doc.Map{"effective": true},
		"stateful": doc.Map{"hasStatefulConfig": false, "isStateful": false, "perInstanceConfigs": doc.Map{"allEffective": true}},
	}
	var versions []any
	for _, v := range doc.Objects(o.Doc, "versions") {
		shown := doc.Clone(v)
		shown["targetSize"] = doc.Map{"calculated": doc.Num(o.Doc, "targetSize")}
		versions = append(versions, shown)
	}
	d["versions"] = versions
}
