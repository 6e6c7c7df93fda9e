package compute_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

const checks = "global/healthChecks"

func (c client) check() {
	c.Helper()
	c.must("POST", checks, `{"name":"alive","type":"HTTP","httpHealthCheck":{"requestPath":"/healthz"},"checkIntervalSec":10}`)
	pass(time.Minute)
}

func TestHealthChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		c.check()
		d := c.must("GET", checks+"/alive", "")
		delete(d, "creationTimestamp")
		delete(d, "id")
		if want := "map[checkIntervalSec:10 healthyThreshold:2 httpHealthCheck:map[port:80 proxyHeader:NONE requestPath:/healthz] kind:compute#healthCheck name:alive " +
			"selfLink:https://www.googleapis.com/compute/v1/projects/test-project/global/healthChecks/alive timeoutSec:5 type:HTTP unhealthyThreshold:2]"; fmt.Sprint(d) != want {
			t.Errorf("have %v", d)
		}
		c.must("PATCH", checks+"/alive", `{"timeoutSec":10,"httpHealthCheck":{"port":8080}}`)
		if d := c.must("GET", checks+"/alive", ""); doc.Num(d, "timeoutSec") != 10 || doc.Num(d, "httpHealthCheck", "port") != 8080 || doc.Str(d, "httpHealthCheck", "requestPath") != "/healthz" {
			t.Errorf("patched: %v", d)
		}
		pass(time.Minute)
		c.must("PUT", checks+"/alive", `{"name":"alive","type":"TCP","tcpHealthCheck":{"port":22}}`)
		if d := c.must("GET", checks+"/alive", ""); d["httpHealthCheck"] != nil || doc.Num(d, "tcpHealthCheck", "port") != 22 || doc.Num(d, "timeoutSec") != 5 {
			t.Errorf("updated: %v", d)
		}
		if n := len(doc.Objects(c.must("GET", checks, ""), "items")); n != 1 {
			t.Errorf("%d are listed", n)
		}
		pass(time.Minute)
		c.must("DELETE", checks+"/alive", "")
		pass(time.Minute)
		if status, _ := c.call("GET", checks+"/alive", ""); status != 404 {
			t.Errorf("after deletion: %d", status)
		}
	})
}

func TestRefusedHealthChecks(t *testing.T) {
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"no type":                        {`{"name":"a","tcpHealthCheck":{"port":22}}`, 400},
		"an unknown type":                {`{"name":"a","type":"INVALID"}`, 400},
		"nothing to check":               {`{"name":"a","type":"TCP"}`, 400},
		"settings of another type":       {`{"name":"a","type":"TCP","tcpHealthCheck":{},"httpHealthCheck":{}}`, 400},
		"no such port":                   {`{"name":"a","type":"TCP","tcpHealthCheck":{"port":65536}}`, 400},
		"a named port":                   {`{"name":"a","type":"TCP","tcpHealthCheck":{"portSpecification":"USE_NAMED_PORT"}}`, 400},
		"a timeout beyond the interval":  {`{"name":"a","type":"TCP","tcpHealthCheck":{},"timeoutSec":6}`, 400},
		"checks from chosen regions":     {`{"name":"a","type":"TCP","tcpHealthCheck":{},"sourceRegions":["us-central1"]}`, 501},
		"one of the name exists already": {`{"name":"alive","type":"TCP","tcpHealthCheck":{}}`, 409},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := open(t, "")
				c.check()
				if status, answer := c.call("POST", checks, test.body); status != test.status {
					t.Errorf("%d %v", status, answer)
				}
			})
		})
	}
}

