package mig_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/mig"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
)

// world is an emulator with templates, a driver, and a tape of what was asked after the templates were made.
func world(t *testing.T, plan string) (mig.Driver, *resourcetest.Tape, *gcp.Clients) {
	t.Helper()
	em := resourcetest.Emulate(t, plan)
	templates(t.Context(), t, resourcetest.NewClients(t.Context(), t, em))
	tape := resourcetest.NewTape(em.Transport())
	c, err := gcp.New(t.Context(), gcp.Options{Transport: tape})
	if err != nil {
		t.Fatal(err)
	}
	return mig.New(c), tape, c
}

func vms(plan string) string {
	return `{"rules":[{"match":{"method":"POST","path":"/zones/[^/]+/instances/[^/]+$"},` + plan + `}]}`
}

func spec(size int) mig.Spec {
	return mig.Spec{Template: link("one"), BaseInstanceName: "demo-vm-####", TargetSize: size}
}

const policyWords = "Constraint constraints/compute.vmExternalIpAccess violated"

// What keeps VMs from being made ends the wait when time will not mend it, at once when that is known and after three looks when
// it is not; the cloud's words are told; and the group tries no more, so that nothing appears and is billed later.
func TestErrorsOfVMs(t *testing.T) {
	for name, tc := range map[string]struct {
		plan   string
		class  resources.Class
		says   string
		within time.Duration
		runs   int
	}{
		"an organization policy":      {vms(`"fault":{"failOperation":{"code":"CONDITION_NOT_MET","httpStatus":412,"message":"` + policyWords + ` for project 1234."}}`), resources.ClassPolicy, policyWords, time.Minute, 0},
		"no capacity for the last VM": {vms(`"nth":[3,4,5,6,7,8,9],"fault":{"stockout":true}`), resources.ClassStockout, "1 of 3 VMs could not be made: projects/suite-project/zones/us-central1-a/instanceGroupManagers/demo-mig: Instance 'demo-vm-0003' creation failed: The zone", time.Minute, 2},
		"a code that nobody knows":    {vms(`"fault":{"failOperation":{"code":"SOMETHING_NEW","message":"the flux is low"}}`), resources.ClassFatal, "the flux is low", 5 * time.Minute, 0},
		"a template that is refused":  {vms(`"fault":{"failOperation":{"code":"INVALID_ARGUMENT","message":"no such disk"}}`), resources.ClassInvalid, "no such disk", 5 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, _, c := world(t, tc.plan)
				id := d.ID(resourcetest.Scope, "mig", spec(3))
				start := time.Now()
				err := d.Create(t.Context(), id, spec(3), resourcetest.Stamp())
				if resources.ClassOf(err) != tc.class || !strings.Contains(fmt.Sprint(err), tc.says) || !strings.Contains(fmt.Sprint(err), fmt.Sprintf("its size is set to the %d VMs that it has", tc.runs)) {
					t.Errorf("class %q: %v", resources.ClassOf(err), err)
				}
				if strings.Contains(fmt.Sprint(err), "deadline") || time.Since(start) > tc.within {
					t.Errorf("after %s: %v", time.Since(start), err)
				}
				later(3 * time.Minute)
				live, err := d.Read(t.Context(), id)
				list, err2 := gcp.Collect(t.Context(), c.Instances.List(t.Context(), &computepb.ListInstancesRequest{Project: id.Project(), Zone: gce.Zone(id)}).Next)
				if err != nil || err2 != nil || live.Pending || live.Spec.TargetSize != tc.runs || len(list) != tc.runs {
					t.Errorf("later: pending %v, size %d, %d VMs (%v, %v)", live.Pending, live.Spec.TargetSize, len(list), err, err2)
				}
			})
		})
	}
}

func later(d time.Duration) { <-time.NewTimer(d).C }

func TestPassingErrorsOfVMsAreWaitedOut(t *testing.T) {
	for _, code := range []string{"INTERNAL_ERROR", "RESOURCE_NOT_READY", "RATE_LIMIT_EXCEEDED"} {
		synctest.Test(t, func(t *testing.T) {
			d, _, _ := world(t, vms(`"nth":[1,2,3,4,5,6,7,8,9,10,11,12],"fault":{"failOperation":{"code":"`+code+`","message":"not now"}}`))
			if err := d.Create(t.Context(), d.ID(resourcetest.Scope, "mig", spec(3)), spec(3), resourcetest.Stamp()); err != nil {
				t.Errorf("%s: %v", code, err)
			}
		})
	}
}

// An error that nobody knows but that goes away is no reason to end.
func TestAnUnknownErrorThatGoesAwayIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, _ := world(t, vms(`"nth":[1],"fault":{"failOperation":{"code":"SOMETHING_NEW","message":"a hiccup"}}`))
		if err := d.Create(t.Context(), d.ID(resourcetest.Scope, "mig", spec(3)), spec(3), resourcetest.Stamp()); err != nil {
			t.Error(err)
		}
	})
}

func TestATimeOutCarriesTheLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, _ := world(t, vms(`"fault":{"failOperation":{"code":"INTERNAL_ERROR","message":"not today"}}`))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		err := d.Create(ctx, d.ID(resourcetest.Scope, "mig", spec(1)), spec(1), resourcetest.Stamp())
		if resources.ClassOf(err) != resources.ClassTimeout || !strings.Contains(err.Error(), "not today") {
			t.Errorf("class %q: %v", resources.ClassOf(err), err)
		}
		<-time.NewTimer(time.Minute).C // virtual: a list that nobody waits for any more ends by the transport's limit
	})
}

