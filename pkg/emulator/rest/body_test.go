package rest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/iam/admin/apiv1/adminpb"

	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

func routers(t *testing.T) (compute, iam *rest.Router) {
	t.Helper()
	compute, err := rest.NewRouter(nil, computepb.File_google_cloud_compute_v1_compute_proto)
	if err != nil {
		t.Fatal(err)
	}
	iam, err = rest.NewRouter(nil, adminpb.File_google_iam_admin_v1_iam_proto)
	if err != nil {
		t.Fatal(err)
	}
	compute.OutputOnly(map[string][]string{"Network": {"selfLink"}})
	return compute, iam
}

func TestABodyIsKeptAsItWasSent(t *testing.T) {
	compute, iam := routers(t)
	const (
		network  = "POST /compute/v1/projects/p/global/networks"
		router   = "PATCH /compute/v1/projects/p/regions/r/routers/x"
		instance = "POST /compute/v1/projects/p/zones/z/instances"
		account  = "PATCH /v1/projects/p/serviceAccounts/a@b"
		create   = "POST /v1/projects/p/serviceAccounts"
	)
	for _, tc := range []struct{ name, call, body, want string }{
		{"explicit zeros stay", network, `{"autoCreateSubnetworks":false,"mtu":0,"description":""}`, `{"autoCreateSubnetworks":false,"description":"","mtu":0}`},
		{"an empty list stays", router, `{"nats":[]}`, `{"nats":[]}`},
		{"a null stays", router, `{"nats":null,"bgp":{"advertiseMode":null}}`, `{"bgp":{"advertiseMode":null},"nats":null}`},
		{"an empty message stays", router, `{"bgp":{}}`, `{"bgp":{}}`},
		{"an empty map is none", instance, `{"labels":{}}`, `{}`},
		{"a null in a map stays", instance, `{"labels":{"a":null,"b":""}}`, `{"labels":{"a":null,"b":""}}`},
		{"nulls in lists go", instance, `{"resourcePolicies":[null,"a"],"networkInterfaces":[{"accessConfigs":[null]}]}`, `{"networkInterfaces":[{"accessConfigs":[]}],"resourcePolicies":["a"]}`},
		{"an empty enum is none", network, `{"routingConfig":{"routingMode":"","bgpInterRegionCost":"DEFAULT"}}`, `{"routingConfig":{"bgpInterRegionCost":"DEFAULT"}}`},
		{"an empty enum in a list is none", router, `{"nats":[{"endpointTypes":["","ENDPOINT_TYPE_VM"],"sourceSubnetworkIpRangesToNat":""}]}`, `{"nats":[{"endpointTypes":["ENDPOINT_TYPE_VM"]}]}`},
		{"64 bits are a string", instance, `{"disks":[{"diskSizeGb":10},{"diskSizeGb":"9007199254740993"}]}`, `{"disks":[{"diskSizeGb":"10"},{"diskSizeGb":"9007199254740993"}]}`},
		{"32 bits are a number", network, `{"mtu":"1460"}`, `{"mtu":1460}`},
		{"a whole float is a number", network, `{"mtu":1460.0}`, `{"mtu":1460}`},
		{"the descriptor's own names are names too", network, `{"auto_create_subnetworks":true}`, `{"autoCreateSubnetworks":true}`},
		{"what only the service writes is ignored", network, `{"name":"n","selfLink":"x"}`, `{"name":"n"}`},
		{"so is what the descriptor says is", create, `{"accountId":"a","serviceAccount":{"uniqueId":"1","displayName":""}}`, `{"accountId":"a","serviceAccount":{"displayName":""}}`},
		{"protobuf's own types are as sent", account, `{"updateMask":"displayName,description","serviceAccount":{"disabled":false}}`, `{"serviceAccount":{},"updateMask":"displayName,description"}`},
		{"a body that is all in the path may be none", create, ``, `{}`},
	} {
		var verb, path string
		if _, err := fmt.Sscan(tc.call, &verb, &path); err != nil {
			t.Fatal(err)
		}
		m, _ := compute.Find(verb, path)
		if m == nil {
			m, _ = iam.Find(verb, path)
		}
		d, err := m.DecodeBody([]byte(tc.body))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if have := text(t, d); have != tc.want {
			t.Errorf("%s: %s", tc.name, have)
		}
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestABodyThatIsNotOfItsFormIsRefused(t *testing.T) {
	compute, iam := routers(t)
	for _, tc := range []struct{ body, reason, want string }{
		{`{"colour":"red"}`, "badRequest", `Invalid JSON payload received. Unknown name "colour" at 'resource': Cannot find field.`},
		{`{"a":1,"routingConfig":{"b":2}}`, "badRequest", "Invalid JSON payload received. Unknown name \"a\" at 'resource': Cannot find field.\n" +
			`Invalid JSON payload received. Unknown name "b" at 'resource.routing_config': Cannot find field.`},
		{`{"mtu":"many"}`, "invalid", `Invalid value at 'resource.mtu' (TYPE_INT32), "many"`},
		{`{"mtu":1.5}`, "invalid", `Invalid value at 'resource.mtu' (TYPE_INT32), 1.5`},
		{`{"name":5}`, "invalid", `Invalid value at 'resource.name' (TYPE_STRING), 5`},
		{`{"name":{}}`, "invalid", `Invalid value at 'resource.name' (TYPE_STRING), Starting an object on a scalar field`},
		{`{"autoCreateSubnetworks":"yes"}`, "invalid", `Invalid value at 'resource.auto_create_subnetworks' (TYPE_BOOL), "yes"`},
		{`{"routingConfig":"x"}`, "invalid", `Invalid value at 'resource.routing_config' (type.googleapis.com/google.cloud.compute.v1.NetworkRoutingConfig), "x"`},
		{`{"name":["a"]}`, "badRequest", `Invalid JSON payload received. Unknown name "name" at 'resource': Proto field is not repeating, cannot start list.`},
		{`["a"]`, "badRequest", `Invalid JSON payload received. Unknown name "": Root element must be a message.`},
		{``, "required", `Required field 'resource' not specified`},
		{`{`, "parseError", ``},
		{`{} {}`, "parseError", ``},
	} {
		m, _ := compute.Find("POST", "/compute/v1/projects/p/global/networks")
		_, err := m.DecodeBody([]byte(tc.body))
		var refused wire.APIError
		if !errors.As(err, &refused) || refused.Code != 400 || refused.Reason != tc.reason || tc.want != "" && refused.Message != tc.want {
			t.Errorf("%s: %v", tc.body, err)
		}
	}
	m, _ := iam.Find("POST", "/v1/projects/p/serviceAccounts")
	if _, err := m.DecodeBody([]byte(`{"colour":1}`)); err == nil || err.Error() != `400 badRequest: Invalid JSON payload received. Unknown name "colour": Cannot find field.` {
		t.Errorf("%v", err)
	}
}

func TestUnknownNamesCanBeIgnored(t *testing.T) {
	compute, _ := routers(t)
	m, _ := compute.Find("POST", "/compute/v1/projects/p/global/networks")
	d, unknown, err := m.DecodeKnown([]byte(`{"name":"n","colour":1,"routingConfig":{"deleteBgpAlwaysCompareMed":false}}`))
	if err != nil || text(t, d) != `{"name":"n","routingConfig":{}}` {
		t.Errorf("%v, %v", d, err)
	}
	if have := fmt.Sprint(unknown); have != "[resource.colour resource.routing_config.deleteBgpAlwaysCompareMed]" {
		t.Error(have)
	}
}
