package storage_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
)

func TestBucketsAreRefused(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("mine", "")
	for name, tc := range map[string]struct {
		project, body string
		status        int
		says          string
	}{
		"a name that is one's own":   {project, `{"name":"mine"}`, 409, "you already own it"},
		"a name that is another's":   {"other-project", `{"name":"mine"}`, 409, "is not available"},
		"no name":                    {project, `{}`, 400, "Required parameter: name"},
		"a short name":               {project, `{"name":"ab"}`, 400, "at least 3 characters"},
		"a name in capitals":         {project, `{"name":"ABC"}`, 400, "Invalid bucket name: 'ABC'"},
		"a name that is an address":  {project, `{"name":"10.0.0.1"}`, 400, "Invalid bucket name"},
		"Google's name":              {project, `{"name":"my-google-x"}`, 400, "Invalid bucket name"},
		"no such project":            {"no-such-project", `{"name":"abc"}`, 400, "Unknown project id: no-such-project"},
		"no such location":           {project, `{"name":"abc","location":"MARS"}`, 400, "location constraint"},
		"two regions that are one":   {project, `{"name":"abc","customPlacementConfig":{"dataLocations":["US-EAST1","US-EAST1"]}}`, 400, "location constraint"},
		"no such class":              {project, `{"name":"abc","storageClass":"WARM"}`, 400, `Invalid storage class "WARM"`},
		"a bad label":                {project, `{"name":"abc","labels":{"A":"x"}}`, 400, "Invalid user label: A"},
		"short soft delete":          {project, `{"name":"abc","softDeletePolicy":{"retentionDurationSeconds":"60"}}`, 400, "between 7 days and 90 days"},
		"a rule without conditions":  {project, `{"name":"abc","lifecycle":{"rule":[{"action":{"type":"Delete"}}]}}`, 400, "must have a condition"},
		"a body that is no JSON":     {project, `{`, 400, "Parse Error"},
		"a hierarchical namespace":   {project, `{"name":"abc","hierarchicalNamespace":{"enabled":true}}`, 501, "does not know POST"},
		"a key of the customer's":    {project, `{"name":"abc","encryption":{"defaultKmsKeyName":"k"}}`, 501, "does not know POST"},
		"a list of the caller's own": {project, `{"name":"abc","acl":[{"entity":"allUsers","role":"READER"}]}`, 501, "does not know POST"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t, f: w.f}
			w.refused(w.call("POST", "b?project="+tc.project, tc.body), tc.status, tc.says)
		})
	}
	for _, path := range []string{"b/mine/acl", "b/mine/defaultObjectAcl", "b/mine/folders", "b/mine/notificationConfigs", "projects/" + project + "/hmacKeys"} {
		w.refused(w.call("GET", path, ""), 501, "/storage/v1/"+path)
	}
}

func TestLocations(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	for location, want := range map[string]string{"": "multi-region US DEFAULT", "eu": "multi-region EU DEFAULT", "us-central1": "region US-CENTRAL1 ", "nam4": "dual-region NAM4 DEFAULT"} {
		name := "in-" + strings.ToLower(location+"-x")
		a := w.must("POST", "b?project="+project, fmt.Sprintf(`{"name":%q,"location":%q}`, name, location))
		if have := a.str("locationType") + " " + a.str("location") + " " + a.str("rpo"); have != want {
			t.Errorf("%q: %s", location, have)
		}
		if layout := w.must("GET", "b/"+name+"/storageLayout", ""); layout.str("locationType") != a.str("locationType") {
			t.Errorf("%v", layout.doc)
		}
	}
}

func TestPatchesOfBuckets(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("patched", `"labels":{"a":"1","b":"2"},"versioning":{"enabled":true}`)
	for _, tc := range []struct{ body, field, want, metageneration string }{
		{`{}`, "labels", "map[a:1 b:2]", "1"},
		{`{"labels":{"a":null,"c":"3"}}`, "labels", "map[b:2 c:3]", "2"},
		{`{"labels":{}}`, "labels", "<nil>", "3"},
		{`{"lifecycle":{"rule":[{"action":{"type":"Delete"},"condition":{"age":1,"matchesPrefix":[]}}]}}`, "lifecycle", "map[rule:[map[action:map[type:Delete] condition:map[age:1]]]]", "4"},
		{`{"lifecycle":{}}`, "lifecycle", "map[rule:[map[action:map[type:Delete] condition:map[age:1]]]]", "5"},
		{`{"lifecycle":{"rule":[]}}`, "lifecycle", "<nil>", "6"},
		{`{"versioning":null}`, "versioning", "<nil>", "7"},
	} {
		a := w.must("PATCH", "b/patched", tc.body)
		if have := fmt.Sprint(a.doc[tc.field]); have != tc.want || a.str("metageneration") != tc.metageneration {
			t.Errorf("%s: %s at %s", tc.body, have, a.str("metageneration"))
		}
	}
	w.refused(w.call("PATCH", "b/patched?ifMetagenerationMatch=1", `{"labels":{"a":"b"}}`), 412, "pre-conditions")
	if a := w.call("PATCH", "b/patched?ifMetagenerationNotMatch=7", `{"labels":{"a":"b"}}`); a.status != 304 || a.text != "" {
		t.Errorf("%d %q", a.status, a.text)
	}
	a := w.must("PUT", "b/patched?ifMetagenerationMatch=7", `{"name":"patched","labels":{"z":"z"},"storageClass":"nearline"}`)
	if a.str("storageClass") != "NEARLINE" || fmt.Sprint(a.doc["labels"]) != "map[z:z]" || a.str("metageneration") != "8" {
		t.Errorf("%v", a.doc)
	}
	if a := w.must("GET", "b/patched?fields=name,labels/z", ""); fmt.Sprint(a.doc) != "map[labels:map[z:z] name:patched]" {
		t.Errorf("%v", a.doc)
	}
}

