package serviceusage_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/front"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
	"github.com/aiinfra/cluster-provision/pkg/emulator/serviceusage"
)

const api = "/v1/projects/test-project/services/file.googleapis.com"

func open(t *testing.T, plan string) func(method, path string) (int, doc.Map) {
	t.Helper()
	usual, err := latency.Named("typical", serviceusage.Service().Latency)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := faults.Parse([]byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	c, err := cloud.New(cloud.Options{Latency: usual, Faults: rules, Disabled: []string{"file.googleapis.com"}}, []cloud.Service{serviceusage.Service()})
	if err != nil {
		t.Fatal(err)
	}
	f, err := front.Open(c, "")
	if err != nil {
		t.Fatal(err)
	}
	return func(method, path string) (int, doc.Map) {
		r, err := http.NewRequestWithContext(t.Context(), method, "https://serviceusage.googleapis.com"+path, nil)
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
			t.Fatal(err)
		}
		return resp.StatusCode, v
	}
}

func TestEnablingTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call := open(t, `{"rules":[]}`)
		state := func() string {
			_, v := call("GET", api)
			return doc.Str(v, "state")
		}
		if s := state(); s != "DISABLED" {
			t.Fatalf("at first: %s", s)
		}
		_, op := call("POST", api+":enable")
		if doc.Bool(op, "done") || state() != "DISABLED" {
			t.Errorf("at once: %v, %s", op, state())
		}
		if status, _ := call("POST", api+":disable"); status != 400 {
			t.Errorf("disabled while it is being enabled: %d", status)
		}
		<-time.NewTimer(17 * time.Second).C
		_, op = call("GET", "/v1/"+doc.Str(op, "name"))
		if !doc.Bool(op, "done") || doc.Str(op, "response", "service", "state") != "ENABLED" || state() != "ENABLED" {
			t.Errorf("after its time: %v, %s", op, state())
		}
		if _, again := call("POST", api+":enable"); !doc.Bool(again, "done") {
			t.Errorf("what is enabled was not done at once: %v", again)
		}
		call("POST", api+":disable")
		if s := state(); s != "ENABLED" {
			t.Errorf("while it is being disabled: %s", s)
		}
		<-time.NewTimer(17 * time.Second).C
		if s := state(); s != "DISABLED" {
			t.Errorf("in the end: %s", s)
		}
	})
}

func TestAnActivationThatFailsChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call := open(t, `{"rules":[{"match":{"path":":enable$"},"nth":[1],"fault":{"failOperation":{"code":"INTERNAL","httpStatus":500,"message":"no"}}}]}`)
		_, op := call("POST", api+":enable")
		<-time.NewTimer(17 * time.Second).C
		if _, op = call("GET", "/v1/"+doc.Str(op, "name")); doc.Num(op, "error", "code") != 13 {
			t.Errorf("%v", op)
		}
		if _, v := call("GET", api); doc.Str(v, "state") != "DISABLED" {
			t.Errorf("%v", v)
		}
		call("POST", api+":enable")
		<-time.NewTimer(17 * time.Second).C
		if _, v := call("GET", api); doc.Str(v, "state") != "ENABLED" {
			t.Errorf("another try: %v", v)
		}
	})
}

func TestEveryServiceOfGoogleIsKnown(t *testing.T) {
	call := open(t, `{"rules":[]}`)
	seen, token := 0, ""
	for {
		_, v := call("GET", "/v1/projects/test-project/services?pageSize=200&pageToken="+token)
		for _, s := range doc.Objects(v, "services") {
			seen++
			name := doc.Str(s, "config", "name")
			if status, got := call("GET", "/v1/projects/test-project/services/"+name); status != 200 || doc.Str(got, "name") != doc.Str(s, "name") {
				t.Errorf("%s is listed and cannot be got: %d", name, status)
			}
			if !strings.HasSuffix(name, ".googleapis.com") || doc.Str(s, "config", "title") == "" {
				t.Errorf("%q has the title %q", name, doc.Str(s, "config", "title"))
			}
		}
		if token = doc.Str(v, "nextPageToken"); token == "" {
			break
		}
	}
	if seen < 450 {
		t.Errorf("only %d services", seen)
	}
	for _, name := range []string{ // what this program, public cluster code and the recordings name
		"aiplatform", "artifactregistry", "cloudbilling", "cloudresourcemanager", "compute", "container", "deploymentmanager", "file", "iam",
		"iamcredentials", "iap", "logging", "lustre", "monitoring", "networkservices", "notebooks", "oslogin", "pubsub", "secretmanager",
		"servicenetworking", "serviceusage", "storage", "storage-api", "storage-component", "tpu", "calendar-json",
	} {
		if status, v := call("GET", "/v1/projects/test-project/services/"+name+".googleapis.com"); status != 200 {
			t.Errorf("%s: %v", name, v)
		}
	}
	for path, want := range map[string]int{ // the words are in public reports: calendar.googleapis.com is no service, calendar-json is
		"/services/calendar.googleapis.com": 403, "/services/no-such-thing.googleapis.com": 403, "/services/example.com": 403,
		"/services?pageSize=201": 400, "/services?pageToken=x": 400,
	} {
		if status, v := call("GET", "/v1/projects/test-project"+path); status != want {
			t.Errorf("%s: %d %v", path, status, v)
		}
	}
}
