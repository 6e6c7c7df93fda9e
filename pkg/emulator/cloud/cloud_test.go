package cloud_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/front"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// toys is a whole service: it counts the calls of a project.
func toys(host string) cloud.Service {
	return cloud.Service{Host: host, Title: "Toy API", Refuse: wire.RPC, Roots: []string{"/toys/"}, Open: func(c *cloud.Cloud) (*cloud.Server, error) {
		return &cloud.Server{
			Found: func(tx *world.Tx, project string) error {
				tx.Put(&world.Object{Name: host + "/" + project, Kind: "toy", Ready: true, Builtin: true, Doc: map[string]any{"calls": 0}})
				return nil
			},
			Lives: map[string]operations.Life{host: {}},
			Serve: func(_ context.Context, r *wire.Request, _ faults.Effect) (*wire.Response, error) {
				return c.Carry(r, func(tx *world.Tx) (any, error) {
					project := strings.TrimPrefix(r.Path, "/toys/")
					if !c.Exists(project) {
						return nil, wire.ErrNotEmulated
					}
					if err := c.Found(tx, project); err != nil {
						return nil, err
					}
					o, _ := tx.Get(host + "/" + project)
					n, _ := o.Doc["calls"].(int)
					o.Doc["calls"] = n + 1
					tx.Put(o)
					return o.Doc, nil
				})
			},
		}, nil
	}}
}

func TestAServiceIsOneValue(t *testing.T) {
	c, err := cloud.New(cloud.Options{}, []cloud.Service{toys("toys.googleapis.com")})
	if err != nil {
		t.Fatal(err)
	}
	f, err := front.Open(c, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, url string
		status    int
	}{
		{"by its host", "https://toys.googleapis.com/toys/test-project", 200},
		{"at the shared host", "https://www.googleapis.com/toys/test-project", 200},
		{"what it does not know", "https://toys.googleapis.com/toys/no-such-project", 501},
		{"an API that is not there", "https://balls.googleapis.com/v1/x", 501},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tc.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := f.Transport().RoundTrip(r)
		if err != nil || resp.StatusCode != tc.status {
			t.Errorf("%s: %v, %v", tc.name, resp, err)
		}
	}
	list, err := c.Resources()
	if err != nil || len(list) != 1 || list[0].Name != "//toys.googleapis.com/test-project" {
		t.Errorf("%v, %v", list, err)
	}
}

func TestTwoServicesCannotBeTheSame(t *testing.T) {
	if _, err := cloud.New(cloud.Options{}, []cloud.Service{toys("a.googleapis.com"), toys("a.googleapis.com")}); err == nil {
		t.Error("they were accepted")
	}
}
