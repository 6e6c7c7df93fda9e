package compute_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

func TestNetworkAttachments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := withNetwork(t)
		const attachments = region + "networkAttachments"
		for _, body := range []string{
			`{"name":"a","connectionPreference":"ACCEPT_MANUAL"}`,
			`{"name":"a","subnetworks":["regions/us-central1/subnetworks/sub"]}`,
			`{"name":"a","connectionPreference":"ACCEPT_MANUAL","subnetworks":["regions/us-central1/subnetworks/none"]}`,
			`{"name":"a","connectionPreference":"ACCEPT_AUTOMATIC","producerAcceptLists":["p"],"subnetworks":["regions/us-central1/subnetworks/sub"]}`,
		} {
			c.refusal(400, "POST", attachments, body)
		}
		op := c.done(c.must("POST", attachments, `{"name":"a","connectionPreference":"ACCEPT_MANUAL","producerAcceptLists":["p"],"subnetworks":["regions/us-central1/subnetworks/sub"]}`))
		v := c.must("GET", attachments+"/a", "")
		if doc.Str(op, "operationType") != "compute.networkAttachments.insert" || doc.Str(v, "network") != "https://www.googleapis.com/compute/v1/projects/test-project/global/networks/net" {
			t.Errorf("made: %v, %v", op, v)
		}
		c.refusal(400, "DELETE", region+"subnetworks/sub", "")
		c.refusal(400, "PATCH", attachments+"/a", `{"description":"new"}`)
		c.refusal(412, "PATCH", attachments+"/a", `{"description":"new","fingerprint":"AAAAAAAAAAA="}`)
		c.done(c.must("PATCH", attachments+"/a", fmt.Sprintf(`{"description":"new","fingerprint":%q}`, doc.Str(v, "fingerprint"))))
		if now := c.must("GET", attachments+"/a", ""); doc.Str(now, "description") != "new" || now["fingerprint"] == v["fingerprint"] || len(doc.List(now, "producerAcceptLists")) != 1 {
			t.Errorf("patched: %v", now)
		}
		op = c.done(c.must("DELETE", attachments+"/a", ""))
		if doc.Str(op, "operationType") != "compute.networkAttachments.delete" {
			t.Error(op)
		}
		c.done(c.must("DELETE", region+"subnetworks/sub", ""))
	})
}

func TestResourcePolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		const policies = region + "resourcePolicies"
		for _, tc := range []struct {
			name, body string
			status     int
		}{
			{"compact", `"groupPlacementPolicy":{"collocation":"COLLOCATED","vmCount":2}`, 200},
			{"spread", `"groupPlacementPolicy":{"availabilityDomainCount":2}`, 200},
			{"both", `"groupPlacementPolicy":{"collocation":"COLLOCATED","availabilityDomainCount":2}`, 400},
			{"too-many", `"groupPlacementPolicy":{"collocation":"COLLOCATED","vmCount":1501}`, 400},
			{"topology", `"workloadPolicy":{"type":"HIGH_THROUGHPUT","acceleratorTopology":"1x72"}`, 200},
			{"shapeless", `"workloadPolicy":{"type":"HIGH_THROUGHPUT","acceleratorTopology":"many"}`, 400},
			{"available", `"workloadPolicy":{"type":"HIGH_AVAILABILITY","acceleratorTopology":"1x72"}`, 400},
			{"nothing", `"description":"x"`, 400},
			{"snapshots", `"snapshotSchedulePolicy":{}`, 501},
		} {
			status, v := c.call("POST", policies, `{"name":"`+tc.name+`",`+tc.body+`}`)
			if status != tc.status {
				t.Errorf("%s: %d %v", tc.name, status, v)
			}
			if status != 200 {
				continue
			}
			if v := c.must("GET", policies+"/"+tc.name, ""); doc.Str(v, "status") != "CREATING" {
				t.Errorf("%s: %v", tc.name, v)
			}
			c.done(v)
			if v := c.must("GET", policies+"/"+tc.name, ""); doc.Str(v, "status") != "READY" {
				t.Errorf("%s: %v", tc.name, v)
			}
		}
		if n := len(doc.Objects(c.must("GET", policies, ""), "items")); n != 3 {
			t.Errorf("%d policies", n)
		}
		c.done(c.must("DELETE", policies+"/compact", ""))
		c.refusal(404, "GET", policies+"/compact", "")
	})
}

// Rules with what excludes each other are refused; logging shows what it takes by default.
func TestFirewallRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		for _, tc := range []struct {
			name, body string
			status     int
		}{
			{"accounts", `"sourceServiceAccounts":["a@p.iam.gserviceaccount.com"],"targetServiceAccounts":["b@p.iam.gserviceaccount.com"]`, 200},
			{"tags", `"sourceTags":["a"],"targetTags":["b"]`, 200},
			{"tags-accounts", `"sourceTags":["a"],"targetServiceAccounts":["b@p.iam.gserviceaccount.com"]`, 400},
			{"accounts-tags", `"sourceServiceAccounts":["a@p.iam.gserviceaccount.com"],"targetTags":["b"]`, 400},
			{"out", `"direction":"EGRESS"`, 200},
			{"out-of-tags", `"direction":"EGRESS","sourceTags":["a"]`, 400},
			{"out-of-accounts", `"direction":"EGRESS","sourceServiceAccounts":["a@p.iam.gserviceaccount.com"]`, 400},
			{"logged", `"logConfig":{"enable":true}`, 200},
		} {
			if status, v := c.call("POST", "global/firewalls", `{"name":"`+tc.name+`","denied":[{"IPProtocol":"all"}],`+tc.body+`}`); status != tc.status {
				t.Errorf("%s: %d %v", tc.name, status, v)
			}
		}
		if v := c.must("GET", "global/firewalls/logged", ""); doc.Str(v, "logConfig", "metadata") != "INCLUDE_ALL_METADATA" {
			t.Error(v)
		}
		if v := c.must("GET", "global/firewalls/accounts", ""); v["sourceRanges"] != nil {
			t.Error(v)
		}
	})
}
