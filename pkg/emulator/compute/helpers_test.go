package compute_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/compute"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/front"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
)

const (
	base  = "https://compute.googleapis.com/compute/v1/projects/test-project/"
	zone  = "zones/us-central1-a/"
	group = zone + "instanceGroupManagers/group"
)

// client calls Compute Engine, which is alone in its cloud.
type client struct {
	*testing.T
	cloud *cloud.Cloud
	rt    http.RoundTripper
}

// open gives one whose operations take their usual time; plan may be "".
func open(t *testing.T, plan string) client {
	t.Helper()
	usual, err := latency.Named("typical", compute.Service().Latency)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cloud.New(cloud.Options{Latency: usual}, []cloud.Service{compute.Service()})
	if err != nil {
		t.Fatal(err)
	}
	f, err := front.Open(c, "")
	if err != nil {
		t.Fatal(err)
	}
	out := client{t, c, f.Transport()}
	out.faults(plan)
	return out
}

func (c client) faults(plan string) {
	c.Helper()
	if plan == "" {
		plan = `{"rules":[]}`
	}
	parsed, err := faults.Parse([]byte(plan))
	if err != nil {
		c.Fatal(err)
	}
	if err := c.cloud.SetFaults(parsed); err != nil {
		c.Fatal(err)
	}
}

func (c client) call(method, path, body string) (int, doc.Map) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, strings.Replace(base+path, "test-project/../", "", 1), strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	resp, err := c.rt.RoundTrip(r)
	if err != nil {
		c.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	v := doc.Map{}
	if err := json.Unmarshal(raw, &v); err != nil {
		c.Fatalf("%s %s: %s", method, path, raw)
	}
	return resp.StatusCode, v
}

func (c client) must(method, path, body string) doc.Map {
	c.Helper()
	status, v := c.call(method, path, body)
	if status != 200 {
		c.Fatalf("%s %s: %d %s", method, path, status, doc.Str(v, "error", "message"))
	}
	return v
}

// pass lets virtual time pass.
func pass(d time.Duration) { <-time.NewTimer(d).C }

// template makes a template on the default network.
func (c client) template(name string) {
	c.Helper()
	c.must("POST", "global/instanceTemplates", fmt.Sprintf(`{"name":%q,"properties":{"machineType":"n1-standard-4","networkInterfaces":[{}],
		"disks":[{"boot":true,"autoDelete":true,"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}]}}`, name))
	pass(time.Minute)
}

// group makes a group of VMs vm-0001 and so on.
func (c client) group(size int) {
	c.Helper()
	c.template("template")
	c.must("POST", zone+"instanceGroupManagers", fmt.Sprintf(`{"name":"group","baseInstanceName":"vm-####","targetSize":%d,
		"instanceTemplate":"global/instanceTemplates/template"}`, size))
}

// state is what the API tells of a group at one moment.
type state struct {
	stable  bool
	target  int64
	actions map[string]int64 // of status.currentActions, without zeros: "NONE"
	vms     []doc.Map        // listManagedInstances
}

func (c client) state() state {
	c.Helper()
	g := c.must("GET", group, "")
	s := state{stable: doc.Bool(g, "status", "isStable"), target: doc.Num(g, "targetSize"), actions: map[string]int64{}}
	for name := range doc.Object(g, "currentActions") {
		if n := doc.Num(g, "currentActions", name); n > 0 {
			s.actions[strings.ToUpper(name)] = n
		}
	}
	s.vms = doc.Objects(c.must("POST", group+"/listManagedInstances", ""), "managedInstances")
	return s
}

func (s state) names() string {
	var out []string
	for _, vm := range s.vms {
		out = append(out, doc.Str(vm, "name"))
	}
	return strings.Join(out, " ")
}
