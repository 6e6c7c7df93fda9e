package compute

import (
	"regexp"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// resourcePolicies are of two kinds here, by the discovery document: group placement, for VMs near each other, and workload, for
// groups of VMs. The rest (snapshot schedules and so on) answers 501. No real recording of an insert exists; that a policy in use
// cannot be deleted is publicly reported.
func (svc *service) resourcePolicies() *collection {
	return &collection{
		service: "ResourcePolicies", plural: "resourcePolicies", single: "resourcePolicy", noun: "resource_policy",
		kind: "compute#resourcePolicy", latency: "compute_resource_policy",
		prepare: preparePolicy, user: policyUser,
		inserted: func(_ *call, o *world.Object) { o.Doc["status"] = "CREATING" },
		ready:    func(_ *world.Tx, o *world.Object) { o.Doc["status"] = "READY" },
		deleted:  func(_ *call, o *world.Object) { o.Doc["status"] = "DELETING" },
		kept:     func(_ *world.Tx, o *world.Object) { o.Doc["status"] = "READY" },
	}
}

// topology is the form of acceleratorTopology and gpuTopology: "1x72".
var topology = regexp.MustCompile(`^\d+(x\d+)+$`)

func preparePolicy(_ *call, d doc.Map) error {
	placement, workload := doc.Object(d, "groupPlacementPolicy"), doc.Object(d, "workloadPolicy")
	for _, other := range []string{"snapshotSchedulePolicy", "instanceSchedulePolicy", "diskConsistencyGroupPolicy"} {
		if d[other] != nil {
			return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator does not know resource policies with " + other}
		}
	}
	switch {
	case placement != nil && workload != nil:
		return invalid("resource", "", "Exactly one policy must be given.") // documented; words assumed
	case placement != nil:
		return checkPlacement(placement)
	case workload != nil:
		return checkWorkload(workload)
	}
	return required("resource.groupPlacementPolicy")
}

// checkPlacement: limits are those of the discovery document and of the page on placement policies (compact: up to 1500 VMs;
// spread: up to 8 domains). The words of refusals are assumed.
func checkPlacement(p doc.Map) error {
	const field = "resource.groupPlacementPolicy"
	vms, domains := doc.Num(p, "vmCount"), doc.Num(p, "availabilityDomainCount")
	switch {
	case p["vmCount"] != nil && (vms < 1 || vms > 1500):
		return invalid(field+".vmCount", vms, "Must be between 1 and 1500.")
	case p["availabilityDomainCount"] != nil && (domains < 1 || domains > 8):
		return invalid(field+".availabilityDomainCount", domains, "Must be between 1 and 8.")
	case doc.Str(p, "collocation") == "COLLOCATED" && p["availabilityDomainCount"] != nil:
		return invalid(field+".availabilityDomainCount", domains, "Cannot be used together with collocation.")
	case doc.Str(p, "gpuTopology") != "" && !topology.MatchString(doc.Str(p, "gpuTopology")):
		return invalid(field+".gpuTopology", doc.Str(p, "gpuTopology"), "Must be a topology such as 1x72.")
	}
	return nil
}

func checkWorkload(w doc.Map) error {
	const field = "resource.workloadPolicy"
	kind, shape := doc.Str(w, "type"), doc.Str(w, "acceleratorTopology")
	switch {
	case kind == "":
		return required(field + ".type")
	case shape != "" && !topology.MatchString(shape):
		return invalid(field+".acceleratorTopology", shape, "Must be a topology such as 1x72.")
	case shape != "" && kind != "HIGH_THROUGHPUT": // documented
		return invalid(field+".acceleratorTopology", shape, "Only for policies of type HIGH_THROUGHPUT.")
	case shape != "" && doc.Str(w, "maxTopologyDistance") != "": // documented
		return invalid(field+".maxTopologyDistance", doc.Str(w, "maxTopologyDistance"), "Cannot be used together with acceleratorTopology.")
	}
	return nil
}

// policyUser refuses while a VM or a group has the policy. Templates only name it.
func policyUser(c *call, o *world.Object) error {
	path := objectPath(o)
	for _, below := range c.tx.Below(worldName(c.project()) + "/zones/") {
		for _, user := range c.tx.List(below) {
			refs := doc.Words(user.Doc, "resourcePolicies")
			if workload := doc.Str(user.Doc, "resourcePolicies", "workloadPolicy"); workload != "" {
				refs = append(refs, workload)
			}
			if slices.ContainsFunc(refs, func(ref string) bool { return names(ref, path) }) {
				return inUse("resource_policy", path, objectPath(user))
			}
		}
	}
	return nil
}

func (svc *service) resourcePolicyMethods(k *collection) map[string]handler {
	return map[string]handler{
		"ResourcePolicies.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("resourcePolicies", "compute#resourcePolicyAggregatedList", k)
		},
	}
}