// The case of a public report: it ends within minutes, with the cause, and not by a time limit.
func TestTheReportedCase(t *testing.T) {
	dir := os.Getenv("CASES")
	if dir == "" {
		t.Skip("CASES is not set: the plans of public reports are not part of the project")
	}
	plan, err := os.ReadFile(filepath.Join(dir, "c01-vm-refused-org-policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		d, _, _ := world(t, string(plan))
		start := time.Now()
		err := d.Create(t.Context(), d.ID(resourcetest.Scope, "mig", spec(2)), spec(2), resourcetest.Stamp())
		if resources.ClassOf(err) != resources.ClassPolicy || !strings.Contains(err.Error(), policyWords) || time.Since(start) > 3*time.Minute {
			t.Errorf("after %s, class %q: %v", time.Since(start), resources.ClassOf(err), err)
		}
	})
}

// Stability is believed only when the counts agree with the flag: the API may still show the flag of before a change.
func TestTheFlagAloneIsNotBelieved(t *testing.T) {
	for name, tc := range map[string]struct {
		json    string
		pending bool
	}{
		"all agree":               {`"currentActions":{"none":2},"status":{"isStable":true,"versionTarget":{"isReached":true}}`, false},
		"a VM is still missing":   {`"currentActions":{"none":1},"status":{"isStable":true,"versionTarget":{"isReached":true}}`, true},
		"a VM is being made":      {`"currentActions":{"none":2,"creating":1},"status":{"isStable":true,"versionTarget":{"isReached":true}}`, true},
		"a VM is being recreated": {`"currentActions":{"none":2,"recreating":1},"status":{"isStable":true,"versionTarget":{"isReached":true}}`, true},
		"one too many":            {`"currentActions":{"none":3},"status":{"isStable":true,"versionTarget":{"isReached":true}}`, true},
		"the flag says no":        {`"currentActions":{"none":2},"status":{"isStable":false,"versionTarget":{"isReached":true}}`, true},
		"an older template":       {`"currentActions":{"none":2},"status":{"isStable":true,"versionTarget":{"isReached":false}}`, true},
	} {
		tape := resourcetest.NewTape(nil)
		tape.Answer = func(r *http.Request) *http.Response {
			return resourcetest.JSON(r, 200, `{"name":"demo-mig","targetSize":2,`+tc.json+`}`)
		}
		c, err := gcp.New(t.Context(), gcp.Options{Transport: tape})
		if err != nil {
			t.Fatal(err)
		}
		live, err := mig.New(c).Read(t.Context(), gce.Zonal(resourcetest.Scope, "instanceGroupManagers", "demo-mig"))
		if err != nil || live.Pending != tc.pending {
			t.Errorf("%s: pending %v, %v", name, live.Pending, err)
		}
	}
}

// Twenty groups that wait for ten minutes must not use up the reads of a project.
func TestThePaceOfManyGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, tape, _ := world(t, vms(`"fault":{"failOperation":{"code":"INTERNAL_ERROR","message":"not today"}}`))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var wait sync.WaitGroup
		for i := range 20 {
			wait.Go(func() {
				s := spec(1)
				s.BaseInstanceName = fmt.Sprintf("demo-g%d-####", i)
				if err := d.Create(ctx, d.ID(resourcetest.Scope, fmt.Sprintf("mig-%d", i), s), s, resourcetest.Stamp()); err == nil {
					t.Error("a group without VMs is up")
				}
			})
		}
		wait.Wait()
		perMinute := map[int]int{}
		lists, first := tape.Played("GET", "/instanceGroupManagers"), time.Time{}
		all := append(lists, tape.Played("POST", "/listManagedInstances")...)
		all = append(all, tape.Played("POST", "/wait")...)
		for _, p := range all {
			if first.IsZero() || p.At.Before(first) {
				first = p.At
			}
		}
		most := 0
		for _, p := range all {
			minute := int(p.At.Sub(first) / time.Minute)
			perMinute[minute]++
			most = max(most, perMinute[minute])
		}
		if most >= 200 || len(lists) == 0 {
			t.Errorf("up to %d reads a minute: %v", most, perMinute)
		}
		t.Logf("%v; %d lists of groups", perMinute, len(lists))
	})
}

// One group whose VMs take what they usually take is read a few times, and being up is noticed within a second.
func TestThePaceOfOneGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, tape, c := world(t, "")
		id := d.ID(resourcetest.Scope, "mig", spec(4))
		up := make(chan time.Time, 1)
		watch, stop := context.WithCancel(t.Context())
		go func() { // sees the group every 50 ms, and so knows when it is up
			for watch.Err() == nil {
				if live, err := mig.New(c).Read(watch, id); err == nil && !live.Pending {
					up <- time.Now()
					return
				}
				later(50 * time.Millisecond)
			}
		}()
		if err := d.Create(t.Context(), id, spec(4), resourcetest.Stamp()); err != nil {
			t.Fatal(err)
		}
		noticed := time.Now()
		late := noticed.Sub(<-up)
		stop()
		if n := len(tape.Played("GET", "/instanceGroupManagers")); n > 8 || late > 1300*time.Millisecond {
			t.Errorf("%d lists, noticed after %s", n, late)
		}
		t.Logf("%d lists, %d of VMs, noticed after %s", len(tape.Played("GET", "/instanceGroupManagers")), len(tape.Played("POST", "/listManagedInstances")), late)
	})
}
