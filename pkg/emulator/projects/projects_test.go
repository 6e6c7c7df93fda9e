package projects_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator/billing"
	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/front"
	"github.com/aiinfra/cluster-provision/pkg/emulator/iam"
	"github.com/aiinfra/cluster-provision/pkg/emulator/projects"
	"github.com/aiinfra/cluster-provision/pkg/emulator/serviceusage"
)

// open gives a function that makes calls: a host's first word, a method, a path and a body.
func open(t *testing.T, opt cloud.Options) func(api, method, path, body string) (int, doc.Map) {
	t.Helper()
	c, err := cloud.New(opt, []cloud.Service{billing.Service(), iam.Service(), projects.Service(), serviceusage.Service()})
	if err != nil {
		t.Fatal(err)
	}
	f, err := front.Open(c, "")
	if err != nil {
		t.Fatal(err)
	}
	return func(api, method, path, body string) (int, doc.Map) {
		r, err := http.NewRequestWithContext(t.Context(), method, "https://"+api+".googleapis.com"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := f.Transport().RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		v := doc.Map{}
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%s %s: %s", method, path, raw)
		}
		return resp.StatusCode, v
	}
}

const crm = "cloudresourcemanager"

type step struct {
	name, api, method, path, body string
	status                        int
	field, want                   string // of the answer, by a path with slashes
}

func run(t *testing.T, opt cloud.Options, steps []step) {
	t.Helper()
	call := open(t, opt)
	for _, s := range steps {
		status, v := call(s.api, s.method, s.path, s.body)
		have, err := json.Marshal(doc.At(v, strings.Split(s.field, "/")...))
		if err != nil {
			t.Fatal(err)
		}
		if status != s.status || s.field != "" && strings.Trim(string(have), `"`) != s.want {
			t.Errorf("%s: %d, %s is %s, want %d %s: %v", s.name, status, s.field, have, s.status, s.want, v)
		}
	}
}

func TestTheLifeOfAProject(t *testing.T) {
	const one = "/v1/projects/project-one"
	run(t, cloud.Options{}, []step{
		{"what was not made is forbidden", crm, "GET", one, "", 403, "error/message", "The caller does not have permission"},
		{"it is made by an operation", crm, "POST", "/v1/projects", `{"projectId":"project-one","name":"Project one","labels":{"env":"test"},"parent":{"type":"folder","id":"12"}}`, 200, "done", "null"},
		{"it is there", crm, "GET", one, "", 200, "lifecycleState", "ACTIVE"},
		{"with what was sent", crm, "GET", one, "", 200, "labels/env", "test"},
		{"in v3 by its number", crm, "GET", "/v3/projects/" + cloud.Number("project-one"), "", 200, "parent", "folders/12"},
		{"its id is taken", crm, "POST", "/v1/projects", `{"projectId":"project-one"}`, 409, "error/status", "ALREADY_EXISTS"},
		{"others' ids are taken too", crm, "POST", "/v1/projects", `{"projectId":"no-such-thing"}`, 409, "error/status", "ALREADY_EXISTS"},
		{"a short id is refused", crm, "POST", "/v1/projects", `{"projectId":"one"}`, 400, "error/status", "INVALID_ARGUMENT"},
		{"it is not billed (recorded)", "cloudbilling", "GET", one + "/billingInfo", "", 200, "billingEnabled", "false"},
		{"an API that costs is off", "serviceusage", "GET", one + "/services/file.googleapis.com", "", 200, "state", "DISABLED"},
		{"and cannot be enabled without billing", "serviceusage", "POST", one + "/services/file.googleapis.com:enable", "", 400, "error/status", "FAILED_PRECONDITION"},
		{"billing is turned on", "cloudbilling", "PUT", one + "/billingInfo", `{"billingAccountName":"` + cloud.BillingAccount + `"}`, 200, "billingEnabled", "true"},
		{"now it can", "serviceusage", "POST", one + "/services/file.googleapis.com:enable", "", 200, "error", "null"},
		{"v1 changes it", crm, "PUT", one, `{"name":"Project 1","labels":{"env":"prod"}}`, 200, "labels/env", "prod"},
		{"v3 changes what its mask names", crm, "PATCH", "/v3/projects/project-one?updateMask=labels", `{"displayName":"Other","labels":{"env":"dev"}}`, 200, "response/displayName", "null"},
		{"and not the rest", crm, "GET", "/v3/projects/project-one", "", 200, "displayName", "Project 1"},
		{"it is found by label", crm, "GET", "/v1/projects?filter=labels.env:dev%20lifecycleState:ACTIVE", "", 200, "nextPageToken", "null"},
		{"brackets around a condition, as gcloud sends it", crm, "GET", "/v1/projects?filter=lifecycleState:ACTIVE%20AND%20(labels.env=dev)", "", 200, "nextPageToken", "null"},
		{"search by state", crm, "GET", "/v3/projects:search?query=state:ACTIVE%20AND%20id:project*", "", 200, "nextPageToken", "null"},
		{"a filter that is not emulated says so", crm, "GET", "/v1/projects?filter=NOT%20name:x", "", 501, "error/code", "501"},
		{"it is deleted (recorded answer)", crm, "DELETE", one, "", 200, "", ""},
		{"and still shown", crm, "GET", one, "", 200, "lifecycleState", "DELETE_REQUESTED"},
		{"but once", crm, "DELETE", one, "", 400, "error/status", "FAILED_PRECONDITION"},
		{"others refuse it", "iam", "GET", one + "/serviceAccounts", "", 403, "error/status", "PERMISSION_DENIED"},
		{"its id stays taken", crm, "POST", "/v1/projects", `{"projectId":"project-one"}`, 409, "error/status", "ALREADY_EXISTS"},
		{"it comes back", crm, "POST", one + ":undelete", "{}", 200, "", ""},
		{"for all", "iam", "GET", one + "/serviceAccounts", "", 200, "error", "null"},
	})
}

