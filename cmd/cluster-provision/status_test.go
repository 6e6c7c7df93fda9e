package main

import (
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// A holder that is known to be dead is not shown as one that holds the lease.
func TestStatusTellsALeaseThatIsOver(t *testing.T) {
	held := state.Holder{Action: "create", Owner: "ann", Host: "h", PID: 7}
	for ended, want := range map[string]string{
		"":                      "lease: create by ann on h (pid 7)",
		"its process has ended": "lease: held by nobody: that of create by ann on h (pid 7), ",
	} {
		if text := statusText(&provision.Status{Known: true, Holder: &held, Ended: ended}); !strings.Contains(text, want) || !strings.Contains(text, ended) {
			t.Error(text)
		}
	}
}

// What an address stood for before is told from what it stands for now by its place.
func TestStatusTellsFormerThingsByTheirPlace(t *testing.T) {
	const zones = "//compute.googleapis.com/projects/p/zones/"
	text := statusText(&provision.Status{Known: true, Resources: []provision.ResourceStatus{
		{Address: "mig/mig", ID: zones + "us-central1-a/instanceGroupManagers/demo-mig", Recorded: state.Ready, Live: "as recorded"},
		{Address: "mig/mig", ID: zones + "us-central1-c/instanceGroupManagers/demo-mig", Recorded: state.Doomed, Live: "of an earlier run, still to be deleted", Former: true},
	}})
	if !strings.Contains(text, "mig/mig  zones/us-central1-c/instanceGroupManagers/demo-mig  doomed") || strings.Contains(text, "us-central1-a") {
		t.Error(text)
	}
}
