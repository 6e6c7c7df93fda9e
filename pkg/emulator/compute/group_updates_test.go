package compute_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// like makes a template that is as "template" but for some properties, as JSON.
func (c client) like(name, more string) {
	c.Helper()
	c.must("POST", "global/instanceTemplates", fmt.Sprintf(`{"name":%q,"properties":{"networkInterfaces":[{}],
		"disks":[{"boot":true,"autoDelete":true,"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}],%s}}`, name, more))
	pass(time.Minute)
}

// A proactive update keeps to its limits at every moment, and ends with what was wanted.
func TestAnUpdateKeepsToItsLimits(t *testing.T) {
	for name, test := range map[string]struct {
		policy    string
		template  string
		most      int    // VMs that are not on their way out, at any moment
		least     int    // VMs that are there for users, at any moment
		same      bool   // the VMs have their names in the end
		untouched bool   // the VMs are the same ones
		action    string // that is seen meanwhile
	}{
		"one more at a time":         {`"maxSurge":{"fixed":1},"maxUnavailable":{"fixed":0}`, `"machineType":"n1-standard-8"`, 5, 4, false, false, "CREATING"},
		"one fewer at a time":        {`"maxSurge":{"fixed":0},"maxUnavailable":{"fixed":1}`, `"machineType":"n1-standard-8"`, 4, 3, false, false, "DELETING"},
		"both":                       {`"maxSurge":{"percent":50},"maxUnavailable":{"fixed":1}`, `"machineType":"n1-standard-8"`, 6, 3, false, false, "CREATING"},
		"under the same names":       {`"maxSurge":{"fixed":0},"maxUnavailable":{"percent":50},"replacementMethod":"RECREATE"`, `"machineType":"n1-standard-8"`, 4, 2, true, false, "RECREATING"},
		"restarts":                   {`"maxSurge":{"fixed":0},"maxUnavailable":{"fixed":2},"minimalAction":"NONE"`, `"machineType":"n1-standard-8"`, 4, 2, true, true, "RESTARTING"},
		"refreshes":                  {`"maxSurge":{"fixed":0},"maxUnavailable":{"fixed":2},"minimalAction":"REFRESH"`, `"machineType":"n1-standard-4","labels":{"a":"b"}`, 4, 2, true, true, "REFRESHING"},
		"at least a restart":         {`"maxSurge":{"fixed":0},"maxUnavailable":{"fixed":2},"minimalAction":"RESTART"`, `"machineType":"n1-standard-4","labels":{"a":"b"}`, 4, 2, true, true, "RESTARTING"},
		"what needs more than a tag": {`"maxSurge":{"fixed":1},"maxUnavailable":{"fixed":0},"minimalAction":"REFRESH"`, `"machineType":"n1-standard-4","canIpForward":true`, 5, 4, false, false, "CREATING"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := settled(t, 4, "")
				before := ids(c.state())
				c.like("other", test.template)
				c.must("PATCH", group, `{"instanceTemplate":"global/instanceTemplates/other","updatePolicy":{"type":"PROACTIVE",`+test.policy+`}}`)
				seen := map[string]bool{}
				for range 40 * 60 {
					s := c.stateAtOnce()
					staying, there := 0, 0
					for _, vm := range s.vms {
						action := doc.Str(vm, "currentAction")
						seen[action] = true
						if action != "DELETING" {
							staying++
						}
						if action == "NONE" && doc.Str(vm, "instanceStatus") == "RUNNING" {
							there++
						}
					}
					if staying > test.most || there < test.least {
						t.Fatalf("%d VMs, %d of them running: %v", staying, there, s.actions)
					}
					if s.stable {
						break
					}
					pass(time.Second)
				}
				s := c.stable(time.Second)
				if !seen[test.action] {
					t.Errorf("never seen: %s; seen: %v", test.action, seen)
				}
				if g := c.must("GET", group, ""); !doc.Bool(g, "status", "versionTarget", "isReached") || len(s.vms) != 4 {
					t.Errorf("%v", doc.Object(g, "status"))
				}
				after := ids(s)
				if untouched := maps.Equal(before, after); untouched != test.untouched {
					t.Errorf("before %v, after %v", before, after)
				}
				if same := strings.Join(sorted(before), " ") == strings.Join(sorted(after), " "); same != test.same {
					t.Errorf("before %v, after %v", before, after)
				}
				for vm := range after {
					d := c.must("GET", zone+"instances/"+vm, "")
					if strings.Contains(test.template, "labels") && doc.Str(d, "labels", "a") != "b" || strings.Contains(test.template, "standard-8") && !strings.HasSuffix(doc.Str(d, "machineType"), "us-central1-a/machineTypes/n1-standard-8") {
						t.Errorf("%s is not as its template: %s %v", vm, doc.Str(d, "machineType"), d["labels"])
					}
				}
			})
		})
	}
}

