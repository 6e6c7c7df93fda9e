package compute_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

func TestReferencesComeInManyForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		c.must("POST", "global/networks", `{"name":"net","autoCreateSubnetworks":false}`)
		c.must("POST", "regions/europe-west4/subnetworks", `{"name":"far","network":"global/networks/default","ipCidrRange":"10.0.0.0/24"}`)
		c.template("template")
		c.must("POST", "global/instanceTemplates", `{"name":"far","properties":{"machineType":"n1-standard-4","networkInterfaces":[{"subnetwork":"regions/europe-west4/subnetworks/far"}],
			"disks":[{"boot":true,"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}]}}`)
		pass(time.Minute)
		id := doc.Str(c.must("GET", "global/networks/net", ""), "id")
		template := doc.Str(c.must("GET", "global/instanceTemplates/template", ""), "id")
		number := cloud.Number("test-project")

		rule := func(network string) string {
			return fmt.Sprintf(`{"name":"rule","network":%q,"allowed":[{"IPProtocol":"tcp"}]}`, network)
		}
		group := func(more string) string {
			return fmt.Sprintf(`{"name":"group","targetSize":1,%s}`, more)
		}
		vm := func(nic string) string {
			return fmt.Sprintf(`{"name":"vm","machineType":"zones/us-central1-a/machineTypes/n1-standard-1","networkInterfaces":[%s],"disks":[{"boot":true,
				"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}]}`, nic)
		}
		const (
			rules, groups, vms = "global/firewalls", zone + "instanceGroupManagers", zone + "instances"
			cross              = "Cross-project references for this resource are not allowed."
		)
		for _, tc := range []struct {
			name, path, body string
			says             string // "" when it is taken
		}{
			{"short", rules, rule("global/networks/net"), ""},
			{"partial", rules, rule("projects/test-project/global/networks/net"), ""},
			{"a full link", rules, rule("https://www.googleapis.com/compute/v1/projects/test-project/global/networks/net"), ""},
			{"of another version and host", rules, rule("https://compute.googleapis.com/compute/beta/projects/test-project/global/networks/net"), ""},
			{"of this emulator", rules, rule("http://127.0.0.1:8080/compute.googleapis.com/compute/v1/projects/test-project/global/networks/net"), ""},
			{"a full resource name", rules, rule("//compute.googleapis.com/projects/test-project/global/networks/net"), ""},
			{"by its number", rules, rule("global/networks/" + id), ""},
			{"by the project's number", rules, rule("projects/" + number + "/global/networks/net"), ""},
			{"with its number behind", rules, rule("global/networks/net?uniqueId=" + id), ""},
			{"with another's number behind", rules, rule("global/networks/net?uniqueId=1"), "The referenced network resource cannot be found."},
			{"a name alone", rules, rule("net"), "The URL is malformed."},
			{"not there", rules, rule("global/networks/none"), "The referenced network resource cannot be found."},
			{"of another collection", rules, rule("global/firewalls/default-allow-ssh"), "The referenced network resource cannot be found."},
			{"of another project", rules, rule("projects/other-project/global/networks/net"), cross},
			{"a template with its number behind", groups, group(`"instanceTemplate":"projects/test-project/global/instanceTemplates/template?uniqueId=` + template + `"`), ""},
			{"a template of another project", groups, group(`"instanceTemplate":"projects/other-project/global/instanceTemplates/template"`), cross},
			{"a template on a subnetwork of another region", groups, group(`"instanceTemplate":"global/instanceTemplates/far"`), "must be in region 'us-central1'"},
			{"a health check", groups, group(`"instanceTemplate":"global/instanceTemplates/template","autoHealingPolicies":[{"healthCheck":"global/healthChecks/hc"}]`),
				"The referenced health check resource cannot be found."},
			{"a VM on its region's subnetwork", vms, vm(`{"subnetwork":"regions/us-central1/subnetworks/default"}`), ""},
			{"a VM on another region's", vms, vm(`{"subnetwork":"regions/europe-west4/subnetworks/far"}`), "must be in region 'us-central1'"},
			{"a VM on another project's", vms, vm(`{"subnetwork":"projects/other-project/regions/us-central1/subnetworks/default"}`), cross},
			{"a router that serves another region", "regions/us-central1/routers", `{"name":"router","network":"global/networks/default","nats":[{"name":"nat","natIpAllocateOption":"AUTO_ONLY",
				"sourceSubnetworkIpRangesToNat":"LIST_OF_SUBNETWORKS","subnetworks":[{"name":"regions/europe-west4/subnetworks/far","sourceIpRangesToNat":["ALL_IP_RANGES"]}]}]}`, "must be in region 'us-central1'"},
		} {
			status, v := c.call("POST", tc.path, tc.body)
			if have := doc.Str(v, "error", "message"); (status == 200) != (tc.says == "") || !strings.Contains(have, tc.says) {
				t.Errorf("%s: %d %s", tc.name, status, have)
			}
			if status == 200 {
				pass(time.Hour)
				c.must("DELETE", tc.path+"/"+doc.Str(v, "targetLink")[strings.LastIndexByte(doc.Str(v, "targetLink"), '/')+1:], "")
				pass(time.Hour)
			}
		}

		for path, want := range map[string]int{
			"global/instanceTemplates/template?uniqueId=" + template: 200,
			"global/instanceTemplates/template?uniqueId=1":           404,
			"global/instanceTemplates/" + template:                   200,
			"global/networks/" + id + "?prettyPrint=false&key=k":     200,
			"global/networks/1":                                      404,
		} {
			if status, v := c.call("GET", path, ""); status != want || status == 200 && !strings.HasPrefix(doc.Str(v, "selfLink"), "https://www.googleapis.com/compute/v1/") {
				t.Errorf("%s: %d %v", path, status, v)
			}
		}
	})
}

func TestLinksInAnswersAreTheRealOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		const text = "see http://127.0.0.1:1/compute/v1/projects/p"
		c.must("POST", "global/instanceTemplates", `{"name":"template","description":"`+text+`","properties":{"machineType":"n1-standard-4",
			"networkInterfaces":[{"network":"http://127.0.0.1:1/compute.googleapis.com/compute/v1/projects/test-project/global/networks/default"}],
			"disks":[{"boot":true,"initializeParams":{"sourceImage":"http://localhost:1/compute/beta/projects/debian-cloud/global/images/family/debian-12"}}]}}`)
		d := c.must("GET", "global/instanceTemplates/template", "")
		if doc.Str(d, "description") != text {
			t.Error(doc.Str(d, "description"))
		}
		props := doc.Object(d, "properties")
		if have := doc.Str(doc.Objects(props, "networkInterfaces")[0], "network"); have != "https://www.googleapis.com/compute/v1/projects/test-project/global/networks/default" {
			t.Error(have)
		}
		if have := doc.Str(doc.Objects(props, "disks")[0], "initializeParams", "sourceImage"); have != "https://www.googleapis.com/compute/beta/projects/debian-cloud/global/images/family/debian-12" {
			t.Error(have)
		}
	})
}

// A change that is refused half-way, after a good field, changes nothing.
func TestARefusedChangeLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		c.group(1)
		pass(time.Hour)
		before := c.must("GET", group, "")
		if status, _ := c.call("PATCH", group, `{"targetSize":5,"updatePolicy":{"type":"SOMETIMES"}}`); status != 400 {
			t.Error(status)
		}
		if after := c.must("GET", group, ""); doc.Num(after, "targetSize") != doc.Num(before, "targetSize") {
			t.Errorf("%v", after)
		}
	})
}

func TestWhatIsNoProjectIsRefusedAsReported(t *testing.T) {
	c := open(t, "")
	status, v := c.call("GET", "../Not_a_project/regions", "")
	if status != 400 || doc.Str(v, "error", "status") != "INVALID_ARGUMENT" || doc.Str(doc.Objects(v, "error", "details")[0], "reason") != "RESOURCE_PROJECT_INVALID" ||
		doc.Str(doc.Objects(v, "error", "details")[0], "metadata", "method") != "compute.v1.RegionsService.List" {
		t.Errorf("%d %v", status, v)
	}
}
