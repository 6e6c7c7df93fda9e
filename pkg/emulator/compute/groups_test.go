package compute_test

import (
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

const (
	twoOfFourFail = `{"rules":[{"match":{"path":"/instances/vm-000[13]$"},"fault":{"stockout":true}}]}`
	refused       = `{"rules":[{"match":{"method":"POST","path":"/zones/[^/]+/instances/[^/]+$"},"fault":{"failOperation":{"code":"CONDITION_NOT_MET",
		"httpStatus":412,"message":"Constraint constraints/compute.vmExternalIpAccess violated for project 1234."}}}]}`
)

// A group that cannot become as large as it should is made smaller: the attempts without success end, what runs stays.
func TestASmallerGroupGivesUpWhatCannotBeMade(t *testing.T) {
	for name, shrink := range map[string]func(client){
		"by patch":  func(c client) { c.must("PATCH", group, `{"targetSize":2}`) },
		"by resize": func(c client) { c.must("POST", group+"/resize?size=2", "") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := open(t, twoOfFourFail)
				c.group(4)
				pass(5 * time.Minute)
				if s := c.state(); s.stable || s.actions["CREATING"] != 2 || s.actions["NONE"] != 2 {
					t.Fatalf("before: %+v", s)
				}
				shrink(c)
				pass(time.Minute)
				if s := c.state(); !s.stable || s.names() != "vm-0002 vm-0004" {
					t.Errorf("stable %v with %s, actions %v", s.stable, s.names(), s.actions)
				}
			})
		})
	}
}

// What a VM cannot be made for is told by the VM and by the list of errors, which remembers it for a day.
func TestErrorsOfVMsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, refused)
		c.group(2)
		pass(time.Minute)
		vms := c.state().vms
		if len(vms) != 2 {
			t.Fatalf("%d VMs", len(vms))
		}
		for _, vm := range vms {
			e := doc.Objects(vm, "lastAttempt", "errors", "errors")
			if len(e) != 1 || doc.Str(e[0], "code") != "CONDITION_NOT_MET" || !strings.Contains(doc.Str(e[0], "message"), "vmExternalIpAccess") {
				t.Errorf("%v", vm)
			}
		}
		errors := doc.Objects(c.must("GET", group+"/listErrors", ""), "items")
		if len(errors) < 2 {
			t.Fatalf("%d errors", len(errors))
		}
		for _, e := range errors {
			at, err := time.Parse(time.RFC3339, doc.Str(e, "timestamp"))
			if err != nil || time.Since(at) > time.Minute || doc.Str(e, "error", "code") != "CONDITION_NOT_MET" ||
				doc.Str(e, "instanceActionDetails", "action") != "CREATING" ||
				!strings.Contains(doc.Str(e, "instanceActionDetails", "instance"), "/instances/vm-000") ||
				!strings.HasSuffix(doc.Str(e, "instanceActionDetails", "version", "instanceTemplate"), "/template") {
				t.Errorf("%v", e)
			}
		}
		if page := c.must("GET", group+"/listErrors?maxResults=1", ""); len(doc.Objects(page, "items")) != 1 || doc.Str(page, "nextPageToken") == "" {
			t.Errorf("a page of one: %v", page)
		}
		c.faults("")
		pass(2 * time.Minute)
		if s := c.state(); !s.stable || doc.Object(s.vms[0], "lastAttempt") != nil {
			t.Errorf("afterwards: %+v", s)
		}
		if errors := doc.Objects(c.must("GET", group+"/listErrors", ""), "items"); len(errors) < 2 {
			t.Error("the errors are forgotten at once")
		}
		pass(25 * time.Hour)
		if errors := doc.Objects(c.must("GET", group+"/listErrors", ""), "items"); len(errors) != 0 {
			t.Errorf("%d errors after a day", len(errors))
		}
	})
}

