package compute

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// Managed instance groups. The shape of a steady group is recorded (compute-mig-zonal-get-from-gke.log, gke-*.log,
// c7n-compute-mig-zonal-list.json). Their life, that is inserting, resizing, rolling, failing, is not: it follows the texts of
// the discovery document and gcp-facts, section 8.

const largestGroup = 1000 // VMs of a zonal group by default (reference of instanceGroupManagers.insert)

func (svc *service) instanceGroupManagers() *collection {
	return &collection{
		service: "InstanceGroupManagers", plural: "instanceGroupManagers", single: "instanceGroupManager",
		noun: "instance_group_manager", kind: "compute#instanceGroupManager", latency: "compute_group",
		prepare: prepareGroup, inserted: groupInserted, ready: svc.groupReady, deleted: svc.groupDeleted, removed: svc.groupRemoved,
		kept: svc.groupKept, view: svc.viewGroup,
	}
}

// baseName is the discovery document's pattern of baseInstanceName.
var baseName = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // a constant
	return regexp.MustCompile(`^[a-z](([-a-z0-9]{0,57})|([-a-z0-9]{0,51}-#{1,10}(\[[0-9]{1,10}\])?))$`)
})

// groupOutputs are the fields of a group that only the API sets (discovery document); what a client sends in them is ignored.
var groupOutputs = []string{"currentActions", "instanceGroup", "serviceAccount", "region", "satisfiesPzi", "satisfiesPzs"} //nolint:gochecknoglobals // a constant list

func prepareGroup(c *call, d doc.Map) error {
	doc.Fill(d, doc.Map{"baseInstanceName": doc.Str(d, "name")})
	if base := doc.Str(d, "baseInstanceName"); !baseName().MatchString(base) {
		return invalid("resource.baseInstanceName", base, fmt.Sprintf("Must be a match of regex '%s'", strings.Trim(baseName().String(), "^$")))
	}
	if _, given := d["targetSize"]; !given {
		return required("resource.targetSize")
	}
	for _, field := range groupOutputs {
		delete(d, field)
	}
	if err := c.setVersions(d, d); err != nil {
		return err
	}
	if err := c.checkGroup(d, doc.Object(d, "updatePolicy")); err != nil {
		return err
	}
	if err := checkNamedPorts("resource.namedPorts", doc.Objects(d, "namedPorts")); err != nil {
		return err
	}
	d["fingerprint"] = c.fingerprint()
	d["serviceAccount"] = cloud.Number(c.vars["project"]) + "@cloudservices.gserviceaccount.com"
	d["instanceGroup"] = linkBase + c.scope() + "/instanceGroups/" + doc.Str(d, "name")
	return nil
}

// checkGroup checks the settings of a group and fills in the defaults (recorded: compute-mig-zonal-get-from-gke.log). given is
// the update policy as this call sends it: of a number and a percentage the one that is sent counts.
func (c *call) checkGroup(d, given doc.Map) error {
	if err := notEmulated(d); err != nil {
		return err
	}
	for _, size := range []string{"targetSize", "targetStoppedSize", "targetSuspendedSize"} {
		if err := checkSize("resource."+size, doc.Num(d, size)); err != nil {
			return err
		}
	}
	standing := doc.Num(d, "targetSize") + doc.Num(d, "targetStoppedSize") + doc.Num(d, "targetSuspendedSize")
	if err := checkSize("resource.targetSize", standing); err != nil {
		return err
	}
	for _, check := range []func(doc.Map) error{checkVersionSizes, checkLifecycle, checkStandby, checkAllInstances} {
		if err := check(d); err != nil {
			return err
		}
	}
	if err := c.checkHealing(d); err != nil {
		return err
	}
	doc.Fill(d, doc.Map{"listManagedInstancesResults": "PAGELESS", "targetStoppedSize": 0, "targetSuspendedSize": 0})
	if err := oneOf("resource.listManagedInstancesResults", doc.Str(d, "listManagedInstancesResults"), "PAGELESS", "PAGINATED"); err != nil {
		return err
	}
	return checkPolicy(d, given)
}

// notEmulated refuses what a group cannot do here, rather than to take it and not do it.
func notEmulated(d doc.Map) error {
	for _, field := range []string{"statefulPolicy", "instanceFlexibilityPolicy", "resourcePolicies", "targetPools", "distributionPolicy"} {
		if !hollow(d[field]) {
			return notImplemented("managed instance groups with " + field)
		}
		delete(d, field)
	}
	size := settings(d, "targetSizePolicy")
	doc.Fill(size, doc.Map{"mode": "INDIVIDUAL"})
	if doc.Str(size, "mode") != "INDIVIDUAL" {
		return notImplemented("managed instance groups that make their VMs in bulk")
	}
	return nil
}

func notImplemented(what string) error {
	return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator does not know " + what}
}

// hollow says whether a value holds nothing: clients send objects without content.
func hollow(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case doc.Map:
		return !slices.ContainsFunc(slices.Collect(maps.Values(v)), func(inner any) bool { return !hollow(inner) })
	case []any:
		return len(v) == 0
	}
	return false
}

func checkSize(field string, n int64) error {
	if n < 0 || n > largestGroup {
		return invalid(field, n, fmt.Sprintf("Must be between 0 and %d.", largestGroup))
	}
	return nil
}

// oneOf refuses a word that is not among some.
func oneOf(field, word string, words ...string) error {
	if !slices.Contains(words, word) {
		return invalid(field, word, "Must be one of "+strings.Join(words, " ")+".")
	}
	return nil
}
