package compute_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// settled is a client with a group of VMs vm-0001 and so on that is stable. more are further settings of the group, as JSON.
func settled(t *testing.T, size int, more string) client {
	t.Helper()
	c := open(t, "")
	c.template("template")
	c.must("POST", zone+"instanceGroupManagers", fmt.Sprintf(`{"name":"group","baseInstanceName":"vm-####","targetSize":%d,
		"instanceTemplate":"global/instanceTemplates/template"%s}`, size, more))
	c.stable(5 * time.Minute)
	return c
}

// stable waits for the group.
func (c client) stable(longest time.Duration) state {
	c.Helper()
	for range int(longest / time.Second) {
		if s := c.state(); s.stable {
			return s
		}
		pass(time.Second)
	}
	c.Fatalf("not stable after %v: %+v", longest, c.state())
	return state{}
}

func (c client) member(name string) doc.Map {
	c.Helper()
	for _, vm := range c.state().vms {
		if doc.Str(vm, "name") == name {
			return vm
		}
	}
	c.Fatalf("no member %s", name)
	return nil
}

// versions counts the members by name of version.
func (s state) versions() map[string]int {
	out := map[string]int{}
	for _, vm := range s.vms {
		out[doc.Str(vm, "version", "name")]++
	}
	return out
}

func TestVerbsOfVMs(t *testing.T) {
	type sizes struct{ run, suspended, stopped int64 }
	for name, test := range map[string]struct {
		more   string // settings of the group
		calls  []string
		during string // currentAction of vm-0002 just after the last call
		sizes  sizes
		names  string // members in the end
		status string // of vm-0002 as an instance in the end; "" when it is gone
	}{
		"an abandoned VM runs on outside of the group": {
			calls: []string{`abandonInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`}, during: "ABANDONING",
			sizes: sizes{run: 2}, names: "vm-0001 vm-0003", status: "RUNNING",
		},
		"a deleted VM is gone and not replaced": {
			calls: []string{`deleteInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`}, during: "DELETING",
			sizes: sizes{run: 2}, names: "vm-0001 vm-0003",
		},
		"who is no member is skipped if that is asked for": {
			calls: []string{`deleteInstances {"skipInstancesOnValidationError":true,"instances":["zones/us-central1-a/instances/vm-0002","zones/us-central1-a/instances/other"]}`}, during: "DELETING",
			sizes: sizes{run: 2}, names: "vm-0001 vm-0003",
		},
		"a recreated VM keeps its name": {
			calls: []string{`recreateInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`}, during: "RECREATING",
			sizes: sizes{run: 3}, names: "vm-0001 vm-0002 vm-0003", status: "RUNNING",
		},
		"a created VM has the name it was given": {
			calls: []string{`createInstances {"instances":[{"name":"extra"}]}`}, during: "NONE",
			sizes: sizes{run: 4}, names: "extra vm-0001 vm-0002 vm-0003", status: "RUNNING",
		},
		"a stopped VM stays a member": {
			calls: []string{`stopInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`}, during: "STOPPING",
			sizes: sizes{run: 2, stopped: 1}, names: "vm-0001 vm-0002 vm-0003", status: "TERMINATED",
		},
		"a suspended VM stays a member": {
			calls: []string{`suspendInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`}, during: "SUSPENDING",
			sizes: sizes{run: 2, suspended: 1}, names: "vm-0001 vm-0002 vm-0003", status: "SUSPENDED",
		},
		"a stopped VM starts again": {
			calls: []string{`stopInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`, `startInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`}, during: "STARTING",
			sizes: sizes{run: 3}, names: "vm-0001 vm-0002 vm-0003", status: "RUNNING",
		},
		"a suspended VM is resumed": {
			calls: []string{`suspendInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`, `resumeInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`}, during: "RESUMING",
			sizes: sizes{run: 3}, names: "vm-0001 vm-0002 vm-0003", status: "RUNNING",
		},
		"a group grows by new VMs as long as its pool is not for that": {
			calls: []string{`stopInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`, `resize?size=3`}, during: "NONE",
			sizes: sizes{run: 3, stopped: 1}, names: "vm-0001 vm-0002 vm-0003 vm-0004", status: "TERMINATED",
		},
		"a group grows out of its pool and fills it again": {
			more:  `,"standbyPolicy":{"mode":"SCALE_OUT_POOL"}`,
			calls: []string{`stopInstances {"instances":["zones/us-central1-a/instances/vm-0002"]}`, `resize?size=3`}, during: "STARTING",
			sizes: sizes{run: 3, stopped: 1}, names: "vm-0001 vm-0002 vm-0003 vm-0004", status: "RUNNING",
		},
		"a restart is asked for and changes nothing else": {
			calls: []string{`applyUpdatesToInstances {"instances":["zones/us-central1-a/instances/vm-0002"],"minimalAction":"RESTART"}`}, during: "RESTARTING",
			sizes: sizes{run: 3}, names: "vm-0001 vm-0002 vm-0003", status: "RUNNING",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := settled(t, 3, test.more)
				for _, call := range test.calls {
					c.stable(10 * time.Minute)
					verb, body, _ := strings.Cut(call, " ")
					c.must("POST", group+"/"+verb, body)
				}
				if vm := c.member("vm-0002"); doc.Str(vm, "currentAction") != test.during {
					t.Errorf("just after: %v", vm)
				}
				s := c.stable(10 * time.Minute)
				g := c.must("GET", group, "")
				if have := (sizes{doc.Num(g, "targetSize"), doc.Num(g, "targetSuspendedSize"), doc.Num(g, "targetStoppedSize")}); have != test.sizes {
					t.Errorf("target sizes %+v", have)
				}
				if s.names() != test.names {
					t.Errorf("members %s", s.names())
				}
				status, vm := c.call("GET", zone+"instances/vm-0002", "")
				if test.status == "" && status != 404 || test.status != "" && doc.Str(vm, "status") != test.status {
					t.Errorf("the VM: %d %s", status, doc.Str(vm, "status"))
				}
				c.must("DELETE", group, "")
				pass(5 * time.Minute)
				left := c.must("GET", zone+"instances", "")
				if n := len(doc.Objects(left, "items")); n > 0 && !strings.Contains(test.calls[0], "abandon") {
					t.Errorf("%d VMs are left of a deleted group", n)
				}
			})
		})
	}
}

