package storage_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
)

// letGo are the calls that take an object away.
func letGo(bucket, object string) map[string][3]string {
	o := "b/" + bucket + "/o/" + object
	return map[string][3]string{
		"delete":       {"DELETE", o, ""},
		"write over":   {"POST", up + bucket + "/o?uploadType=media&name=" + object, "new"},
		"compose over": {"POST", o + "/compose", `{"sourceObjects":[{"name":"other"}]}`},
		"rewrite over": {"POST", "b/" + bucket + "/o/other/rewriteTo/" + o, ""},
		"move away":    {"POST", o + "/moveTo/o/elsewhere", ""},
		"move over":    {"POST", "b/" + bucket + "/o/other/moveTo/o/" + object, ""},
		"restore over": {"POST", o + "/restore?generation=1", ""},
	}
}

func TestHoldsKeepAnObject(t *testing.T) {
	for field, word := range map[string]string{"temporaryHold": "Temporary", "eventBasedHold": "Event-Based"} {
		t.Run(field, func(t *testing.T) {
			w := newWorld(t, cloud.Options{})
			w.bucket("held", "")
			w.put("held", "other", "x")
			w.put("held", "o", "x")
			w.must("PATCH", "b/held/o/o", `{"`+field+`":true}`)
			for what, c := range letGo("held", "o") {
				if what == "restore over" {
					continue
				}
				a := w.call(c[0], c[1], c[2])
				w.refused(a, 403, "Object 'held/o' is under active "+word+" hold and cannot be deleted, overwritten or archived until hold is removed.")
				if !strings.Contains(a.text, `"reason": "forbidden"`) {
					t.Errorf("%s: %s", what, a.text)
				}
			}
			w.refused(w.call("DELETE", "b/held/o/o?ifGenerationMatch=1", ""), 412, "pre-conditions") // conditions come first
			if a := w.must("PATCH", "b/held/o/o", `{"`+field+`":false}`); a.doc[field] != false {
				t.Errorf("a hold that was released is shown: %v", a.doc)
			}
			w.must("DELETE", "b/held/o/o", "")
		})
	}
}

func TestRetentionKeepsObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cloud.Options{})
		w.bucket("retained", `"retentionPolicy":{"retentionPeriod":"60"}`)
		made := w.put("retained", "o", "x")
		until := time.Now().Add(time.Minute).UTC().Format("2006-01-02T15:04:05.000Z")
		if made.str("retentionExpirationTime") != until {
			t.Errorf("%v", made.doc)
		}
		w.put("retained", "other", "x")
		for what, c := range letGo("retained", "o") {
			if what == "restore over" || what == "move over" { // the source is kept too
				continue
			}
			a := w.call(c[0], c[1], c[2])
			w.refused(a, 403, "Object 'retained/o' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until ")
			if !strings.Contains(a.text, "retentionPolicyNotMet") {
				t.Errorf("%s: %s", what, a.text)
			}
		}
		w.must("PATCH", "b/retained/o/o", `{"metadata":{"a":"b"}}`)
		wait(time.Minute)
		w.must("DELETE", "b/retained/o/o", "")

		w.put("retained", "e", "x")
		if a := w.must("PATCH", "b/retained/o/e", `{"eventBasedHold":true}`); a.str("retentionExpirationTime") != "" {
			t.Errorf("not known while it is held: %v", a.doc)
		}
		wait(2 * time.Minute)
		w.must("PATCH", "b/retained/o/e", `{"eventBasedHold":false}`)
		w.refused(w.call("DELETE", "b/retained/o/e", ""), 403, "subject to bucket's retention policy") // it begins anew
		wait(time.Minute)
		w.must("DELETE", "b/retained/o/e", "")
	})
}

func TestALockedPolicyOnlyGrows(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("locked", "")
	lock := "b/locked/lockRetentionPolicy"
	w.refused(w.call("POST", lock, ""), 400, "Required parameter: ifMetagenerationMatch")
	w.refused(w.call("POST", lock+"?ifMetagenerationMatch=1", ""), 400, "Bucket 'locked' does not have an unlocked retention policy.")
	w.must("PATCH", "b/locked", `{"retentionPolicy":{"retentionPeriod":60,"isLocked":true}}`)
	w.refused(w.call("POST", lock+"?ifMetagenerationMatch=1", ""), 412, "pre-conditions")
	if a := w.must("POST", lock+"?ifMetagenerationMatch=2", ""); fmt.Sprint(a.doc["retentionPolicy"].(map[string]any)["isLocked"]) != "true" || a.str("metageneration") != "3" {
		t.Errorf("%v", a.doc)
	}
	w.refused(w.call("POST", lock+"?ifMetagenerationMatch=3", ""), 400, "does not have an unlocked")
	w.refused(w.call("PATCH", "b/locked", `{"retentionPolicy":null}`), 403, "Bucket 'locked' has a locked Retention Policy which cannot be removed.")
	w.refused(w.call("PATCH", "b/locked", `{"retentionPolicy":{"retentionPeriod":"59"}}`), 403, "Cannot reduce retention duration")
	w.refused(w.call("PUT", "b/locked", `{"name":"locked"}`), 403, "cannot be removed")
	w.must("PATCH", "b/locked", `{"retentionPolicy":{"retentionPeriod":"61"}}`)
}

func TestRetentionOfOneObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cloud.Options{})
		w.bucket("plain", "")
		w.put("plain", "o", "x")
		at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
		retain := func(mode, until string) string {
			return fmt.Sprintf(`{"retention":{"mode":%q,"retainUntilTime":%q}}`, mode, until)
		}
		w.refused(w.call("PATCH", "b/plain/o/o", retain("Unlocked", at(time.Hour))), 400, "Object retention is not enabled on the bucket.")
		w.must("POST", "b?enableObjectRetention=true&project="+project, `{"name":"own"}`)
		w.put("own", "o", "x")
		w.refused(w.call("PATCH", "b/own/o/o", retain("", at(time.Hour))), 400, "Missing retention mode.")
		w.refused(w.call("PATCH", "b/own/o/o", retain("Unlocked", at(-time.Hour))), 400, "Retain until time cannot be in the past.")
		w.must("PATCH", "b/own/o/o", retain("Unlocked", at(time.Hour)))
		w.refused(w.call("DELETE", "b/own/o/o", ""), 403, "object retention")
		w.refused(w.call("PATCH", "b/own/o/o", `{"retention":null}`), 403, "The unlocked object retention cannot be removed")
		w.must("PATCH", "b/own/o/o?overrideUnlockedRetention=true", `{"retention":null}`)
		w.must("PATCH", "b/own/o/o", retain("Locked", at(time.Hour)))
		wait(time.Second)
		w.refused(w.call("PATCH", "b/own/o/o?overrideUnlockedRetention=true", `{"retention":null}`), 403, "The locked object retention cannot be removed.")
		wait(time.Hour)
		w.must("DELETE", "b/own/o/o", "")
	})
}
