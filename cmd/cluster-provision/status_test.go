package main

import (
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

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