// What cannot be done is refused, and has changed nothing.
func TestRefusedChangesOfAGroup(t *testing.T) {
	for name, test := range map[string]struct {
		method, path, body string
		status             int
	}{
		"a VM that is no member":                  {"POST", "/deleteInstances", `{"instances":["zones/us-central1-a/instances/other"]}`, 400},
		"a VM of another zone, skipped or not":    {"POST", "/deleteInstances", `{"skipInstancesOnValidationError":true,"instances":["zones/us-central1-b/instances/vm-0001"]}`, 400},
		"no VM":                                   {"POST", "/abandonInstances", `{}`, 400},
		"a VM named twice":                        {"POST", "/recreateInstances", `{"instances":["zones/us-central1-a/instances/vm-0001","zones/us-central1-a/instances/vm-0001"]}`, 400},
		"starting what runs":                      {"POST", "/startInstances", `{"instances":["zones/us-central1-a/instances/vm-0001"]}`, 400},
		"an update that needs more than allowed":  {"POST", "/applyUpdatesToInstances", `{"allInstances":true,"minimalAction":"REPLACE","mostDisruptiveAllowedAction":"REFRESH"}`, 400},
		"some and all VMs":                        {"POST", "/applyUpdatesToInstances", `{"allInstances":true,"instances":["zones/us-central1-a/instances/vm-0001"]}`, 400},
		"a stale fingerprint":                     {"PATCH", "", `{"fingerprint":"AAAAAAAAAAA=","description":"x"}`, 412},
		"a health check that does not exist":      {"PATCH", "", `{"targetSize":1,"autoHealingPolicies":[{"healthCheck":"global/healthChecks/none"}]}`, 400},
		"a template that does not exist":          {"PATCH", "", `{"targetSize":1,"instanceTemplate":"global/instanceTemplates/none"}`, 400},
		"a template that is not the one there":    {"PATCH", "", `{"instanceTemplate":"global/instanceTemplates/template?uniqueId=1"}`, 400},
		"two versions without a size":             {"PATCH", "", `{"versions":[{"instanceTemplate":"global/instanceTemplates/template"},{"name":"b","instanceTemplate":"global/instanceTemplates/template"}]}`, 400},
		"a surge where VMs keep their names":      {"PATCH", "", `{"targetSize":1,"updatePolicy":{"replacementMethod":"RECREATE"}}`, 400},
		"a number and a percentage":               {"PATCH", "", `{"updatePolicy":{"maxSurge":{"fixed":1,"percent":20}}}`, 400},
		"no room for a proactive update":          {"PATCH", "", `{"updatePolicy":{"type":"PROACTIVE","maxSurge":{"fixed":0},"maxUnavailable":{"fixed":0}}}`, 400},
		"an unknown word":                         {"PATCH", "", `{"updatePolicy":{"minimalAction":"SHAKE"}}`, 400},
		"another base name":                       {"PATCH", "", `{"baseInstanceName":"other"}`, 400},
		"named ports in a patch":                  {"PATCH", "", `{"namedPorts":[{"name":"http","port":80}]}`, 400},
		"more VMs than a group can have":          {"PATCH", "", `{"targetSize":900,"targetStoppedSize":101}`, 400},
		"a stateful policy":                       {"PATCH", "", `{"statefulPolicy":{"preservedState":{"disks":{"data":{"autoDelete":"NEVER"}}}}}`, 501},
		"VMs in bulk":                             {"PATCH", "", `{"targetSizePolicy":{"mode":"BULK"}}`, 501},
		"a workload policy":                       {"PATCH", "", `{"resourcePolicies":{"workloadPolicy":"regions/us-central1/resourcePolicies/x"}}`, 501},
		"target pools":                            {"POST", "/setTargetPools", `{"targetPools":["regions/us-central1/targetPools/x"]}`, 501},
		"a config of a VM that is no member":      {"POST", "/updatePerInstanceConfigs", `{"perInstanceConfigs":[{"name":"other"}]}`, 400},
		"a config with a disk":                    {"POST", "/updatePerInstanceConfigs", `{"perInstanceConfigs":[{"name":"vm-0001","preservedState":{"disks":{"data":{"source":"zones/us-central1-a/disks/x"}}}}]}`, 501},
		"removing a config that is not there":     {"POST", "/deletePerInstanceConfigs", `{"names":["vm-0001"]}`, 400},
		"resize requests, which are not emulated": {"POST", "/resizeRequests", `{"name":"r","resizeBy":1}`, 501},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := settled(t, 2, "")
				before := fmt.Sprint(c.must("GET", group, ""), c.state().vms)
				status, refused := c.call(test.method, group+test.path, test.body)
				if status != test.status || doc.Str(refused, "error", "message") == "" {
					t.Errorf("%d %v", status, refused)
				}
				if after := fmt.Sprint(c.must("GET", group, ""), c.state().vms); after != before {
					t.Errorf("changed from\n%s to\n%s", before, after)
				}
			})
		})
	}
}

