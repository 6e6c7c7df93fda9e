package gce_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/network"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
	"github.com/aiinfra/cluster-provision/pkg/resources/subnetwork"
)

// open makes a network of ours, and then lets faults strike what is done on a tape.
func open(t *testing.T, plan string) (*resourcetest.Tape, *gcp.Clients) {
	t.Helper()
	em := resourcetest.Emulate(t, plan)
	resourcetest.Make(t.Context(), t, network.New(resourcetest.NewClients(t.Context(), t, em)), "net", network.Spec{})
	tape := resourcetest.NewTape(em.Transport())
	return tape, resourcetest.NewClientsOver(t.Context(), t, tape)
}

var (
	netID   = gce.Global(resourcetest.Scope, "networks", "demo-net")
	subID   = gce.Regional(resourcetest.Scope, "subnetworks", "demo-subnet")
	subSpec = subnetwork.Spec{Network: resources.Known(resources.NetworkURL(netID.Path())), CIDR: "10.8.0.0/20"}
)

func requests(played []resourcetest.Played) []string {
	var out []string
	for _, p := range played {
		out = append(out, p.RequestID)
	}
	return out
}

func distinct(list []string) int {
	seen := map[string]bool{}
	for _, s := range list {
		seen[s] = true
	}
	return len(seen)
}

func rule(match, rest string) string {
	return `{"rules":[{"match":` + match + `,` + rest + `}]}`
}

const inserting = `{"method":"POST","path":"/subnetworks$"}`

// What an operation fails with in passing is done again, each time as another request: the old id would give the old failure.
func TestAnOperationThatFailsInPassingIsDoneAgain(t *testing.T) {
	for _, code := range []string{"RESOURCE_NOT_READY", "INTERNAL_ERROR", "RATE_LIMIT_EXCEEDED", "RESOURCE_OPERATION_RATE_EXCEEDED"} {
		synctest.Test(t, func(t *testing.T) {
			tape, c := open(t, rule(inserting, `"nth":[1,2],"fault":{"failOperation":{"code":"`+code+`","httpStatus":400,"message":"The resource 'projects/suite-project/global/networks/demo-net' is not ready"}}`))
			err := subnetwork.New(c).Create(t.Context(), subID, subSpec, resourcetest.Stamp())
			if asked := requests(tape.Played("POST", "/subnetworks")); err != nil || len(asked) != 3 || distinct(asked) != 3 {
				t.Errorf("%s: request ids %v: %v", code, asked, err)
			}
		})
	}
}

func TestAnOperationThatKeepsFailingEndsWithTheStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape, c := open(t, rule(inserting, `"fault":{"failOperation":{"code":"INTERNAL_ERROR","message":"something is broken inside"}}`))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		start := time.Now()
		err := subnetwork.New(c).Create(ctx, subID, subSpec, resourcetest.Stamp())
		if n := len(tape.Played("POST", "/subnetworks")); resources.ClassOf(err) != resources.ClassTimeout || !strings.Contains(err.Error(), "something is broken inside") || n < 20 || time.Since(start) > 21*time.Minute {
			t.Errorf("%d tries in %s: class %q: %v", n, time.Since(start), resources.ClassOf(err), err)
		}
	})
}

func TestWhatIsFinalIsNotDoneAgain(t *testing.T) {
	for code, class := range map[string]resources.Class{"QUOTA_EXCEEDED": resources.ClassQuota, "SOMETHING_NEW": resources.ClassFatal, "CONDITION_NOT_MET": resources.ClassConflict} {
		synctest.Test(t, func(t *testing.T) {
			tape, c := open(t, rule(inserting, `"fault":{"failOperation":{"code":"`+code+`","message":"no"}}`))
			err := subnetwork.New(c).Create(t.Context(), subID, subSpec, resourcetest.Stamp())
			if n := len(tape.Played("POST", "/subnetworks")); n != 1 || resources.ClassOf(err) != class {
				t.Errorf("%s: %d tries, class %q", code, n, resources.ClassOf(err))
			}
		})
	}
}

const notSeen = `"fault":{"error":{"status":404,"reason":"notFound","message":"The resource 'projects/suite-project/global/networks/demo-net' was not found"}}`

func TestAParentThatIsNotSeenYetIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := open(t, rule(inserting, `"nth":[1,2,3],`+notSeen))
		if err := subnetwork.New(c).Create(t.Context(), subID, subSpec, resourcetest.Stamp()); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		_, c := open(t, rule(inserting, notSeen))
		start := time.Now()
		err := subnetwork.New(c).Create(t.Context(), subID, subSpec, resourcetest.Stamp())
		if took := time.Since(start); err == nil || !strings.Contains(err.Error(), "networks/demo-net' was not found") || took < 2*time.Minute || took > 3*time.Minute {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// An operation that "wait" does not find says nothing: the same question again gives the same operation.
func TestAnOperationThatIsNotFoundIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape, c := open(t, "")
		lost := false
		tape.Answer = answerOnce(&lost, "/wait", 404, `{"error":{"code":404,"message":"The resource 'projects/suite-project/regions/us-central1/operations/operation-1' was not found","errors":[{"reason":"notFound","message":"gone"}]}}`)
		err := subnetwork.New(c).Create(t.Context(), subID, subSpec, resourcetest.Stamp())
		if asked := requests(tape.Played("POST", "/subnetworks")); err != nil || !lost || len(asked) != 2 || distinct(asked) != 1 {
			t.Errorf("request ids %v: %v", asked, err)
		}
		if err := subnetwork.New(c).Delete(t.Context(), subID, resourcetest.Stamp()); err != nil {
			t.Error(err)
		}
	})
}

func TestAnOperationThatStaysLostIsNeverAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := open(t, rule(`{"method":"POST","path":"/regions/.*/wait$"}`, `"fault":{"error":{"status":404,"reason":"notFound","message":"The resource 'projects/suite-project/regions/us-central1/operations/operation-1' was not found"}}`))
		err := subnetwork.New(c).Create(t.Context(), subID, subSpec, resourcetest.Stamp())
		if errors.Is(err, resources.ErrNotFound) || resources.ClassOf(err) == resources.ClassNotFound {
			t.Errorf("%v", err)
		}
	})
}

// A run that is cut off, and another one that goes on with the recorded stamp, ask the very same questions.
func TestARequestIDIsUsedAgainByTheNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape, c := open(t, rule(inserting, `"nth":[1],"fault":{"failOperation":{"code":"INTERNAL_ERROR","message":"no"}}`))
		stamp := resourcetest.Stamp()
		short, die := context.WithTimeout(t.Context(), 15*time.Second) // in the wait for the second try
		defer die()
		if err := subnetwork.New(c).Create(short, subID, subSpec, stamp); err == nil {
			t.Fatal("it was not cut off")
		}
		first := requests(tape.Played("POST", "/subnetworks"))
		if err := subnetwork.New(c).Create(t.Context(), subID, subSpec, stamp); err != nil {
			t.Fatal(err)
		}
		all := requests(tape.Played("POST", "/subnetworks"))
		if len(first) != 2 || distinct(all) != 2 || fmt.Sprint(all[2:]) != fmt.Sprint(first) {
			t.Errorf("the first run asked %v, both %v", first, all)
		}
	})
}

// Two calls of one step, and the steps of two resources, never share a request id.
func TestEachCallHasItsOwnRequestID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape, c := open(t, "")
		d := subnetwork.New(c)
		if err := d.Create(t.Context(), subID, subSpec, resourcetest.Stamp()); err != nil {
			t.Fatal(err)
		}
		live, err := d.Read(t.Context(), subID)
		if err != nil {
			t.Fatal(err)
		}
		want := subSpec
		want.CIDR, want.PrivateGoogleAccess = "10.8.0.0/16", true
		if err := d.Update(t.Context(), live, want, d.Compare(want, live.Spec), resourcetest.Stamp()); err != nil {
			t.Fatal(err)
		}
		asked := requests(append(append(tape.Played("POST", "/subnetworks"), tape.Played("POST", "/expandIpCidrRange")...), tape.Played("POST", "/setPrivateIpGoogleAccess")...))
		if len(asked) != 3 || distinct(asked) != 3 {
			t.Errorf("%v", asked)
		}
	})
}
