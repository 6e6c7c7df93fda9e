package emulator_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

const (
	region    = base + "regions/us-central1/"
	zone      = base + "zones/us-central1-a/"
	bucket    = "https://storage.googleapis.com/storage/v1/b/"
	iam       = "https://iam.googleapis.com/v1/projects/test-project/serviceAccounts"
	usage     = "https://serviceusage.googleapis.com/v1/projects/test-project/services/"
	resources = "https://cloudresourcemanager.googleapis.com/v1/projects/test-project"
)

// world makes one thing of each kind that can be changed.
func (c client) world() {
	c.t.Helper()
	for _, one := range []struct{ url, body string }{
		{base + "global/networks", `{"name":"net","autoCreateSubnetworks":false,"description":"d","mtu":1500,"routingConfig":{"routingMode":"GLOBAL","bgpBestPathSelectionMode":"STANDARD"}}`},
		{region + "subnetworks", `{"name":"sub","network":"global/networks/net","ipCidrRange":"10.0.0.0/24","privateIpGoogleAccess":true,
			"secondaryIpRanges":[{"rangeName":"r","ipCidrRange":"10.1.0.0/24"}],"logConfig":{"enable":true,"flowSampling":0.5}}`},
		{base + "global/firewalls", `{"name":"fw","network":"global/networks/net","priority":7,"disabled":true,"description":"d","targetTags":["a"],"sourceTags":["b"],
			"allowed":[{"IPProtocol":"tcp","ports":["22"]}],"logConfig":{"enable":true,"metadata":"INCLUDE_ALL_METADATA"}}`},
		{region + "routers", `{"name":"router","network":"global/networks/net","description":"d","bgp":{"asn":64512,"keepaliveInterval":30},
			"nats":[{"name":"nat","natIpAllocateOption":"AUTO_ONLY","sourceSubnetworkIpRangesToNat":"ALL_SUBNETWORKS_ALL_IP_RANGES","minPortsPerVm":128}]}`},
		{base + "global/instanceTemplates", `{"name":"template","properties":{"machineType":"n1-standard-1","labels":{"a":"b"},"tags":{},"resourcePolicies":[null],
			"networkInterfaces":[{"subnetwork":"regions/us-central1/subnetworks/sub","accessConfigs":[null]}],
			"disks":[{"boot":true,"autoDelete":true,"mode":"","initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}]}}`},
		{zone + "instances?sourceInstanceTemplate=global/instanceTemplates/template", `{"name":"vm","metadata":{"items":[{"key":"k","value":"v"}]}}`},
		{zone + "instanceGroupManagers", `{"name":"group","targetSize":0,"instanceTemplate":"global/instanceTemplates/template","description":"d","resourcePolicies":{},"namedPorts":[{"name":"http","port":80}],
			"updatePolicy":{"type":"PROACTIVE","maxSurge":{"fixed":3},"minReadySec":0}}`},
	} {
		c.done("POST", one.url, one.body)
	}
	for _, one := range []struct{ url, body string }{
		{bucket[:len(bucket)-1] + "?project=test-project", `{"name":"bucket-of-test","labels":{"a":"b","c":"d"},"versioning":{"enabled":true},
			"lifecycle":{"rule":[{"action":{"type":"Delete"},"condition":{"age":1}}]},"cors":[{"origin":["*"]}]}`},
		{"https://storage.googleapis.com/upload/storage/v1/b/bucket-of-test/o?uploadType=media&name=object", "data"},
		{iam, `{"accountId":"account","serviceAccount":{"displayName":"d","uniqueId":"1"}}`},
	} {
		if status, v := c.call("POST", one.url, one.body); status != 200 {
			c.t.Fatalf("%s: %d %v", one.url, status, v)
		}
	}
}

