package compute_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

// all reads every page of a list.
func (c client) all(path string) []doc.Map {
	c.Helper()
	var out []doc.Map
	for token := ""; ; {
		v := c.must("GET", path+"?maxResults=500&pageToken="+url.QueryEscape(token), "")
		out = append(out, doc.Objects(v, "items")...)
		if token = doc.Str(v, "nextPageToken"); token == "" {
			return out
		}
	}
}

// of reads something of another project.
func (c client) of(project, path string) (int, doc.Map) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), http.MethodGet, strings.Replace(base, "test-project", project, 1)+path, nil)
	if err != nil {
		c.Fatal(err)
	}
	resp, err := c.rt.RoundTrip(r)
	if err != nil {
		c.Fatal(err)
	}
	v := doc.Map{}
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		c.Fatal(err)
	}
	return resp.StatusCode, v
}

// below is the path of a thing of the project, as its link has it.
func below(link string) string {
	_, path, _ := strings.Cut(link, "/projects/test-project/")
	return path
}

// TestWhatIsListedCanBeGot also resolves the links in what is listed.
func TestWhatIsListedCanBeGot(t *testing.T) {
	c := open(t, "")
	lists := []string{"regions", "zones", "global/networkProfiles"}
	for _, r := range []string{"us-central1", "africa-south1", "us-east5"} { // one large, one small, one with A4X Max
		lists = append(lists, "regions/"+r+"/diskTypes", "regions/"+r+"/zones")
		region, _ := places.Named(r)
		for _, z := range region.ZoneNames() {
			lists = append(lists, "zones/"+z+"/machineTypes", "zones/"+z+"/diskTypes", "zones/"+z+"/acceleratorTypes")
		}
	}
	for _, list := range lists {
		for _, item := range c.all(list) {
			if got := c.must("GET", below(doc.Str(item, "selfLink")), ""); doc.Str(got, "id") != doc.Str(item, "id") || doc.Str(got, "name") != doc.Str(item, "name") {
				t.Errorf("%s: listed as %v, got as %v", list, item, got)
			}
			for _, field := range []string{"region", "zone"} {
				if link := doc.Str(item, field); strings.HasPrefix(link, "https://") {
					c.must("GET", below(link), "")
				}
			}
			for _, z := range doc.Words(item, "zones") {
				c.must("GET", below(z), "")
			}
			for _, a := range doc.Objects(item, "accelerators") {
				c.must("GET", "zones/"+doc.Str(item, "zone")+"/acceleratorTypes/"+doc.Str(a, "guestAcceleratorType"), "")
			}
			if z := doc.Str(item, "location", "name"); z != "" {
				c.must("GET", "zones/"+z, "")
			}
		}
	}
}

func TestCounts(t *testing.T) {
	c := open(t, "")
	for list, want := range map[string]int{
		"regions": 42, "zones": 127, "zones/us-central1-a/diskTypes": 10, "regions/us-central1/diskTypes": 4,
		"regions/us-central1/zones": 4,
	} {
		if got := len(c.all(list)); got != want {
			t.Errorf("%s: %d, want %d", list, got, want)
		}
	}
	if n := len(c.all("zones/us-central1-a/machineTypes")); n < 400 {
		t.Errorf("only %d machine types in us-central1-a", n)
	}
	if n := len(c.all("zones/asia-southeast3-a/acceleratorTypes")); n != 0 {
		t.Errorf("%d GPU types where there are none", n)
	}
}

// TestEveryTypeIsOfferedSomewhere holds the table of machine types and the catalogue of places together.
func TestEveryTypeIsOfferedSomewhere(t *testing.T) {
	names := machines.AttachableGPUs()
	for _, m := range machines.All() {
		names = append(names, m.Name)
	}
	for _, name := range names {
		if len(places.ZonesWith(name)) == 0 {
			t.Errorf("%s is offered nowhere", name)
		}
	}
	for _, name := range places.Offers() {
		if !slices.Contains(names, name) {
			t.Errorf("%s is offered, and no type", name)
		}
	}
}

