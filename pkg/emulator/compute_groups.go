package emulator

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Managed instance groups. The shape of a steady group is recorded (compute-mig-zonal-get-from-gke.log). Their life, that is
// inserting, resizing, rolling, failing, is not: it follows the texts of the discovery document and gcp-facts, section 8.

const largestGroup = 1000 // VMs of a zonal group by default (reference of instanceGroupManagers.insert)

func (em *Emulator) instanceGroupManagers() *collection {
	return &collection{
		service: "InstanceGroupManagers", plural: "instanceGroupManagers", single: "instanceGroupManager",
		noun: "instance_group_manager", kind: "compute#instanceGroupManager", latency: "compute_group",
		prepare: prepareGroup, inserted: groupInserted, ready: em.groupReady, deleted: em.groupDeleted, removed: em.groupRemoved,
		view: em.viewGroup,
	}
}

// baseName is the discovery document's pattern of baseInstanceName.
var baseName = regexp.MustCompile(`^[a-z](([-a-z0-9]{0,57})|([-a-z0-9]{0,51}-#{1,10}(\[[0-9]{1,10}\])?))$`)

func prepareGroup(c *call, d document) error {
	fill(d, document{"baseInstanceName": str(d, "name")})
	if base := str(d, "baseInstanceName"); !baseName.MatchString(base) {
		return invalid("resource.baseInstanceName", base, fmt.Sprintf("Must be a match of regex '%s'", strings.Trim(baseName.String(), "^$")))
	}
	if _, given := d["targetSize"]; !given {
		return required("resource.targetSize")
	}
	if err := checkSize("resource.targetSize", num(d, "targetSize")); err != nil {
		return err
	}
	if err := c.setVersions(d, d); err != nil {
		return err
	}
	if err := mergePolicy(d, object(d, "updatePolicy")); err != nil {
		return err
	}
	for _, outputOnly := range []string{"currentActions", "instanceGroup", "serviceAccount"} {
		delete(d, outputOnly)
	}
	fill(d, document{
		"description": "", "listManagedInstancesResults": "PAGELESS", "targetStoppedSize": 0, "targetSuspendedSize": 0,
		"targetSizePolicy": document{"mode": "INDIVIDUAL"}, "standbyPolicy": document{"mode": "MANUAL"},
		"instanceLifecyclePolicy": document{"defaultActionOnFailure": "REPAIR", "forceUpdateOnRepair": "NO", "onFailedHealthCheck": "DEFAULT_ACTION"},
	})
	d["fingerprint"] = c.fingerprint()
	d["serviceAccount"] = projectNumber(c.vars["project"]) + "@cloudservices.gserviceaccount.com"
	d["instanceGroup"] = linkBase + c.scope() + "/instanceGroups/" + str(d, "name")
	return nil
}

func checkSize(field string, n int64) error {
	if n < 0 || n > largestGroup {
		return invalid(field, n, fmt.Sprintf("Must be between 0 and %d.", largestGroup))
	}
	return nil
}

// setVersions takes the template of a body over into a group: from "versions", or from "instanceTemplate".
func (c *call) setVersions(d, body document) error {
	versions := objects(body, "versions")
	if len(versions) == 0 {
		if str(body, "instanceTemplate") == "" {
			return required("resource.instanceTemplate")
		}
		versions = []document{{"instanceTemplate": str(body, "instanceTemplate")}}
	}
	if len(versions) > 1 {
		return failure{code: 501, reason: "notImplemented", message: "the emulator does not know groups of several versions"}
	}
	template, err := c.refer("resource.instanceTemplate", str(versions[0], "instanceTemplate"), "instanceTemplates", "instance template")
	if err != nil {
		return err
	}
	versions[0]["instanceTemplate"] = str(template.Doc, "selfLink")
	d["versions"], d["instanceTemplate"] = anys(versions), str(template.Doc, "selfLink")
	return nil
}