// A change whose operation fails has done nothing to the VMs either.
func TestAVerbThatFailsTouchesNoVM(t *testing.T) {
	for _, call := range []string{
		`deleteInstances {"instances":["zones/us-central1-a/instances/vm-0001"]}`, `recreateInstances {"instances":["zones/us-central1-a/instances/vm-0001"]}`,
		`abandonInstances {"instances":["zones/us-central1-a/instances/vm-0001"]}`, `stopInstances {"instances":["zones/us-central1-a/instances/vm-0001"]}`,
		`createInstances {"instances":[{"name":"extra"}]}`, `updatePerInstanceConfigs {"perInstanceConfigs":[{"name":"vm-0001"}]}`,
	} {
		verb, body, _ := strings.Cut(call, " ")
		t.Run(verb, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := settled(t, 2, "")
				before := fmt.Sprint(c.must("GET", group, ""), c.state().vms)
				c.faults(`{"rules":[{"match":{"path":"/group/"},"fault":{"failOperation":{"code":"INTERNAL_ERROR","httpStatus":500,"message":"no"}}}]}`)
				op := c.must("POST", group+"/"+verb, body)
				c.faults("")
				if op = c.done(op); len(doc.Objects(op, "error", "errors")) != 1 {
					t.Errorf("%v", op)
				}
				if after := fmt.Sprint(c.must("GET", group, ""), c.state().vms); after != before {
					t.Errorf("changed from\n%s to\n%s", before, after)
				}
			})
		})
	}
}