// The project is there while the API that shows it is off.
func TestResourceManagerCanBeOff(t *testing.T) {
	run(t, cloud.Options{Disabled: []string{"cloudresourcemanager.googleapis.com"}}, []step{
		{"it says so", crm, "GET", "/v1/projects/test-project", "", 403, "error/status", "PERMISSION_DENIED"},
		{"it is enabled", "serviceusage", "POST", "/v1/projects/test-project/services/cloudresourcemanager.googleapis.com:enable", "", 200, "error", "null"},
		{"and the project is there", crm, "GET", "/v1/projects/test-project", "", 200, "projectId", "test-project"},
	})
}

func TestPolicies(t *testing.T) {
	const one = "/v1/projects/test-project"
	binding := func(etag, role, member, more string) string {
		return `{"policy":{"etag":"` + etag + `","bindings":[{"role":"` + role + `","members":["` + member + `"]` + more + `}]}}`
	}
	const condition = `,"condition":{"title":"t","expression":"request.time < timestamp(\"2030-01-01T00:00:00Z\")"}`
	run(t, cloud.Options{}, []step{
		{"a project has a policy", crm, "POST", one + ":getIamPolicy", "{}", 200, "version", "1"},
		{"an old etag: somebody was faster", crm, "POST", one + ":setIamPolicy", binding("BwXX", "roles/viewer", "user:a@example.com", ""), 409, "error/message",
			"There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."},
		{"no etag: the last one wins", crm, "POST", one + ":setIamPolicy", binding("", "roles/viewer", "user:a@example.com", ""), 200, "version", "1"},
		{"a member without a type", crm, "POST", one + ":setIamPolicy", binding("", "roles/viewer", "a@example.com", ""), 400, "error/message",
			"The member a@example.com is of an unknown type. Please set a valid type prefix for the member."},
		{"a custom role that is not there", crm, "POST", one + ":setIamPolicy", binding("", "projects/test-project/roles/mine", "user:a@example.com", ""), 400, "error/message",
			"Role (projects/test-project/roles/mine) does not exist in the resource's hierarchy."},
		{"no role at all", crm, "POST", one + ":setIamPolicy", binding("", "viewer", "user:a@example.com", ""), 400, "error/message", "Role viewer is not supported for this resource."},
		{"a condition needs version 3", crm, "POST", one + ":setIamPolicy", binding("", "roles/viewer", "user:a@example.com", condition), 400, "error/status", "INVALID_ARGUMENT"},
		{"and is taken with it", crm, "POST", one + ":setIamPolicy", strings.Replace(binding("", "roles/viewer", "user:a@example.com", condition), `"etag":""`, `"version":3`, 1), 200, "version", "3"},
		{"who asks for version 3 sees it", crm, "POST", one + ":getIamPolicy", `{"options":{"requestedPolicyVersion":3}}`, 200, "version", "3"},
		{"others see version 1", crm, "POST", one + ":getIamPolicy", "{}", 200, "version", "1"},
	})
}

