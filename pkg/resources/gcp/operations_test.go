package gcp_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/container/apiv1/containerpb"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/api/iterator"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

const share resources.ID = "//file.googleapis.com/projects/p/locations/us-central1-a/instances/demo-share"

func details(t *testing.T, list ...proto.Message) []*anypb.Any {
	t.Helper()
	var out []*anypb.Any
	for _, m := range list {
		one, err := anypb.New(m)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, one)
	}
	return out
}

func TestWhatALongRunningOperationEndsWith(t *testing.T) {
	busy := details(t, &errdetails.ErrorInfo{Reason: "CLUSTER_ALREADY_HAS_OPERATION", Domain: "container.googleapis.com"})
	for name, tc := range map[string]struct {
		status *status.Status
		class  resources.Class
	}{
		"nothing went wrong":                 {nil, resources.ClassNone},
		"OK is no error":                     {&status.Status{Message: "fine"}, resources.ClassNone},
		"a quota is used up":                 {&status.Status{Code: 8, Message: "Quota limit 'EnterpriseStorageGibPerRegion' has been exceeded. Limit: 3072 in region us-central1."}, resources.ClassQuota},
		"a system limit":                     {&status.Status{Code: 8, Message: "System limit for internal resources has been reached"}, resources.ClassQuota},
		"QuotaFailure is a quota":            {&status.Status{Code: 8, Message: "no", Details: details(t, &errdetails.QuotaFailure{})}, resources.ClassQuota},
		"calls that come too fast":           {&status.Status{Code: 8, Message: "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute' of service 'file.googleapis.com'"}, resources.ClassTransient},
		"exhausted without a reason":         {&status.Status{Code: 8, Message: "try again later"}, resources.ClassTransient},
		"too many operations of one cluster": {&status.Status{Code: 8, Message: `Too many operations: cluster "X" hits the concurrent operations quota 5.`}, resources.ClassBusy},
		"another operation on the cluster":   {&status.Status{Code: 9, Message: "no", Details: busy}, resources.ClassBusy},
		"the same in older words":            {&status.Status{Code: 9, Message: "Operation operation-1 is currently creating a node pool for cluster X. Please wait and try again once it is done."}, resources.ClassBusy},
		"another precondition":               {&status.Status{Code: 9, Message: "the network is not peered"}, resources.ClassInvalid},
		"a stale fingerprint":                {&status.Status{Code: 9, Message: "Labels fingerprint is stale"}, resources.ClassConflict},
		"permission denied":                  {&status.Status{Code: 7, Message: "no"}, resources.ClassDenied},
		"an invalid argument":                {&status.Status{Code: 3, Message: "no"}, resources.ClassInvalid},
		"not found":                          {&status.Status{Code: 5, Message: "no"}, resources.ClassNotFound},
		"it exists":                          {&status.Status{Code: 6, Message: "no"}, resources.ClassExists},
		"aborted by another change":          {&status.Status{Code: 10, Message: "no"}, resources.ClassConflict},
		"it took too long inside":            {&status.Status{Code: 4, Message: "no"}, resources.ClassTransient},
		"an internal error":                  {&status.Status{Code: 13, Message: "no"}, resources.ClassTransient},
		"unavailable":                        {&status.Status{Code: 14, Message: "no"}, resources.ClassTransient},
		"somebody cancelled it":              {&status.Status{Code: 1, Message: "no"}, resources.ClassFatal},
		"unknown":                            {&status.Status{Code: 2, Message: "no"}, resources.ClassFatal},
		"a stock-out in words":               {&status.Status{Code: 2, Message: "The zone 'projects/p/zones/z' does not have enough resources available to fulfill the request."}, resources.ClassStockout},
		"an organization policy":             {&status.Status{Code: 9, Message: "Constraint constraints/compute.vmExternalIpAccess violated for project 1"}, resources.ClassPolicy},
		"a code that nobody knows":           {&status.Status{Code: 99, Message: "no"}, resources.ClassFatal},
	} {
		op := &longrunningpb.Operation{Done: true}
		if tc.status != nil {
			op.Result = &longrunningpb.Operation_Error{Error: tc.status}
		}
		err := gcp.LongRunning(nil, op).Err(share)
		if class := resources.ClassOf(err); class != tc.class {
			t.Errorf("%s: class %q: %v", name, class, err)
		}
		if err != nil && !strings.Contains(err.Error(), tc.status.GetMessage()) {
			t.Errorf("%s: the cloud's words are lost: %v", name, err)
		}
	}
}

