package storage_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
)

const vm = "vms@test-project.iam.gserviceaccount.com"

// Four bindings with uniform access, two without (measured).
func TestANewBucketsPolicy(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("fine", "")
	w.bucket("uniform", `"iamConfiguration":{"uniformBucketLevelAccess":{"enabled":true}}`)
	for bucket, want := range map[string]int{"fine": 2, "uniform": 4} {
		a := w.must("GET", "b/"+bucket+"/iam", "")
		list, _ := a.doc["bindings"].([]any)
		if a.str("etag") != "CAE=" || a.str("resourceId") != "projects/_/buckets/"+bucket || len(list) != want || !strings.Contains(a.text, "projectOwner:test-project") {
			t.Errorf("%v", a.doc)
		}
	}
}

func TestPoliciesAreRefused(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("fine", `"iamConfiguration":{"publicAccessPrevention":"enforced"}`)
	w.bucket("uniform", `"iamConfiguration":{"uniformBucketLevelAccess":{"enabled":true}}`)
	viewer := func(member string) string {
		return `{"bindings":[{"role":"roles/storage.objectViewer","members":["` + member + `"]}]}`
	}
	under := func(version int, expression string) string {
		return fmt.Sprintf(`{"version":%d,"bindings":[{"role":"roles/storage.objectViewer","members":["user:a@b.c"],"condition":{"title":"t","expression":%q}}]}`, version, expression)
	}
	for name, tc := range map[string]struct {
		bucket, body string
		status       int
		says         string
	}{
		"a role of another service":          {"fine", `{"bindings":[{"role":"roles/compute.admin","members":["user:a@b.c"]}]}`, 400, "Role roles/compute.admin is not supported for this resource."},
		"a role that is none":                {"fine", `{"bindings":[{"role":"viewer","members":["user:a@b.c"]}]}`, 400, "The role name must be in the form"},
		"a member of no kind":                {"fine", viewer("a@b.c"), 400, "The member a@b.c is of an unknown type."},
		"another project's owners":           {"fine", viewer("projectOwner:other"), 400, "Project other does not exist."},
		"everybody":                          {"fine", viewer("allUsers"), 412, "not allowed since public access prevention is enforced"},
		"an etag that is none":               {"fine", `{"etag":"AAAA"}`, 400, "Invalid etag - must use etag from GetPolicy response."},
		"an etag of an earlier policy":       {"uniform", `{"etag":"CAA="}`, 412, "pre-conditions"},
		"a condition without uniform access": {"fine", under(3, `resource.name.startsWith("x")`), 412, "To set IAM conditions in this bucket, enable uniform bucket-level access."},
		"a condition in version 1":           {"uniform", under(1, `resource.name.startsWith("x")`), 400, "Specified policy version (1) must be at least 3"},
		"a condition that is not emulated":   {"uniform", under(3, `resource.name.matches("x")`), 501, "does not know PUT"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t, f: w.f}
			w.refused(w.call("PUT", "b/"+tc.bucket+"/iam", tc.body), tc.status, tc.says)
		})
	}
}

func TestPoliciesAreKeptAsTheCloudKeepsThem(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("uniform", `"iamConfiguration":{"uniformBucketLevelAccess":{"enabled":true}}`)
	condition := `"condition":{"title":"t","expression":"resource.type == 'storage.googleapis.com/Object'"}`
	a := w.must("PUT", "b/uniform/iam", `{"version":3,"etag":"CAE=","bindings":[
		{"role":"roles/storage.objectViewer","members":["user:A@b.c","user:a@b.c"]},
		{"role":"roles/storage.objectViewer","members":["user:d@b.c"]},
		{"role":"roles/storage.objectAdmin","members":[]},
		{"role":"roles/storage.objectViewer","members":["user:e@b.c"],`+condition+`}]}`)
	list, _ := a.doc["bindings"].([]any)
	if a.str("etag") != "CAI=" || fmt.Sprint(a.doc["version"]) != "3" || len(list) != 2 || fmt.Sprint(list[0].(map[string]any)["members"]) != "[user:a@b.c user:d@b.c]" {
		t.Errorf("%s", a.text)
	}
	if a := w.must("GET", "b/uniform", ""); a.str("metageneration") != "2" {
		t.Errorf("%v", a.doc)
	}
	if a := w.must("GET", "b/uniform/iam", ""); fmt.Sprint(a.doc["version"]) != "1" || !strings.Contains(a.text, "roles/storage.objectViewer_withcond_") || strings.Contains(a.text, "expression") {
		t.Errorf("%s", a.text)
	}
	if a := w.must("GET", "b/uniform/iam?optionsRequestedPolicyVersion=3", ""); fmt.Sprint(a.doc["version"]) != "3" || !strings.Contains(a.text, "expression") {
		t.Errorf("%s", a.text)
	}
	if a := w.must("PUT", "b/uniform/iam", `{}`); a.doc["bindings"] != nil {
		t.Errorf("a policy without bindings has none: %v", a.doc)
	}
}