func TestCreatingNamedVMsFailsInTheOperation(t *testing.T) {
	for name, test := range map[string]struct{ more, body, code, message string }{
		"with a policy that substitutes VMs": {`,"updatePolicy":{"type":"PROACTIVE"}`, `{"instances":[{"name":"extra"}]}`, "CONDITION_NOT_MET", "proactive"},
		"with a member's name": {"", `{"instances":[{"name":"vm-0001"}]}`, "RESOURCE_ALREADY_EXISTS",
			"Resource projects/test-project/zones/us-central1-a/instances/vm-0001 is already a member of projects/test-project/zones/us-central1-a/instanceGroupManagers/group."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := settled(t, 1, test.more)
				op := c.done(c.must("POST", group+"/createInstances", test.body))
				errors := doc.Objects(op, "error", "errors")
				if len(errors) != 1 || doc.Str(errors[0], "code") != test.code || !strings.Contains(doc.Str(errors[0], "message"), test.message) {
					t.Errorf("%v", op)
				}
				if s := c.stable(time.Minute); s.target != 1 || s.names() != "vm-0001" {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// A config is metadata that one VM keeps. It takes effect when it is applied, and so does its removal.
func TestPerInstanceConfigs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := settled(t, 2, "")
		status := func() string {
			items := doc.Objects(c.must("POST", group+"/listPerInstanceConfigs", ""), "items")
			if len(items) == 0 {
				return "none"
			}
			return doc.Str(items[0], "status")
		}
		value := func() string {
			for _, item := range doc.Objects(c.must("GET", zone+"instances/vm-0001", ""), "metadata", "items") {
				if doc.Str(item, "key") == "mode" {
					return doc.Str(item, "value")
				}
			}
			return "none"
		}
		expect := func(when, wantStatus, wantValue string) {
			t.Helper()
			if s, v := status(), value(); s != wantStatus || v != wantValue {
				t.Errorf("%s: the config is %s, the VM has %s", when, s, v)
			}
		}
		apply := func() {
			c.must("POST", group+"/applyUpdatesToInstances", `{"instances":["zones/us-central1-a/instances/vm-0001"],"mostDisruptiveAllowedAction":"REFRESH"}`)
			if status() != "APPLYING" && status() != "DELETING" {
				t.Errorf("while it is applied: %s", status())
			}
			c.stable(5 * time.Minute)
		}
		c.must("POST", group+"/updatePerInstanceConfigs", `{"perInstanceConfigs":[{"name":"vm-0001","preservedState":{"metadata":{"mode":"active","x":"y"}}}]}`)
		expect("when it is set", "UNAPPLIED", "none")
		if g := c.must("GET", group, ""); !doc.Bool(g, "status", "stateful", "hasStatefulConfig") || doc.Bool(g, "status", "stateful", "perInstanceConfigs", "allEffective") {
			t.Errorf("%v", doc.Object(g, "status"))
		}
		apply()
		expect("when it is applied", "EFFECTIVE", "active")
		if vm := c.member("vm-0001"); doc.Str(vm, "preservedStateFromConfig", "metadata", "mode") != "active" {
			t.Errorf("%v", vm)
		}
		c.must("POST", group+"/patchPerInstanceConfigs", `{"perInstanceConfigs":[{"name":"vm-0001","preservedState":{"metadata":{"mode":"passive","x":null}}}]}`)
		expect("when it is changed", "UNAPPLIED", "active")
		c.must("POST", group+"/recreateInstances", `{"instances":["zones/us-central1-a/instances/vm-0001"]}`)
		c.stable(5 * time.Minute)
		expect("when the VM was made again", "EFFECTIVE", "passive")
		if v := doc.Object(c.member("vm-0001"), "preservedStateFromConfig", "metadata"); v["x"] != nil {
			t.Errorf("a key that was removed is there: %v", v)
		}
		c.must("POST", group+"/deletePerInstanceConfigs", `{"names":["vm-0001"]}`)
		expect("when it is removed", "UNAPPLIED_DELETION", "passive")
		apply()
		expect("when that is applied", "none", "none")
	})
}

func TestNamedPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := settled(t, 1, `,"namedPorts":[{"name":"http","port":80}]`)
		const twin = zone + "instanceGroups/group"
		ports := func(d doc.Map) string {
			var out []string
			for _, p := range doc.Objects(d, "namedPorts") {
				out = append(out, fmt.Sprintf("%s=%d", doc.Str(p, "name"), doc.Num(p, "port")))
			}
			return strings.Join(out, " ")
		}
		first := c.must("GET", twin, "")
		if ports(first) != "http=80" || ports(c.must("GET", group, "")) != "http=80" || doc.Num(first, "size") != 1 || !strings.HasSuffix(doc.Str(first, "network"), "/default") {
			t.Errorf("%v", first)
		}
		set := func(status int, body string) {
			t.Helper()
			if got, answer := c.call("POST", twin+"/setNamedPorts", body); got != status {
				t.Errorf("%s: %d %v", body, got, answer)
			}
		}
		set(400, `{"namedPorts":[{"name":"http","port":0}]}`)
		set(200, fmt.Sprintf(`{"fingerprint":%q,"namedPorts":[{"name":"ray","port":6379},{"name":"ray","port":6380}]}`, doc.Str(first, "fingerprint")))
		set(412, fmt.Sprintf(`{"fingerprint":%q}`, doc.Str(first, "fingerprint")))
		if p := ports(c.must("GET", group, "")); p != "ray=6379 ray=6380" {
			t.Error(p)
		}
		listed := doc.Objects(c.must("POST", twin+"/listInstances", `{"instanceState":"RUNNING"}`), "items")
		if len(listed) != 1 || ports(listed[0]) != "ray=6379 ray=6380" {
			t.Errorf("%v", listed)
		}
		set(200, `{}`)
		if g := c.must("GET", group, ""); g["namedPorts"] != nil {
			t.Errorf("%v", g["namedPorts"])
		}
	})
}