// TestMachineTypesAsRecorded compares with answers of machineTypes.list in public code.
func TestMachineTypesAsRecorded(t *testing.T) {
	c := open(t, "")
	for name, want := range map[string]doc.Map{
		"n1-standard-1":  {"description": "1 vCPU, 3.75 GB RAM", "guestCpus": 1, "memoryMb": 3840, "maximumPersistentDisks": 128, "isSharedCpu": false},
		"n1-standard-96": {"description": "96 vCPUs, 360 GB RAM", "guestCpus": 96, "memoryMb": 368640, "maximumPersistentDisksSizeGb": "263168"},
		"c2-standard-16": {"description": "Compute Optimized: 16 vCPUs, 64 GB RAM", "guestCpus": 16, "memoryMb": 65536},
		"a2-highgpu-1g":  {"description": "Accelerator Optimized: 1 NVIDIA Tesla A100 GPU, 12 vCPUs, 85GB RAM", "guestCpus": 12, "memoryMb": 87040},
		"a2-highgpu-8g":  {"description": "Accelerator Optimized: 8 NVIDIA Tesla A100 GPUs, 96 vCPUs, 680GB RAM", "guestCpus": 96},
		"f1-micro":       {"memoryMb": 614, "isSharedCpu": true},
		"c4a-standard-4": {"architecture": "ARM64"},
	} {
		got := c.must("GET", zone+"machineTypes/"+name, "")
		for field, value := range want {
			if fmt.Sprint(got[field]) != fmt.Sprint(value) {
				t.Errorf("%s: %s is %v, want %v", name, field, got[field], value)
			}
		}
	}
}

func TestAggregatedListsHavePages(t *testing.T) {
	c := open(t, "")
	for list, least := range map[string]int{"machineTypes": 30000, "acceleratorTypes": 250, "diskTypes": 127*10 + 42*4} {
		seen, token, pages := map[string]bool{}, "", 0
		for {
			v := c.must("GET", "aggregated/"+list+"?pageToken="+url.QueryEscape(token), "")
			shown := 0
			for scope := range doc.Object(v, "items") {
				found := doc.Objects(v, "items", scope, list)
				if shown += len(found); len(found) == 0 && doc.Str(v, "items", scope, "warning", "code") != "NO_RESULTS_ON_PAGE" {
					t.Fatalf("%s: nothing said of %s", list, scope)
				}
				for _, d := range found {
					seen[doc.Str(d, "selfLink")] = true
				}
			}
			if pages++; shown > 500 {
				t.Errorf("%s: %d on a page", list, shown)
			}
			if token = doc.Str(v, "nextPageToken"); token == "" {
				break
			}
		}
		if len(seen) < least {
			t.Errorf("%s: %d on %d pages, want %d", list, len(seen), pages, least)
		}
	}
	v := c.must("GET", "aggregated/acceleratorTypes?returnPartialSuccess=true&filter="+url.QueryEscape(`name = "nvidia-gb300"`), "")
	var in []string
	for scope := range doc.Object(v, "items") {
		if len(doc.Objects(v, "items", scope, "acceleratorTypes")) > 0 {
			in = append(in, scope)
		}
	}
	if len(in) != 4 { // us-central1-b, us-east4-b, us-east5-b and -c
		t.Errorf("GB300 in %v", in)
	}
}

func TestNetworkProfilesAreWhereTheirMachinesAre(t *testing.T) {
	c := open(t, "")
	for name, want := range map[string]int{ // names on the page on RDMA networks
		"us-central1-b-vpc-falcon": 200, "us-central1-b-vpc-roce": 200, "us-central1-b-vpc-roce-metal": 200,
		"us-east4-b-vpc-falcon": 404, "us-central1-f-vpc-roce": 404, "us-central1-a-vpc-roce-metal": 404,
	} {
		if status, v := c.call("GET", "global/networkProfiles/"+name, ""); status != want {
			t.Errorf("%s: %d %v", name, status, v)
		}
	}
	if v := c.must("GET", "global/networkProfiles/us-central1-b-vpc-roce", ""); doc.Str(v, "profileType", "rdmaSubtype") != "ROCE" || doc.Str(v, "location", "name") != "us-central1-b" {
		t.Errorf("%v", v)
	}
}

