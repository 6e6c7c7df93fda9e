package provision_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// counted is a fleet that notes how often it is listed.
type counted struct {
	provision.Fleet
	lists int
}

func (f *counted) List(ctx context.Context, owner string) ([]resources.VM, error) {
	f.lists++
	return f.Fleet.List(ctx, owner)
}

// A create that fails says what there is by one list of VMs, and what can be done next; its exit code agrees with that.
func TestAFailedCreateCountsTheVMs(t *testing.T) {
	const policy = `{"match":{"method":"POST","path":"/instanceTemplates$"},"fault":{"error":{"status":412,"reason":"conditionNotMet","message":"Constraint constraints/compute.requireShieldedVm violated for project projects/test-project."}}}`
	const invalid = `{"match":{"method":"POST","path":"/instanceTemplates$"},"fault":{"error":{"status":400,"reason":"invalid","message":"Invalid value for field 'x'."}}}`
	const passing = `{"match":{"method":"POST","path":"/instanceTemplates$"},"fault":{"error":{"status":503,"reason":"backendError","message":"Backend Error"}}}`
	const unseen = `,{"match":{"path":"aggregated/instances$"},"fault":{"error":{"status":403,"reason":"forbidden","message":"Required 'compute.instances.list' permission for 'projects/test-project'"}}}`
	const silent = `,{"match":{"path":"aggregated/instances$"},"fault":{"delay":"20m"}}`
	const final, again = "; repeating does not help before that is mended; or ", "; go on with the same create; or "
	for name, tc := range map[string]struct {
		before bool // there are two VMs of an earlier create
		more   []string
		rules  string
		code   int
		says   string
	}{
		"nothing there, a policy":         {false, nil, policy, 1, "nothing was made that is billed: there is no VM" + final + "clear what is recorded with: cluster-provision destroy"},
		"nothing there, passing":          {false, nil, passing, 5, "nothing was made that is billed: there is no VM" + again + "clear what is recorded with: "},
		"VMs of an earlier run, a policy": {true, nil, policy, 1, "this run has made nothing that is billed; 2 VMs are running and billed" + final + "remove all with: "},
		"VMs of an earlier run, invalid":  {true, nil, invalid, 1, "2 VMs are running and billed" + final},
		"VMs of an earlier run, passing":  {true, nil, passing, 5, "2 VMs are running and billed" + again},
		"VMs that cannot be listed":       {true, nil, policy + unseen, 1, "/demo-deployment/ may be billed" + final + "remove it with: "},
		"a list that does not answer":     {true, nil, policy + silent, 1, "/demo-deployment/ may be billed" + final},
		"a part, no VM":                   {false, []string{"NETWORK_CONFIG=new_network"}, policy, 1, "what was made is recorded in gs://aiinfra-terraform-test-project/demo-deployment/; there is no VM, the rest may be billed" + final},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				if tc.before {
					create(ctx, t, c, "INSTANCE_COUNT=2")
				}
				c.strike(t, `{"rules":[`+tc.rules+`]}`)
				e := c.engine(ctx, c.em.Transport(), 1)
				fleet := &counted{Fleet: e.Fleet}
				e.Fleet = fleet
				start := time.Now()
				_, err := e.Create(ctx, settings(t, append(tc.more, "INSTANCE_COUNT=2", `METADATA={"a":"b"}`)...), nil)
				if provision.ExitCode(err) != tc.code || !strings.Contains(err.Error(), tc.says) || fleet.lists != 1 {
					t.Errorf("exit code %d, %d lists: %v", provision.ExitCode(err), fleet.lists, err)
				}
				if strings.Contains(tc.rules, silent) && time.Since(start) > 2*time.Minute {
					t.Errorf("it took %s", time.Since(start))
				}
				waitVirtual(300) // the list that was not waited for
			})
		})
	}
}

// After a signal in the middle the same create is what helps, and nobody waits for a list.
func TestAnInterruptedCreateIsGoneOnWith(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		stop := make(chan struct{})
		e := c.engine(ctx, c.em.Transport(), 1)
		fleet := &counted{Fleet: e.Fleet}
		e.Stop, e.Fleet = stop, fleet
		go func() {
			waitVirtual(10) // the network takes 14 s
			close(stop)
		}()
		_, err := e.Create(ctx, settings(t, networks()...), nil)
		if err == nil || !strings.Contains(err.Error(), "may be billed; go on with the same create; or remove it with: cluster-provision destroy") || strings.Contains(err.Error(), "repeating does not help") || fleet.lists != 0 {
			t.Errorf("%d lists: %v", fleet.lists, err)
		}
	})
}

// That there is nothing to do is said once: by the result.
func TestNothingToDoIsSaidOnce(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		nothing := func(what string, act func(*provision.Engine) (*provision.Report, error)) {
			e := c.engine(ctx, c.em.Transport(), 1)
			heard := &listener{}
			e.Printer = heard
			report, err := act(e)
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(heard.said(), "\n") + report.Text(); strings.Count(text, what) != 1 {
				t.Errorf("not said once: %s", text)
			}
		}
		destroyed := func(e *provision.Engine) (*provision.Report, error) { return e.Destroy(ctx, nil) }
		nothing("nothing to destroy: there is no bucket", destroyed)
		create(ctx, t, c)
		nothing("nothing to do", func(e *provision.Engine) (*provision.Report, error) { return e.Create(ctx, settings(t), nil) })
		destroy(ctx, t, c)
	})
}
