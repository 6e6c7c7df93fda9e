package compute

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// checkPolicy completes and checks the update policy of a group. The defaults are recorded; a percentage is taken in groups of any
// size, although the discovery document speaks of 10 VMs: an acceptance test of terraform-provider-google sets one in a group of 3.
func checkPolicy(d, given doc.Map) error {
	policy := settings(d, "updatePolicy")
	doc.Fill(policy, doc.Map{
		"type": "OPPORTUNISTIC", "minimalAction": "REPLACE", "replacementMethod": "SUBSTITUTE", "minReadySec": 0,
	})
	const field = "resource.updatePolicy."
	for _, err := range []error{
		oneOf(field+"type", doc.Str(policy, "type"), "PROACTIVE", "OPPORTUNISTIC"),
		oneOf(field+"minimalAction", doc.Str(policy, "minimalAction"), disruptions...),
		oneOf(field+"mostDisruptiveAllowedAction", cmp.Or(doc.Str(policy, "mostDisruptiveAllowedAction"), "REPLACE"), disruptions...),
		oneOf(field+"replacementMethod", doc.Str(policy, "replacementMethod"), "RECREATE", "SUBSTITUTE"),
	} {
		if err != nil {
			return err
		}
	}
	if r := doc.Str(policy, "instanceRedistributionType"); r != "" {
		return invalid(field+"instanceRedistributionType", r, "Only regional managed instance groups redistribute their instances.")
	}
	size := doc.Num(d, "targetSize")
	for _, limit := range []string{"maxSurge", "maxUnavailable"} {
		if err := completeLimit(policy, given, limit, size); err != nil {
			return err
		}
	}
	surge, unavailable := doc.Num(policy, "maxSurge", "calculated"), doc.Num(policy, "maxUnavailable", "calculated")
	if doc.Str(policy, "replacementMethod") == "RECREATE" && surge != 0 { // reported: magic-modules#8210
		return invalid(field+"maxSurge", asSent(doc.Object(policy, "maxSurge")), "maxSurge must be equal to 0 when replacement method is set to RECREATE")
	}
	if surge == 0 && unavailable == 0 && size > 0 && doc.Str(policy, "type") == "PROACTIVE" { // documented; the words are the emulator's
		return invalid("resource.updatePolicy", "", "At least one of either maxSurge or maxUnavailable must be greater than 0.")
	}
	return nil
}

// settings is a policy of a group, made if there is none. An empty word is none: terraform-provider-google sends such where nothing
// is configured, in acceptance tests too.
func settings(d doc.Map, name string) doc.Map {
	policy := doc.Object(d, name)
	if policy == nil {
		policy = doc.Map{}
		d[name] = policy
	}
	maps.DeleteFunc(policy, func(_ string, v any) bool { return v == "" })
	return policy
}

// completeLimit fills in what a limit is by default, one VM for each zone of the group, and what it means in VMs.
func completeLimit(policy, given doc.Map, name string, size int64) error {
	limit := doc.Object(policy, name)
	if limit == nil {
		limit = doc.Map{}
		policy[name] = limit
	}
	sent := doc.Object(given, name)
	fixed, percent := sent["fixed"] != nil, sent["percent"] != nil // Terraform's provider sends null for the one that it does not mean
	switch {
	case fixed && percent:
		return invalid("resource.updatePolicy."+name, asSent(sent), "Only one of fixed and percent can be set.")
	case fixed:
		delete(limit, "percent")
	case percent:
		delete(limit, "fixed")
	}
	if limit["percent"] == nil {
		doc.Fill(limit, doc.Map{"fixed": 1})
	}
	if p := doc.Num(limit, "percent"); p < 0 || p > 100 || doc.Num(limit, "fixed") < 0 {
		return invalid("resource.updatePolicy."+name, asSent(limit), "Must be a number that is not negative, or between 0 and 100 percent.")
	}
	limit["calculated"] = share(limit, size)
	return nil
}

// share is how many of size VMs a number or a percentage means; what is left over is rounded up (reference of older versions of
// the client libraries; today's says "rounded").
func share(limit doc.Map, size int64) int64 {
	if limit["percent"] != nil {
		return (doc.Num(limit, "percent")*size + 99) / 100
	}
	return doc.Num(limit, "fixed")
}

