package compute_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// VPC takes private ranges, public ones, and even those of class E, but not what the page on subnets prohibits.
func TestProhibitedRanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		c.must("POST", "global/networks", `{"name":"net","autoCreateSubnetworks":false}`)
		pass(time.Minute)
		n := 0
		for _, tc := range []struct {
			name, ranged string
			refused      bool
		}{
			{"private, class A", "10.1.0.0/20", false},
			{"private, class B", "172.16.0.0/20", false},
			{"private, class C", "192.168.0.0/24", false},
			{"shared address space", "100.64.0.0/20", false},
			{"benchmarking", "198.18.0.0/20", false},
			{"public, used privately", "203.0.114.0/24", false},
			{"class E", "240.1.0.0/20", false},
			{"beside the addresses of Google's APIs", "199.36.153.16/28", false},
			{"this network", "0.0.0.0/20", true},
			{"this network, from outside", "0.0.0.0/7", true},
			{"loopback", "127.8.0.0/20", true},
			{"link-local", "169.254.0.0/16", true},
			{"around link-local", "169.254.0.0/15", true},
			{"multicast", "224.0.0.0/8", true},
			{"multicast, its end", "239.255.255.0/24", true},
			{"broadcast", "255.255.255.0/24", true},
			{"restricted addresses of Google's APIs", "199.36.153.0/29", true},
			{"private addresses of Google's APIs", "199.36.153.8/29", true},
		} {
			n++
			for i, body := range []string{
				`{"name":"first-%d","network":"global/networks/net","ipCidrRange":"%s"}`,
				`{"name":"second-%d","network":"global/networks/net","ipCidrRange":"10.99.%d.0/24","secondaryIpRanges":[{"rangeName":"pods","ipCidrRange":"%s"}]}`,
			} {
				region := "regions/us-central1/subnetworks"
				values := []any{n, tc.ranged}
				if i == 1 {
					values = []any{n, n, tc.ranged}
					if !tc.refused {
						c.must("DELETE", fmt.Sprintf("%s/first-%d", region, n), "")
						pass(time.Minute)
					}
				}
				status, v := c.call("POST", region, fmt.Sprintf(body, values...))
				if says := doc.Str(v, "error", "message"); (status == 400) != tc.refused || tc.refused && !strings.Contains(says, "'"+tc.ranged+"'") {
					t.Errorf("%s, %s: %d %s", tc.name, tc.ranged, status, says)
				}
				pass(time.Minute)
			}
		}
		c.must("POST", "regions/us-central1/subnetworks", `{"name":"low","network":"global/networks/net","ipCidrRange":"1.0.0.0/24"}`)
		pass(time.Minute)
		if status, v := c.call("POST", "regions/us-central1/subnetworks/low/expandIpCidrRange", `{"ipCidrRange":"0.0.0.0/7"}`); status != 400 {
			t.Errorf("expanded into a prohibited range: %d %v", status, v)
		}
		low := c.must("GET", "regions/us-central1/subnetworks/low", "")
		for _, body := range []string{`"127.0.0.0/24"`, `"10.1.0.1/24"`} {
			patch := fmt.Sprintf(`{"fingerprint":%q,"secondaryIpRanges":[{"rangeName":"pods","ipCidrRange":%s}]}`, doc.Str(low, "fingerprint"), body)
			if status, v := c.call("PATCH", "regions/us-central1/subnetworks/low", patch); status != 400 {
				t.Errorf("patched to a range of %s: %d %v", body, status, v)
			}
		}
	})
}

// A network in custom mode has no subnetwork to choose for a VM. The words are those of public reports.
func TestACustomNetworkNeedsASubnetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		for _, rule := range doc.Objects(c.must("GET", "global/firewalls", ""), "items") {
			c.must("DELETE", "global/firewalls/"+doc.Str(rule, "name"), "")
		}
		pass(time.Minute)
		c.must("DELETE", "global/networks/default", "")
		pass(2 * time.Minute)
		c.must("POST", "global/networks", `{"name":"default","autoCreateSubnetworks":false}`)
		pass(time.Minute)
		c.must("POST", "regions/us-central1/subnetworks", `{"name":"main","network":"global/networks/default","ipCidrRange":"10.5.0.0/20"}`)
		pass(time.Minute)
		if v := c.must("GET", "global/networks/default", ""); v["autoCreateSubnetworks"] != false || len(doc.List(v, "subnetworks")) != 1 {
			t.Errorf("the network: %v", v)
		}
		const machine = `"machineType":"%sn1-standard-4","networkInterfaces":[%s],"disks":[{"boot":true,"autoDelete":true,"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}]`
		for _, tc := range []struct {
			name, path, body, says string
		}{
			{
				"a template without a subnetwork is refused", "global/instanceTemplates", fmt.Sprintf(`{"name":"bare","properties":{`+machine+`}}`, "", "{}"),
				"Invalid value for field 'resource.properties.networkInterfaces[0].subnetwork': ''. Network interface must specify a subnet if the network resource is in custom subnet mode.",
			},
			{
				"a VM without a subnetwork is refused", zone + "instances", fmt.Sprintf(`{"name":"bare",`+machine+`}`, zone+"machineTypes/", "{}"),
				"Invalid value for field 'resource.networkInterfaces[0]': ''. Subnetwork should be specified for custom subnetmode network",
			},
			{"a template with one is taken", "global/instanceTemplates", fmt.Sprintf(`{"name":"template","properties":{`+machine+`}}`, "", `{"subnetwork":"regions/us-central1/subnetworks/main"}`), ""},
			{"a VM with one is taken", zone + "instances", fmt.Sprintf(`{"name":"vm",`+machine+`}`, zone+"machineTypes/", `{"network":"global/networks/default","subnetwork":"regions/us-central1/subnetworks/main"}`), ""},
		} {
			status, v := c.call("POST", tc.path, tc.body)
			if doc.Str(v, "error", "message") != tc.says || (status == 400) != (tc.says != "") {
				t.Errorf("%s: %d %s", tc.name, status, doc.Str(v, "error", "message"))
			}
		}
		pass(time.Minute)
		if ip := doc.Str(doc.Objects(c.must("GET", zone+"instances/vm", ""), "networkInterfaces")[0], "networkIP"); !strings.HasPrefix(ip, "10.5.") {
			t.Errorf("the VM's address: %s", ip)
		}
	})
}