func TestListsAndOwnersAreShownByProjection(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("listed", "")
	w.bucket("uniform", `"iamConfiguration":{"uniformBucketLevelAccess":{"enabled":true}}`)
	w.put("listed", "o", "x")
	for url, want := range map[string]int{"b/listed": 0, "b/listed?projection=full": 3, "b/uniform?projection=full": 0, "b/listed/o/o": 0, "b/listed/o/o?projection=full": 4} {
		a := w.must("GET", url, "")
		list, _ := a.doc["acl"].([]any)
		if _, owner := a.doc["owner"]; len(list) != want || owner != (want > 0) {
			t.Errorf("%s: %v", url, a.doc)
		}
	}
	w.refused(w.call("POST", up+"uniform/o?uploadType=media&name=o&predefinedAcl=publicRead", "x"), 400, "Cannot insert legacy ACL for an object when uniform bucket-level access is enabled.")
	w.must("PATCH", "b/listed", `{"iamConfiguration":{"publicAccessPrevention":"enforced"}}`)
	w.refused(w.call("POST", up+"listed/o?uploadType=media&name=p&predefinedAcl=publicRead", "x"), 412, "public access prevention is enforced")
}

// Terraform's provider asks for the caches of a bucket that it removes with a slash at the end; with the same path its acceptance
// test TestAccStorageAnywhereCache_update makes one.
func TestABucketHasNoCachesWhicheverWayTheListIsAskedFor(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("plain", "")
	for _, path := range []string{"b/plain/anywhereCaches", "b/plain/anywhereCaches/"} {
		if a := w.must("GET", path, ""); a.doc["kind"] != "storage#anywhereCaches" || a.doc["items"] != nil {
			t.Errorf("%s: %s", path, a.text)
		}
		if a := w.call("POST", path, `{"zone":"us-central1-a"}`); a.status != 501 {
			t.Errorf("a cache is made: %s", a.text)
		}
	}
	if a := w.call("GET", "b/none/anywhereCaches/", ""); a.status != 404 {
		t.Errorf("caches of no bucket: %s", a.text)
	}
}

// What was measured: a bucket that ever had soft delete on is itself kept, with what is soft-deleted in it.
func TestBucketsAreSoftDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cloud.Options{})
		w.bucket("gone", `"labels":{"a":"b"}`)
		made := w.put("gone", "o", "content")
		w.refused(w.call("DELETE", "b/gone", ""), 409, "The bucket you tried to delete is not empty.")
		w.must("DELETE", "b/gone/o/o", "")
		generation := w.must("GET", "b/gone", "").str("generation")
		w.must("DELETE", "b/gone", "")
		w.refused(w.call("GET", "b/gone", ""), 404, "The specified bucket does not exist.")
		a := w.must("GET", "b?softDeleted=true&project="+project, "")
		if !strings.Contains(a.text, `"hardDeleteTime"`) || !strings.Contains(a.text, `"gone"`) {
			t.Errorf("%s", a.text)
		}
		w.must("POST", "b?project=other-project", `{"name":"gone","softDeletePolicy":{"retentionDurationSeconds":"0"}}`)
		w.refused(w.call("POST", "b/gone/restore?generation="+generation, ""), 409, "A live bucket with this name already exists.")
		if a := w.must("GET", "b/gone/o", ""); a.doc["items"] != nil {
			t.Errorf("another's bucket has what was in the old one: %v", a.doc)
		}
		w.must("DELETE", "b/gone", "") // it never had soft delete on
		w.must("POST", "b/gone/restore?generation="+generation, "")
		w.must("POST", "b/gone/o/o/restore?generation="+made.str("generation"), "")
		if a := w.must("GET", "b/gone/o/o?alt=media", ""); a.text != "content" {
			t.Errorf("%q", a.text)
		}
		w.must("DELETE", "b/gone/o/o", "")
		w.must("DELETE", "b/gone", "")
		wait(8 * 24 * time.Hour)
		w.refused(w.call("POST", "b/gone/restore?generation="+generation, ""), 404, "does not exist")
	})
}