// mergePolicy merges an update policy into a group's, and checks the whole.
func mergePolicy(d, policy document) error {
	have := object(d, "updatePolicy")
	if have == nil {
		have = document{}
	}
	for k, v := range policy {
		have[k] = v
	}
	fill(have, document{
		"type": "OPPORTUNISTIC", "minimalAction": "REPLACE", "replacementMethod": "SUBSTITUTE", "minReadySec": 0,
		"maxSurge": document{"fixed": 1}, "maxUnavailable": document{"fixed": 1},
	})
	for field, words := range map[string]string{
		"type": "PROACTIVE OPPORTUNISTIC", "minimalAction": "NONE REFRESH RESTART REPLACE", "replacementMethod": "RECREATE SUBSTITUTE",
	} {
		if v := str(have, field); !strings.Contains(" "+words+" ", " "+v+" ") {
			return invalid("resource.updatePolicy."+field, v, "Must be one of "+words+".")
		}
	}
	size := num(d, "targetSize")
	for _, field := range []string{"maxSurge", "maxUnavailable"} {
		limit := object(have, field)
		if limit["percent"] != nil && size < 10 {
			return invalid("resource.updatePolicy."+field, "percent", "A percentage is only possible in groups of 10 or more.")
		}
		limit["calculated"] = share(limit, size)
	}
	surge, unavailable := share(object(have, "maxSurge"), size), share(object(have, "maxUnavailable"), size)
	if str(have, "replacementMethod") == "RECREATE" && surge != 0 {
		return invalid("resource.updatePolicy.maxSurge", surge, "maxSurge must be 0 when replacementMethod is RECREATE.")
	}
	if surge == 0 && unavailable == 0 && str(have, "type") == "PROACTIVE" {
		return invalid("resource.updatePolicy", "", "maxSurge and maxUnavailable cannot both be 0.")
	}
	d["updatePolicy"] = have
	return nil
}

func share(limit document, size int64) int64 {
	if limit["percent"] != nil {
		return (num(limit, "percent")*size + 99) / 100
	}
	return num(limit, "fixed")
}

// groupInserted makes the twin in instanceGroups that every managed group has.
func groupInserted(c *call, o *world.Object) {
	name := basename(o.Name)
	path := c.scope() + "/instanceGroups/" + name
	d := document{"name": name, "description": "This instance group is controlled by Instance Group Manager '" + name + "'. To modify instances in this group, use the Instance Group Manager API: https://cloud.google.com/compute/docs/reference/latest/instanceGroupManagers"}
	twin := c.place(c.em.collections["instanceGroups"], path, d)
	twin.Ready, twin.Owner = true, o.Name
	c.tx.Put(twin)
}

func (em *Emulator) instanceGroups() *collection {
	return &collection{
		service: "InstanceGroups", plural: "instanceGroups", single: "instanceGroup", noun: "instance_group",
		kind: "compute#instanceGroup", readOnly: true,
		view: func(tx *world.Tx, o *world.Object, d document) {
			d["size"] = len(tx.List(o.Owner + "/managed"))
			d["fingerprint"] = contentFingerprint(o.Name)
		},
	}
}

// viewGroup counts what the group does to its VMs, and whether it is done.
func (em *Emulator) viewGroup(tx *world.Tx, o *world.Object, d document) {
	actions := document{}
	for _, a := range []string{"none", "creating", "creatingWithoutRetries", "deleting", "abandoning", "recreating", "refreshing",
		"restarting", "resuming", "starting", "stopping", "suspending", "verifying"} {
		actions[a] = 0
	}
	current, stable := 0, o.Ready && !o.Doomed
	managed := tx.List(o.Name + "/managed")
	for _, m := range managed {
		action := str(m.Note, "action")
		key := strings.ToLower(action)
		actions[key] = int(num(actions, key)) + 1
		stable = stable && action == "NONE"
		if linkBase+str(m.Note, "template") == str(o.Doc, "instanceTemplate") {
			current++
		}
	}
	reached := current == len(managed)
	proactive := str(o.Doc, "updatePolicy", "type") == "PROACTIVE"
	stable = stable && int64(len(managed)) == num(o.Doc, "targetSize") && (reached || !proactive)
	d["currentActions"] = actions
	d["status"] = document{
		"isStable": stable, "versionTarget": document{"isReached": reached}, "allInstancesConfig": document{"effective": true},
		"stateful": document{"hasStatefulConfig": false, "isStateful": false, "perInstanceConfigs": document{"allEffective": true}},
	}
	var versions []any
	for _, v := range objects(o.Doc, "versions") {
		shown := clone(v)
		shown["targetSize"] = document{"calculated": num(o.Doc, "targetSize")}
		versions = append(versions, shown)
	}
	d["versions"] = versions
}
