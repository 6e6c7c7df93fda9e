package emulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
)

const base = "https://compute.googleapis.com/compute/v1/projects/test-project/"

type client struct {
	t  *testing.T
	rt http.RoundTripper
}

func newEmulator(t *testing.T, opt emulator.Options) (*emulator.Emulator, client) {
	t.Helper()
	em, err := emulator.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return em, client{t, em.Transport()}
}

// call answers status and body; status 0 is a broken connection.
func (c client) call(method, url, body string) (int, map[string]any) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.rt.RoundTrip(r)
	if err != nil {
		return 0, nil
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var v map[string]any
	_ = json.Unmarshal(raw, &v)
	return resp.StatusCode, v
}

func message(v map[string]any) string {
	e, _ := v["error"].(map[string]any)
	return fmt.Sprint(e["message"])
}

// done makes a call and waits for its operation.
func (c client) done(method, url, body string) map[string]any {
	c.t.Helper()
	status, op := c.call(method, url, body)
	if status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %v", method, url, status, op)
	}
	for range 100 {
		if op["status"] == "DONE" {
			return op
		}
		link, _ := op["selfLink"].(string)
		_, op = c.call(http.MethodPost, strings.Replace(link, "www.googleapis.com", "compute.googleapis.com", 1)+"/wait", "")
	}
	c.t.Fatalf("%s %s: the operation never ends", method, url)
	return nil
}

func typical(t *testing.T) emulator.Profile {
	t.Helper()
	p, err := emulator.ProfileNamed("typical")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func network(name string) string {
	return fmt.Sprintf(`{"name":%q,"autoCreateSubnetworks":false}`, name)
}

// The refusals, with the words that the real cloud was seen to use (facts, section 2; recorded errors).
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newEmulator(t, emulator.Options{Latency: typical(t)})
		c.done("POST", base+"global/networks", network("net"))
		c.done("POST", base+"global/firewalls", `{"name":"fw","network":"global/networks/net","allowed":[{"IPProtocol":"tcp"}]}`)
		c.done("POST", base+"regions/us-central1/subnetworks", `{"name":"sub","network":"global/networks/net","ipCidrRange":"10.1.0.0/24"}`)
		c.call("POST", base+"global/networks", network("young"))
		for _, tc := range []struct {
			method, path, body string
			status             int
			says               string
		}{
			{"GET", "global/networks/none", "", 404, "The resource 'projects/test-project/global/networks/none' was not found"},
			{"POST", "global/networks", network("net"), 409, "The resource 'projects/test-project/global/networks/net' already exists"},
			{"POST", "global/networks", network("Bad"), 400, "Must be a match of regex"},
			{"POST", "global/networks", `{"name":"x","autoCreateSubnetworks":"perhaps"}`, 400, `Invalid value at 'resource.auto_create_subnetworks' (TYPE_BOOL), "perhaps"`},
			{"POST", "global/networks?colour=red", network("x"), 400, `Unknown name "colour": Cannot bind query parameter.`},
			{"POST", "global/networks?requestId=00000000-0000-0000-0000-000000000000", network("x"), 400, "requestId"},
			{"POST", "regions/us-central1/subnetworks", `{"name":"s2","network":"global/networks/net","ipCidrRange":"10.1.0.0/16"}`, 400, "Invalid IPCidrRange: 10.1.0.0/16 conflicts with existing subnetwork 'sub' in region 'us-central1'."},
			{"POST", "regions/us-central1/subnetworks", `{"name":"s2","network":"global/networks/young","ipCidrRange":"10.1.0.0/16"}`, 400, "The resource 'projects/test-project/global/networks/young' is not ready"},
			{"POST", "regions/us-central1/subnetworks", `{"name":"s2","network":"global/networks/none","ipCidrRange":"10.1.0.0/16"}`, 400, "The referenced network resource cannot be found."},
			{"POST", "regions/us-central1/subnetworks", `{"name":"s2","network":"global/networks/net","ipCidrRange":"10.1.0.1/16"}`, 400, "ipCidrRange"},
			{"PATCH", "regions/us-central1/subnetworks/sub", `{"privateIpGoogleAccess":true,"fingerprint":"AAAA"}`, 412, "Invalid fingerprint."},
			{"GET", "global/backendServices", "", 501, "the emulator does not know GET /compute.googleapis.com/compute/v1/projects/test-project/global/backendServices"},
			{"GET", "global/networks?filter=name", "", 400, "filter"},
		} {
			status, v := c.call(tc.method, base+tc.path, tc.body)
			if status != tc.status || !strings.Contains(message(v), tc.says) {
				t.Errorf("%s %s %s: %d %q", tc.method, tc.path, tc.body, status, message(v))
			}
		}
		op := c.done("DELETE", base+"global/networks/net", "")
		want := "The network resource 'projects/test-project/global/networks/net' is already being used by 'projects/test-project/global/firewalls/fw'"
		if raw, _ := json.Marshal(op); !strings.Contains(string(raw), want) || !strings.Contains(string(raw), `"httpErrorStatusCode":400`) {
			t.Errorf("deleting a network in use: %s", raw)
		}
		c.call("DELETE", base+"global/firewalls/fw", "")
		if status, v := c.call("DELETE", base+"global/firewalls/fw", ""); status != 400 || !strings.HasSuffix(message(v), "is not ready") {
			t.Errorf("a second delete while the first runs: %d %q", status, message(v))
		}
	})
}