// Stability, counters, and the list of VMs are three views of one thing: they agree at every moment, whatever happens.
func TestAGroupNeverContradictsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, twoOfFourFail)
		c.group(4)
		watch := func(what string, d time.Duration) {
			t.Helper()
			for range int(d / (2 * time.Second)) {
				pass(time.Second) // reads take some time too
				c.agree(what)
			}
		}
		watch("while it grows and fails", 90*time.Second)
		c.faults("")
		watch("while it gets through", 90*time.Second)
		if !c.state().stable {
			t.Fatal("it never became stable")
		}
		c.must("DELETE", zone+"instances/vm-0002", "")
		watch("after a VM was deleted behind its back", 2*time.Minute)
		c.template("other")
		c.must("PATCH", group, `{"instanceTemplate":"global/instanceTemplates/other","updatePolicy":{"type":"PROACTIVE","maxSurge":{"fixed":0},"maxUnavailable":{"fixed":2},"replacementMethod":"RECREATE"}}`)
		watch("while it is updated", 4*time.Minute)
		c.must("POST", group+"/resize?size=1", "")
		watch("while it shrinks", 2*time.Minute)
		c.must("POST", group+"/resize?size=3", "")
		watch("while it grows again", 2*time.Minute)
		c.faults(`{"rules":[{"match":{"method":"DELETE","path":"/instances/"},"fault":{"failOperation":{"code":"INTERNAL_ERROR","message":"no"}}}]}`)
		vm := doc.Str(c.state().vms[0], "name")
		c.must("DELETE", zone+"instances/"+vm, "")
		watch("after a deletion behind its back that fails", 2*time.Minute)
		if s := c.state(); !s.stable || s.target != 3 {
			t.Errorf("at the end: %+v", s)
		}
	})
}

func (c client) agree(what string) {
	c.Helper()
	at := time.Now()
	s := c.stateAtOnce()
	have := map[string]int64{}
	quiet := true
	for _, vm := range s.vms {
		action := doc.Str(vm, "currentAction")
		have[action]++
		quiet = quiet && action == "NONE"
		if (action == "NONE") != (doc.Str(vm, "instanceStatus") == "RUNNING") {
			c.Errorf("%s, %s: %s is %s with nothing else going on than %s", what, at, doc.Str(vm, "name"), doc.Str(vm, "instanceStatus"), action)
		}
	}
	if !maps.Equal(have, s.actions) {
		c.Errorf("%s: currentActions %v, VMs %v", what, s.actions, have)
	}
	if s.stable && (!quiet || int64(len(s.vms)) != s.target) {
		c.Errorf("%s: stable, with target size %d and VMs %v", what, s.target, have)
	}
}

// stateAtOnce reads the group and its VMs at the same time: no call takes time meanwhile.
func (c client) stateAtOnce() state {
	c.Helper()
	was := c.cloud.Latency
	c.cloud.Latency.Kinds = maps.Clone(was.Kinds)
	delete(c.cloud.Latency.Kinds, "rest")
	s := c.state()
	c.cloud.Latency = was
	return s
}

// An operation that fails has changed nothing.
func TestAChangeThatFailsIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		c.group(2)
		pass(2 * time.Minute)
		c.faults(`{"rules":[{"match":{"path":"/(resize|group)$"},"fault":{"failOperation":{"code":"INTERNAL_ERROR","httpStatus":500,"message":"no"}}}]}`)
		for _, change := range []func() doc.Map{
			func() doc.Map { return c.must("POST", group+"/resize?size=4", "") },
			func() doc.Map { return c.must("PATCH", group, `{"targetSize":0}`) },
		} {
			op := change()
			pass(time.Minute)
			op = c.must("GET", zone+"operations/"+doc.Str(op, "name"), "")
			if errors := doc.Objects(op, "error", "errors"); len(errors) != 1 || doc.Str(errors[0], "code") != "INTERNAL_ERROR" {
				t.Errorf("the operation: %v", op)
			}
			if s := c.state(); s.target != 2 || len(s.vms) != 2 || !s.stable {
				t.Errorf("the group: %+v", s)
			}
		}
	})
}
