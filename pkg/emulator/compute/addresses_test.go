package compute_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// An address is in use as long as an instance has it, and cannot be released then.
func TestAddressesInUse(t *testing.T) {
	world(t, "", func(c client) {
		c.must("POST", "regions/us-central1/addresses", `{"name":"a"}`)
		if s := doc.Str(c.must("GET", address+"a", ""), "status"); s != "RESERVING" {
			t.Errorf("%s", s)
		}
		pass(time.Minute)
		a := c.must("GET", address+"a", "")
		ip := doc.Str(a, "address")
		if doc.Str(a, "status") != "RESERVED" || doc.Str(a, "addressType") != "EXTERNAL" || doc.Str(a, "networkTier") != "PREMIUM" || a["users"] != nil || ip == "" {
			t.Errorf("%v", a)
		}
		c.do(zone+"instances", strings.ReplaceAll(body("vm", "n1-standard-4", ""), `"accessConfigs":[{}]`, fmt.Sprintf(`"accessConfigs":[{"natIP":%q}]`, ip)))
		if a = c.must("GET", address+"a", ""); doc.Str(a, "status") != "IN_USE" || !strings.HasSuffix(doc.Words(a, "users")[0], "/instances/vm") {
			t.Errorf("%v", a)
		}
		c.refused(400, "The address resource 'projects/test-project/regions/us-central1/addresses/a' is already being used by "+
			"'projects/test-project/zones/us-central1-a/instances/vm'", "DELETE", address+"a", "")
		c.refused(400, "is already in use", "POST", zone+"instances", strings.ReplaceAll(body("two", "n1-standard-4", ""), `"accessConfigs":[{}]`, fmt.Sprintf(`"accessConfigs":[{"natIP":%q}]`, ip)))
		c.do(vm+"/stop", "")
		if have := c.external(vm); have != ip {
			t.Errorf("a reserved address stays: %s", have)
		}
		c.refused(400, "At most one access config", "POST", vm+"/addAccessConfig?networkInterface=nic0", `{}`)
		c.do(vm+"/deleteAccessConfig?networkInterface=nic0&accessConfig=external-nat", "")
		c.must("DELETE", address+"a", "")
		pass(time.Minute)
		c.refused(404, "was not found", "GET", address+"a", "")
		c.do(vm+"/start", "")
		c.do(vm+"/addAccessConfig?networkInterface=nic0", `{"name":"out"}`)
		first := c.external(vm)
		c.do(vm+"/stop", "")
		if have := c.external(vm); first == "" || have != "" {
			t.Errorf("an ephemeral address goes when the instance stops: %q %q", first, have)
		}
		c.do(vm+"/start", "")
		if have := c.external(vm); have == "" {
			t.Error("no address after the start")
		}
	})
}

// external is the external address of an instance.
func (c client) external(path string) string {
	c.Helper()
	access := doc.Objects(doc.Objects(c.must("GET", path, ""), "networkInterfaces")[0], "accessConfigs")
	if len(access) == 0 {
		return ""
	}
	return doc.Str(access[0], "natIP")
}

// Internal addresses are of a subnetwork, and nobody gets one that is reserved unless by asking for it.
func TestInternalAddresses(t *testing.T) {
	world(t, "", func(c client) {
		c.do("regions/us-central1/addresses", `{"name":"chosen","addressType":"INTERNAL","address":"10.128.0.3"}`)
		c.do("regions/us-central1/addresses", `{"name":"given","addressType":"INTERNAL"}`)
		a := c.must("GET", address+"given", "")
		if doc.Str(a, "address") != "10.128.0.2" || doc.Str(a, "purpose") != "GCE_ENDPOINT" || !strings.HasSuffix(doc.Str(a, "subnetwork"), "/subnetworks/default") {
			t.Errorf("%v", a)
		}
		c.vm("vm", "n1-standard-4", "")
		if ip := doc.Str(doc.Objects(c.must("GET", vm, ""), "networkInterfaces")[0], "networkIP"); ip != "10.128.0.4" {
			t.Errorf("%s", ip)
		}
		c.do(zone+"instances", strings.ReplaceAll(body("two", "n1-standard-4", ""), `"accessConfigs":[{}]`, `"networkIP":"10.128.0.3"`))
		if s := doc.Str(c.must("GET", address+"chosen", ""), "status"); s != "IN_USE" {
			t.Errorf("%s", s)
		}
		c.refused(400, "is not in the range", "POST", "regions/us-central1/addresses", `{"name":"b","addressType":"INTERNAL","address":"10.0.0.1"}`)
		c.refused(400, "already reserved", "POST", "regions/us-central1/addresses", `{"name":"b","addressType":"INTERNAL","address":"10.128.0.2"}`)
	})
}

func TestGlobalAddresses(t *testing.T) {
	world(t, "", func(c client) {
		c.do("global/addresses", `{"name":"a"}`)
		c.do("global/addresses", `{"name":"r","addressType":"INTERNAL","purpose":"VPC_PEERING","prefixLength":16,"network":"global/networks/default"}`)
		c.do("global/addresses", `{"name":"s","addressType":"INTERNAL","purpose":"VPC_PEERING","prefixLength":16,"network":"global/networks/default"}`)
		for name, want := range map[string]string{"r": "10.0.0.0", "s": "10.1.0.0"} {
			if d := c.must("GET", "global/addresses/"+name, ""); doc.Str(d, "address") != want || doc.Str(d, "status") != "RESERVED" || d["region"] != nil {
				t.Errorf("%v", d)
			}
		}
		c.refused(400, "overlaps", "POST", "global/addresses", `{"name":"t","addressType":"INTERNAL","purpose":"VPC_PEERING","address":"10.1.0.0","prefixLength":20,"network":"global/networks/default"}`)
		c.do("global/addresses/a/setLabels", `{"labels":{"a":"b"},"labelFingerprint":"42WmSpB8rSM="}`)
		all := doc.Object(c.must("GET", "aggregated/addresses?returnPartialSuccess=true", ""), "items")
		if len(doc.Objects(all, "global", "addresses")) != 3 {
			t.Errorf("%v", all)
		}
	})
}

// A stopped instance can be moved to another subnetwork.
func TestANetworkInterfaceMoves(t *testing.T) {
	world(t, "", func(c client) {
		c.do("global/networks", `{"name":"net","autoCreateSubnetworks":false}`)
		c.do("regions/us-central1/subnetworks", `{"name":"sub","network":"global/networks/net","ipCidrRange":"10.9.0.0/24"}`)
		c.vm("vm", "n1-standard-4", "")
		nic := doc.Objects(c.must("GET", vm, ""), "networkInterfaces")[0]
		move := fmt.Sprintf(`{"fingerprint":%q,"network":"global/networks/net","subnetwork":"regions/us-central1/subnetworks/sub"}`, doc.Str(nic, "fingerprint"))
		const at = vm + "/updateNetworkInterface?networkInterface=nic0"
		c.refused(412, "Invalid fingerprint.", "PATCH", at, `{"fingerprint":"AAAA"}`)
		c.refused(400, "the instance must be in TERMINATED state", "PATCH", at, move)
		c.do(vm+"/stop", "")
		c.must("PATCH", at, move)
		nic = doc.Objects(c.must("GET", vm, ""), "networkInterfaces")[0]
		if doc.Str(nic, "networkIP") != "10.9.0.2" || !strings.HasSuffix(doc.Str(nic, "network"), "/networks/net") {
			t.Errorf("%v", nic)
		}
	})
}
