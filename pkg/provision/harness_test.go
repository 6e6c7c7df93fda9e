package provision_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/blueprint"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/all"
	"github.com/aiinfra/cluster-provision/pkg/resources/catalog"
	"github.com/aiinfra/cluster-provision/pkg/resources/fleet"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/state"
	"github.com/aiinfra/cluster-provision/pkg/state/gcs"
)

// cloud is an emulated world for one test.
type cloud struct {
	tb     testing.TB
	em     *emulator.Emulator
	rescue string // where a manifest goes that could not be stored
}

func newCloud(tb testing.TB, opt emulator.Options) *cloud {
	tb.Helper()
	em, err := emulator.New(opt)
	if err != nil {
		tb.Fatal(err)
	}
	return &cloud{tb, em, tb.TempDir()}
}

func profile(tb testing.TB, name string) emulator.Profile {
	tb.Helper()
	p, err := emulator.ProfileNamed(name)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// engine is a fresh process on the deployment "demo": it shares nothing with an earlier one but the world.
func (c *cloud) engine(ctx context.Context, rt http.RoundTripper, pace float64) *provision.Engine {
	c.tb.Helper()
	return c.engineOf(ctx, rt, pace, "us-central1-a", "demo")
}

// engineOf is one on another deployment, or of a user who gives another zone.
func (c *cloud) engineOf(ctx context.Context, rt http.RoundTripper, pace float64, zone, prefix string) *provision.Engine {
	c.tb.Helper()
	clients, err := gcp.New(ctx, gcp.Options{Transport: rt, Pace: pace})
	if err != nil {
		c.tb.Fatal(err)
	}
	region := zone[:strings.LastIndexByte(zone, '-')]
	scope := blueprint.ScopeOf(project, region, zone, prefix)
	return &provision.Engine{
		Registry: all.Registry(clients), Catalog: catalog.New(clients, scope), Fleet: fleet.New(clients, scope), Scope: scope,
		Owner: scope.Owner, Tool: "test", Pace: pace, Rescue: c.rescue, Flags: "--project-id=" + project,
		Store: gcs.New(clients.Storage, gcs.Options{
			Bucket: "aiinfra-terraform-" + project, Prefix: prefix, Project: project, Region: region, Default: true, Pace: pace,
		}),
	}
}

const project = "test-project"

func settings(tb testing.TB, more ...string) *config.Config {
	tb.Helper()
	environ := append([]string{"PROJECT_ID=" + project, "NAME_PREFIX=demo", "ZONE=us-central1-a", "SHOW_PROXY_URL=no"}, more...)
	cfg, problems := config.Load(config.Input{Environ: environ})
	if err := problems.Err(); err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// left lists what is not built in.
func (c *cloud) left() []string {
	c.tb.Helper()
	list, err := c.em.Resources()
	if err != nil {
		c.tb.Fatal(err)
	}
	var out []string
	for _, r := range list {
		if !r.Builtin {
			out = append(out, r.Name)
		}
	}
	return out
}

// changes lists the calls so far that change something: not reads, not waits. Uploads are left out, because the log does not
// tell the lease from the manifest: tests compare the manifest's version.
func (c *cloud) changes() []string {
	c.tb.Helper()
	calls, err := c.em.Calls()
	if err != nil {
		c.tb.Fatal(err)
	}
	var out []string
	for _, call := range calls {
		if changing(call.Method, call.Path) && !strings.Contains(call.Path, "lock.json") && !strings.HasPrefix(call.Path, "/storage.googleapis.com/upload/") {
			out = append(out, call.Method+" "+call.Path)
		}
	}
	return out
}

// version is the manifest's.
func (c *cloud) version(ctx context.Context) state.Version {
	c.tb.Helper()
	_, v, err := c.engine(ctx, c.em.Transport(), 1).Store.Load(ctx)
	if err != nil {
		c.tb.Fatal(err)
	}
	return v
}

func changing(method, path string) bool {
	return method != http.MethodGet && !strings.HasSuffix(path, "/wait") && !strings.HasSuffix(path, "/listManagedInstances") &&
		!strings.HasSuffix(path, ":testIamPermissions")
}

// unlock removes the lock of a process that has died.
func (c *cloud) unlock(ctx context.Context, e *provision.Engine) {
	c.tb.Helper()
	err := e.Unlock(ctx, func(state.Holder) (bool, error) { return true, nil })
	if err != nil && resources.ClassOf(err) != resources.ClassNotFound && !errors.Is(err, state.ErrNotLocked) {
		c.tb.Fatal(err)
	}
}

// networks is the largest deployment of this version: everything but the default network.
func networks() []string {
	return []string{"NETWORK_CONFIG=new_network", "EXTERNAL_IP=no", "INSTANCE_COUNT=2"}
}

// zoneOf is the ZONE in settings; the last one counts, as in an environment.
func zoneOf(settings []string) string {
	zone := "us-central1-a"
	for _, s := range settings {
		if z, ok := strings.CutPrefix(s, "ZONE="); ok {
			zone = z
		}
	}
	return zone
}

func countOf(names []string, part string) (n int) {
	for _, name := range names {
		if strings.Contains(name, part) {
			n++
		}
	}
	return n
}
