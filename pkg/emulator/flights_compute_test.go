package emulator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

const custodian = computeBase + "projects/cloud-custodian/"

// flightTest makes what recorded answers show, in the project of the recordings, and holds ours to them. Fields that the API has
// since the time of a recording are in the table of exceptions, under the recording's name.
type flightTest struct {
	t *testing.T
	c client
}

// flights runs a test in virtual time, with a fault plan or none.
func flights(t *testing.T, faults string, test func(f flightTest)) {
	t.Helper()
	recordings(t)
	synctest.Test(t, func(t *testing.T) {
		opt := emulator.Options{Latency: typical(t)}
		if faults != "" {
			plan, err := emulator.ParseFaultPlan([]byte(faults))
			if err != nil {
				t.Fatal(err)
			}
			opt.Faults = plan
		}
		_, c := newEmulator(t, opt)
		test(flightTest{t, c})
	})
}

// make makes something first.
func (f flightTest) make(method, url string, body doc.Map) {
	f.t.Helper()
	if status, answer := f.c.call(method, custodian+url, jsonOf(f.t, body)); status != 200 {
		f.t.Fatalf("preparing: %s %s: %d %s", method, url, status, text(answer))
	}
	wait(pause)
}

// holds makes a call and holds the answer to a recorded one.
func (f flightTest) holds(name, method, url string, body any) {
	f.t.Helper()
	sent := ""
	if body != nil {
		sent = jsonOf(f.t, body)
	}
	status, answer := f.c.call(method, custodian+url, sent)
	if status != 200 {
		f.t.Fatalf("%s: %s %s: %d %s", name, method, url, status, text(answer))
	}
	var recorded, ours any = flight(f.t, name), answer
	if method != "GET" {
		recorded, ours = untimed(recorded, ours), untimed(ours, recorded)
	}
	hold(f.t, name, recorded, ours)
}

// some are the named fields of a thing.
func some(d doc.Map, fields ...string) doc.Map {
	out := doc.Map{}
	for _, field := range fields {
		out[field] = d[field]
	}
	return out
}

func TestFlightsOfFirewalls(t *testing.T) {
	flights(t, "", func(f flightTest) {
		fields := []string{"name", "network", "priority", "sourceRanges", "targetTags", "allowed", "direction"}
		before := doc.Objects(flight(t, "compute-firewall-list"), "items")[0]
		f.make("POST", "global/firewalls", some(before, fields...))
		f.holds("compute-firewall-list", "GET", "global/firewalls?filter=name+%3D+test", nil) // the recorded list was cut
		after := flight(t, "compute-firewall-get")
		f.holds("compute-firewall-patch-op", "PATCH", "global/firewalls/test", some(after, "priority", "targetTags", "allowed"))
		wait(pause)
		f.holds("compute-firewall-get", "GET", "global/firewalls/test", nil)
	})
}

func TestFlightsOfSubnetworks(t *testing.T) {
	flights(t, "", func(f flightTest) {
		const sub = "regions/us-central1/subnetworks/default"
		want := flight(t, "compute-subnetwork-default-get")
		change := func() doc.Map {
			_, now := f.c.call("GET", custodian+sub, "")
			return doc.Map{"fingerprint": now["fingerprint"]}
		}
		body := change()
		body["secondaryIpRanges"] = want["secondaryIpRanges"]
		f.make("PATCH", sub, body)
		body = change()
		body["enableFlowLogs"] = true
		f.holds("compute-subnetwork-patch-op", "PATCH", sub, body)
		wait(pause)
		f.holds("compute-subnetwork-default-get", "GET", sub, nil)
	})
}

func TestFlightOfARouter(t *testing.T) {
	flights(t, "", func(f flightTest) {
		f.make("POST", "regions/us-central1/routers", doc.Map{"name": "test-router", "network": "global/networks/default"})
		f.holds("compute-router-delete-op", "DELETE", "regions/us-central1/routers/test-router", nil)
	})
}

func TestFlightsOfInstances(t *testing.T) {
	flights(t, "", func(f flightTest) {
		const vms = "zones/us-central1-c/instances"
		want := doc.Objects(flight(t, "compute-instance-list"), "items")[0]
		body := some(want, "name", "machineType", "description", "canIpForward", "deletionProtection", "scheduling")
		body["serviceAccounts"] = []any{doc.Map{"email": "default", "scopes": doc.Objects(want, "serviceAccounts")[0]["scopes"]}}
		body["disks"] = []any{doc.Map{"boot": true, "autoDelete": true, "deviceName": "instance-1", "initializeParams": doc.Map{"sourceImage": "projects/debian-cloud/global/images/family/debian-12"}}}
		body["networkInterfaces"] = []any{doc.Map{"network": "global/networks/default", "accessConfigs": []any{doc.Map{"type": "ONE_TO_ONE_NAT", "name": "External NAT"}}}}
		f.make("POST", vms, body)
		f.holds("compute-instance-delete-op-pending", "DELETE", vms+"/instance-1", nil)
		wait(3 * time.Second) // by the dates of the two answers
		f.holds("compute-instance-list", "GET", vms+"?filter=name+%3D+instance-1", nil)
	})
}

// The recorded VM was still not healthy two and a half minutes after its group was made.
func TestFlightsOfManagedGroups(t *testing.T) {
	const unhealthy = `{"rules":[{"match":{"method":"GET","path":"/healthChecks/tgw44r$"},"fault":{"error":{"status":503}}}]}`
	flights(t, unhealthy, func(f flightTest) {
		const groups = "zones/us-central1-a/instanceGroupManagers"
		want := doc.Objects(flight(t, "compute-mig-zonal-list"), "items")[0]
		f.make("POST", "global/instanceTemplates", doc.Map{"name": "instance-template-1", "properties": doc.Map{
			"machineType":       "e2-medium",
			"disks":             []any{doc.Map{"boot": true, "autoDelete": true, "initializeParams": doc.Map{"sourceImage": "projects/debian-cloud/global/images/family/debian-12"}}},
			"networkInterfaces": []any{doc.Map{"network": "global/networks/default"}},
		}})
		f.make("POST", "global/healthChecks", doc.Map{"name": "tgw44r", "type": "TCP", "tcpHealthCheck": doc.Map{"port": 80}})
		body := some(want, "name", "description", "instanceTemplate", "baseInstanceName", "targetSize", "autoHealingPolicies", "updatePolicy")
		if status, answer := f.c.call("POST", custodian+groups, jsonOf(t, body)); status != 200 {
			t.Fatalf("%d %s", status, text(answer))
		}
		made, err := time.Parse(time.RFC3339, doc.Str(want, "creationTimestamp"))
		if err != nil {
			t.Fatal(err)
		}
		read := time.Date(2022, 5, 31, 13, 23, 30, 0, time.UTC) // the date of the answer
		wait(read.Sub(made))
		f.holds("compute-mig-zonal-list", "GET", groups, nil)
		f.holds("compute-mig-zonal-list-empty", "GET", strings.Replace(groups, "us-central1-a", "us-east1-b", 1), nil)
	})
}