// TestWhatWasSentIsWhatIsKept says of every method that changes something what absent, null, empty and zero fields do. PATCH is JSON
// merge patch and PUT replaces: so say the discovery documents of the methods, and the recordings as far as they go (a PATCH
// without nats: compute-router-nat-private-with-delete-errors.log). What the clients send is named where it is theirs.
func TestWhatWasSentIsWhatIsKept(t *testing.T) {
	const (
		network  = base + "global/networks/net"
		sub      = region + "subnetworks/sub"
		firewall = base + "global/firewalls/fw"
		router   = region + "routers/router"
		group    = zone + "instanceGroupManagers/group"
		vm       = zone + "instances/vm"
		template = base + "global/instanceTemplates/template"
		object   = bucket + "bucket-of-test/o/object"
		put      = `"network":"global/networks/net","allowed":[{"IPProtocol":"tcp"}]`
		absent   = "absent"
	)
	for _, tc := range []struct {
		name, method, url, body string
		read, field, want       string // read is url when empty; want "" is a refusal with 400
	}{
		{"null in a network's patch gives the default", "PATCH", network, `{"routingConfig":{"routingMode":null}}`, "", "routingConfig", `{"bgpBestPathSelectionMode":"STANDARD","routingMode":"REGIONAL"}`},
		{"an empty enum is not given", "PATCH", network, `{"routingConfig":{"routingMode":""}}`, "", "routingConfig.routingMode", `"GLOBAL"`},
		{"an empty message changes nothing", "PATCH", network, `{"routingConfig":{}}`, "", "routingConfig.routingMode", `"GLOBAL"`},
		{"Terraform sends names that nobody knows", "PATCH", network, `{"routingConfig":{"deleteBgpAlwaysCompareMed":false,"routingMode":"REGIONAL"}}`, "", "routingConfig.routingMode", `"REGIONAL"`},
		{"what only the cloud writes is ignored", "PATCH", network, `{"id":"7","selfLink":"x","kind":"y","subnetworks":["z"]}`, "", "kind", `"compute#network"`},

		{"gcloud --remove-secondary-ranges", "PATCH", sub, `{"secondaryIpRanges":[],"fingerprint":"$"}`, "", "secondaryIpRanges", absent},
		{"a null does the same", "PATCH", sub, `{"secondaryIpRanges":null,"fingerprint":"$"}`, "", "secondaryIpRanges", absent},
		{"what is absent stays", "PATCH", sub, `{"privateIpGoogleAccess":false,"fingerprint":"$"}`, "", "secondaryIpRanges", `[{"ipCidrRange":"10.1.0.0/24","rangeName":"r"}]`},
		{"false is false", "PATCH", sub, `{"privateIpGoogleAccess":false,"fingerprint":"$"}`, "", "privateIpGoogleAccess", `false`},
		{"null is the default", "PATCH", sub, `{"privateIpGoogleAccess":null,"fingerprint":"$"}`, "", "privateIpGoogleAccess", `false`},
		{"messages are merged", "PATCH", sub, `{"logConfig":{"flowSampling":0},"fingerprint":"$"}`, "", "logConfig.enable", `true`},
		{"and zero is zero", "PATCH", sub, `{"logConfig":{"flowSampling":0},"fingerprint":"$"}`, "", "logConfig.flowSampling", `0`},
		{"setPrivateIpGoogleAccess without a word is false", "POST", sub + "/setPrivateIpGoogleAccess", `{}`, sub, "privateIpGoogleAccess", `false`},

		{"gcloud --target-tags=", "PATCH", firewall, `{"targetTags":[]}`, "", "targetTags", absent},
		{"null takes tags away", "PATCH", firewall, `{"targetTags":null}`, "", "targetTags", absent},
		{"absent tags stay", "PATCH", firewall, `{"priority":0}`, "", "targetTags", `["a"]`},
		{"priority 0 is 0", "PATCH", firewall, `{"priority":0}`, "", "priority", `0`},
		{"priority null is the default", "PATCH", firewall, `{"priority":null}`, "", "priority", `1000`},
		{"enabling a rule", "PATCH", firewall, `{"disabled":false}`, "", "disabled", `false`},
		{"an empty description is one", "PATCH", firewall, `{"description":""}`, "", "description", `""`},
		{"without any source it is everywhere", "PATCH", firewall, `{"sourceTags":[]}`, "", "sourceRanges", `["0.0.0.0/0"]`},
		{"a part of a message", "PATCH", firewall, `{"logConfig":{"enable":false}}`, "", "logConfig", `{"enable":false,"metadata":"INCLUDE_ALL_METADATA"}`},
		{"a rule needs something", "PATCH", firewall, `{"allowed":[]}`, "", "", ""},
		{"from allowing to denying", "PATCH", firewall, `{"allowed":[],"denied":[{"IPProtocol":"all"}]}`, "", "allowed", absent},
		{"PUT gives defaults for what is absent", "PUT", firewall, `{"name":"fw",` + put + `}`, "", "priority", `1000`},
		{"and takes tags away", "PUT", firewall, `{"name":"fw",` + put + `}`, "", "targetTags", absent},
		{"also with null and empty", "PUT", firewall, `{"name":"fw","targetTags":null,"sourceTags":[],` + put + `}`, "", "sourceTags", absent},
		{"PUT keeps what only the cloud writes", "PUT", firewall, `{"name":"fw","kind":"x",` + put + `}`, "", "kind", `"compute#firewall"`},

		{"gcloud routers nats delete, of the last", "PATCH", router, `{"nats":[]}`, "", "nats", absent},
		{"null does the same", "PATCH", router, `{"nats":null}`, "", "nats", absent},
		{"a patch without NATs leaves them", "PATCH", router, `{}`, "", "nats", `[{"autoNetworkTier":"PREMIUM","effectiveTcpTimeWaitTimeoutSec":120,"endpointTypes":["ENDPOINT_TYPE_VM"],"minPortsPerVm":128,"name":"nat","natIpAllocateOption":"AUTO_ONLY","sourceSubnetworkIpRangesToNat":"ALL_SUBNETWORKS_ALL_IP_RANGES","type":"PUBLIC","enableEndpointIndependentMapping":false}]`},
		{"Terraform's initialNatIps is nobody's", "PATCH", router, `{"nats":[{"name":"nat","natIpAllocateOption":"AUTO_ONLY","sourceSubnetworkIpRangesToNat":"ALL_SUBNETWORKS_ALL_IP_RANGES","initialNatIps":null,"subnetworks":[null]}]}`, "",
			"nats", `[{"autoNetworkTier":"PREMIUM","effectiveTcpTimeWaitTimeoutSec":120,"endpointTypes":["ENDPOINT_TYPE_VM"],"name":"nat","natIpAllocateOption":"AUTO_ONLY","sourceSubnetworkIpRangesToNat":"ALL_SUBNETWORKS_ALL_IP_RANGES","type":"PUBLIC","enableEndpointIndependentMapping":false}]`},
		{"a message is merged, and a null in it", "PATCH", router, `{"bgp":{"keepaliveInterval":null}}`, "", "bgp.asn", `64512`},
		{"a router's PUT replaces it", "PUT", router, `{"name":"router","network":"global/networks/net"}`, "", "nats", absent},
		{"and its description", "PUT", router, `{"name":"router","network":"global/networks/net"}`, "", "description", absent},

		{"a part of a policy", "PATCH", group, `{"updatePolicy":{"minReadySec":0}}`, "", "updatePolicy.maxSurge.fixed", `3`},
		{"null in a policy is the default", "PATCH", group, `{"updatePolicy":{"maxSurge":null}}`, "", "updatePolicy.maxSurge.fixed", `1`},
		{"a group's empty description", "PATCH", group, `{"description":""}`, "", "description", `""`},
		{"a health check that nobody can have made", "PATCH", group, `{"autoHealingPolicies":[{"healthCheck":"global/healthChecks/none"}]}`, "", "", ""},
		{"no health checks", "PATCH", group, `{"autoHealingPolicies":[]}`, "", "autoHealingPolicies", absent},
		{"Terraform's empty message is no change", "PATCH", group, `{"resourcePolicies":{"workloadPolicy":null}}`, "", "resourcePolicies", absent},
		{"a policy that nobody can have made", "PATCH", group, `{"resourcePolicies":{"workloadPolicy":"regions/us-central1/resourcePolicies/none"}}`, "", "", ""},
		{"a group's size is zero", "PATCH", group, `{"targetSize":0}`, "", "targetSize", `0`},

		{"labels can be taken away", "POST", vm + "/setLabels", `{"labelFingerprint":"$"}`, vm, "labels", absent},
		{"so can metadata", "POST", vm + "/setMetadata", `{"fingerprint":"$metadata","items":[]}`, vm, "metadata.items", absent},
		{"nulls in lists are not there", "GET", template, ``, "", "properties.resourcePolicies", absent},
		{"nor in messages", "GET", template, ``, "", "properties.networkInterfaces.0.accessConfigs", absent},
		{"an empty message shows", "GET", template, ``, "", "properties.tags", `{}`},
		{"an empty enum has its default", "GET", template, ``, "", "properties.disks.0.mode", `"READ_WRITE"`},

		{"a bucket's label is taken away by null", "PATCH", bucket + "bucket-of-test", `{"labels":{"a":null}}`, "", "labels", `{"c":"d"}`},
		{"all labels by null", "PATCH", bucket + "bucket-of-test", `{"labels":null}`, "", "labels", absent},
		{"a lifecycle too", "PATCH", bucket + "bucket-of-test", `{"lifecycle":null}`, "", "lifecycle", absent},
		{"a list by an empty one", "PATCH", bucket + "bucket-of-test", `{"cors":[]}`, "", "cors", absent},
		{"false is kept", "PATCH", bucket + "bucket-of-test", `{"versioning":{"enabled":false}}`, "", "versioning.enabled", `false`},
		{"what is absent is kept", "PATCH", bucket + "bucket-of-test", `{}`, "", "labels", `{"a":"b","c":"d"}`},
		{"an object's metadata is merged", "PATCH", object, `{"metadata":{"a":"1","b":null}}`, "", "metadata", `{"a":"1"}`},

		{"an account's id is not the caller's", "GET", iam + "/account@test-project.iam.gserviceaccount.com", ``, "", "projectId", `"test-project"`},
		{"IAM knows its names", "POST", iam, `{"accountId":"another","colour":1}`, "", "", ""},
		{"an empty body enables", "POST", usage + "compute.googleapis.com:enable", ``, usage + "compute.googleapis.com", "state", `"ENABLED"`},
		{"no permissions are none", "POST", resources + ":testIamPermissions", `{"permissions":[]}`, resources, "projectId", `"test-project"`},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, c := newEmulator(t, emulator.Options{})
			c.world()
			<-time.NewTimer(2 * time.Second).C // an object can be changed once a second
			body := tc.body
			for mark, path := range map[string]string{`"$metadata"`: "metadata.fingerprint", `"$"`: "fingerprint"} {
				if strings.Contains(body, mark) {
					_, before := c.call("GET", strings.TrimSuffix(strings.TrimSuffix(tc.url, "/setLabels"), "/setMetadata"), "")
					if strings.HasSuffix(tc.url, "/setLabels") {
						path = "labelFingerprint"
					}
					body = strings.ReplaceAll(body, mark, at(before, path))
				}
			}
			status, v := c.call(tc.method, tc.url, body)
			if tc.want == "" {
				if status < 400 || status >= 500 && status != 501 {
					t.Errorf("%s: %d %v", tc.name, status, v)
				}
				return
			}
			if status != 200 {
				t.Errorf("%s: %d %v", tc.name, status, v)
				return
			}
			read := tc.read
			if read == "" {
				read = tc.url
			}
			_, v = c.call("GET", read, "")
			if have := at(v, tc.field); !same(have, tc.want) {
				t.Errorf("%s: %s", tc.name, have)
			}
		})
	}
}

// at is the JSON of a field, "absent" when there is none. Elements of lists are named by their numbers.
func at(d doc.Map, path string) string {
	var v any = d
	for _, key := range strings.Split(path, ".") {
		if list, ok := v.([]any); ok && len(list) > 0 {
			v = list[0]
			continue
		}
		m, _ := v.(doc.Map)
		inner, ok := m[key]
		if !ok {
			return "absent"
		}
		v = inner
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// same compares JSON, whatever the order of its names.
func same(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return a == b
	}
	rawX, errX := json.Marshal(x)
	rawY, errY := json.Marshal(y)
	return errX == nil && errY == nil && string(rawX) == string(rawY)
}
