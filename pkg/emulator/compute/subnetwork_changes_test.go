package compute_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

func TestSubnetworkChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := withNetwork(t)
		const sub = region + "subnetworks/sub"
		patch := func(body string) (int, doc.Map) {
			return c.call("PATCH", sub, fmt.Sprintf(`{"fingerprint":%q,%s}`, doc.Str(c.must("GET", sub, ""), "fingerprint"), body))
		}
		c.refusal(400, "PATCH", sub, `{"logConfig":{"enable":true}}`)
		c.refusal(412, "PATCH", sub, `{"logConfig":{"enable":true},"fingerprint":"AAAAAAAAAAA="}`)
		for _, tc := range []struct {
			name, body string
			status     int
			path, want string // of the subnetwork afterwards
		}{
			{"secondary ranges", `"secondaryIpRanges":[{"rangeName":"pods","ipCidrRange":"10.100.0.0/16"}]`, 200, "secondaryIpRanges", "[map[ipCidrRange:10.100.0.0/16 rangeName:pods]]"},
			{"one within the primary", `"secondaryIpRanges":[{"rangeName":"pods","ipCidrRange":"10.0.1.0/24"}]`, 400, "secondaryIpRanges", "[map[ipCidrRange:10.100.0.0/16 rangeName:pods]]"},
			{"two of a name", `"secondaryIpRanges":[{"rangeName":"x","ipCidrRange":"10.101.0.0/24"},{"rangeName":"x","ipCidrRange":"10.102.0.0/24"}]`, 400, "secondaryIpRanges", "[map[ipCidrRange:10.100.0.0/16 rangeName:pods]]"},
			{"flow logs", `"logConfig":{"enable":true}`, 200, "logConfig", "map[aggregationInterval:INTERVAL_5_SEC enable:true flowSampling:0.5 metadata:EXCLUDE_ALL_METADATA]"},
			{"show in the older switch", `"privateIpGoogleAccess":true`, 200, "enableFlowLogs", "true"},
			{"with another rate", `"logConfig":{"enable":true,"flowSampling":0.8}`, 200, "logConfig", "map[aggregationInterval:INTERVAL_5_SEC enable:true flowSampling:0.8 metadata:EXCLUDE_ALL_METADATA]"},
			{"with a rate that cannot be", `"logConfig":{"enable":true,"flowSampling":8}`, 400, "enableFlowLogs", "true"},
			{"off by the older switch", `"enableFlowLogs":false`, 200, "logConfig", "map[aggregationInterval:INTERVAL_5_SEC enable:false flowSampling:0.8 metadata:EXCLUDE_ALL_METADATA]"},
			{"IPv6 without access", `"stackType":"IPV4_IPV6"`, 400, "stackType", "IPV4_ONLY"},
			{"IPv6 inside, of a network without", `"stackType":"IPV4_IPV6","ipv6AccessType":"INTERNAL"`, 400, "stackType", "IPV4_ONLY"},
			{"IPv6 outside", `"stackType":"IPV4_IPV6","ipv6AccessType":"EXTERNAL"`, 200, "stackType", "IPV4_IPV6"},
			{"IPv6 alone", `"stackType":"IPV6_ONLY"`, 501, "stackType", "IPV4_IPV6"},
			{"another primary range", `"ipCidrRange":"10.7.0.0/20"`, 400, "ipCidrRange", "10.0.0.0/20"},
		} {
			status, v := patch(tc.body)
			if status != tc.status {
				t.Errorf("%s: %d %v", tc.name, status, v)
			}
			if status == 200 {
				c.done(v)
			}
			if got := fmt.Sprint(c.must("GET", sub, "")[tc.path]); got != tc.want {
				t.Errorf("%s: %s", tc.name, got)
			}
		}
		op := c.done(c.must("POST", sub+"/expandIpCidrRange", `{"ipCidrRange":"10.0.0.0/18"}`))
		if v := c.must("GET", sub, ""); doc.Str(op, "operationType") != "expandIpCidrRange" || doc.Str(v, "ipCidrRange") != "10.0.0.0/18" || doc.Str(v, "gatewayAddress") != "10.0.0.1" {
			t.Errorf("expanded: %v, %v", op, v)
		}
		c.refusal(400, "POST", sub+"/expandIpCidrRange", `{"ipCidrRange":"10.0.0.0/19"}`)
		op = c.done(c.must("POST", sub+"/setPrivateIpGoogleAccess", `{"privateIpGoogleAccess":false}`))
		if doc.Str(op, "operationType") != "setPrivateIpGoogleAccess" || doc.Bool(c.must("GET", sub, ""), "privateIpGoogleAccess") {
			t.Error(op)
		}
		says := c.refusal(400, "POST", region+"subnetworks", `{"name":"other","network":"global/networks/net","ipCidrRange":"10.0.8.0/24"}`)
		if !strings.HasPrefix(says, "Invalid value for field 'resource.ipCidrRange': '10.0.8.0/24'. Invalid IPCidrRange: 10.0.8.0/24 conflicts with existing subnetwork 'sub' in region 'us-central1'.") {
			t.Error(says)
		}
		// IPv6 inside comes out of the network's own range.
		c.done(c.must("PATCH", "global/networks/net", `{"enableUlaInternalIpv6":true}`))
		c.done(c.must("POST", region+"subnetworks", `{"name":"six","network":"global/networks/net","ipCidrRange":"10.8.0.0/24","stackType":"IPV4_IPV6","ipv6AccessType":"INTERNAL"}`))
		ula := strings.TrimSuffix(doc.Str(c.must("GET", "global/networks/net", ""), "internalIpv6Range"), ":0:0:0:0:0/48")
		if got := doc.Str(c.must("GET", region+"subnetworks/six", ""), "internalIpv6Prefix"); ula == "" || !strings.HasPrefix(got, ula+":") || !strings.HasSuffix(got, "/64") {
			t.Errorf("%s in %s", got, ula)
		}
	})
}
