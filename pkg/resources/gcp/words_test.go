package gcp_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/resourcemanager/apiv3/resourcemanagerpb"
	"cloud.google.com/go/serviceusage/apiv1/serviceusagepb"
	"cloud.google.com/go/storage"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Calls that are cut off, by the user's signal, an end of the context or a time limit, in the pause between two tries or in the
// middle of one, keep what the cloud had said before; where it had said nothing, that is said. Go's own words reach nobody.
func TestWhatIsCutOffKeepsTheCloudsLastWords(t *testing.T) {
	apis := map[string]func(context.Context, *gcp.Clients) error{
		"Compute Engine": getNetwork,
		"a list of Compute Engine": func(ctx context.Context, c *gcp.Clients) error {
			_, err := gcp.Collect(ctx, c.Networks.List(ctx, &computepb.ListNetworksRequest{Project: "p"}).Next)
			return err
		},
		"Cloud Storage": func(ctx context.Context, c *gcp.Clients) error {
			_, err := c.Storage.Bucket("b").Attrs(ctx)
			return err
		},
		"a read of Cloud Storage": func(ctx context.Context, c *gcp.Clients) error {
			_, err := c.Storage.Bucket("b").Object("o").NewReader(ctx)
			return err
		},
		"a write of Cloud Storage": func(ctx context.Context, c *gcp.Clients) error {
			w := c.Storage.Bucket("b").Object("o").If(storage.Conditions{GenerationMatch: 1}).NewWriter(ctx)
			w.ChunkSize = 0
			return errors.Join(func() error { _, err := w.Write([]byte("x")); return err }(), w.Close())
		},
		"IAM": func(ctx context.Context, c *gcp.Clients) error {
			_, err := c.ServiceAccounts.Get("projects/p/serviceAccounts/a").Context(ctx).Do()
			return err
		},
		"Resource Manager": func(ctx context.Context, c *gcp.Clients) error {
			_, err := c.Projects.GetProject(ctx, &resourcemanagerpb.GetProjectRequest{Name: "projects/p"})
			return err
		},
		"Service Usage": func(ctx context.Context, c *gcp.Clients) error {
			_, err := c.Services.GetService(ctx, &serviceusagepb.GetServiceRequest{Name: "projects/p/services/s"})
			return err
		},
	}
	for api, call := range apis {
		for end, class := range map[string]resources.Class{"signal": resources.ClassInterrupted, "abort": resources.ClassInterrupted, "limit": resources.ClassTimeout} {
			for moment, speaks := range map[string]int{"in a pause": 1 << 30, "in a try": 3, "before the first answer": 0} {
				listed := strings.HasPrefix(api, "a list") // their requests have no context (see Collect): only the signal reaches the transport
				if end == "signal" && speaks < 1<<30 {
					continue // a signal lets a try end
				}
				t.Run(strings.Join([]string{api, end, moment}, ", "), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						stop := make(chan struct{})
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						switch end {
						case "signal":
							time.AfterFunc(4*time.Second, func() { close(stop); cancel() })
						case "abort":
							time.AfterFunc(4*time.Second, cancel)
						case "limit":
							ctx, cancel = context.WithTimeout(ctx, 4*time.Second)
							defer cancel()
						}
						tries := 0
						c := clientsOf(t, gcp.Options{Stop: func() <-chan struct{} { return stop }, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
							if tries++; tries <= speaks {
								return reply(r, 503, classic("503", "backendError", "Backend Error")), nil
							}
							<-r.Context().Done()
							return nil, r.Context().Err()
						})})
						start := time.Now()
						err := gcp.Wrap("", gcp.LastWords(ctx, func(ctx context.Context) error { return call(ctx, c) }))
						if took := time.Since(start); took < 4*time.Second || took > 5*time.Second {
							t.Errorf("it took %s", took)
						}
						text := resources.Ended(err).Error()
						heard := speaks > 0 && (!listed || end == "signal")
						if resources.ClassOf(err) != class || strings.Contains(err.Error(), "context ") || heard != strings.Contains(text, "Backend Error") ||
							!heard && !strings.Contains(text, "before there was an answer") {
							t.Errorf("class %q: %v", resources.ClassOf(err), err)
						}
						cancel()
						<-time.NewTimer(4 * time.Minute).C // a list that nobody waits for any more ends by the transport's limit
					})
				})
			}
		}
	}
}
