package machines_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

func TestLookup(t *testing.T) {
	got, ok := machines.Lookup("a3-megagpu-8g")
	if !ok || got.GPU != "nvidia-h100-mega-80gb" || got.GPUs != 8 || got.Boots("pd-standard") || got.DefaultDisk() != "pd-ssd" {
		t.Errorf("a3-megagpu-8g: %+v", got)
	}
	ultra, _ := machines.Lookup("a2-ultragpu-1g")
	if ultra.GPU != "nvidia-a100-80gb" {
		t.Errorf("a2-ultragpu has %s; the A100 with 80 GB is another type than the one with 40", ultra.GPU)
	}
	if a4, _ := machines.Lookup("a4-highgpu-8g"); a4.OnDemand() || a4.DefaultDisk() != "hyperdisk-balanced" {
		t.Errorf("a4-highgpu-8g: %+v", a4)
	}
	if diff := cmp.Diff([]string{"a2-highgpu-2g"}, machines.With("nvidia-tesla-a100", 2)); diff != "" {
		t.Error(diff)
	}
}

func TestAttachable(t *testing.T) {
	for name, tc := range map[string]struct {
		machine, gpu string
		count        int
		fits         bool
	}{
		"a T4 fits a small N1":           {"n1-standard-8", "nvidia-tesla-t4", 1, true},
		"three T4 are not a size":        {"n1-standard-8", "nvidia-tesla-t4", 3, false},
		"one V100 wants a small machine": {"n1-standard-64", "nvidia-tesla-v100", 1, false},
		"L4 cannot be attached":          {"n1-standard-8", "nvidia-l4", 1, false},
		"E2 takes no GPUs":               {"e2-standard-8", "nvidia-tesla-t4", 1, false},
	} {
		if err := machines.Attachable(tc.machine, tc.gpu, tc.count); (err == nil) != tc.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
}
