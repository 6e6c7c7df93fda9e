package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

func TestGPUsFollowFromTheMachineType(t *testing.T) {
	type gpus struct {
		Machine, GPU, Disk string
		Count              int
	}
	for name, tc := range map[string]struct {
		set  settings
		want gpus
	}{
		"nothing given":                   {nil, gpus{"a2-highgpu-2g", "nvidia-tesla-a100", "pd-ssd", 2}},
		"only the machine type":           {settings{"VM_TYPE": "a3-megagpu-8g"}, gpus{"a3-megagpu-8g", "nvidia-h100-mega-80gb", "pd-ssd", 8}},
		"a machine type in capitals":      {settings{"VM_TYPE": "A2-HighGPU-1G"}, gpus{"a2-highgpu-1g", "nvidia-tesla-a100", "pd-ssd", 1}},
		"all three, agreeing":             {settings{"VM_TYPE": "g2-standard-24", "GPU_COUNT": "2", "ACCELERATOR_TYPE": "nvidia-l4"}, gpus{"g2-standard-24", "nvidia-l4", "pd-ssd", 2}},
		"a GPU type in capitals":          {settings{"VM_TYPE": "g2-standard-24", "ACCELERATOR_TYPE": "NVIDIA-L4"}, gpus{"g2-standard-24", "nvidia-l4", "pd-ssd", 2}},
		"a machine without GPUs":          {settings{"VM_TYPE": "e2-standard-4"}, gpus{"e2-standard-4", "", "pd-ssd", 0}},
		"a machine without GPUs, said so": {settings{"VM_TYPE": "e2-standard-4", "GPU_COUNT": "0"}, gpus{"e2-standard-4", "", "pd-ssd", 0}},
		"N1 without GPUs":                 {settings{"VM_TYPE": "n1-standard-8"}, gpus{"n1-standard-8", "", "pd-ssd", 0}},
		"N1 with GPUs":                    {settings{"VM_TYPE": "n1-standard-8", "GPU_COUNT": "2", "ACCELERATOR_TYPE": "nvidia-tesla-t4"}, gpus{"n1-standard-8", "nvidia-tesla-t4", "pd-ssd", 2}},
		"a machine of one kind of disk":   {settings{"VM_TYPE": "g4-standard-48"}, gpus{"g4-standard-48", "nvidia-rtx-pro-6000", "hyperdisk-balanced", 1}},
	} {
		t.Run(name, func(t *testing.T) {
			c := mustLoad(t, config.Input{Flags: over(tc.set)})
			if diff := cmp.Diff(tc.want, gpus{c.VMType, c.AcceleratorType, c.DiskType, c.GPUCount}); diff != "" {
				t.Error(diff)
			}
			if c.Machine.Name != tc.want.Machine {
				t.Errorf("the machine is %q", c.Machine.Name)
			}
		})
	}
}