func ids(s state) map[string]string {
	out := map[string]string{}
	for _, vm := range s.vms {
		out[doc.Str(vm, "name")] = doc.Str(vm, "id")
	}
	return out
}

func sorted(m map[string]string) []string {
	var s state
	for name := range m {
		s.vms = append(s.vms, doc.Map{"name": name})
	}
	out := strings.Fields(s.names())
	for i := range out {
		for j := i; j > 0 && out[j] < out[j-1]; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

// What an update would need more for than it is allowed is not done, and the group says that it is not where it should be.
func TestAnUpdateThatIsNotAllowedIsNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := settled(t, 2, "")
		before := ids(c.state())
		c.like("other", `"machineType":"n1-standard-8"`)
		c.must("PATCH", group, `{"instanceTemplate":"global/instanceTemplates/other","updatePolicy":{"type":"PROACTIVE","minimalAction":"REFRESH","mostDisruptiveAllowedAction":"REFRESH"}}`)
		pass(5 * time.Minute)
		if s := c.stable(time.Second); !maps.Equal(before, ids(s)) {
			t.Errorf("%+v", s)
		}
		if g := c.must("GET", group, ""); doc.Bool(g, "status", "versionTarget", "isReached") {
			t.Error("the target is reached")
		}
		c.must("POST", group+"/applyUpdatesToInstances", `{"allInstances":true}`)
		c.stable(5 * time.Minute)
		if g := c.must("GET", group, ""); !doc.Bool(g, "status", "versionTarget", "isReached") {
			t.Error("the target is not reached after it was asked for")
		}
	})
}

// A canary gets its share of the VMs, as the group grows and until it is rolled out or taken back.
func TestCanaries(t *testing.T) {
	const old, canary = `{"name":"old","instanceTemplate":"global/instanceTemplates/template"}`, `{"name":"canary","instanceTemplate":"global/instanceTemplates/other"%s}`
	for _, method := range []string{`"maxSurge":{"fixed":1},"maxUnavailable":{"fixed":1}`, `"maxSurge":{"fixed":0},"maxUnavailable":{"fixed":2},"replacementMethod":"RECREATE"`} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := settled(t, 4, "")
				c.like("other", `"machineType":"n1-standard-8"`)
				for _, step := range []struct {
					call, body string
					want       map[string]int
				}{
					{"", `{"versions":[` + old + `,` + fmt.Sprintf(canary, `,"targetSize":{"fixed":1}`) + `],"updatePolicy":{"type":"PROACTIVE",` + method + `}}`, map[string]int{"old": 3, "canary": 1}},
					{"", `{"versions":[` + old + `,` + fmt.Sprintf(canary, `,"targetSize":{"percent":60}`) + `]}`, map[string]int{"old": 1, "canary": 3}},
					{"/resize?size=6", "", map[string]int{"old": 2, "canary": 4}},
					{"/resize?size=3", "", map[string]int{"old": 1, "canary": 2}},
					{"", `{"versions":[` + fmt.Sprintf(canary, "") + `]}`, map[string]int{"canary": 3}},
					{"", `{"versions":[` + old + `]}`, map[string]int{"old": 3}},
				} {
					if step.call == "" {
						c.must("PATCH", group, step.body)
					} else {
						c.must("POST", group+step.call, "")
					}
					s := c.stable(30 * time.Minute)
					if have := s.versions(); !maps.Equal(have, step.want) {
						t.Errorf("%s %s: %v", step.call, step.body, have)
					}
					g := c.must("GET", group, "")
					if !doc.Bool(g, "status", "versionTarget", "isReached") {
						t.Errorf("%s %s: the target is not reached", step.call, step.body)
					}
					for _, v := range doc.Objects(g, "versions") {
						if int(doc.Num(v, "targetSize", "calculated")) != step.want[doc.Str(v, "name")] {
							t.Errorf("%v", v)
						}
					}
				}
			})
		})
	}
}