func TestTheSameRequestIDAnswersTheEarlierOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newEmulator(t, emulator.Options{Latency: typical(t)})
		url := base + "global/networks?requestId=0a1b2c3d-0000-4000-8000-000000000001"
		_, first := c.call("POST", url, network("net"))
		_, second := c.call("POST", url, network("net"))
		if first["name"] != second["name"] || first["name"] == nil {
			t.Errorf("%v and %v", first["name"], second["name"])
		}
	})
}

func TestListsAreCutFilteredAndMasked(t *testing.T) {
	_, c := newEmulator(t, emulator.Options{})
	for i := range 5 {
		c.done("POST", base+"global/networks", network(fmt.Sprintf("net-%d", i)))
	}
	var names []string
	for token, pages := "", 0; pages == 0 || token != ""; pages++ {
		_, v := c.call("GET", base+"global/networks?maxResults=2&filter=name%20eq%20net-.*&fields=items/name,nextPageToken&pageToken="+token, "")
		items, _ := v["items"].([]any)
		for _, item := range items {
			m, _ := item.(map[string]any)
			if len(m) != 1 {
				t.Errorf("only the name was asked for: %v", m)
			}
			names = append(names, fmt.Sprint(m["name"]))
		}
		token, _ = v["nextPageToken"].(string)
		if pages > 5 {
			t.Fatal("the pages do not end")
		}
	}
	if len(names) != 5 {
		t.Errorf("listed %v", names)
	}
	if _, v := c.call("GET", base+"zones/us-central1-a/instances", ""); v["items"] != nil {
		t.Errorf("an empty list has no items (recorded): %v", v)
	}
}

// Eight changes of an object at once, then one a second, as Cloud Storage limits it; deletions count.
func TestObjectsChangeOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newEmulator(t, emulator.Options{})
		const storage = "https://storage.googleapis.com"
		c.call("POST", storage+"/storage/v1/b?project=test-project", `{"name":"my-bucket"}`)
		put := func(q string) int {
			status, _ := c.call("POST", storage+"/upload/storage/v1/b/my-bucket/o?uploadType=media&name=a/b"+q, "x")
			return status
		}
		if s := put("&ifGenerationMatch=0"); s != 200 {
			t.Errorf("first write: %d", s)
		}
		for i := range 7 {
			if s := put(""); s != 200 {
				t.Errorf("write %d of a burst: %d", i+2, s)
			}
		}
		if s := put(""); s != 429 {
			t.Errorf("ninth write at once: %d", s)
		}
		<-time.NewTimer(time.Second).C
		if s := put("&ifGenerationMatch=0"); s != 412 {
			t.Errorf("a write that wants no object: %d", s)
		}
		if s := put(""); s != 200 {
			t.Errorf("a write a second later: %d", s)
		}
		if s, _ := c.call("DELETE", storage+"/storage/v1/b/my-bucket/o/a%2Fb", ""); s != 429 {
			t.Errorf("a deletion at once: %d", s)
		}
		if s, v := c.call("DELETE", storage+"/storage/v1/b/my-bucket", ""); s != 409 || message(v) != "The bucket you tried to delete is not empty." {
			t.Errorf("deleting a bucket that is not empty: %d %q", s, message(v))
		}
	})
}