// A fault of any kind that can strike an attempt ends it, and is told in both places.
func TestFaultsOfAGroupsVMs(t *testing.T) {
	for name, test := range map[string]struct{ fault, code, message string }{
		"an error with a reason":   {`"error":{"status":403,"reason":"quotaExceeded","message":"Quota 'GPUS' exceeded."}`, "QUOTA_EXCEEDED", "Quota 'GPUS' exceeded."},
		"an error without reason":  {`"error":{"status":503}`, "SERVICE_UNAVAILABLE", "Service Unavailable"},
		"an error of absence":      {`"error":{"status":404,"reason":"notFound","message":"gone"}`, "RESOURCE_NOT_FOUND", "gone"},
		"a broken connection":      {`"dropConnection":true`, "INTERNAL_ERROR", ""},
		"a stock-out with details": {`"failOperation":{"code":"ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS","httpStatus":503,"message":"(state:STOCKOUT)"}`, "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "(state:STOCKOUT)"},
		"a quota":                  {`"quota":{"metric":"NVIDIA_A100_GPUS","limit":8}`, "QUOTA_EXCEEDED", "Quota 'NVIDIA_A100_GPUS' exceeded.  Limit: 8.0 in region us-central1."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := open(t, `{"rules":[{"match":{"method":"POST","path":"/instances/vm-0002$"},"times":2,"fault":{`+test.fault+`}}]}`)
				c.group(2)
				pass(50 * time.Second)
				told := doc.Objects(c.member("vm-0002"), "lastAttempt", "errors", "errors")
				listed := doc.Objects(c.must("GET", group+"/listErrors", ""), "items")
				if len(told) != 1 || len(listed) == 0 {
					t.Fatalf("lastAttempt %v, listErrors %v", told, listed)
				}
				for _, e := range []doc.Map{told[0], doc.Object(listed[0], "error")} {
					if doc.Str(e, "code") != test.code || !strings.Contains(doc.Str(e, "message"), "Instance 'vm-0002' creation failed: "+test.message) {
						t.Errorf("%v", e)
					}
				}
				if doc.Str(c.member("vm-0001"), "currentAction") != "NONE" {
					t.Error("the other VM is struck too")
				}
				c.stable(3 * time.Minute)
			})
		})
	}
}

func TestNamesOfActionsAreComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := settled(t, 0, "")
		have := []string{}
		for name := range doc.Object(c.must("GET", group, ""), "currentActions") {
			have = append(have, name)
		}
		slices.Sort(have)
		if s := strings.Join(have, " "); s != "abandoning creating creatingWithoutRetries deleting none recreating refreshing restarting resuming starting stopping suspending verifying" {
			t.Error(s)
		}
	})
}