// What is set for all VMs goes over the template: for new VMs at once, for those that are there when it is applied.
func TestSettingsOfAllVMs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := settled(t, 1, "")
		label := func() string {
			return doc.Str(c.must("GET", zone+"instances/vm-0001", ""), "labels", "team")
		}
		effective := func() bool {
			return doc.Bool(c.must("GET", group, ""), "status", "allInstancesConfig", "effective")
		}
		c.must("PATCH", group, `{"allInstancesConfig":{"properties":{"labels":{"team":"red"},"metadata":{"k":"v"}}}}`)
		if label() != "" || effective() {
			t.Errorf("at once: %q", label())
		}
		c.must("POST", group+"/resize?size=2", "")
		c.stable(5 * time.Minute)
		if d := c.must("GET", zone+"instances/vm-0002", ""); doc.Str(d, "labels", "team") != "red" {
			t.Errorf("a new VM: %v", d["labels"])
		}
		c.must("POST", group+"/applyUpdatesToInstances", `{"allInstances":true}`)
		c.stable(5 * time.Minute)
		if label() != "red" || !effective() {
			t.Errorf("applied: %q", label())
		}
		c.must("PATCH", group, `{"allInstancesConfig":{"properties":{"labels":{"team":null}}},"updatePolicy":{"type":"PROACTIVE","minimalAction":"NONE"}}`)
		c.stable(5 * time.Minute)
		if label() != "" || !effective() {
			t.Errorf("taken back: %q", label())
		}
		c.must("PATCH", group, `{"allInstancesConfig":null}`)
		c.stable(5 * time.Minute)
		if g := c.must("GET", group, ""); g["allInstancesConfig"] != nil || !effective() {
			t.Errorf("removed: %v", g["allInstancesConfig"])
		}
	})
}

// A repaired VM is of its own version, unless the group says otherwise; without repairs it stays lost.
func TestRepairs(t *testing.T) {
	for name, test := range map[string]struct{ policy, template string }{
		"its own template":   {`{}`, "template"},
		"the group's latest": {`{"forceUpdateOnRepair":"YES"}`, "other"},
		"no repair":          {`{"defaultActionOnFailure":"DO_NOTHING"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := settled(t, 1, `,"instanceLifecyclePolicy":`+test.policy)
				c.like("other", `"machineType":"n1-standard-8"`)
				c.must("PATCH", group, `{"instanceTemplate":"global/instanceTemplates/other"}`)
				c.must("DELETE", zone+"instances/vm-0001", "")
				pass(5 * time.Minute)
				status, vm := c.call("GET", zone+"instances/vm-0001", "")
				if test.template == "" {
					if status != 404 {
						t.Errorf("it was repaired: %v", vm)
					}
					c.must("POST", group+"/recreateInstances", `{"instances":["zones/us-central1-a/instances/vm-0001"]}`)
					c.stable(5 * time.Minute)
					return
				}
				if m := c.member("vm-0001"); status != 200 || !strings.HasSuffix(doc.Str(m, "version", "instanceTemplate"), "/"+test.template) {
					t.Errorf("%v", m)
				}
			})
		})
	}
}

// gcloud sends the update policy back as it has read it, with a field that v1 answers and does not have.
func TestAPolicyCanBeSentBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := settled(t, 1, "")
		c.must("PATCH", group, `{"updatePolicy":{"type":"OPPORTUNISTIC","minReadySec":0,"maxSurge":{"calculated":1,"fixed":2},"replacementMethod":"","mostDisruptiveAllowedAction":null}}`)
		if g := c.must("GET", group, ""); doc.Num(g, "updatePolicy", "maxSurge", "calculated") != 2 || g["updatePolicy"].(map[string]any)["minReadySec"] == nil {
			t.Errorf("%v", g["updatePolicy"])
		}
	})
}

// A limit is a number or a percentage. Terraform's provider sends null for the one that is not configured, whenever it changes an
// update policy; its acceptance test TestAccInstanceGroupManager_updatePolicy does so on the real cloud.
func TestALimitSentWithANullForTheOtherForm(t *testing.T) {
	for name, test := range map[string]struct{ before, sent, want string }{
		"a number for a number":     {`{"fixed":1}`, `{"fixed":2,"percent":null}`, `map[calculated:2 fixed:2]`},
		"none for a number":         {`{"fixed":1}`, `{"fixed":0,"percent":null}`, `map[calculated:0 fixed:0]`},
		"a percentage for a number": {`{"fixed":1}`, `{"fixed":null,"percent":50}`, `map[calculated:2 percent:50]`},
		"a number for a percentage": {`{"percent":50}`, `{"fixed":3,"percent":null}`, `map[calculated:3 fixed:3]`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := settled(t, 4, "")
				for _, limit := range []string{test.before, test.sent} {
					c.must("PATCH", group, `{"updatePolicy":{"type":"OPPORTUNISTIC","maxSurge":`+limit+`,"maxUnavailable":`+limit+`,"mostDisruptiveAllowedAction":null}}`)
				}
				g := c.must("GET", group, "")
				for _, limit := range []string{"maxSurge", "maxUnavailable"} {
					if got := fmt.Sprint(doc.Object(g, "updatePolicy", limit)); got != test.want {
						t.Errorf("%s: %s, want %s", limit, got, test.want)
					}
				}
			})
		})
	}
}
