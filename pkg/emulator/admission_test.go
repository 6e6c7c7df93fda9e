package emulator_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

const (
	networks  = "https://compute.googleapis.com/compute/v1/projects/test-project/global/networks"
	instances = "https://compute.googleapis.com/compute/v1/projects/test-project/zones/us-central1-a/instances"
	templates = "https://compute.googleapis.com/compute/v1/projects/test-project/global/instanceTemplates"
	managers  = "https://compute.googleapis.com/compute/v1/projects/test-project/zones/us-central1-a/instanceGroupManagers"
	accounts  = "https://iam.googleapis.com/v1/projects/test-project/serviceAccounts"
	project   = "https://cloudresourcemanager.googleapis.com/v1/projects/test-project"
	buckets   = "https://storage.googleapis.com/storage/v1/b?project=test-project"
)

// machine are the properties of a VM; more is put into them.
func machine(more string) string {
	return `"machineType":"zones/us-central1-a/machineTypes/e2-medium","disks":[{"boot":true,"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}],` +
		`"networkInterfaces":[{"network":"global/networks/default"` + more
}

// try gives a client of an emulator with a fault plan; "" for none.
func try(t *testing.T, opt emulator.Options, plan string) client {
	t.Helper()
	if plan != "" {
		var err error
		if opt.Faults, err = emulator.ParseFaultPlan([]byte(plan)); err != nil {
			t.Fatal(err)
		}
	}
	_, c := newEmulator(t, opt)
	return c
}

// ended gives the error of the operation that a call has started, "" when it has ended well.
func (c client) ended(op doc.Map) string {
	c.t.Helper()
	_, op = c.call("POST", doc.Str(op, "selfLink")+"/wait", "")
	if doc.Str(op, "status") != "DONE" {
		c.t.Fatalf("it has not ended: %v", op)
	}
	for _, e := range doc.Objects(op, "error", "errors") {
		return doc.Str(e, "code") + ": " + doc.Str(e, "message")
	}
	return ""
}

func TestWhoMayNotIsToldThePermission(t *testing.T) {
	for name, tc := range map[string]struct {
		denied            []string
		method, url, body string
		message           string
		errors            int
	}{
		"a creation": {[]string{"compute.networks.create"}, "POST", networks, `{"name":"mine","autoCreateSubnetworks":false}`,
			"Required 'compute.networks.create' permission for 'projects/test-project/global/networks/mine'", 1},
		"a read, whether or not it is there": {[]string{"compute.networks.get"}, "GET", networks + "/mine", "",
			"Required 'compute.networks.get' permission for 'projects/test-project/global/networks/mine'", 1},
		"a list": {[]string{"compute.instances.list"}, "GET", instances, "", "Required 'compute.instances.list' permission for 'projects/test-project'", 1},
		"all of a kind": {[]string{"compute.*"}, "GET", strings.Replace(instances, "zones/us-central1-a", "aggregated", 1), "",
			"Required 'compute.instances.list' permission for 'projects/test-project'", 1},
		"an action": {[]string{"compute.instanceGroupManagers.update"}, "POST", managers + "/g/resize?size=1", "",
			"Required 'compute.instanceGroupManagers.update' permission for 'projects/test-project/zones/us-central1-a/instanceGroupManagers/g'", 1},
		"a list of what is in a group": {[]string{"compute.instanceGroupManagers.get"}, "POST", managers + "/g/listManagedInstances", "",
			"Required 'compute.instanceGroupManagers.get' permission for 'projects/test-project/zones/us-central1-a/instanceGroupManagers/g'", 1},
		"what a creation needs of its network": {[]string{"compute.networks.updatePolicy"}, "POST", strings.Replace(networks, "networks", "firewalls", 1), `{"name":"fw","network":"global/networks/default"}`,
			"Required 'compute.networks.updatePolicy' permission for 'projects/test-project/global/networks/default'", 1},
		"all that is missing": {[]string{"compute.instances.create", "compute.disks.create"}, "POST", instances, `{"name":"vm",` + machine("}]}"),
			"Required 'compute.instances.create' permission for 'projects/test-project/zones/us-central1-a/instances/vm'", 2},
		"an external address": {[]string{"compute.subnetworks.useExternalIp"}, "POST", instances, `{"name":"vm",` + machine(`,"accessConfigs":[{"type":"ONE_TO_ONE_NAT"}]}]}`),
			"Required 'compute.subnetworks.useExternalIp' permission for 'projects/test-project/regions/us-central1/subnetworks/default'", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := try(t, emulator.Options{Denied: tc.denied}, "")
			status, v := s.call(tc.method, tc.url, tc.body)
			if status != 403 || doc.Str(v, "error", "message") != tc.message || len(doc.List(v, "error", "errors")) != tc.errors {
				t.Errorf("%d %v", status, v)
			}
		})
	}
}