func TestConstraints(t *testing.T) {
	const one = "/v1/projects/test-project"
	run(t, cloud.Options{}, []step{
		{"nothing is enforced at first", crm, "POST", one + ":getEffectiveOrgPolicy", `{"constraint":"constraints/compute.requireOsLogin"}`, 200, "booleanPolicy/enforced", "null"},
		{"it is set", crm, "POST", one + ":setOrgPolicy", `{"policy":{"constraint":"constraints/compute.requireOsLogin","booleanPolicy":{"enforced":true}}}`, 200, "booleanPolicy/enforced", "true"},
		{"it holds", crm, "POST", one + ":getEffectiveOrgPolicy", `{"constraint":"constraints/compute.requireOsLogin"}`, 200, "booleanPolicy/enforced", "true"},
		{"one of another kind is refused", crm, "POST", one + ":setOrgPolicy", `{"policy":{"constraint":"constraints/compute.requireOsLogin","listPolicy":{"allValues":"DENY"}}}`, 400, "error/status", "INVALID_ARGUMENT"},
		{"one that nobody heeds is not emulated", crm, "POST", one + ":setOrgPolicy", `{"policy":{"constraint":"constraints/x.y","booleanPolicy":{"enforced":true}}}`, 501, "error/code", "501"},
		{"it is cleared", crm, "POST", one + ":clearOrgPolicy", `{"constraint":"constraints/compute.requireOsLogin"}`, 200, "", ""},
		{"and gone", crm, "POST", one + ":listOrgPolicies", "{}", 200, "policies", "null"},
	})
}

