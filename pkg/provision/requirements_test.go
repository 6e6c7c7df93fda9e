package provision_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/router"
)

// demanding is a kind that needs an API, a permission and a quota, and finds something wrong in the cloud.
type demanding struct {
	router.Driver
	found []resources.Problem
}

func (demanding) Require(resources.Scope, router.Spec) resources.Requirements {
	return resources.Requirements{
		APIs: []string{"file.googleapis.com"}, Permissions: []string{"file.instances.create"},
		Quotas: map[resources.Quota]float64{{Metric: "ROUTERS", Region: "us-central1"}: 1},
	}
}

func (d demanding) Preflight(context.Context, resources.Scope, router.Spec) []resources.Problem {
	return d.found
}

// with is an engine in which the kind of routers is the demanding one.
func (c *cloud) with(ctx context.Context, e *provision.Engine, found ...resources.Problem) *provision.Engine {
	c.tb.Helper()
	clients, err := gcp.New(ctx, gcp.Options{Transport: c.em.Transport()})
	if err != nil {
		c.tb.Fatal(err)
	}
	handlers := []resources.Handler{resources.Erase(demanding{router.New(clients), found})}
	for _, k := range e.Registry.Kinds() {
		if h, _ := e.Registry.Handler(k); k != handlers[0].Kind() {
			handlers = append(handlers, h)
		}
	}
	e.Registry = resources.NewRegistry(handlers...)
	return e
}

func TestWhatAKindNeedsIsAskedFor(t *testing.T) {
	full := map[string]string{"/regions/us-central1$": `{"quotas":[{"metric":"ROUTERS","limit":20,"usage":20}]}`}
	for name, tc := range map[string]struct {
		opt   emulator.Options
		say   map[string]string
		found []resources.Problem
		code  int
		says  string
	}{
		"its API":             {emulator.Options{Disabled: []string{"file.googleapis.com"}}, nil, nil, provision.CodeUsage, "gcloud services enable file.googleapis.com"},
		"the state's API":     {emulator.Options{Disabled: []string{"storage.googleapis.com"}}, nil, nil, provision.CodeUsage, "storage.googleapis.com"},
		"its permission":      {emulator.Options{Denied: []string{"file.instances.create"}}, nil, nil, provision.CodeDenied, "file.instances.create"},
		"its quota":           {emulator.Options{}, full, nil, provision.CodeCapacity, "quota ROUTERS of region us-central1 does not suffice: limit 20, in use 20, needed 1 more"},
		"what it finds":       {emulator.Options{}, nil, []resources.Problem{{Path: "nats", Message: "are not there"}}, provision.CodeUsage, "router/router nats: are not there"},
		"nothing is in a way": {emulator.Options{}, nil, nil, provision.CodeDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, tc.opt, func(ctx context.Context, t *testing.T, c *cloud) {
				e := c.with(ctx, c.engine(ctx, answers{next: c.em.Transport(), say: tc.say}, 1), tc.found...)
				_, err := e.Validate(ctx, settings(t, networks()...))
				if provision.ExitCode(err) != tc.code || err != nil && !strings.Contains(err.Error(), tc.says) {
					t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
				}
				if changed := c.changes(); len(changed) > 0 {
					t.Errorf("validate has changed something: %v", changed)
				}
			})
		})
	}
}
