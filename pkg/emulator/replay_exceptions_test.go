package emulator_test

import (
	"slices"
	"testing"
)

// exception is something that is not as recorded, with the reason why that is right.
type exception struct {
	log     string
	kind    string // of the answers, for example compute#image
	from    int    // the exchange from which on it holds; all when 0
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
		log: "gke-cluster-standard-update-labels.log", kind: "compute#subnetwork", from: 45, verdict: "differs",
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
		log: "compute-router.log", kind: "compute#network", verdict: "extra",
		reason: "the recorded project's default network has no subnetwork in asia-southeast3; those of two other recordings of the month have one",
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
		reason: "the recorder keeps five fields of an image; that there are these is in the discovery document",
	}, "architecture", "archiveSizeBytes", "creationTimestamp", "diskSizeGb", "enableConfidentialCompute", "guestOsFeatures[].type", "id",
		"labelFingerprint", "labels.public-image", "licenseCodes[]", "licenses[]", "rawDisk.containerType", "rawDisk.source", "sourceType",
		"storageLocations[]"),
)

// excuses are the exceptions of one recording, and which of them were needed.
type excuses struct {
	list   []exception
	needed []bool
}

func excusesOf(log string) *excuses {
	list := slices.DeleteFunc(slices.Clone(exceptions), func(x exception) bool { return x.log != log })
	return &excuses{list, make([]bool, len(list))}
}

func (x *excuses) allow(n int, kind, verdict, path string) bool {
	for i, e := range x.list {
		if e.kind == kind && n >= e.from && e.verdict == verdict && e.path == path {
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