// Each method is refused without its permission, and testIamPermissions says beforehand that it will be.
func TestEveryMethodChecksItsPermission(t *testing.T) {
	const one, account = "/v1/projects/test-project", "/v1/projects/test-project/serviceAccounts/runner-1@test-project.iam.gserviceaccount.com"
	for permission, s := range map[string]step{
		"resourcemanager.projects.get":                     {"", crm, "GET", one, "", 403, "error/message", "The caller does not have permission"},
		"resourcemanager.projects.create":                  {"", crm, "POST", "/v1/projects", `{"projectId":"project-two"}`, 403, "error/message", "The caller does not have permission"},
		"resourcemanager.projects.update":                  {"", crm, "PUT", one, `{"name":"Name"}`, 403, "error/status", "PERMISSION_DENIED"},
		"resourcemanager.projects.delete":                  {"", crm, "DELETE", one, "", 403, "error/status", "PERMISSION_DENIED"},
		"resourcemanager.projects.undelete":                {"", crm, "POST", one + ":undelete", "{}", 403, "error/status", "PERMISSION_DENIED"},
		"resourcemanager.projects.getIamPolicy":            {"", crm, "POST", one + ":getIamPolicy", "{}", 403, "error/status", "PERMISSION_DENIED"},
		"resourcemanager.projects.setIamPolicy":            {"", crm, "POST", one + ":setIamPolicy", `{"policy":{}}`, 403, "error/status", "PERMISSION_DENIED"},
		"orgpolicy.policy.get":                             {"", crm, "POST", one + ":getOrgPolicy", `{"constraint":"constraints/compute.requireOsLogin"}`, 403, "error/status", "PERMISSION_DENIED"},
		"orgpolicy.policy.set":                             {"", crm, "POST", one + ":clearOrgPolicy", `{"constraint":"constraints/compute.requireOsLogin"}`, 403, "error/status", "PERMISSION_DENIED"},
		"iam.serviceAccounts.create":                       {"", "iam", "POST", one + "/serviceAccounts", `{"accountId":"runner-1"}`, 403, "error/message", "Permission 'iam.serviceAccounts.create' denied on resource (or it may not exist)."},
		"iam.serviceAccounts.list":                         {"", "iam", "GET", one + "/serviceAccounts", "", 403, "error/status", "PERMISSION_DENIED"},
		"iam.serviceAccounts.get":                          {"", "iam", "GET", account, "", 403, "error/message", "Permission 'iam.serviceAccounts.get' denied on resource (or it may not exist)."},
		"iam.serviceAccounts.delete":                       {"", "iam", "DELETE", account, "", 403, "error/status", "PERMISSION_DENIED"},
		"iam.serviceAccounts.update":                       {"", "iam", "PATCH", account, `{"updateMask":"description"}`, 403, "error/status", "PERMISSION_DENIED"},
		"iam.serviceAccounts.disable":                      {"", "iam", "POST", account + ":disable", "{}", 403, "error/status", "PERMISSION_DENIED"},
		"iam.serviceAccounts.enable":                       {"", "iam", "POST", account + ":enable", "{}", 403, "error/status", "PERMISSION_DENIED"},
		"iam.serviceAccounts.undelete":                     {"", "iam", "POST", one + "/serviceAccounts/123:undelete", "{}", 403, "error/status", "PERMISSION_DENIED"},
		"iam.serviceAccounts.getIamPolicy":                 {"", "iam", "POST", account + ":getIamPolicy", "{}", 403, "error/status", "PERMISSION_DENIED"},
		"iam.serviceAccounts.setIamPolicy":                 {"", "iam", "POST", account + ":setIamPolicy", `{"policy":{}}`, 403, "error/status", "PERMISSION_DENIED"},
		"serviceusage.services.get":                        {"", "serviceusage", "GET", one + "/services/file.googleapis.com", "", 403, "error/message", "Permission denied to get service [file.googleapis.com]"},
		"serviceusage.services.list":                       {"", "serviceusage", "GET", one + "/services", "", 403, "error/message", "Permission denied to list services for consumer container [projects/" + cloud.Number("test-project") + "]"},
		"serviceusage.services.enable":                     {"", "serviceusage", "POST", one + "/services:batchEnable", `{"serviceIds":["file.googleapis.com"]}`, 403, "error/message", "Permission denied to enable service [file.googleapis.com]"},
		"serviceusage.services.disable":                    {"", "serviceusage", "POST", one + "/services/file.googleapis.com:disable", "{}", 403, "error/status", "PERMISSION_DENIED"},
		"resourcemanager.projects.deleteBillingAssignment": {"", "cloudbilling", "PUT", one + "/billingInfo", "{}", 403, "error/status", "PERMISSION_DENIED"},
		"billing.accounts.get":                             {"", "cloudbilling", "GET", "/v1/" + cloud.BillingAccount, "", 403, "error/status", "PERMISSION_DENIED"},
	} {
		t.Run(permission, func(t *testing.T) {
			test := step{"told beforehand", crm, "POST", one + ":testIamPermissions", `{"permissions":["` + permission + `"]}`, 200, "permissions", "null"}
			run(t, cloud.Options{Denied: []string{permission}}, []step{s, test})
			test.want = `["` + permission + `"]`
			run(t, cloud.Options{Granted: []string{permission, "resourcemanager.projects.get"}}, []step{test})
			status, _ := open(t, cloud.Options{})(s.api, s.method, s.path, s.body)
			if status == 403 {
				t.Error("it is refused with the permission too")
			}
		})
	}
}
