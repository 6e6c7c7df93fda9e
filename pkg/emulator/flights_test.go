package emulator_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// flight reads a recorded answer whose request was not recorded.
func flight(t *testing.T, name string) doc.Map {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(recordings(t), "c7n-"+name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Body doc.Map `json:"body"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d.Body
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// hold holds an answer to that of a flight, and checks that the flight's exceptions are needed.
func hold(t *testing.T, name string, want, have any) {
	t.Helper()
	x := excusesOf("c7n-" + name)
	comparison{newNames(nil, ""), func(verdict, path string, recorded, ours any) {
		t.Helper()
		if !x.allow(0, "", verdict, path) {
			t.Errorf("%s: %s %s: recorded %s, ours %s", name, verdict, path, text(recorded), text(ours))
		}
	}}.run("", want, have)
	x.check(t)
}

// What a recording has of a policy that somebody set is what is answered when it is set here, and when it is read.
func TestFlightsOfPolicies(t *testing.T) {
	for _, name := range []string{"project-getIamPolicy", "project-setIamPolicy"} {
		t.Run(name, func(t *testing.T) {
			want := flight(t, name)
			_, c := newEmulator(t, emulator.Options{})
			sent := doc.Clone(want)
			delete(sent, "etag")
			status, v := c.call("POST", project+":setIamPolicy", jsonOf(t, doc.Map{"policy": sent, "updateMask": "bindings,etag,auditConfigs"}))
			if status != 200 {
				t.Fatalf("%d %v", status, v)
			}
			hold(t, name, want, v)
			_, v = c.call("POST", project+":getIamPolicy", "{}")
			hold(t, name, want, v)
		})
	}
}

func TestFlightOfProjects(t *testing.T) {
	want := flight(t, "projects-list")
	_, c := newEmulator(t, emulator.Options{Projects: []string{"not-yet-seen"}})
	list := doc.Objects(want, "projects")
	var made []any
	for _, p := range list {
		status, v := c.call("POST", strings.TrimSuffix(project, "/test-project"), jsonOf(t, doc.Map{"projectId": p["projectId"], "name": p["name"], "parent": p["parent"], "labels": p["labels"]}))
		if status != 200 {
			t.Fatalf("%v: %d %v", p["projectId"], status, v)
		}
	}
	_, have := c.call("GET", strings.TrimSuffix(project, "/test-project"), "")
	for _, p := range list { // in which order they are listed is not known
		for _, h := range doc.Objects(have, "projects") {
			if h["projectId"] == p["projectId"] {
				made = append(made, h)
			}
		}
	}
	hold(t, "projects-list", want["projects"], made)
}

func TestFlightsOfServices(t *testing.T) {
	want := flight(t, "serviceusage-list")
	_, c := newEmulator(t, emulator.Options{})
	const services = "https://serviceusage.googleapis.com/v1/projects/test-project/services"
	_, have := c.call("GET", services+"?pageSize=1", "")
	recorded, ours := doc.Objects(want, "services")[0], doc.Objects(have, "services")[0]
	for field := range recorded { // of another service, so only which fields there are
		if ours[field] == nil {
			t.Errorf("%s is missing in %v", field, ours)
		}
	}
	if !strings.HasPrefix(doc.Str(ours, "name"), "projects/") || !strings.HasSuffix(doc.Str(ours, "name"), "/services/"+doc.Str(ours, "config", "name")) {
		t.Errorf("%v", ours)
	}
	em, c := newEmulator(t, emulator.Options{Latency: typical(t), TimeScale: 1e6})
	_ = em
	_, op := c.call("POST", services+"/file.googleapis.com:disable", "{}")
	wantOp := flight(t, "serviceusage-disable-op")
	if !strings.HasPrefix(doc.Str(op, "name"), "operations/acf.") || jsonOf(t, op["metadata"]) != jsonOf(t, wantOp["metadata"]) {
		t.Errorf("%v, recorded %v", op, wantOp)
	}
}

// The two recorded refusals of APIs that are disabled differ by how old the service is.
func TestFlightsOfDisabledServices(t *testing.T) {
	for name, url := range map[string]string{
		"error-403-service-disabled-accessNotConfigured": networks + "?alt=json",
		"error-403-service-disabled-errorinfo":           accounts,
	} {
		t.Run(name, func(t *testing.T) {
			want := flight(t, name)
			_, c := newEmulator(t, emulator.Options{Disabled: []string{"compute.googleapis.com", "iam.googleapis.com"}})
			_, p := c.call("GET", project, "")
			api, title, was, wasTitle := "compute.googleapis.com", "Compute Engine API", "sqladmin.googleapis.com", "Cloud SQL Admin API"
			if url == accounts {
				api, title, was, wasTitle = "iam.googleapis.com", "Identity and Access Management (IAM) API", "spanner.googleapis.com", "Cloud Spanner API"
			}
			words := strings.NewReplacer("123456789123", doc.Str(p, "projectNumber"), was, api, wasTitle, title)
			var changed doc.Map
			if err := json.Unmarshal([]byte(words.Replace(jsonOf(t, want))), &changed); err != nil {
				t.Fatal(err)
			}
			status, v := c.call("GET", url, "")
			if status != 403 {
				t.Errorf("%d", status)
			}
			hold(t, name, changed, v)
		})
	}
}
