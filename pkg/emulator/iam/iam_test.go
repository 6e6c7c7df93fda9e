package iam_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/front"
	"github.com/aiinfra/cluster-provision/pkg/emulator/iam"
)

// A service runs on the common part alone: none of the others is there.
func open(t *testing.T) func(method, path, body string) (int, map[string]any) {
	t.Helper()
	c, err := cloud.New(cloud.Options{}, []cloud.Service{iam.Service()})
	if err != nil {
		t.Fatal(err)
	}
	f, err := front.Open(c, "")
	if err != nil {
		t.Fatal(err)
	}
	return func(method, path, body string) (int, map[string]any) {
		r, err := http.NewRequestWithContext(t.Context(), method, "https://iam.googleapis.com"+path, strings.NewReader(body))
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
		v := map[string]any{}
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%s %s: %s", method, path, raw)
		}
		return resp.StatusCode, v
	}
}

func TestServiceAccounts(t *testing.T) {
	call := open(t)
	number := cloud.Number("test-project")
	standard := number + "-compute@developer.gserviceaccount.com"
	const mine = "runner-1@test-project.iam.gserviceaccount.com"
	for _, step := range []struct {
		name, method, path, body string
		status                   int
		field, want              string // of the answer, or of its error
	}{
		{"the default account of Compute Engine is there", "GET", "/v1/projects/test-project/serviceAccounts/" + standard, "", 200, "displayName", "Compute Engine default service account"},
		{"an account is found without its project", "GET", "/v1/projects/-/serviceAccounts/" + standard, "", 200, "projectId", "test-project"},
		{"an absent account is unknown", "GET", "/v1/projects/test-project/serviceAccounts/" + mine, "", 404, "message", "Unknown service account"},
		{"an absent account without its project is forbidden", "GET", "/v1/projects/-/serviceAccounts/" + mine, "", 403, "status", "PERMISSION_DENIED"},
		{"an account of a project that does not exist is forbidden", "GET", "/v1/projects/no-such-project/serviceAccounts/" + mine, "", 403, "status", "PERMISSION_DENIED"},
		{"an account is made at once", "POST", "/v1/projects/test-project/serviceAccounts", `{"accountId":"runner-1","serviceAccount":{"displayName":"Runs"}}`, 200, "email", mine},
		{"its name is taken then", "POST", "/v1/projects/test-project/serviceAccounts", `{"accountId":"runner-1"}`, 409, "message", "Service account runner-1 already exists within project projects/test-project."},
		{"a short id is refused", "POST", "/v1/projects/test-project/serviceAccounts", `{"accountId":"run"}`, 400, "status", "INVALID_ARGUMENT"},
		{"an unknown field is refused", "POST", "/v1/projects/test-project/serviceAccounts", `{"accountId":"runner-2","colour":"red"}`, 400, "status", "INVALID_ARGUMENT"},
		{"it keeps what was sent", "GET", "/v1/projects/-/serviceAccounts/" + mine, "", 200, "displayName", "Runs"},
		{"it is disabled", "POST", "/v1/projects/test-project/serviceAccounts/" + mine + ":disable", "", 200, "", ""},
		{"and says so", "GET", "/v1/projects/test-project/serviceAccounts/" + mine, "", 200, "disabled", "true"},
		{"it is enabled", "POST", "/v1/projects/-/serviceAccounts/" + mine + ":enable", "{}", 200, "", ""},
		{"and no longer says that it is not", "GET", "/v1/projects/test-project/serviceAccounts/" + mine, "", 200, "disabled", "null"},
		{"keys are not emulated", "GET", "/v1/projects/test-project/serviceAccounts/" + mine + "/keys", "", 501, "status", "UNIMPLEMENTED"},
		{"signing is not emulated", "POST", "/v1/projects/test-project/serviceAccounts/" + mine + ":signBlob", "{}", 501, "status", "UNIMPLEMENTED"},
		{"a patch answers with what it changed (recorded)", "PATCH", "/v1/projects/test-project/serviceAccounts/" + mine, `{"serviceAccount":{"displayName":"Runs more","description":"d"},"updateMask":"description,display_name"}`, 200, "displayName", "Runs more"},
		{"and with nothing else", "PATCH", "/v1/projects/test-project/serviceAccounts/" + mine, `{"serviceAccount":{"description":"e"},"updateMask":"description"}`, 200, "email", "null"},
		{"a patch with an old etag is refused", "PATCH", "/v1/projects/test-project/serviceAccounts/" + mine, `{"serviceAccount":{"description":"f","etag":"b2xk"},"updateMask":"description"}`, 409, "status", "ABORTED"},
		{"a patch of what cannot change is refused", "PATCH", "/v1/projects/test-project/serviceAccounts/" + mine, `{"serviceAccount":{"email":"x"},"updateMask":"email"}`, 400, "status", "INVALID_ARGUMENT"},
		{"a policy that was never set has an etag", "POST", "/v1/projects/test-project/serviceAccounts/" + mine + ":getIamPolicy", "{}", 200, "etag", "ACAB"},
		{"a policy is set", "POST", "/v1/projects/test-project/serviceAccounts/" + mine + ":setIamPolicy", `{"policy":{"etag":"ACAB","bindings":[{"role":"roles/iam.serviceAccountUser","members":["user:a@example.com"]}]}}`, 200, "version", "1"},
		{"a policy with the old etag is refused", "POST", "/v1/projects/test-project/serviceAccounts/" + mine + ":setIamPolicy", `{"policy":{"etag":"ACAB"}}`, 409, "status", "ABORTED"},
		{"a member that does not exist is refused", "POST", "/v1/projects/test-project/serviceAccounts/" + mine + ":setIamPolicy", `{"policy":{"bindings":[{"role":"roles/viewer","members":["serviceAccount:no@test-project.iam.gserviceaccount.com"]}]}}`, 400, "message", "Service account no@test-project.iam.gserviceaccount.com does not exist."},
		{"an unknown verb is not emulated", "POST", "/v1/projects/test-project/serviceAccounts/" + mine + ":paint", "", 501, "status", "UNIMPLEMENTED"},
		{"it is deleted", "DELETE", "/v1/projects/test-project/serviceAccounts/" + mine, "", 200, "", ""},
		{"and gone", "DELETE", "/v1/projects/test-project/serviceAccounts/" + mine, "", 404, "message", "Unknown service account"},
	} {
		t.Run(step.name, func(t *testing.T) {
			status, v := call(step.method, step.path, step.body)
			if e, ok := v["error"].(map[string]any); ok {
				v = e
			}
			if status != step.status {
				t.Errorf("%d %v", status, v)
			}
			have, err := json.Marshal(v[step.field])
			if err != nil || step.field != "" && strings.Trim(string(have), `"`) != step.want {
				t.Errorf("%s is %s, want %s", step.field, have, step.want)
			}
		})
	}
}