func TestImages(t *testing.T) {
	c := open(t, "")
	for _, project := range []string{"ml-images", "deeplearning-platform-release", "debian-cloud", "ubuntu-os-cloud", "cos-cloud", "ubuntu-os-accelerator-images"} {
		get := func(path string) doc.Map {
			status, v := c.of(project, path)
			if status != 200 {
				t.Fatalf("%s: %s: %d", project, path, status)
			}
			return v
		}
		families := map[string]string{} // the newest image of each
		list := doc.Objects(get("global/images"), "items")
		if len(list) == 0 {
			t.Errorf("%s has no image", project)
		}
		for _, i := range list {
			if got := get("global/images/" + doc.Str(i, "name")); doc.Str(got, "id") != doc.Str(i, "id") {
				t.Errorf("%s: %v", project, got)
			}
			if day := doc.Str(i, "creationTimestamp"); doc.Object(i, "deprecated") == nil && day > families[doc.Str(i, "family")] {
				families[doc.Str(i, "family")] = day
			}
			for _, field := range []string{"guestOsFeatures", "storageLocations"} {
				if len(doc.List(i, field)) == 0 {
					t.Errorf("%s has no %s", doc.Str(i, "name"), field)
				}
			}
			if arm := strings.Contains(doc.Str(i, "name"), "arm64"); arm != (doc.Str(i, "architecture") == "ARM64") {
				t.Errorf("%s is %s", doc.Str(i, "name"), doc.Str(i, "architecture"))
			}
		}
		for family, day := range families {
			got := get("global/images/family/" + family)
			if doc.Str(got, "creationTimestamp") != day {
				t.Errorf("%s: %v", family, got)
			}
			view := get("zones/us-east1-b/imageFamilyViews/" + family)
			if doc.Str(view, "image", "selfLink") != doc.Str(got, "selfLink") {
				t.Errorf("%s by view: %v", family, view)
			}
		}
	}
	if status, _ := c.of("ml-images", "global/images/family/pytorch-1-12-gpu-debian-10"); status != 404 {
		t.Errorf("a family of deprecated images: %d", status)
	}
	_, filtered := c.of("ubuntu-os-cloud", "global/images?filter="+url.QueryEscape(`family = "ubuntu-2404-lts-amd64"`))
	if n := len(doc.Objects(filtered, "items")); n != 1 {
		t.Errorf("%d images of a family that has one", n)
	}
}

// TestImagesHaveTheRecordedLicence: the disk of the recorded VM shows what its image brings.
func TestImagesHaveTheRecordedLicence(t *testing.T) {
	dir := os.Getenv("RECORDINGS")
	if dir == "" {
		t.Skip("RECORDINGS is not set")
	}
	log, err := os.ReadFile(filepath.Join(dir, "compute-instance-template-and-instances.log"))
	if err != nil {
		t.Fatal(err)
	}
	_, image := open(t, "").of("debian-cloud", "global/images/family/debian-11")
	for _, licence := range append(doc.Words(image, "licenses"), doc.Words(image, "licenseCodes")...) {
		name := licence[strings.LastIndexByte(licence, '/')+1:]
		if !regexp.MustCompile(`"licenses?(Codes)?": \[\s+"[^"]*` + name + `"`).Match(log) {
			t.Errorf("%s is not recorded", name)
		}
	}
}

func TestRegionsTellTheirQuotas(t *testing.T) {
	c := open(t, "")
	used := func() map[string]int64 {
		out := map[string]int64{}
		for _, q := range doc.Objects(c.must("GET", "regions/us-central1", ""), "quotas") {
			if doc.Num(q, "limit") <= 0 {
				t.Errorf("%v", q)
			}
			out[doc.Str(q, "metric")] = doc.Num(q, "usage")
		}
		return out
	}
	if before := used(); before["CPUS"]+before["INSTANCES"]+before["SSD_TOTAL_GB"] != 0 {
		t.Errorf("at first: %v", before)
	}
	disks := `"disks":[{"boot":true,"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12","diskSizeGb":"20",
		"diskType":"zones/us-central1-a/diskTypes/pd-ssd"}}]`
	nic := `"networkInterfaces":[{"accessConfigs":[{"type":"ONE_TO_ONE_NAT"}]}]`
	c.must("POST", zone+"instances", `{"name":"a","machineType":"zones/us-central1-a/machineTypes/n1-standard-4",`+disks+`,`+nic+`,
		"guestAccelerators":[{"acceleratorType":"zones/us-central1-a/acceleratorTypes/nvidia-tesla-t4","acceleratorCount":2}]}`)
	c.must("POST", zone+"instances", `{"name":"b","machineType":"zones/us-central1-a/machineTypes/a2-highgpu-2g",`+disks+`,`+nic+`,
		"scheduling":{"provisioningModel":"SPOT","instanceTerminationAction":"DELETE"}}`)
	now := used()
	for metric, want := range map[string]int64{
		"INSTANCES": 2, "CPUS": 4, "A2_CPUS": 0, "PREEMPTIBLE_CPUS": 24, "NVIDIA_T4_GPUS": 2, "PREEMPTIBLE_NVIDIA_A100_GPUS": 2, "NVIDIA_A100_GPUS": 0,
		"IN_USE_ADDRESSES": 2, "SSD_TOTAL_GB": 40, "DISKS_TOTAL_GB": 0,
	} {
		if now[metric] != want {
			t.Errorf("%s: %d used, want %d", metric, now[metric], want)
		}
	}
}