func TestNobodyNeedsMoreThanIsAsked(t *testing.T) {
	s := try(t, emulator.Options{Granted: []string{"compute.networks.create", "compute.globalOperations.get"}}, "")
	status, op := s.call("POST", networks, `{"name":"mine","autoCreateSubnetworks":false}`)
	if status != 200 || s.ended(op) != "" {
		t.Errorf("%d %v", status, op)
	}
	if status, _ := s.call("GET", networks, ""); status != 403 {
		t.Errorf("what was not granted: %d", status)
	}
}

// testIamPermissions of a thing answers as calls do.
func TestThingsTellPermissions(t *testing.T) {
	_, c := newEmulator(t, emulator.Options{Denied: []string{"compute.subnetworks.use"}})
	const subnetworks = "https://compute.googleapis.com/compute/v1/projects/test-project/regions/us-central1/subnetworks/"
	const asked = `{"permissions":["compute.subnetworks.use","compute.subnetworks.get"]}`
	if _, v := c.call("POST", subnetworks+"default/testIamPermissions", asked); fmt.Sprint(v) != "map[permissions:[compute.subnetworks.get]]" {
		t.Errorf("%v", v)
	}
	if status, _ := c.call("POST", subnetworks+"absent/testIamPermissions", asked); status != 404 {
		t.Errorf("of what is not there: %d", status)
	}
}

// Public images are anybody's.
func TestPublicImagesNeedNoPermission(t *testing.T) {
	s := try(t, emulator.Options{Denied: []string{"compute.images.*"}}, "")
	if status, v := s.call("GET", "https://compute.googleapis.com/compute/v1/projects/debian-cloud/global/images/family/debian-12", ""); status != 200 {
		t.Errorf("%d %v", status, v)
	}
}

