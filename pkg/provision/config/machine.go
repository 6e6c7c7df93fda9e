package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

// defaultCopyDir is the local directory whose files are staged.
const defaultCopyDir = "/usr/aiinfra/copy"

// machine makes VM_TYPE, GPU_COUNT and ACCELERATOR_TYPE agree. When only VM_TYPE is given, the other two follow.
func (r *reader) machine(c *Config) {
	c.VMType = strings.ToLower(r.text("VM_TYPE"))
	wrong := len(r.problems)
	t, known := machines.Lookup(c.VMType)
	if !known {
		r.fail("VM_TYPE", c.VMType, "is not a machine type that this version knows", "nearest are "+strings.Join(nearTypes(c.VMType), ", "))
	}
	if known && !t.OnDemand() {
		r.fail("VM_TYPE", t.Name, "cannot be had with PROVISIONING_MODEL=standard, only with "+strings.ToLower(strings.Join(t.Provisioning, ", ")),
			"other provisioning models are not there yet: choose another VM_TYPE")
		wrong++ // whether the GPUs agree can be said all the same
	}
	c.Machine, c.GPUCount, c.AcceleratorType = t, t.GPUs, t.GPU
	gpus, gpu := c.GPUCount, c.AcceleratorType
	if r.has("GPU_COUNT") {
		gpus = r.whole("GPU_COUNT", 0, 16)
	}
	if r.has("ACCELERATOR_TYPE") {
		gpu = strings.ToLower(r.text("ACCELERATOR_TYPE"))
		if !slices.Contains(machines.GPUTypes(), gpu) {
			r.fail("ACCELERATOR_TYPE", gpu, "is not a GPU type that this version knows", "give one of "+strings.Join(machines.GPUTypes(), ", "))
		}
	}
	if len(r.problems) > wrong {
		return // whether they agree cannot be said
	}
	switch {
	case t.GPU != "":
		r.fixedGPUs(t, gpu, gpus)
	case gpus == 0 && gpu == "":
	case gpus == 0 && r.has("GPU_COUNT"):
		gpu = ""
	case gpu == "":
		r.fail("ACCELERATOR_TYPE", "", fmt.Sprintf("is needed for %d GPUs on %s", gpus, t.Name), "give one of "+strings.Join(machines.AttachableGPUs(), ", "))
	case gpus == 0:
		r.fail("GPU_COUNT", "", "is needed with ACCELERATOR_TYPE on "+t.Name, "give 1, 2, 4 or 8")
	default:
		if err := machines.Attachable(t.Name, gpu, gpus); err != nil {
			r.fail("VM_TYPE", t.Name, err.Error(), "change VM_TYPE, GPU_COUNT or ACCELERATOR_TYPE")
		}
	}
	c.GPUCount, c.AcceleratorType = gpus, gpu
	if t.Arch == "ARM64" {
		r.warn("VM_TYPE", t.Name+" is an Arm machine: the image must be one for Arm", "")
	}
}

// fixedGPUs checks what was given against the GPUs that come with a machine type, and names the type that would fit.
func (r *reader) fixedGPUs(t machines.Type, gpu string, gpus int) {
	if gpu == t.GPU && gpus == t.GPUs {
		return
	}
	hint := fmt.Sprintf("%s comes with GPU_COUNT=%d ACCELERATOR_TYPE=%s", t.Name, t.GPUs, t.GPU)
	switch fit := machines.With(gpu, gpus); {
	case len(fit) > 0:
		hint += fmt.Sprintf("; for %d × %s set VM_TYPE=%s", gpus, gpu, fit[0])
	case slices.Contains(machines.AttachableGPUs(), gpu):
		hint += fmt.Sprintf("; %s is attached to N1 machines: set VM_TYPE=n1-standard-8, for example", gpu)
	default:
		hint += fmt.Sprintf("; %s comes with %s", gpu, strings.Join(machines.Having(gpu), ", "))
	}
	key, value := "GPU_COUNT", fmt.Sprint(gpus)
	if gpus == t.GPUs {
		key, value = "ACCELERATOR_TYPE", gpu
	}
	r.fail(key, value, "does not agree with VM_TYPE="+t.Name, hint)
}

func nearTypes(name string) []string {
	if len(name) > 64 {
		name = name[:64]
	}
	all := machines.All()
	far := map[string]int{}
	for _, t := range all {
		far[t.Name] = levenshtein.Distance(name, t.Name, nil)
	}
	slices.SortStableFunc(all, func(a, b machines.Type) int { return far[a.Name] - far[b.Name] })
	var out []string
	for _, t := range all[:3] {
		out = append(out, t.Name)
	}
	return out
}

// lengths refuses a prefix with which the longest name would be too long, saying which and by how much.
func (r *reader) lengths(c *Config) {
	if c.NamePrefix == "" {
		return
	}
	type name struct {
		what, suffix string
		most         int
	}
	all := []name{
		{"label aiinfra-cluster", "-12345678", 63}, {"instance template", "-vm-12345678", 63}, {"managed instance group", "-mig", 63},
		{"base name of the VMs", "-vm-####", 57},
	}
	if c.InstanceCount > 1000 {
		all = append(all, name{"managed instance group", "-mig-99", 63}, name{"base name of the VMs", "-vm-99-####", 57})
	}
	if c.Network == NewNetwork {
		all = append(all, name{"network", "-net", 63}, name{"subnetwork", "-subnet", 63}, name{"firewall rule", "-allow-internal", 63}, name{"router", "-router", 63})
	}
	worst, over := name{}, 0
	for _, n := range all {
		if d := len(c.NamePrefix) + len(n.suffix) - n.most; d > over {
			worst, over = n, d
		}
	}
	if over > 0 {
		shown := c.NamePrefix
		if len(shown) > 80 {
			shown = "NAME_PREFIX"
		}
		r.fail("NAME_PREFIX", c.NamePrefix, fmt.Sprintf("makes the %s %s%s %d characters too long", worst.what, shown, worst.suffix, over),
			fmt.Sprintf("give at most %d characters", len(c.NamePrefix)-over))
	}
}

// staged refuses files to stage, as long as nothing stages them.
func (r *reader) staged(dir string) {
	given := dir != ""
	if !given {
		dir = defaultCopyDir
	}
	entries, err := os.ReadDir(dir)
	switch {
	case given:
		r.fail("--copy-dir", dir, "staging files is not there yet", "leave it out")
	case err == nil && len(entries) > 0:
		r.fail(defaultCopyDir, "", fmt.Sprintf("holds %d files, but staging files is not there yet", len(entries)), "empty it, or leave the volume out")
	}
}
