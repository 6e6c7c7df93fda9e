package compute

import (
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// groupActions are the counters of currentActions (recorded), by what listManagedInstances calls them.
var groupActions = map[string]string{ //nolint:gochecknoglobals // a constant table
	"NONE": "none", "CREATING": "creating", "CREATING_WITHOUT_RETRIES": "creatingWithoutRetries", "DELETING": "deleting",
	"ABANDONING": "abandoning", "RECREATING": "recreating", "REFRESHING": "refreshing", "RESTARTING": "restarting",
	"RESUMING": "resuming", "STARTING": "starting", "STOPPING": "stopping", "SUSPENDING": "suspending", "VERIFYING": "verifying",
}

// viewGroup counts what the group does to its VMs, and says whether it is done.
func (svc *service) viewGroup(tx *world.Tx, o *world.Object, d doc.Map) {
	counts := map[string]int{}
	versions := map[version]int64{}
	aims := map[string]int64{}
	stable, reached, configured := o.Ready && !o.Doomed && !doc.Bool(o.Note, "rolling"), true, true
	wanted := quotas(o)
	for _, m := range members(tx, o) {
		counts[actionOf(m)]++
		stable = stable && idle(m)
		if leaving(m) {
			continue
		}
		aims[aim(m)]++
		versions[memberVersion(m)]++
		reached = reached && wants(wanted, memberVersion(m))
		configured = configured && doc.Str(m.Note, "revision") == doc.Str(o.Note, "revision")
	}
	if len(wanted) > 1 && aims[running] == doc.Num(o.Doc, "targetSize") { // a canary has its share, neither more nor less
		for _, q := range wanted {
			reached = reached && (q.open || versions[q.version] == q.count)
		}
	}
	for status, size := range map[string]string{running: "targetSize", suspended: "targetSuspendedSize", stopped: "targetStoppedSize"} {
		stable = stable && aims[status] == doc.Num(o.Doc, size)
	}
	actions := doc.Map{}
	for action, name := range groupActions {
		actions[name] = counts[action]
	}
	d["currentActions"] = actions
	config := doc.Map{"effective": configured}
	if revision := doc.Str(o.Note, "revision"); revision != "" {
		config["currentRevision"] = revision
	}
	stateful, effective := configStatus(tx, o)
	d["status"] = doc.Map{
		"isStable": stable, "versionTarget": doc.Map{"isReached": reached}, "allInstancesConfig": config,
		"stateful": doc.Map{"hasStatefulConfig": stateful, "isStateful": stateful, "perInstanceConfigs": doc.Map{"allEffective": effective}},
	}
	d["versions"] = shownVersions(o, wanted)
	if twin, ok := tx.Get(strings.Replace(o.Name, "/instanceGroupManagers/", "/instanceGroups/", 1)); ok && twin.Doc["namedPorts"] != nil {
		d["namedPorts"] = twin.Doc["namedPorts"]
	}
}

func wants(wanted []quota, v version) bool {
	for _, q := range wanted {
		if q.version == v {
			return true
		}
	}
	return false
}

func shownVersions(o *world.Object, wanted []quota) []any {
	var out []any
	for i, v := range doc.Objects(o.Doc, "versions") {
		shown := doc.Clone(v)
		size := doc.Object(shown, "targetSize")
		if size == nil {
			size = doc.Map{}
		}
		size["calculated"] = wanted[i].count
		shown["targetSize"] = size
		out = append(out, shown)
	}
	return out
}