func TestAccountsOfMachines(t *testing.T) {
	const absent = "no@test-project.iam.gserviceaccount.com"
	with := func(email string) string {
		return machine(`}],"serviceAccounts":[{"email":"` + email + `","scopes":[]}]`)
	}
	for name, tc := range map[string]struct {
		denied    []string
		url, body string
		ends      string
	}{
		"one's own":   {nil, instances, `{"name":"vm",` + with("mine-1@test-project.iam.gserviceaccount.com") + `}`, ""},
		"the default": {nil, instances, `{"name":"vm",` + with("default") + `}`, ""},
		"one that is not there": {nil, instances, `{"name":"vm",` + with(absent) + `}`,
			"EXTERNAL_RESOURCE_NOT_FOUND: The resource '" + absent + "' of type 'serviceAccount' was not found."},
		"one that the caller may not act as": {[]string{"iam.serviceAccounts.actAs"}, instances, `{"name":"vm",` + with("mine-1@test-project.iam.gserviceaccount.com") + `}`,
			"SERVICE_ACCOUNT_ACCESS_DENIED: The user does not have access to service account 'mine-1@test-project.iam.gserviceaccount.com'.  User: 'user@example.com'.  Ask a project owner to grant you the iam.serviceAccountUser role on the service account"},
		"none":                            {[]string{"iam.serviceAccounts.actAs"}, instances, `{"name":"vm",` + machine("}]}"), ""},
		"a template does not ask for one": {nil, templates, `{"name":"t","properties":{` + strings.ReplaceAll(with(absent), "zones/us-central1-a/machineTypes/", "") + `}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := try(t, emulator.Options{Denied: tc.denied}, "")
			s.call("POST", accounts, `{"accountId":"mine-1"}`)
			status, op := s.call("POST", tc.url, tc.body)
			if status != 200 {
				t.Fatalf("%d %v", status, op)
			}
			if e := s.ended(op); e != tc.ends {
				t.Errorf("it ended with %q, want %q", e, tc.ends)
			}
		})
	}
}

const noExternal = `{"policies":[{"constraint":"constraints/compute.vmExternalIpAccess","listPolicy":{"allValues":"DENY"}}]}`

func boolean(constraint string) string {
	return `{"policies":[{"constraint":"constraints/` + constraint + `","booleanPolicy":{"enforced":true}}]}`
}

func TestOrganizationPoliciesRefuse(t *testing.T) {
	const elsewhere = `{"policies":[{"constraint":"constraints/gcp.resourceLocations","listPolicy":{"allowedValues":["in:europe-locations"]}}]}`
	external := `{"name":"vm",` + machine(`,"accessConfigs":[{"type":"ONE_TO_ONE_NAT"}]}]`)
	for name, tc := range map[string]struct {
		plan, method, url, body, message string // "" for a call that is fine
	}{
		"an external address": {noExternal, "POST", instances, external + `}`, "Constraint constraints/compute.vmExternalIpAccess violated for project NUMBER. " +
			"Add instance projects/test-project/zones/us-central1-a/instances/vm to the constraint to use external IP with it."},
		"one that is allowed": {`{"policies":[{"constraint":"constraints/compute.vmExternalIpAccess","listPolicy":{"allowedValues":["projects/test-project/zones/us-central1-a/instances/vm"]}}]}`,
			"POST", instances, external + `}`, ""},
		"none at all": {noExternal, "POST", instances, `{"name":"vm",` + machine("}]}"), ""},
		"no Secure Boot": {boolean("compute.requireShieldedVm"), "POST", instances, `{"name":"vm",` + machine("}]}"), "Constraint constraints/compute.requireShieldedVm violated for project projects/test-project. " +
			"Secure Boot is not enabled in the 'shielded_instance_config' field. See https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints for more information."},
		"Secure Boot":         {boolean("compute.requireShieldedVm"), "POST", instances, `{"name":"vm",` + machine(`}],"shieldedInstanceConfig":{"enableSecureBoot":true}}`), ""},
		"OS Login off":        {boolean("compute.requireOsLogin"), "POST", instances, `{"name":"vm",` + machine(`}],"metadata":{"items":[{"key":"enable-oslogin","value":"FALSE"}]}}`), "Constraint constraints/compute.requireOsLogin violated for project projects/test-project. The metadata key enable-oslogin must not be set to FALSE."},
		"OS Login on":         {boolean("compute.requireOsLogin"), "POST", instances, `{"name":"vm",` + machine(`}],"metadata":{"items":[{"key":"enable-oslogin","value":"TRUE"}]}}`), ""},
		"another region":      {elsewhere, "POST", instances, `{"name":"vm",` + machine("}]}"), "Location ZONE:us-central1-a violates constraint constraints/gcp.resourceLocations on the resource projects/test-project/zones/us-central1-a/instances/vm."},
		"a bucket there":      {elsewhere, "POST", buckets, `{"name":"their-bucket","location":"US-CENTRAL1"}`, "'us-central1' violates constraint 'constraints/gcp.resourceLocations'"},
		"a bucket here":       {elsewhere, "POST", buckets, `{"name":"their-bucket","location":"EUROPE-WEST4"}`, ""},
		"a bucket with lists": {boolean("storage.uniformBucketLevelAccess"), "POST", buckets, `{"name":"their-bucket"}`, "Request violates constraint 'constraints/storage.uniformBucketLevelAccess'"},
		"a uniform bucket":    {boolean("storage.uniformBucketLevelAccess"), "POST", buckets, `{"name":"their-bucket","iamConfiguration":{"uniformBucketLevelAccess":{"enabled":true}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := try(t, emulator.Options{}, tc.plan)
			_, p := s.call("GET", project, "")
			want := strings.ReplaceAll(tc.message, "NUMBER", doc.Str(p, "projectNumber"))
			status, v := s.call(tc.method, tc.url, tc.body)
			if (status == 200) != (want == "") || status != 200 && status != 412 || doc.Str(v, "error", "message") != want {
				t.Errorf("%d %v, want %q", status, v, want)
			}
			if status == 412 && doc.Str(doc.Objects(v, "error", "errors")[0], "reason") != "conditionNotMet" {
				t.Errorf("%v", v)
			}
		})
	}
}

