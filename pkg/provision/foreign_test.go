package provision_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision"
)

// call makes a call of Compute Engine as somebody else would.
func (c *cloud) call(ctx context.Context, t *testing.T, method, path, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "https://compute.googleapis.com/compute/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.em.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", method, path, raw)
	}
	waitVirtual(60) // its operation is over then
}

func (c *cloud) post(ctx context.Context, t *testing.T, collection, body string) {
	t.Helper()
	c.call(ctx, t, http.MethodPost, "projects/"+project+"/"+collection, body)
}

func (c *cloud) remove(ctx context.Context, t *testing.T, path string) {
	t.Helper()
	c.call(ctx, t, http.MethodDelete, path, "")
}

// foreignFirewall puts somebody's rule into our network.
func (c *cloud) foreignFirewall(ctx context.Context, t *testing.T) string {
	t.Helper()
	c.post(ctx, t, "global/firewalls", `{"name":"theirs","network":"global/networks/demo-net","allowed":[{"IPProtocol":"tcp"}],"sourceRanges":["10.9.0.0/16"]}`)
	return "projects/" + project + "/global/firewalls/theirs"
}

// waitVirtual lets virtual seconds pass.
func waitVirtual(seconds int) { <-time.NewTimer(time.Duration(seconds) * time.Second).C }

// engineIn is an engine that looks at another zone.
func (c *cloud) engineIn(ctx context.Context, zone string) *provision.Engine {
	c.tb.Helper()
	return c.engineOf(ctx, c.em.Transport(), 1, zone, "demo")
}
