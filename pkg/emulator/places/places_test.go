package places_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
)

func TestRegionsAreTheRecordedOnes(t *testing.T) {
	dir := os.Getenv("RECORDINGS")
	if dir == "" {
		t.Skip("RECORDINGS is not set")
	}
	log, err := os.ReadFile(filepath.Join(dir, "filestore-instance.log"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, m := range regexp.MustCompile(`/regions/([a-z0-9-]+)/subnetworks/`).FindAllSubmatch(log, -1) {
		want = append(want, string(m[1]))
	}
	slices.Sort(want)
	for _, r := range places.All() {
		got = append(got, r.Name)
	}
	if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestTheCatalogueIsWhole(t *testing.T) {
	if n := len(places.All()); n != 42 {
		t.Errorf("%d regions", n)
	}
	zones := 0
	for _, r := range places.All() {
		for _, z := range r.ZoneNames() {
			zones++
			if of, ok := places.OfZone(z); !ok || of.Name != r.Name {
				t.Errorf("%s is of %s", z, of.Name)
			}
			if len(places.Platforms(z)) == 0 {
				t.Errorf("%s has no CPU platform", z)
			}
		}
	}
	if zones != 127 { // three a region, and four in us-central1
		t.Errorf("%d zones", zones)
	}
	for _, name := range places.Offers() {
		if len(places.ZonesWith(name)) == 0 {
			t.Errorf("%s is offered nowhere", name)
		}
		for _, z := range places.ZonesWith(name) {
			if _, ok := places.OfZone(z); !ok || !places.Offered(name, z) {
				t.Errorf("%s is offered in %s, which is no zone", name, z)
			}
		}
	}
	for _, no := range []string{"us-central1-d", "us-central1", "mars-north1-a", ""} {
		if _, ok := places.OfZone(no); ok {
			t.Errorf("%q is a zone", no)
		}
	}
}
