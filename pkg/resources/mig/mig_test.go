package mig_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/instancetemplate"
	"github.com/aiinfra/cluster-provision/pkg/resources/mig"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
)

func template(machine string) instancetemplate.Spec {
	return instancetemplate.Spec{
		MachineType: machine, Image: "projects/ml-images/global/images/family/pytorch-2-9-cu129-ubuntu-2404-nvidia-580",
		DiskSizeGB: 100, DiskType: "pd-ssd", ServiceAccount: "default", OnHostMaintenance: "TERMINATE", AutomaticRestart: true,
		NICs:   []instancetemplate.NIC{{Network: resources.Known(resources.NetworkURL(gce.Global(resourcetest.Scope, "networks", "default").Path()))}},
		Labels: map[string]string{resources.OwnerLabel: resourcetest.Owner},
	}
}

func link(name string) resources.Ref[resources.TemplateURL] {
	return resources.Link(resources.Address{Kind: instancetemplate.Kind, Name: name}, "url", resources.TemplateURL(gce.Global(resourcetest.Scope, "instanceTemplates", "demo-"+name).Path()))
}

func templates(ctx context.Context, t *testing.T, c *gcp.Clients) {
	resourcetest.Make(ctx, t, instancetemplate.New(c), "one", template("a2-highgpu-1g"))
	resourcetest.Make(ctx, t, instancetemplate.New(c), "two", template("a2-highgpu-2g"))
}

func TestContract(t *testing.T) {
	resourcetest.Run(t, resourcetest.Suite[mig.Spec, mig.Outputs]{
		New:  func(c *gcp.Clients) resources.Driver[mig.Spec, mig.Outputs] { return mig.New(c) },
		Name: "mig", Spec: mig.Spec{Template: link("one"), BaseInstanceName: "demo-vm-####", TargetSize: 3},
		Changed: []mig.Spec{
			{Template: link("one"), BaseInstanceName: "demo-vm-####", TargetSize: 5},
			{Template: link("two"), BaseInstanceName: "demo-vm-####", TargetSize: 2}, // rolls and shrinks at once
			{Template: link("two"), BaseInstanceName: "other-####", TargetSize: 2},
		},
		Before: templates,
	})
}

// A group that cannot get its VMs never becomes stable; what time will not mend must end the wait in seconds, not in a
// time-out.
func TestAGroupThatCannotHaveItsVMsFailsAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		fault string
		class resources.Class
		says  string
	}{
		"no capacity": {`{"stockout":true}`, resources.ClassStockout, "ZONE_RESOURCE_POOL_EXHAUSTED"},
		"quota":       {`{"quota":{"metric":"NVIDIA_A100_GPUS","limit":0}}`, resources.ClassQuota, "Quota 'NVIDIA_A100_GPUS' exceeded.  Limit: 0.0 in region us-central1."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				typical, _ := emulator.ProfileNamed("typical")
				plan, err := emulator.ParseFaultPlan([]byte(`{"rules":[{"match":{"path":"/instances/demo-vm-"},"fault":` + tc.fault + `}]}`))
				if err != nil {
					t.Fatal(err)
				}
				em, err := emulator.New(emulator.Options{Latency: typical, Faults: plan})
				if err != nil {
					t.Fatal(err)
				}
				c := resourcetest.NewClients(t.Context(), t, em)
				templates(t.Context(), t, c)
				start := time.Now()
				s := mig.Spec{Template: link("one"), BaseInstanceName: "demo-vm-####", TargetSize: 3}
				d := mig.New(c)
				err = d.Create(t.Context(), d.ID(resourcetest.Scope, "mig", s), s, resourcetest.Stamp())
				if resources.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "3 of 3 VMs") {
					t.Errorf("class %q: %v", resources.ClassOf(err), err)
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("it took %s to say so", took)
				}
			})
		})
	}
}

// The number of calls must not grow with the number of VMs.
func TestCallsDoNotGrowWithTheVMs(t *testing.T) {
	count := func(size int) (n int) {
		synctest.Test(t, func(t *testing.T) {
			typical, _ := emulator.ProfileNamed("typical")
			em, err := emulator.New(emulator.Options{Latency: typical})
			if err != nil {
				t.Fatal(err)
			}
			c := resourcetest.NewClients(t.Context(), t, em)
			templates(t.Context(), t, c)
			s := mig.Spec{Template: link("one"), BaseInstanceName: "demo-vm-####", TargetSize: size}
			d := mig.New(c)
			if err := d.Create(t.Context(), d.ID(resourcetest.Scope, "mig", s), s, resourcetest.Stamp()); err != nil {
				t.Fatal(err)
			}
			calls, err := em.Calls()
			if err != nil {
				t.Fatal(err)
			}
			n = len(calls)
		})
		return n
	}
	one, many := count(1), count(300)
	if many > one+2 {
		t.Errorf("%d calls for 1 VM, %d for 300", one, many)
	}
}
