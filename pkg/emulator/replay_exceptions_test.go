package emulator_test

import (
	"slices"
	"testing"
)

// exception is something that is not as recorded, with the reason why that is right.
type exception struct {
	log     string
	kind    string // of the answers, for example compute#image
	n       int    // the exchange; all when 0
	verdict string // differs, missing or extra
	path    string
	reason  string
}

// each makes an exception of every path, for one reason.
func each(x exception, paths ...string) []exception {
	out := make([]exception, len(paths))
	for i, path := range paths {
		x.path = path
		out[i] = x
	}
	return out
}

const projectNumberReason = "the same calls name the project by its id in every other recording, older, newer and of the same day (compute-reservation.log)"

// exceptions are all there are. One that nothing needs fails the test.
var exceptions = slices.Concat(
	each(exception{
		log: "gke-cluster-standard-update-labels.log", kind: "compute#operation", verdict: "differs", reason: projectNumberReason,
	}, "targetLink"),
	each(exception{
		log: "gke-cluster-standard-update-labels.log", kind: "compute#subnetwork", n: 45, verdict: "differs",
		reason: "GKE, which is not replayed, turned it on in the subnetwork of its cluster: nothing in the recording did",
	}, "privateIpGoogleAccess"),
	each(exception{
		log: "gke-cluster-private.log", kind: "compute#instanceGroupManager", verdict: "extra",
		reason: "recorded in August 2025; every recording of 2026 shows it, also of groups of the same make",
	}, "targetSizePolicy.mode"),
	each(exception{
		log: "gke-cluster-minimal-regional.log", kind: "compute#instanceGroupManager", verdict: "extra",
		reason: "recorded in August 2025; every recording of 2026 shows it, also of groups of the same make",
	}, "targetSizePolicy.mode"),
	each(exception{
		log: "errors.log", n: 10, verdict: "extra",
		reason: "the same refusal has the list in compute-subnetwork-network-project.log, twice",
	}, "error.errors[].domain", "error.errors[].message", "error.errors[].reason"),
	each(exception{
		log: "errors.log", n: 12, verdict: "differs",
		reason: "recorded while the account existed and could not be read yet; reads here do not lag. Of an account that was never made iam-serviceaccount.log has our words",
	}, "error.message", "error.errors[].message"),
	each(exception{
		log: "compute-router.log", kind: "compute#network", verdict: "extra",
		reason: "the region came later: recordings of the next weeks have its subnetwork (compute-instance-template-and-instances.log, filestore-instance.log)",
	}, "subnetworks[]"),
	each(exception{
		log: "compute-instance-template-and-instances.log", kind: "compute#image", verdict: "differs",
		reason: "which image of a family is newest depends on the day",
	}, "name", "selfLink"),
	each(exception{
		log: "compute-instance-template-and-instances.log", kind: "compute#disk", verdict: "differs",
		reason: "which image of a family is newest depends on the day",
	}, "sourceImage"),
	each(exception{
		log: "compute-instance-template-and-instances.log", kind: "compute#image", verdict: "extra",
		reason: "five fields of the image were left by the recorder; the disk made of it shows several of these, the others are in the discovery document",
	}, "architecture", "archiveSizeBytes", "creationTimestamp", "diskSizeGb", "enableConfidentialCompute", "guestOsFeatures[].type", "id",
		"labelFingerprint", "labels.public-image", "licenseCodes[]", "licenses[]", "rawDisk.containerType", "rawDisk.source", "sourceType",
		"storageLocations[]"),
	each(exception{
		log: "c7n-error-403-service-disabled-accessNotConfigured", verdict: "extra",
		reason: "recorded of Cloud SQL in 2020; refusals of Compute Engine's front end have details (public report: trailofbits/algo#14854)",
	}, "error.details[].@type", "error.details[].links[].description", "error.details[].links[].url", "error.details[].domain",
		"error.details[].metadata.consumer", "error.details[].metadata.service", "error.details[].reason"),
	each(exception{log: "c7n-compute-firewall-patch-op", verdict: "extra", reason: "whoever published the recording took out who called"}, "user"),
	each(exception{
		log: "c7n-compute-subnetwork-default-get", verdict: "extra", reason: "recorded in 2018; recordings of today show it",
	}, "allowSubnetCidrRoutesOverlap", "privateIpv6GoogleAccess", "purpose", "stackType", "logConfig.enable"),
	each(exception{
		log: "c7n-compute-subnetwork-default-get", verdict: "extra", reason: "recorded in 2018; flow logs show their defaults in public listings of today",
	}, "logConfig.aggregationInterval", "logConfig.flowSampling", "logConfig.metadata"),
	each(exception{
		log: "c7n-compute-instance-list", verdict: "extra", reason: "recorded in 2018; recordings of today show it",
	}, "items[].disks[].architecture", "items[].disks[].diskSizeGb", "items[].networkInterfaces[].accessConfigs[].networkTier",
		"items[].networkInterfaces[].stackType", "items[].scheduling.provisioningModel", "items[].fingerprint", "items[].lastStartTimestamp",
		"items[].resourceStatus.effectiveInstanceMetadata.vmDnsSettingMetadataValue", "items[].resourceStatus.scheduling",
		"items[].shieldedInstanceConfig.enableIntegrityMonitoring", "items[].shieldedInstanceConfig.enableSecureBoot",
		"items[].shieldedInstanceConfig.enableVtpm", "items[].shieldedInstanceIntegrityPolicy.updateAutoLearnPolicy",
		"items[].shieldedVmConfig.enableIntegrityMonitoring", "items[].shieldedVmConfig.enableSecureBoot",
		"items[].shieldedVmConfig.enableVtpm", "items[].shieldedVmIntegrityPolicy.updateAutoLearnPolicy"),
	each(exception{
		log: "c7n-compute-instance-list", verdict: "extra", reason: "the disk is of another image: that of the recording is no longer there",
	}, "items[].disks[].guestOsFeatures[].type", "items[].disks[].licenses[]"),
	each(exception{
		log: "c7n-compute-instance-list", verdict: "differs", reason: "the disk is of another image: that of the recording is no longer there",
	}, "items[].disks[].guestOsFeatures[].type"),
	each(exception{
		log: "c7n-compute-instance-list", verdict: "missing", reason: "the disk is of another image: that of the recording is no longer there",
	}, "items[].disks[].licenses[]"),
	each(exception{
		log: "c7n-compute-instance-list", verdict: "differs", reason: "the project's number is in the name of its default account",
	}, "items[].serviceAccounts[].email"),
	each(exception{
		log: "c7n-compute-mig-zonal-list", verdict: "extra", reason: "recorded in 2022; recordings of today show it",
	}, "items[].status.stateful.isStateful", "items[].status.allInstancesConfig.effective", "items[].updatePolicy.minReadySec",
		"items[].instanceLifecyclePolicy.defaultActionOnFailure", "items[].instanceLifecyclePolicy.forceUpdateOnRepair",
		"items[].instanceLifecyclePolicy.onFailedHealthCheck", "items[].listManagedInstancesResults", "items[].serviceAccount",
		"items[].standbyPolicy.mode", "items[].targetSizePolicy.mode", "items[].targetStoppedSize", "items[].targetSuspendedSize"),
	each(exception{
		log: "c7n-compute-mig-zonal-list", verdict: "missing", reason: "autoscalers are not emulated",
	}, "items[].status.autoscaler"),
)

// excuses are the exceptions of one recording, and which of them were needed.
type excuses struct {
	list   []exception
	needed []bool
}

func excusesOf(log string) *excuses {
	return chosen(func(x exception) bool { return x.log == log })
}

func chosen(which func(x exception) bool) *excuses {
	list := slices.DeleteFunc(slices.Clone(exceptions), func(x exception) bool { return !which(x) })
	return &excuses{list, make([]bool, len(list))}
}

func (x *excuses) allow(n int, kind, verdict, path string) bool {
	for i, e := range x.list {
		if e.kind == kind && (e.n == 0 || e.n == n) && e.verdict == verdict && e.path == path {
			x.needed[i] = true
			return true
		}
	}
	return false
}

// check fails for exceptions that nothing needs any more.
func (x *excuses) check(t *testing.T) {
	t.Helper()
	for i, e := range x.list {
		if !x.needed[i] {
			t.Errorf("the exception %s of %s %s is not needed, take it out (%s)", e.path, e.kind, e.verdict, e.reason)
		}
	}
}