func TestMachinesAreRefused(t *testing.T) {
	const hidden = ""
	for name, tc := range map[string]refusal{
		"an unknown machine type names near ones":         {settings{"VM_TYPE": "a2-highgpu-3g"}, []string{"VM_TYPE"}, []string{"a2-highgpu-2g"}, ""},
		"too many GPUs name the machine type that fits":   {settings{"GPU_COUNT": "8"}, []string{"GPU_COUNT"}, []string{"VM_TYPE=a2-highgpu-8g"}, ""},
		"another GPU type names the one that fits":        {settings{"ACCELERATOR_TYPE": "nvidia-l4"}, []string{"ACCELERATOR_TYPE"}, []string{"VM_TYPE=g2-standard-24"}, ""},
		"both name the one that fits":                     {settings{"GPU_COUNT": "8", "ACCELERATOR_TYPE": "nvidia-h100-mega-80gb"}, []string{"GPU_COUNT"}, []string{"VM_TYPE=a3-megagpu-8g"}, ""},
		"the A100 of 80 GB is another type":               {settings{"VM_TYPE": "a2-ultragpu-2g", "ACCELERATOR_TYPE": "nvidia-tesla-a100"}, []string{"ACCELERATOR_TYPE"}, []string{"nvidia-a100-80gb"}, ""},
		"no GPUs on a machine that comes with them":       {settings{"GPU_COUNT": "0"}, []string{"GPU_COUNT"}, []string{"GPU_COUNT=2"}, ""},
		"GPUs on a machine that takes none":               {settings{"VM_TYPE": "e2-standard-4", "GPU_COUNT": "1", "ACCELERATOR_TYPE": "nvidia-tesla-t4"}, []string{"VM_TYPE"}, []string{"N1"}, ""},
		"N1 with a number of GPUs that it does not take":  {settings{"VM_TYPE": "n1-standard-8", "GPU_COUNT": "3", "ACCELERATOR_TYPE": "nvidia-tesla-t4"}, []string{"VM_TYPE"}, []string{"1, 2, 4"}, ""},
		"N1 too large for its GPUs":                       {settings{"VM_TYPE": "n1-standard-96", "GPU_COUNT": "1", "ACCELERATOR_TYPE": "nvidia-tesla-t4"}, []string{"VM_TYPE"}, []string{"too large"}, ""},
		"N1 with a number but no type":                    {settings{"VM_TYPE": "n1-standard-8", "GPU_COUNT": "1"}, []string{"ACCELERATOR_TYPE"}, []string{"nvidia-tesla-t4"}, ""},
		"N1 with a type but no number":                    {settings{"VM_TYPE": "n1-standard-8", "ACCELERATOR_TYPE": "nvidia-tesla-t4"}, []string{"GPU_COUNT"}, []string{"is needed"}, ""},
		"an unknown GPU type":                             {settings{"ACCELERATOR_TYPE": "nvidia-a100"}, []string{"ACCELERATOR_TYPE"}, []string{"nvidia-tesla-a100"}, ""},
		"a machine type that is not to be had on demand":  {settings{"VM_TYPE": "a4-highgpu-8g"}, []string{"VM_TYPE"}, []string{"PROVISIONING_MODEL", "spot"}, ""},
		"a disk type that the machine cannot boot from":   {settings{"VM_TYPE": "g4-standard-48", "DISK_TYPE": "pd-ssd"}, []string{"DISK_TYPE"}, []string{"hyperdisk-balanced"}, ""},
		"A3 does not boot from pd-standard":               {settings{"VM_TYPE": "a3-megagpu-8g", "DISK_TYPE": "pd-standard"}, []string{"DISK_TYPE"}, []string{"pd-balanced"}, ""},
		"a count that is no number is one problem":        {settings{"GPU_COUNT": "two"}, []string{"GPU_COUNT"}, nil, ""},
		"an unknown machine type beside a bad count":      {settings{"VM_TYPE": "a2", "GPU_COUNT": "two"}, []string{"VM_TYPE", "GPU_COUNT"}, nil, hidden},
		"an unknown machine type beside a bad disk":       {settings{"VM_TYPE": "a2", "DISK_TYPE": "floppy"}, []string{"VM_TYPE", "DISK_TYPE"}, nil, hidden},
		"an unknown machine type beside a bad GPU type":   {settings{"VM_TYPE": "a2", "ACCELERATOR_TYPE": "gpu"}, []string{"VM_TYPE", "ACCELERATOR_TYPE"}, nil, hidden},
		"an unknown GPU type beside a type not on demand": {settings{"VM_TYPE": "a4-highgpu-8g", "ACCELERATOR_TYPE": "gpu"}, []string{"VM_TYPE", "ACCELERATOR_TYPE"}, nil, hidden},
		"GPUs that only N1 takes say so":                  {settings{"ACCELERATOR_TYPE": "nvidia-tesla-t4"}, []string{"ACCELERATOR_TYPE"}, []string{"n1-"}, ""},
		"GPUs of another number name where they come":     {settings{"ACCELERATOR_TYPE": "nvidia-h200-141gb"}, []string{"ACCELERATOR_TYPE"}, []string{"a3-ultragpu-8g"}, ""},
	} {
		t.Run(name, tc.check)
	}
}

// TestEveryMachineTypeGivesAnAnswer holds settings and table together: with only VM_TYPE given, a type that can be had on
// demand is taken with its own GPUs and a disk that it boots from; any other is refused for that reason alone.
func TestEveryMachineTypeGivesAnAnswer(t *testing.T) {
	for _, m := range machines.All() {
		c, problems := load(settings{"VM_TYPE": m.Name})
		switch {
		case m.OnDemand() && (c == nil || c.GPUCount != m.GPUs || c.AcceleratorType != m.GPU || !m.Boots(c.DiskType)):
			t.Errorf("%s: %+v %v", m.Name, c, problems)
		case !m.OnDemand() && (c != nil || len(problems.Errors()) != 1 || problems.Errors()[0].Path != "VM_TYPE"):
			t.Errorf("%s: %v", m.Name, problems)
		}
		if arm := m.Arch == "ARM64"; arm != warns(problems, "VM_TYPE") {
			t.Errorf("%s: the warning about Arm is wrong: %v", m.Name, problems)
		}
	}
}
