package gcp_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/api/googleapi"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// answers gives every call the same answer, and counts them.
type answers struct {
	status int
	body   string
	calls  int
	url    string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.calls++
	a.url = r.URL.String()
	return &http.Response{StatusCode: a.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func TestOperationsThatFailed(t *testing.T) {
	for code, class := range map[string]resources.Class{
		"ZONE_RESOURCE_POOL_EXHAUSTED": resources.ClassStockout, "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS": resources.ClassStockout,
		"QUOTA_EXCEEDED": resources.ClassQuota, "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE": resources.ClassInUse, "RESOURCE_NOT_READY": resources.ClassBusy,
		"CONDITION_NOT_MET": resources.ClassConflict, "PERMISSIONS_ERROR": resources.ClassDenied, "SOMETHING_NEW": resources.ClassFatal,
		"INTERNAL_ERROR": resources.ClassTransient, "RATE_LIMIT_EXCEEDED": resources.ClassTransient, "RESOURCE_OPERATION_RATE_EXCEEDED": resources.ClassTransient,
		"RESOURCE_POOL_EXHAUSTED": resources.ClassStockout, "IP_SPACE_EXHAUSTED": resources.ClassQuota, "IP_SPACE_EXHAUSTED_WITH_DETAILS": resources.ClassQuota,
		"VM_EXTERNAL_IP_ACCESS_POLICY_CONSTRAINT": resources.ClassPolicy, "UNSUPPORTED_OPERATION": resources.ClassInvalid, "INVALID_RESERVATION": resources.ClassInvalid,
		"RESOURCE_NOT_FOUND": resources.ClassNotFound, "RESOURCE_ALREADY_EXISTS": resources.ClassExists,
	} {
		op := &computepb.Operation{Error: &computepb.Error{Errors: []*computepb.Errors{{Code: proto.String(code), Message: proto.String("m")}}}}
		if err := gcp.FromOperation("id", op); resources.ClassOf(err) != class {
			t.Errorf("%s: class %q", code, resources.ClassOf(err))
		}
	}
	if err := gcp.FromOperation("id", &computepb.Operation{HttpErrorStatusCode: proto.Int32(503)}); resources.ClassOf(err) != resources.ClassTransient {
		t.Errorf("an operation with a status only: %v", err)
	}
	if err := gcp.FromOperation("id", &computepb.Operation{}); err != nil {
		t.Errorf("one that went well: %v", err)
	}
}

func TestPathsAndCommands(t *testing.T) {
	for _, link := range []string{
		"https://www.googleapis.com/compute/v1/projects/p/global/networks/n", "https://compute.googleapis.com/compute/beta/projects/p/global/networks/n", "projects/p/global/networks/n",
	} {
		if got := gcp.Path(link); got != "projects/p/global/networks/n" {
			t.Errorf("%s: %s", link, got)
		}
	}
	if got := gcp.Command("compute", "x y", "--project=$(id)", "--zone=z"); got != `gcloud compute 'x y' --project='$(id)' --zone=z` {
		t.Errorf("%s", got)
	}
}

// Every API is reached below the endpoint, escapes in paths are kept.
func TestTheEndpoint(t *testing.T) {
	a := &answers{status: 404, body: classic("404", "notFound", "no")}
	c, err := gcp.New(t.Context(), gcp.Options{Transport: a, Endpoint: "http://127.0.0.1:1/base/"})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.Networks.Get(t.Context(), &computepb.GetNetworkRequest{Project: "p", Network: "n"})
	if want := "http://127.0.0.1:1/base/compute.googleapis.com/compute/v1/projects/p/global/networks/n"; !strings.HasPrefix(a.url, want) {
		t.Errorf("%s", a.url)
	}
	_, _ = c.Storage.Bucket("b").Object("a/b").Attrs(t.Context())
	if want := "http://127.0.0.1:1/base/storage.googleapis.com/storage/v1/b/b/o/a%2Fb"; !strings.HasPrefix(a.url, want) {
		t.Errorf("%s", a.url)
	}
	if _, err := gcp.New(t.Context(), gcp.Options{Endpoint: "nonsense"}); err == nil {
		t.Error("an endpoint that is no URL was taken")
	}
	var old *googleapi.Error
	if errors.As(gcp.FromCode("", "X", ""), &old) {
		t.Error("an operation's error is no HTTP error")
	}
}