func TestWhatAGKEOperationEndsWith(t *testing.T) {
	said := func(text string) *containerpb.Operation {
		return &containerpb.Operation{StatusMessage: text} //nolint:staticcheck // deprecated, and still answered
	}
	of := func(op *containerpb.Operation, code containerpb.StatusCondition_Code, text string) *containerpb.Operation {
		op.NodepoolConditions = []*containerpb.StatusCondition{{Code: code, Message: text}} //nolint:staticcheck // likewise
		return op
	}
	onCluster := said("failed")
	onCluster.ClusterConditions = []*containerpb.StatusCondition{{Code: containerpb.StatusCondition_GCE_QUOTA_EXCEEDED, Message: "GPUS_ALL_REGIONS"}} //nolint:staticcheck // likewise
	for name, tc := range map[string]struct {
		op    *containerpb.Operation
		class resources.Class
		says  string
	}{
		"it went well":                         {&containerpb.Operation{}, resources.ClassNone, ""},
		"an error":                             {&containerpb.Operation{Error: &status.Status{Code: 3, Message: `No valid versions with the prefix "1.29.6" found.`}}, resources.ClassInvalid, "1.29.6"},
		"only the deprecated message":          {said("all broken"), resources.ClassFatal, "all broken"},
		"the deprecated message about a quota": {said("Quota 'SSD_TOTAL_GB' exceeded. Limit: 500.0 in region r."), resources.ClassQuota, "SSD_TOTAL_GB"},
		"a stock-out in the conditions":        {of(&containerpb.Operation{Error: &status.Status{Code: 2, Message: "nodes could not be made"}}, containerpb.StatusCondition_GCE_STOCKOUT, "no A100 left"), resources.ClassStockout, "no A100 left"},
		"a quota in the cluster's conditions":  {onCluster, resources.ClassQuota, "GPUS_ALL_REGIONS"},
	} {
		tc.op.Status = containerpb.Operation_DONE
		op := gcp.GKE(nil, tc.op)
		err := op.Err("//container.googleapis.com/projects/p/locations/l/clusters/c")
		if !op.Done() || resources.ClassOf(err) != tc.class || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: class %q: %v", name, resources.ClassOf(err), err)
		}
	}
	if gcp.GKE(nil, &containerpb.Operation{Status: containerpb.Operation_ABORTING}).Done() {
		t.Error("ABORTING has not ended")
	}
}

// GetOperation takes a name that no answer has.
func TestTheNameOfAGKEOperation(t *testing.T) {
	for name, op := range map[string]*containerpb.Operation{
		"by the old field": {Name: "operation-1", Zone: "us-central1-a", SelfLink: "https://container.googleapis.com/v1/projects/17/zones/us-central1-a/operations/operation-1"},
		"by the new field": {Name: "operation-1", Location: "us-central1-a", SelfLink: "https://container.googleapis.com/v1/projects/17/locations/us-central1-a/operations/operation-1"},
		"by the link only": {Name: "operation-1", SelfLink: "https://container.googleapis.com/v1/projects/17/zones/us-central1-a/operations/operation-1"},
	} {
		var asked string
		err := gcp.GKE(func(_ context.Context, n string) (*containerpb.Operation, error) { asked = n; return op, nil }, op).Poll(t.Context())
		if want := "projects/17/locations/us-central1-a/operations/operation-1"; err != nil || asked != want {
			t.Errorf("%s: %s, %v", name, asked, err)
		}
	}
}

// A long operation is looked at rarely, and its end is noticed soon.
func TestThePaceOfWaiting(t *testing.T) {
	for name, tc := range map[string]struct {
		takes time.Duration
		pace  gcp.Pace
		polls int           // at most
		lag   time.Duration // at most
	}{
		"a minute without a guess":           {time.Minute, gcp.Pace{}, 60, 3 * time.Second},
		"six minutes, as expected":           {6 * time.Minute, gcp.Pace{Usually: 6 * time.Minute}, 110, 15 * time.Second},
		"six minutes, rarely looked at":      {6 * time.Minute, gcp.Pace{Usually: 6 * time.Minute, Quickest: 5 * time.Second}, 60, 15 * time.Second},
		"an hour, twice as long as expected": {time.Hour, gcp.Pace{Usually: 30 * time.Minute}, 400, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, err := gcp.New(t.Context(), gcp.Options{Transport: &answers{status: 200}})
				if err != nil {
					t.Fatal(err)
				}
				polls, start := 0, time.Now()
				err = c.Wait(t.Context(), share, gcp.LongRunning(func(context.Context, string) (*longrunningpb.Operation, error) {
					polls++
					return &longrunningpb.Operation{Name: "op", Done: time.Since(start) >= tc.takes}, nil
				}, &longrunningpb.Operation{Name: "op"}), tc.pace)
				if took := time.Since(start); err != nil || polls > tc.polls || took-tc.takes > tc.lag {
					t.Errorf("%d polls, noticed after %s: %v", polls, took-tc.takes, err)
				}
			})
		})
	}
}

func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := gcp.New(t.Context(), gcp.Options{Transport: &answers{status: 200}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err = c.Wait(ctx, share, gcp.GKE(func(context.Context, string) (*containerpb.Operation, error) {
			return &containerpb.Operation{Detail: "no node has registered"}, nil
		}, &containerpb.Operation{}), gcp.Pace{})
		if resources.ClassOf(err) != resources.ClassTimeout || !strings.Contains(err.Error(), "no node has registered") {
			t.Errorf("a time-out without what was said last: %v", err)
		}
		err = c.Wait(t.Context(), share, gcp.LongRunning(func(context.Context, string) (*longrunningpb.Operation, error) {
			return nil, gcp.FromRPC(share, 5, "not found")
		}, &longrunningpb.Operation{}), gcp.Pace{})
		var lost *gcp.LostError
		if !errors.As(err, &lost) || errors.Is(err, resources.ErrNotFound) || resources.ClassOf(err) == resources.ClassNotFound {
			t.Errorf("an operation that is gone says nothing about the resource: %v", err)
		}
	})
}

// The lists of the client library do not carry the caller's context, so the end of the context must end the wait for them.
func TestAListEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := gcp.Collect(ctx, func() (int, error) { <-hang; return 0, iterator.Done })
		if class := resources.ClassOf(err); class != resources.ClassTimeout || time.Since(start) != time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		close(hang)
	})
}
