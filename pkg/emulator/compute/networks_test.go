package compute_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
)

const lingeringPlan = `{"rules":[{"match":{"method":"DELETE","path":"%s"},"fault":{"inUseFor":"5m"}}]}`

// refusal gives the message of a refusal and fails when the call was not refused with that status.
func (c client) refusal(status int, method, path, body string) string {
	c.Helper()
	got, v := c.call(method, path, body)
	if got != status {
		c.Errorf("%s %s %s: %d %v", method, path, body, got, v)
	}
	return doc.Str(v, "error", "message")
}

// done is an operation after long enough.
func (c client) done(op doc.Map) doc.Map {
	c.Helper()
	pass(5 * time.Minute)
	return c.must("GET", strings.TrimPrefix(doc.Str(op, "selfLink"), "https://www.googleapis.com/compute/v1/projects/test-project/"), "")
}

func TestAutoModeHasASubnetworkInEachRegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		c.done(c.must("POST", "global/networks", `{"name":"auto","autoCreateSubnetworks":true}`))
		if n := len(doc.List(c.must("GET", "global/networks/auto", ""), "subnetworks")); n != len(places.All()) {
			t.Errorf("%d subnetworks in %d regions", n, len(places.All()))
		}
		var seen []netip.Prefix
		for _, r := range places.All() {
			sub := c.must("GET", "regions/"+r.Name+"/subnetworks/auto", "")
			p, err := netip.ParsePrefix(doc.Str(sub, "ipCidrRange"))
			if err != nil || p.Bits() != 20 || !netip.MustParsePrefix("10.128.0.0/9").Overlaps(p) {
				t.Errorf("%s: %s", r.Name, doc.Str(sub, "ipCidrRange"))
			}
			for _, other := range seen {
				if other.Overlaps(p) {
					t.Errorf("%s: %s is taken", r.Name, p)
				}
			}
			seen = append(seen, p)
		}
		says := c.refusal(400, "POST", "regions/us-central1/subnetworks", `{"name":"more","network":"global/networks/auto","ipCidrRange":"10.200.0.0/16"}`)
		if !strings.HasSuffix(says, "Extended subnetworks in auto subnet mode networks cannot overlap with 10.128.0.0/9.") {
			t.Error(says)
		}

		op := c.done(c.must("POST", "global/networks/auto/switchToCustomMode", ""))
		if doc.Str(op, "operationType") != "switchToCustomMode" || doc.Bool(c.must("GET", "global/networks/auto", ""), "autoCreateSubnetworks") {
			t.Errorf("not switched: %v", op)
		}
		c.refusal(400, "POST", "global/networks/auto/switchToCustomMode", "")
		if op := c.done(c.must("DELETE", "global/networks/auto", "")); !strings.Contains(doc.Str(doc.Objects(op, "error", "errors")[0], "message"), "already being used by") {
			t.Errorf("deleted with the subnetworks that are its user's now: %v", op)
		}
	})
}

func TestNetworkChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		c.done(c.must("POST", "global/networks", `{"name":"net","autoCreateSubnetworks":false,"enableUlaInternalIpv6":false}`))
		if v := c.must("GET", "global/networks/net", ""); v["enableUlaInternalIpv6"] != nil || doc.Str(v, "routingConfig", "routingMode") != "REGIONAL" {
			t.Errorf("new: %v", v)
		}
		op := c.done(c.must("PATCH", "global/networks/net", `{"routingConfig":{"routingMode":"GLOBAL"},"mtu":8896}`))
		v := c.must("GET", "global/networks/net", "")
		if doc.Str(op, "operationType") != "updateNetwork" || doc.Str(v, "routingConfig", "routingMode") != "GLOBAL" ||
			doc.Str(v, "routingConfig", "bgpBestPathSelectionMode") != "LEGACY" || doc.Num(v, "mtu") != 8896 {
			t.Errorf("changed: %v, %v", op, v)
		}
		c.refusal(400, "PATCH", "global/networks/net", `{"mtu":9000}`)
		c.refusal(400, "PATCH", "global/networks/net", `{"autoCreateSubnetworks":true}`)
		if v := c.must("GET", "global/networks/net", ""); doc.Num(v, "mtu") != 8896 {
			t.Errorf("after refusals: %v", v)
		}
		if v := c.must("GET", "global/networks/default", ""); v["routingConfig"] != nil {
			t.Errorf("the project's own network shows its routing: %v", v)
		}
		c.done(c.must("POST", "global/firewalls", `{"name":"rule","network":"global/networks/net","allowed":[{"IPProtocol":"all"}]}`))
		if rules := doc.Objects(c.must("GET", "global/networks/net/getEffectiveFirewalls", ""), "firewalls"); len(rules) != 1 || doc.Str(rules[0], "name") != "rule" {
			t.Errorf("effective: %v", rules)
		}
	})
}