func TestAccountsAreListedInPages(t *testing.T) {
	call := open(t)
	for _, id := range []string{"runner-1", "runner-2", "runner-3"} {
		call("POST", "/v1/projects/test-project/serviceAccounts", `{"accountId":"`+id+`"}`)
	}
	seen := 0
	for token, pages := "", 0; pages == 0 || token != ""; pages++ {
		_, v := call("GET", "/v1/projects/test-project/serviceAccounts?pageSize=3&pageToken="+token, "")
		accounts, _ := v["accounts"].([]any)
		seen += len(accounts)
		token, _ = v["nextPageToken"].(string)
		if pages > 3 {
			t.Fatal("the pages never end")
		}
	}
	if seen != 4 { // with the default account
		t.Errorf("%d accounts were listed, want 4", seen)
	}
}

func TestADeletedAccountCanBeHadBack(t *testing.T) {
	call := open(t)
	const all = "/v1/projects/test-project/serviceAccounts"
	_, made := call("POST", all, `{"accountId":"runner-1"}`)
	email, _ := made["email"].(string)
	id, _ := made["uniqueId"].(string)
	call("DELETE", all+"/"+email, "")
	status, v := call("POST", all+"/"+id+":undelete", "{}")
	restored, _ := v["restoredAccount"].(map[string]any)
	if status != 200 || restored["email"] != email || restored["uniqueId"] != id {
		t.Errorf("%d %v", status, v)
	}
	if status, _ := call("GET", all+"/"+email, ""); status != 200 {
		t.Errorf("it is not there again: %d", status)
	}
}
