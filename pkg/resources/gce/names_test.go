package gce_test

import (
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
)

func TestOwnerMarks(t *testing.T) {
	if got := gce.OwnerOf(gce.Describe("demo-1a2b3c4d")); got != "demo-1a2b3c4d" {
		t.Errorf("read back %q", got)
	}
	for _, text := range []string{"", "demo-1a2b3c4d", "see " + gce.Describe("demo"), gce.Describe("demo") + " and more", gce.Describe("a") + "\nb"} {
		if got := gce.OwnerOf(text); got != "" {
			t.Errorf("%q is no mark, read %q", text, got)
		}
	}
}

func TestNames(t *testing.T) {
	s := resources.Scope{Project: "p", Region: "us-central1", Zone: "us-central1-a"}
	for _, tc := range []struct {
		id                 resources.ID
		want, region, zone string
	}{
		{gce.Global(s, "networks", "n"), "//compute.googleapis.com/projects/p/global/networks/n", "", ""},
		{gce.Regional(s, "routers", "r"), "//compute.googleapis.com/projects/p/regions/us-central1/routers/r", "us-central1", ""},
		{gce.Zonal(s, "disks", "d"), "//compute.googleapis.com/projects/p/zones/us-central1-a/disks/d", "", "us-central1-a"},
	} {
		if string(tc.id) != tc.want || gce.Region(tc.id) != tc.region || gce.Zone(tc.id) != tc.zone || gce.IDOf(gce.Link(tc.id.Path())) != tc.id {
			t.Errorf("%s: region %q, zone %q", tc.id, gce.Region(tc.id), gce.Zone(tc.id))
		}
	}
}
