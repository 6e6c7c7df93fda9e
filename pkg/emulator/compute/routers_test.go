package compute_test

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

const region = "regions/us-central1/"

// withNetwork gives a client with a network "net" and subnetworks "sub" and, for private NAT, "nat".
func withNetwork(t *testing.T) client {
	t.Helper()
	c := open(t, "")
	c.done(c.must("POST", "global/networks", `{"name":"net","autoCreateSubnetworks":false}`))
	c.done(c.must("POST", region+"subnetworks", `{"name":"sub","network":"global/networks/net","ipCidrRange":"10.0.0.0/20"}`))
	c.done(c.must("POST", region+"subnetworks", `{"name":"nat","network":"global/networks/net","ipCidrRange":"10.3.0.0/20","purpose":"PRIVATE_NAT"}`))
	return c
}

func TestWhatANATShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := withNetwork(t)
		if sub := c.must("GET", region+"subnetworks/nat", ""); sub["stackType"] != nil {
			t.Errorf("a subnetwork for private NAT shows a stack type: %v", sub)
		}
		c.done(c.must("POST", region+"routers", `{"name":"router","network":"global/networks/net"}`))
		const sub = "projects/test-project/regions/us-central1/subnetworks/"
		for _, tc := range []struct {
			name, sent string
			shown      doc.Map
		}{
			{
				"a private one", `{"name":"p","type":"PRIVATE","sourceSubnetworkIpRangesToNat":"LIST_OF_SUBNETWORKS",
					"subnetworks":[{"name":"` + sub + `sub","sourceIpRangesToNat":["ALL_IP_RANGES"]}],
					"rules":[{"ruleNumber":100,"match":"m","action":{"sourceNatActiveRanges":["` + sub + `nat"]}}]}`,
				doc.Map{
					"name": "p", "type": "PRIVATE", "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS", "enableDynamicPortAllocation": true,
					"effectiveTcpTimeWaitTimeoutSec": 120.0, "enableEndpointIndependentMapping": false, "endpointTypes": []any{"ENDPOINT_TYPE_VM"},
					"subnetworks": []any{doc.Map{"name": sub + "sub", "sourceIpRangesToNat": []any{"ALL_IP_RANGES"}}},
					"rules":       []any{doc.Map{"ruleNumber": 100.0, "match": "m", "action": doc.Map{"sourceNatActiveRanges": []any{sub + "nat"}}}},
				},
			},
			{
				"a public one", `{"name":"p","natIpAllocateOption":"AUTO_ONLY","sourceSubnetworkIpRangesToNat":"ALL_SUBNETWORKS_ALL_IP_RANGES","tcpTimeWaitTimeoutSec":60}`,
				doc.Map{
					"name": "p", "type": "PUBLIC", "natIpAllocateOption": "AUTO_ONLY", "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
					"autoNetworkTier": "PREMIUM", "effectiveTcpTimeWaitTimeoutSec": 60.0, "tcpTimeWaitTimeoutSec": 60.0,
					"enableEndpointIndependentMapping": false, "endpointTypes": []any{"ENDPOINT_TYPE_VM"},
				},
			},
		} {
			c.done(c.must("PATCH", region+"routers/router", `{"nats":[`+tc.sent+`]}`))
			c.done(c.must("PATCH", region+"routers/router", `{"description":"NATs stay"}`))
			if nats := doc.Objects(c.must("GET", region+"routers/router", ""), "nats"); len(nats) != 1 || !reflect.DeepEqual(nats[0], tc.shown) {
				t.Errorf("%s: %v", tc.name, nats)
			}
		}
		if nats := doc.Objects(c.must("GET", region+"routers/router/getRouterStatus", ""), "result", "natStatus"); len(nats) != 1 || doc.Num(nats[0], "numVmEndpointsWithNatMappings") != 0 {
			t.Errorf("status: %v", nats)
		}
		c.refusal(501, "GET", region+"routers/router/getNatMappingInfo", "")
		preview := c.must("POST", region+"routers/router/preview", `{"bgp":{"asn":64512}}`)
		if doc.Num(preview, "resource", "bgp", "keepaliveInterval") != 20 || c.must("GET", region+"routers/router", "")["bgp"] != nil {
			t.Errorf("preview: %v", preview)
		}
	})
}