// asSent writes an object into a refusal.
func asSent(d doc.Map) string {
	d = maps.Clone(d)
	delete(d, "calculated")
	raw, err := json.Marshal(d)
	if err != nil {
		return ""
	}
	return string(raw)
}

// checkLifecycle completes the repair policy; its defaults are recorded.
func checkLifecycle(d doc.Map) error {
	policy := settings(d, "instanceLifecyclePolicy")
	if hollow(policy["onRepair"]) || doc.Str(policy, "onRepair", "allowChangingZone") == "NO" {
		delete(policy, "onRepair") // NO is what a zonal group does anyway
	} else {
		return notImplemented("groups that repair VMs in another zone")
	}
	doc.Fill(policy, doc.Map{"defaultActionOnFailure": "REPAIR", "forceUpdateOnRepair": "NO", "onFailedHealthCheck": "DEFAULT_ACTION"})
	const field = "resource.instanceLifecyclePolicy."
	if err := oneOf(field+"defaultActionOnFailure", doc.Str(policy, "defaultActionOnFailure"), "REPAIR", "DO_NOTHING"); err != nil {
		return err
	}
	if err := oneOf(field+"onFailedHealthCheck", doc.Str(policy, "onFailedHealthCheck"), "DEFAULT_ACTION", "REPAIR", "DO_NOTHING"); err != nil {
		return err
	}
	return oneOf(field+"forceUpdateOnRepair", doc.Str(policy, "forceUpdateOnRepair"), "YES", "NO")
}

// checkStandby completes the standby policy. A mode alone is recorded.
func checkStandby(d doc.Map) error {
	policy := settings(d, "standbyPolicy")
	doc.Fill(policy, doc.Map{"mode": "MANUAL"})
	if delay := doc.Num(policy, "initialDelaySec"); delay < 0 || delay > 3600 { // discovery document
		return invalid("resource.standbyPolicy.initialDelaySec", delay, "Must be between 0 and 3600.")
	}
	return oneOf("resource.standbyPolicy.mode", doc.Str(policy, "mode"), "MANUAL", "SCALE_OUT_POOL")
}

// checkAllInstances checks what is set for all VMs of a group, whatever their template says.
func checkAllInstances(d doc.Map) error {
	if hollow(d["allInstancesConfig"]) {
		delete(d, "allInstancesConfig")
		return nil
	}
	properties := doc.Object(d, "allInstancesConfig", "properties")
	for _, field := range slices.Sorted(maps.Keys(properties)) {
		if field != "labels" && field != "metadata" {
			return notImplemented("managed instance groups with allInstancesConfig.properties." + field)
		}
	}
	return checkLabels(doc.Object(properties, "labels"), "resource.allInstancesConfig.properties.labels")
}

// checkHealing resolves the health check of an autohealing policy, which must exist. At most one policy is possible (discovery
// document). A policy without any field is none: gcloud sends one for --clear-autohealing. That it is not kept is an assumption.
func (c *call) checkHealing(d doc.Map) error {
	policies := doc.Objects(d, "autoHealingPolicies")
	if len(policies) == 0 || len(policies) == 1 && len(policies[0]) == 0 {
		delete(d, "autoHealingPolicies")
		return nil
	}
	if len(policies) > 1 {
		return invalid("resource.autoHealingPolicies", len(policies), "Only one autohealing policy can be set.")
	}
	if delay := doc.Num(policies[0], "initialDelaySec"); delay < 0 || delay > 3600 {
		return invalid("resource.autoHealingPolicies[0].initialDelaySec", delay, "Must be between 0 and 3600.")
	}
	link := doc.Str(policies[0], "healthCheck")
	if link == "" {
		return nil
	}
	check, err := c.refer("resource.autoHealingPolicies[0].healthCheck", link, "healthChecks", "health check")
	if err != nil {
		return err
	}
	policies[0]["healthCheck"] = doc.Str(check.Doc, "selfLink")
	return nil
}