// A project can have a policy of its own instead of the organization's.
func TestAProjectsOwnPolicyHolds(t *testing.T) {
	s := try(t, emulator.Options{}, boolean("compute.requireShieldedVm"))
	s.call("POST", project+":setOrgPolicy", `{"policy":{"constraint":"constraints/compute.requireShieldedVm","booleanPolicy":{"enforced":false}}}`)
	if status, v := s.call("POST", instances, `{"name":"vm",`+machine("}]}")); status != 200 {
		t.Errorf("%d %v", status, v)
	}
}

// A public report: the VMs of a group that a policy refuses show why.
func TestAGroupsVMsAreHeldToPolicies(t *testing.T) {
	s := try(t, emulator.Options{}, noExternal)
	_, op := s.call("POST", templates, `{"name":"t","properties":{`+strings.ReplaceAll(machine(`,"accessConfigs":[{"type":"ONE_TO_ONE_NAT"}]}]`), "zones/us-central1-a/machineTypes/", "")+`}}`)
	s.ended(op)
	_, op = s.call("POST", managers, `{"name":"g","baseInstanceName":"vm","targetSize":1,"instanceTemplate":"global/instanceTemplates/t"}`)
	s.ended(op)
	_, list := s.call("POST", managers+"/g/listManagedInstances", "")
	said := ""
	for _, m := range doc.Objects(list, "managedInstances") {
		for _, e := range doc.Objects(m, "lastAttempt", "errors", "errors") {
			said = doc.Str(e, "code") + " " + doc.Str(e, "message")
		}
	}
	if !strings.Contains(said, "CONDITION_NOT_MET") || !strings.Contains(said, "creation failed: Constraint constraints/compute.vmExternalIpAccess violated") {
		t.Errorf("%q in %v", said, list)
	}
}

func TestWithoutBillingNothingIsMade(t *testing.T) {
	s := try(t, emulator.Options{}, "")
	s.call("PUT", "https://cloudbilling.googleapis.com/v1/projects/test-project/billingInfo", `{}`)
	status, v := s.call("POST", networks, `{"name":"mine","autoCreateSubnetworks":false}`)
	if status != 403 || !strings.HasPrefix(doc.Str(v, "error", "message"), "This API method requires billing to be enabled. Please enable billing on project #test-project") {
		t.Errorf("compute: %d %v", status, v)
	}
	status, v = s.call("POST", buckets, `{"name":"their-bucket"}`)
	if status != 403 || doc.Str(doc.Objects(v, "error", "errors")[0], "reason") != "accountDisabled" {
		t.Errorf("storage: %d %v", status, v)
	}
}

func TestFaultsOfAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		fault string
		check func(t *testing.T, resp *http.Response, body string, err error)
	}{
		"a proxy's page": {`"answer":{"status":502,"body":"<html>Bad Gateway</html>"}`, func(t *testing.T, resp *http.Response, body string, err error) {
			if err != nil || resp.StatusCode != 502 || body != "<html>Bad Gateway</html>" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%v %q %v", resp, body, err)
			}
		}},
		"nothing": {`"answer":{"status":200}`, func(t *testing.T, resp *http.Response, body string, err error) {
			if err != nil || resp.StatusCode != 200 || body != "" {
				t.Errorf("%v %q %v", resp, body, err)
			}
		}},
		"half an answer": {`"cutAnswer":true`, func(t *testing.T, resp *http.Response, body string, err error) {
			if err == nil || resp.StatusCode != 200 || body == "" || strings.HasSuffix(strings.TrimSpace(body), "}") {
				t.Errorf("%v %q %v", resp, body, err)
			}
		}},
		"details": {`"error":{"status":429,"reason":"rateLimitExceeded","rpcStatus":"RESOURCE_EXHAUSTED","message":"no","errorInfo":{"reason":"RATE_LIMIT_EXCEEDED","domain":"googleapis.com","metadata":{"quota_limit":"x"}},"help":[{"description":"d","url":"u"}]}`,
			func(t *testing.T, resp *http.Response, body string, err error) {
				if err != nil || resp.StatusCode != 429 || !strings.Contains(body, "google.rpc.ErrorInfo") || !strings.Contains(body, `"quota_limit": "x"`) || !strings.Contains(body, "google.rpc.Help") {
					t.Errorf("%v %q %v", resp, body, err)
				}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			s := try(t, emulator.Options{}, `{"rules":[{"match":{"path":"/networks$"},"fault":{`+tc.fault+`}}]}`)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, networks, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.rt.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(resp.Body)
			tc.check(t, resp, string(raw), err)
		})
	}
}

func TestFaultsOfOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := try(t, emulator.Options{}, `{"rules":[
			{"match":{"method":"POST","path":"/networks$"},"nth":[1],"fault":{"warnOperation":[{"code":"DEPRECATED_RESOURCE_USED","message":"old","data":{"k":"v"}}]}},
			{"match":{"method":"POST","path":"/networks$"},"nth":[2],"fault":{"failOperation":{"code":"QUOTA_EXCEEDED","httpStatus":403,"message":"no","errorInfo":{"reason":"r","domain":"compute.googleapis.com","metadata":{"limit":"5"}}}}}]}`)
		_, op := s.call("POST", networks, `{"name":"one","autoCreateSubnetworks":false}`)
		<-time.NewTimer(time.Minute).C
		_, op = s.call("GET", doc.Str(op, "selfLink"), "")
		if w := doc.Objects(op, "warnings"); len(w) != 1 || doc.Str(w[0], "code") != "DEPRECATED_RESOURCE_USED" || doc.Str(doc.Objects(w[0], "data")[0], "value") != "v" {
			t.Errorf("%v", op)
		}
		_, op = s.call("POST", networks, `{"name":"two","autoCreateSubnetworks":false}`)
		<-time.NewTimer(time.Minute).C
		_, op = s.call("GET", doc.Str(op, "selfLink"), "")
		details := doc.Objects(doc.Objects(op, "error", "errors")[0], "errorDetails")
		if len(details) != 1 || doc.Str(details[0], "errorInfo", "metadatas", "limit") != "5" {
			t.Errorf("%v", op)
		}
	})
}

func TestPlansThatConstrainNothingAreRefused(t *testing.T) {
	for _, plan := range []string{
		`{"policies":[{"constraint":"constraints/compute.noSuch","booleanPolicy":{"enforced":true}}]}`,
		`{"policies":[{"constraint":"compute.requireOsLogin","booleanPolicy":{"enforced":true}}]}`,
		`{"policies":[{"constraint":"constraints/compute.requireOsLogin","listPolicy":{"allValues":"DENY"}}]}`,
		`{"policies":[{"constraint":"constraints/compute.vmExternalIpAccess","listPolicy":{"allValues":"NONE"}}]}`,
		`{"policies":[{"constraint":"constraints/compute.vmExternalIpAccess","listPolicy":{}}]}`,
		`{"rules":[{"match":{"path":"x"},"fault":{"answer":{"status":20}}}]}`,
		`{"rules":[{"match":{"path":"x"},"fault":{"error":{"status":200}}}]}`,
		`{"rules":[{"match":{"path":"x"},"fault":{"cutAnswer":true,"loseAnswer":true}}]}`,
	} {
		if _, err := emulator.ParseFaultPlan([]byte(plan)); err == nil {
			t.Errorf("%s was taken", plan)
		}
	}
}