// What a router's parts refer to must be there, and what excludes each other is refused.
func TestRoutersThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := withNetwork(t)
		for name, parts := range map[string]string{
			"a public ASN":                           `"bgp":{"asn":15169}`,
			"ranges that are not advertised":         `"bgp":{"asn":64512,"advertisedGroups":["ALL_SUBNETS"]}`,
			"a peer without an interface":            `"bgp":{"asn":64512},"bgpPeers":[{"name":"p","peerAsn":64513,"interfaceName":"i"}]`,
			"a peer without BGP":                     `"interfaces":[{"name":"i"}],"bgpPeers":[{"name":"p","peerAsn":64513,"interfaceName":"i"}]`,
			"an interface in no subnetwork":          `"interfaces":[{"name":"i","subnetwork":"regions/us-central1/subnetworks/none"}]`,
			"two interfaces of a name":               `"interfaces":[{"name":"i"},{"name":"i"}]`,
			"a NAT of listed subnetworks without":    `"nats":[{"name":"n","natIpAllocateOption":"AUTO_ONLY","sourceSubnetworkIpRangesToNat":"LIST_OF_SUBNETWORKS"}]`,
			"a NAT of a subnetwork that is not":      `"nats":[{"name":"n","natIpAllocateOption":"AUTO_ONLY","sourceSubnetworkIpRangesToNat":"LIST_OF_SUBNETWORKS","subnetworks":[{"name":"regions/us-central1/subnetworks/none","sourceIpRangesToNat":["ALL_IP_RANGES"]}]}]`,
			"an automatic NAT with addresses":        `"nats":[{"name":"n","natIpAllocateOption":"AUTO_ONLY","natIps":["regions/us-central1/addresses/a"],"sourceSubnetworkIpRangesToNat":"ALL_SUBNETWORKS_ALL_IP_RANGES"}]`,
			"dynamic ports with independent mapping": `"nats":[{"name":"n","natIpAllocateOption":"AUTO_ONLY","enableDynamicPortAllocation":true,"enableEndpointIndependentMapping":true,"sourceSubnetworkIpRangesToNat":"ALL_SUBNETWORKS_ALL_IP_RANGES"}]`,
		} {
			if status, v := c.call("POST", region+"routers", `{"name":"router","network":"global/networks/net",`+parts+`}`); status != 400 && status != 404 {
				t.Errorf("%s: %d %v", name, status, v)
			}
		}
		c.done(c.must("POST", region+"routers", `{"name":"router","network":"global/networks/net","bgp":{"asn":64512},"interfaces":[{"name":"i","ipRange":"169.254.0.1/30"}],
			"bgpPeers":[{"name":"p","peerAsn":64513,"interfaceName":"i"}],"nats":[{"name":"n","natIpAllocateOption":"AUTO_ONLY",
			"sourceSubnetworkIpRangesToNat":"LIST_OF_SUBNETWORKS","subnetworks":[{"name":"regions/us-central1/subnetworks/sub","sourceIpRangesToNat":["ALL_IP_RANGES"]}]}]}`))
		v := c.must("GET", region+"routers/router", "")
		if doc.Str(v, "bgp", "advertiseMode") != "DEFAULT" || doc.Str(doc.Objects(v, "bgpPeers")[0], "enable") != "TRUE" {
			t.Errorf("made: %v", v)
		}
		c.refusal(400, "DELETE", region+"subnetworks/sub", "")
		c.refusal(501, "GET", region+"routers/router/getRouterStatus", "")
	})
}

func TestRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := withNetwork(t)
		for _, vm := range [][2]string{{"in", `{"network":"global/networks/net","subnetwork":"regions/us-central1/subnetworks/sub"}`}, {"out", `{}`}} {
			c.done(c.must("POST", zone+"instances", fmt.Sprintf(`{"name":"%s","machineType":"%smachineTypes/n1-standard-4","networkInterfaces":[%s],
				"disks":[{"boot":true,"autoDelete":true,"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}]}`, vm[0], zone, vm[1])))
		}
		for _, tc := range []struct {
			name, hop string
			status    int
			field     string
			shown     string
		}{
			{"to the internet", `"nextHopGateway":"global/gateways/default-internet-gateway"`, 200, "nextHopGateway", "https://www.googleapis.com/compute/v1/projects/test-project/global/gateways/default-internet-gateway"},
			{"to another gateway", `"nextHopGateway":"global/gateways/mine"`, 400, "", ""},
			{"to an address", `"nextHopIp":"10.0.0.5"`, 200, "nextHopIp", "10.0.0.5"},
			{"to no address", `"nextHopIp":"10.0.0"`, 400, "", ""},
			{"to a VM", `"nextHopInstance":"zones/us-central1-a/instances/in"`, 200, "nextHopInstance", "https://www.googleapis.com/compute/v1/projects/test-project/zones/us-central1-a/instances/in"},
			{"to a VM of another network", `"nextHopInstance":"zones/us-central1-a/instances/out"`, 400, "", ""},
			{"to no VM", `"nextHopInstance":"zones/us-central1-a/instances/none"`, 400, "", ""},
			{"to two", `"nextHopIp":"10.0.0.5","nextHopGateway":"global/gateways/default-internet-gateway"`, 400, "", ""},
			{"to none", `"description":"x"`, 400, "", ""},
		} {
			status, v := c.call("POST", "global/routes", `{"name":"route","network":"global/networks/net","destRange":"192.168.0.0/24",`+tc.hop+`}`)
			if status != tc.status {
				t.Errorf("%s: %d %v", tc.name, status, v)
			}
			if tc.status != 200 {
				continue
			}
			c.done(v)
			if v := c.must("GET", "global/routes/route", ""); doc.Str(v, tc.field) != tc.shown || doc.Num(v, "priority") != 1000 {
				t.Errorf("%s: %v", tc.name, v)
			}
			c.done(c.must("DELETE", "global/routes/route", ""))
		}
	})
}