// A VM is not there for users before its health check has said so; one that never gets healthy is made again.
func TestAutohealing(t *testing.T) {
	for name, test := range map[string]struct {
		policy, faults string
		seen           string // actions of vm-0001, in turn
		health         string // in the end
		again          bool   // it is another VM in the end
		cleared        string // what takes the policy back
	}{
		"a healthy VM":                  {`{}`, "", "CREATING VERIFYING NONE", "HEALTHY", false, `[{}]`},
		"an unhealthy VM":               {`{}`, `"times":1,`, "CREATING VERIFYING RECREATING VERIFYING NONE", "HEALTHY", true, `[]`},
		"an unhealthy VM that is left":  {`{"onFailedHealthCheck":"DO_NOTHING"}`, `"times":1,`, "CREATING VERIFYING NONE", "UNHEALTHY", false, `[]`},
		"an unhealthy VM, no repairs":   {`{"defaultActionOnFailure":"DO_NOTHING"}`, `"times":1,`, "CREATING VERIFYING NONE", "UNHEALTHY", false, `[]`},
		"an unhealthy VM, only repairs": {`{"defaultActionOnFailure":"DO_NOTHING","onFailedHealthCheck":"REPAIR"}`, `"times":1,`, "CREATING VERIFYING RECREATING VERIFYING NONE", "HEALTHY", true, `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				plan := ""
				if test.faults != "" {
					plan = `{"rules":[{"match":{"method":"GET","path":"/instances/vm-0001/healthChecks/alive$"},` + test.faults + `"fault":{"error":{"status":503}}}]}`
				}
				c := open(t, plan)
				c.check()
				c.template("template")
				c.must("POST", zone+"instanceGroupManagers", `{"name":"group","baseInstanceName":"vm-####","targetSize":1,"instanceTemplate":"global/instanceTemplates/template",
					"autoHealingPolicies":[{"healthCheck":"global/healthChecks/alive","initialDelaySec":120}],"instanceLifecyclePolicy":`+test.policy+`}`)
				var seen []string
				first, verified := "", time.Duration(0)
				for range 600 {
					pass(time.Second)
					s := c.stateAtOnce()
					if len(s.vms) == 0 {
						continue
					}
					action := doc.Str(s.vms[0], "currentAction")
					if len(seen) == 0 || seen[len(seen)-1] != action {
						seen = append(seen, action)
					}
					if action == "VERIFYING" && first == "" {
						first = doc.Str(s.vms[0], "id")
					}
					if action == "VERIFYING" && len(seen) == 2 {
						verified += time.Second
					}
					if s.stable != (action == "NONE") {
						t.Fatalf("stable is %v while the VM is %s", s.stable, action)
					}
				}
				if s := strings.Join(seen, " "); s != test.seen {
					t.Errorf("seen %s", s)
				}
				if test.faults == "" && (verified < 19*time.Second || verified > 21*time.Second) { // twice every 10 s
					t.Errorf("verified for %v", verified)
				}
				if test.faults != "" && verified < 119*time.Second {
					t.Errorf("the initial delay was not waited for: %v", verified)
				}
				vm := c.member("vm-0001")
				if h := doc.Objects(vm, "instanceHealth"); len(h) != 1 || doc.Str(h[0], "detailedHealthState") != test.health {
					t.Errorf("health %v", h)
				}
				if (doc.Str(vm, "id") != first) != test.again {
					t.Errorf("it is another VM: %v", doc.Str(vm, "id") != first)
				}
				status, refused := c.call("DELETE", checks+"/alive", "")
				if message := doc.Str(refused, "error", "message"); status != 400 || !strings.Contains(message, "/HEALTH_CHECK:alive' is already being used by 'ZONE:us-central1-a/PROJECT:") || !strings.HasSuffix(message, "/INSTANCE_GROUP:group'") {
					t.Errorf("deleting the check: %d %s", status, message)
				}
				c.must("PATCH", group, `{"autoHealingPolicies":`+test.cleared+`}`)
				if g := c.must("GET", group, ""); g["autoHealingPolicies"] != nil {
					t.Error("the policy cannot be taken back")
				}
				pass(time.Minute)
				c.must("DELETE", checks+"/alive", "")
			})
		})
	}
}
