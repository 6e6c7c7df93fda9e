package instancetemplate_test

import (
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/instancetemplate"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
)

func spec(change func(*instancetemplate.Spec)) instancetemplate.Spec {
	s := instancetemplate.Spec{
		MachineType: "a2-highgpu-2g", Image: "projects/ml-images/global/images/family/pytorch-2-9-cu129-ubuntu-2404-nvidia-580",
		DiskSizeGB: 2000, DiskType: "pd-ssd", Accelerators: []instancetemplate.Accelerator{{Type: "nvidia-tesla-a100", Count: 2}},
		NICs: []instancetemplate.NIC{{
			Network: resources.Known(resources.NetworkURL(gce.Global(resourcetest.Scope, "networks", "default").Path())), ExternalIP: true, Type: "GVNIC",
		}},
		Metadata: map[string]resources.Sealed{"enable-oslogin": resources.Seal("TRUE"), "a": resources.Seal("b")}, Labels: map[string]string{resources.OwnerLabel: resourcetest.Owner},
		ServiceAccount: "default", Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"},
		OnHostMaintenance: "TERMINATE", AutomaticRestart: true, MaxRunSeconds: 3600,
	}
	if change != nil {
		change(&s)
	}
	return s
}

func TestContract(t *testing.T) {
	resourcetest.Run(t, resourcetest.Suite[instancetemplate.Spec, instancetemplate.Outputs]{
		New: func(c *gcp.Clients) resources.Driver[instancetemplate.Spec, instancetemplate.Outputs] {
			return instancetemplate.New(c)
		},
		Name: "vm-0a1b2c3d", Spec: spec(nil),
		Changed: []instancetemplate.Spec{
			spec(func(s *instancetemplate.Spec) { s.MachineType = "a2-highgpu-4g" }),
			spec(func(s *instancetemplate.Spec) { s.Image = "projects/p/global/images/mine" }),
			spec(func(s *instancetemplate.Spec) { s.DiskSizeGB = 100 }),
			spec(func(s *instancetemplate.Spec) { s.DiskType = "pd-balanced" }),
			spec(func(s *instancetemplate.Spec) { s.Accelerators = nil }),
			spec(func(s *instancetemplate.Spec) { s.NICs = nil }),
			spec(func(s *instancetemplate.Spec) { s.Metadata = nil }),
			spec(func(s *instancetemplate.Spec) { s.Labels = nil }),
			spec(func(s *instancetemplate.Spec) { s.ServiceAccount = "me@p.iam.gserviceaccount.com" }),
			spec(func(s *instancetemplate.Spec) { s.Scopes = nil }),
			spec(func(s *instancetemplate.Spec) { s.OnHostMaintenance = "MIGRATE" }),
			spec(func(s *instancetemplate.Spec) { s.AutomaticRestart = false }),
			spec(func(s *instancetemplate.Spec) { s.MaxRunSeconds = 0 }),
		},
	})
}

func TestTheNameFollowsTheContent(t *testing.T) {
	name := func(s instancetemplate.Spec) resources.Address {
		set := resources.NewSet(resourcetest.Scope)
		instancetemplate.Add(set, "vm", s)
		return set.Addresses()[0]
	}
	if a, b := name(spec(nil)), name(spec(nil)); a != b {
		t.Errorf("equal contents have the names %s and %s", a, b)
	}
	if a, b := name(spec(nil)), name(spec(func(s *instancetemplate.Spec) { s.Metadata["a"] = resources.Seal("c") })); a == b {
		t.Errorf("different contents have the same name %s", a)
	}
}