func TestFaultsStrikeTheCallsTheySay(t *testing.T) {
	for name, tc := range map[string]struct {
		rule string
		want []int // status of six POSTs, 0 for a broken connection
	}{
		"nth":   {`"nth":[2,4],"fault":{"error":{"status":503}}`, []int{200, 503, 200, 503, 200, 200}},
		"from":  {`"from":5,"fault":{"dropConnection":true}`, []int{200, 200, 200, 200, 0, 0}},
		"times": {`"times":2,"fault":{"loseAnswer":true}`, []int{0, 0, 200, 200, 200, 200}},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := emulator.ParseFaultPlan([]byte(`{"rules":[{"match":{"method":"POST","path":"/networks$"},` + tc.rule + `}]}`))
			if err != nil {
				t.Fatal(err)
			}
			_, c := newEmulator(t, emulator.Options{Faults: plan})
			for i, want := range tc.want {
				if status, _ := c.call("POST", base+"global/networks", network(fmt.Sprintf("n%d", i))); status != want {
					t.Errorf("call %d: %d, want %d", i+1, status, want)
				}
			}
		})
	}
	for _, bad := range []string{`{"rules":[{"match":{"path":"("},"fault":{"loseAnswer":true}}]}`, `{"rules":[{"match":{"path":""},"fault":{}}]}`, `{"rule":[]}`, `x`} {
		if _, err := emulator.ParseFaultPlan([]byte(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestAnOperationEndsAlsoWhenNoProcessRuns(t *testing.T) {
	dir := t.TempDir()
	p := emulator.Profile{Kinds: map[string]emulator.Triple{"compute_network.create": {Typical: 0.05}}}
	em, c := newEmulator(t, emulator.Options{Dir: dir, Latency: p})
	c.call("POST", base+"global/networks", network("net"))
	if err := em.Close(); err != nil {
		t.Fatal(err)
	}
	_, again := newEmulator(t, emulator.Options{Dir: dir})
	for deadline := time.Now().Add(5 * time.Second); ; {
		status, _ := again.call("POST", base+"regions/us-central1/subnetworks", `{"name":"sub","network":"global/networks/net","ipCidrRange":"10.1.0.0/24"}`)
		if status == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the network never became ready: %d", status)
		}
	}
}

// Two processes on one directory see each other's changes; a torn last line, cut at any byte, is what a killed process left.
func TestADirectoryIsSharedAndSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	_, one := newEmulator(t, emulator.Options{Dir: dir})
	_, two := newEmulator(t, emulator.Options{Dir: dir})
	one.done("POST", base+"global/networks", network("net-1"))
	two.done("POST", base+"global/networks", network("net-2"))
	if status, _ := one.call("GET", base+"global/networks/net-2", ""); status != 200 {
		t.Errorf("the first process does not see what the second has made: %d", status)
	}
	log := filepath.Join(dir, "world.jsonl")
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndexByte(strings.TrimSuffix(string(whole), "\n"), '\n') + 1
	for cut := last; cut < len(whole); cut += 1 + (len(whole)-last)/20 {
		if err := os.WriteFile(log, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		_, c := newEmulator(t, emulator.Options{Dir: dir})
		if status, _ := c.call("GET", base+"global/networks/net-1", ""); status != 200 {
			t.Fatalf("cut at byte %d: %d", cut, status)
		}
		c.call("POST", base+"global/networks", network("after"))
		if status, _ := c.call("GET", base+"global/networks/after", ""); status != 200 {
			t.Fatalf("cut at byte %d: nothing can be written any more", cut)
		}
	}
	if err := os.WriteFile(log, append([]byte("00000000 {}\n"), whole...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := emulator.ReadDir(dir); err == nil || !strings.Contains(err.Error(), "damaged at byte 0") {
		t.Errorf("a damaged line before the end: %v", err)
	}
}

func TestTheServedPages(t *testing.T) {
	em, _ := newEmulator(t, emulator.Options{})
	server := httptest.NewServer(em)
	defer server.Close()
	c := client{t, http.DefaultTransport}
	c.call("POST", server.URL+"/compute.googleapis.com/compute/v1/projects/test-project/global/networks", network("net"))
	c.call("POST", server.URL+"/storage/v1/b?project=test-project", `{"name":"my-bucket"}`)
	for path, want := range map[string]string{
		"/_emulator/resources":                           `"//compute.googleapis.com/projects/test-project/global/networks/net"`,
		"/_emulator/calls":                               `"/compute.googleapis.com/compute/v1/projects/test-project/global/networks"`,
		"/storage.googleapis.com/storage/v1/b/my-bucket": `"storage#bucket"`,
		"/nowhere": "does not know GET /nowhere",
	} {
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s: %s", path, raw)
		}
	}
	if status, _ := c.call("POST", server.URL+"/_emulator/faults", `{"rules":[{"match":{"path":"/networks"},"fault":{"error":{"status":500}}}]}`); status != 200 {
		t.Errorf("a good fault plan: %d", status)
	}
	if status, _ := c.call("GET", server.URL+"/compute.googleapis.com/compute/v1/projects/test-project/global/networks", ""); status != 500 {
		t.Errorf("the fault does not strike: %d", status)
	}
	if status, _ := c.call("POST", server.URL+"/_emulator/faults", `{"rules":[{}]}`); status != 400 {
		t.Errorf("a bad fault plan: %d", status)
	}
}