// A deleted VM, or the VMs of a deleted group, may count as users of their network for a while. Nobody else's do.
func TestNetworksStayInUseForAWhile(t *testing.T) {
	for _, tc := range []struct{ name, path, plan string }{
		{"a VM", zone + "instances/vm", "/instances/vm$"},
		{"a group", group, "/instanceGroupManagers/group$"},
		{"nothing", zone + "instances/vm", "/instances/other$"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := open(t, strings.Replace(lingeringPlan, "%s", tc.plan, 1))
			c.done(c.must("POST", "global/networks", `{"name":"net","autoCreateSubnetworks":false}`))
			c.done(c.must("POST", "regions/us-central1/subnetworks", `{"name":"sub","network":"global/networks/net","ipCidrRange":"10.0.0.0/20"}`))
			const machine = `"machineType":"%sn1-standard-4","networkInterfaces":[{"network":"global/networks/net","subnetwork":"regions/us-central1/subnetworks/sub"}],
				"disks":[{"boot":true,"autoDelete":true,"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}]`
			if tc.path == group {
				c.done(c.must("POST", "global/instanceTemplates", `{"name":"template","properties":{`+strings.Replace(machine, "%s", "", 1)+`}}`))
				c.done(c.must("POST", group[:strings.LastIndexByte(group, '/')], `{"name":"group","baseInstanceName":"vm","targetSize":1,"instanceTemplate":"global/instanceTemplates/template"}`))
			} else {
				c.done(c.must("POST", zone+"instances", `{"name":"vm",`+strings.Replace(machine, "%s", zone+"machineTypes/", 1)+`}`))
			}
			c.must("DELETE", tc.path, "")
			for c.there(tc.path) {
				pass(10 * time.Second)
			}
			status, v := c.call("DELETE", "regions/us-central1/subnetworks/sub", "")
			if tc.name == "nothing" {
				if status != 200 {
					t.Errorf("%s: %d %v", tc.name, status, v)
				}
				return
			}
			if status != 400 || !strings.Contains(doc.Str(v, "error", "message"), "is already being used by 'projects/test-project/zones/us-central1-a/instances/vm") {
				t.Errorf("%s: %d %v", tc.name, status, v)
			}
			pass(6 * time.Minute)
			c.done(c.must("DELETE", "regions/us-central1/subnetworks/sub", ""))
			if op := c.done(c.must("DELETE", "global/networks/net", "")); op["error"] != nil {
				t.Errorf("%s: %v", tc.name, op)
			}
		})
	}
}

// there says whether a thing is still there.
func (c client) there(path string) bool {
	c.Helper()
	status, _ := c.call("GET", path, "")
	return status == 200
}

func TestProjectMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		get := func() doc.Map { c.Helper(); return c.must("GET", "../test-project", "") }
		if p := get(); !strings.HasSuffix(doc.Str(p, "defaultServiceAccount"), "-compute@developer.gserviceaccount.com") || len(doc.Objects(p, "quotas")) == 0 {
			t.Errorf("the project: %v", p)
		}
		first := doc.Str(get(), "commonInstanceMetadata", "fingerprint")
		c.done(c.must("POST", "setCommonInstanceMetadata", `{"fingerprint":"`+first+`","items":[{"key":"a","value":"b"}]}`))
		p := get()
		if items := doc.Objects(p, "commonInstanceMetadata", "items"); len(items) != 1 || doc.Str(p, "commonInstanceMetadata", "fingerprint") == first {
			t.Errorf("set: %v", p)
		}
		if says := c.refusal(412, "POST", "setCommonInstanceMetadata", `{"fingerprint":"`+first+`"}`); says != "Supplied fingerprint does not match current metadata fingerprint." {
			t.Error(says)
		}
		c.refusal(501, "POST", "setUsageExportBucket", `{"bucketName":"b"}`)
		c.refusal(501, "POST", "enableXpnHost", "")
		if host := c.must("GET", "getXpnHost", ""); len(host) != 0 {
			t.Errorf("the host project: %v", host)
		}
	})
}