// What a service account may do, as a VM's programs do it.
func TestAServiceAccountIsHeldToThePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cloud.Options{})
		w.bucket("guarded", `"iamConfiguration":{"uniformBucketLevelAccess":{"enabled":true}}`)
		w.put("guarded", "logs%2Fo", "x")
		w.put("guarded", "other", "x")
		grant := func(role, condition string) {
			t.Helper()
			w.token = ""
			if condition != "" {
				condition = fmt.Sprintf(`,"condition":{"title":"t","expression":%q}`, condition)
			}
			w.must("PUT", "b/guarded/iam", `{"version":3,"bindings":[{"role":"`+role+`","members":["serviceAccount:`+vm+`"]`+condition+`}]}`)
			w.token = "service-account:" + vm
		}
		allowed := func(method, url, body string) bool {
			t.Helper()
			a := w.call(method, url, body)
			if a.status == 403 && !strings.Contains(a.says(), vm+" does not have storage.") {
				t.Errorf("%s", a.text)
			}
			if a.status != 403 && a.status >= 400 && a.status != 404 {
				t.Errorf("%s %s: %d %s", method, url, a.status, a.text)
			}
			return a.status != 403
		}
		insert := up + "guarded/o?uploadType=media&name="
		for _, tc := range []struct {
			role, condition string
			can             string // who may not list is not told that there is no object "none"
		}{
			{"roles/storage.objectViewer", "", "read other list none "},
			{"roles/storage.objectCreator", "", "create "},
			{"roles/storage.objectUser", "", "read other list none create over "},
			{"roles/storage.legacyBucketReader", "", "list bucket "},
			{"roles/storage.admin", "", "read other list none create over bucket policy "},
			{"roles/storage.objectViewer", `resource.name.startsWith("projects/_/buckets/guarded/objects/logs/")`, "read "},
			{"roles/storage.objectViewer", `resource.type == "storage.googleapis.com/Object" && !(resource.name.endsWith('/other'))`, "read "},
			{"roles/storage.objectViewer", `request.time < timestamp("1999-01-01T00:00:00Z") || resource.name == "x"`, ""},
		} {
			grant(tc.role, tc.condition)
			can := ""
			for _, try := range []struct{ what, method, url, body string }{
				{"read", "GET", "https://storage.googleapis.com/guarded/logs/o", ""}, {"other", "GET", "b/guarded/o/other", ""},
				{"list", "GET", "b/guarded/o", ""}, {"none", "GET", "b/guarded/o/none", ""},
				{"create", "POST", insert + fmt.Sprint("new-", len(tc.role+tc.condition)), "x"}, {"over", "POST", insert + "other", "x"},
				{"bucket", "GET", "b/guarded", ""}, {"policy", "GET", "b/guarded/iam", ""},
			} {
				if strings.HasPrefix(try.url, "https://storage.googleapis.com/guarded") {
					if w.call(try.method, try.url, try.body).status != 403 {
						can += try.what + " "
					}
				} else if allowed(try.method, try.url, try.body) {
					can += try.what + " "
				}
			}
			if can != tc.can {
				t.Errorf("%s if %s: %q, not %q", tc.role, tc.condition, can, tc.can)
			}
			wait(5e9)
		}
		w.token = "service-account:" + vm
		w.refused(w.call("POST", "b?project="+project, `{"name":"vms-own"}`), 403, vm+" does not have storage.buckets.create access to the Google Cloud project.")
		if a := w.must("GET", "b/guarded/iam/testPermissions?permissions=storage.objects.get", ""); a.doc["permissions"] != nil {
			t.Errorf("%v", a.doc)
		}
		w.refused(w.call("GET", "b/guarded/iam/testPermissions?permissions=compute.x", ""), 400, "compute.x is not a valid Google Cloud Storage permission.")
	})
}

func TestRequesterPays(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("pays", `"billing":{"requesterPays":true}`)
	w.put("pays", "o", "x")
	w.must("PUT", "b/pays/iam", `{"bindings":[{"role":"roles/storage.objectViewer","members":["serviceAccount:`+vm+`"]}]}`)
	w.must("GET", "b/pays/o/o", "") // an owner's
	w.refused(w.call("GET", "b/pays/o/o?userProject=no-such-project", ""), 400, "User project specified in the request is invalid.")
	w.token = "service-account:" + vm
	const words = "Bucket is a requester pays bucket but no user project provided."
	a := w.call("GET", "b/pays/o/o", "")
	w.refused(a, 400, words)
	if !strings.Contains(a.text, `"reason": "required"`) {
		t.Errorf("%s", a.text)
	}
	if a := w.call("GET", "https://storage.googleapis.com/pays/o", ""); a.status != 400 || !strings.Contains(a.text, "<Code>UserProjectMissing</Code><Message>"+words) {
		t.Errorf("%d %s", a.status, a.text)
	}
	w.refused(w.call("GET", "b/pays/o/o", "", "X-Goog-User-Project: test-project"), 403, vm+" does not have serviceusage.services.use access to the Google Cloud project.")
}

// What the emulator was told to deny is denied to everybody, and in what is done as in what is asked.
func TestDeniedPermissions(t *testing.T) {
	w := newWorld(t, cloud.Options{Denied: []string{"storage.objects.delete"}})
	w.bucket("denied", "")
	w.put("denied", "o", "x")
	w.refused(w.call("DELETE", "b/denied/o/o", ""), 403, "Caller does not have storage.objects.delete access to the Google Cloud Storage object.")
	a := w.must("GET", "b/denied/iam/testPermissions?permissions=storage.objects.delete&permissions=storage.objects.get", "")
	if fmt.Sprint(a.doc["permissions"]) != "[storage.objects.get]" {
		t.Errorf("%v", a.doc)
	}
}
