// Package machines is the table of machine types: which GPUs come with which type, what may be attached to N1, and which
// disks a type boots from. It is data, read from the public pages on accelerator-optimised machines, GPU machine types and
// Local SSD of April 2026, from Google's Cluster Toolkit, and, for the types without GPUs of their own, from a listing of July 2026
// (general.tsv). The settings are checked against it before any call, and the emulator refuses what it refuses.
//
// Worked example:
//
//	t, ok := machines.Lookup("a3-megagpu-8g")
//	t.GPU, t.GPUs              // "nvidia-h100-mega-80gb", 8
//	t.Boots("pd-standard")     // false
//	machines.Attachable("n1-standard-8", "nvidia-tesla-t4", 2) // nil: it fits
package machines

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Type is a machine type.
type Type struct {
	Name         string   `json:"name"`
	CPUs         int      `json:"cpus"`
	MemoryGB     float64  `json:"memoryGb"`
	GPU          string   `json:"gpu"`  // accelerator type that comes with it; empty when none does
	GPUs         int      `json:"gpus"` // how many
	BootDisks    []string `json:"bootDisks"`
	Provisioning []string `json:"provisioning"` // models it can be had with: STANDARD, SPOT, FLEX_START, RESERVATION_BOUND
	Arch         string   `json:"arch"`         // X86_64 or ARM64
	NICs         int      `json:"nics"`         // most network interfaces
	Shared       bool     `json:"shared"`       // has a part of a core
	Deprecated   string   `json:"deprecated"`   // DEPRECATED or OBSOLETE, or empty
}

// Family is the part before the first hyphen: "a2".
func (t Type) Family() string {
	family, _, _ := strings.Cut(t.Name, "-")
	return family
}

// Boots says whether the type can boot from a disk type.
func (t Type) Boots(disk string) bool { return slices.Contains(t.BootDisks, disk) }

// DefaultDisk is pd-ssd where the type boots from it, and the only kind it boots from otherwise.
func (t Type) DefaultDisk() string {
	if t.Boots("pd-ssd") || len(t.BootDisks) == 0 {
		return "pd-ssd"
	}
	return t.BootDisks[0]
}

// OnDemand says whether the type can be had without a reservation, spot or flex-start.
func (t Type) OnDemand() bool { return slices.Contains(t.Provisioning, "STANDARD") }

//go:embed accelerated.json
var accelerated []byte

// table is read once: it never changes.
var table = sync.OnceValue(func() map[string]Type { //nolint:gochecknoglobals // a constant table
	var list []Type
	if err := json.Unmarshal(accelerated, &list); err != nil {
		panic(err) // the file is part of the program and read by a test
	}
	list = append(list, generalTypes()...)
	m := make(map[string]Type, len(list))
	for _, t := range list {
		m[t.Name] = t
	}
	return m
})

// Lookup finds a machine type.
func Lookup(name string) (Type, bool) {
	t, ok := table()[name]
	return t, ok
}

// All lists every machine type of the table, by name.
func All() []Type {
	out := make([]Type, 0, len(table()))
	for _, t := range table() {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Type) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Disks lists every type of boot disk of the table.
func Disks() []string {
	var out []string
	for _, t := range All() {
		out = append(out, t.BootDisks...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// With lists the types that come with so many GPUs of a type, by name.
func With(gpu string, count int) []string {
	var out []string
	for _, t := range All() {
		if t.GPU == gpu && t.GPUs == count {
			out = append(out, t.Name)
		}
	}
	return out
}

// Having lists the types that come with GPUs of a type, by name.
func Having(gpu string) []string {
	var out []string
	for _, t := range All() {
		if t.GPU == gpu {
			out = append(out, t.Name)
		}
	}
	return out
}

// limit is how large an N1 machine may be that has so many GPUs of a type.
type limit struct {
	gpus, cpus int
	memoryGB   float64
}

// attachable is what can be attached to N1 (page "GPU machine types", N1 section).
var attachable = map[string][]limit{ //nolint:gochecknoglobals // a constant table
	"nvidia-tesla-t4":   {{1, 48, 312}, {2, 48, 312}, {4, 96, 624}},
	"nvidia-tesla-v100": {{1, 12, 78}, {2, 24, 156}, {4, 48, 312}, {8, 96, 624}},
	"nvidia-tesla-p100": {{1, 16, 104}, {2, 32, 208}, {4, 96, 624}},
	"nvidia-tesla-p4":   {{1, 24, 156}, {2, 48, 312}, {4, 96, 624}},
}

// AttachableGPUs lists the GPU types that N1 takes.
func AttachableGPUs() []string {
	var out []string
	for gpu := range attachable {
		out = append(out, gpu)
	}
	slices.Sort(out)
	return out
}

// Attachable says why so many GPUs of a type cannot be attached to a machine type; nil when they can.
func Attachable(machine, gpu string, count int) error {
	t, ok := Lookup(machine)
	if !ok || t.Family() != "n1" {
		return fmt.Errorf("GPUs can only be attached to N1 machine types, not to %s", machine)
	}
	limits, ok := attachable[gpu]
	if !ok {
		return fmt.Errorf("%s cannot be attached to N1; %s can", gpu, strings.Join(AttachableGPUs(), ", "))
	}
	var counts []string
	for _, l := range limits {
		if l.gpus == count {
			if t.CPUs > l.cpus || t.MemoryGB > l.memoryGB {
				return fmt.Errorf("%s is too large for %d × %s: at most %d vCPUs and %g GB", machine, count, gpu, l.cpus, l.memoryGB)
			}
			return nil
		}
		counts = append(counts, fmt.Sprint(l.gpus))
	}
	return fmt.Errorf("%d × %s cannot be attached; possible are %s", count, gpu, strings.Join(counts, ", "))
}

// MostGPUs is how many GPUs of a type a machine can have at most.
func MostGPUs(gpu string) int {
	most := 0
	for _, l := range attachable[gpu] {
		most = max(most, l.gpus)
	}
	for _, t := range All() {
		if t.GPU == gpu {
			most = max(most, t.GPUs)
		}
	}
	return most
}

// GPUTypes lists every GPU type of the table.
func GPUTypes() []string { return slices.Clone(gpuTypes()) }

var gpuTypes = sync.OnceValue(func() []string { //nolint:gochecknoglobals // a constant table
	out := AttachableGPUs()
	for _, t := range table() {
		if t.GPU != "" {
			out = append(out, t.GPU)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
})
