package compute

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

// offered says in which zones accelerator-optimised families and attachable GPUs are offered; what is not listed is offered
// everywhere. It is a likeness of the page "GPU regions and zones availability", from memory: availability changes by the
// week, and nothing but a realistic "not in this zone" rests on it.
var offered = map[string]string{ //nolint:gochecknoglobals // a constant table
	"a2-highgpu":  "us-central1-a us-central1-b us-central1-c us-central1-f us-east1-b us-west1-b us-west3-b us-west4-b europe-west4-a europe-west4-b asia-northeast1-a asia-northeast1-c asia-northeast3-a asia-northeast3-b asia-southeast1-b asia-southeast1-c me-west1-a me-west1-c",
	"a2-megagpu":  "us-central1-a us-central1-b us-central1-c us-central1-f us-west1-b europe-west4-a europe-west4-b asia-northeast1-a asia-northeast1-c asia-northeast3-a asia-northeast3-b asia-southeast1-b asia-southeast1-c me-west1-a",
	"a2-ultragpu": "us-central1-a us-central1-c us-east4-c us-east5-b europe-west4-a asia-southeast1-c",
	"a3-highgpu":  "us-central1-a us-central1-c us-east4-a us-east4-b us-east5-a us-west1-a us-west1-b us-west4-a europe-west1-b europe-west1-c europe-west4-b europe-west4-c asia-northeast1-b asia-southeast1-b asia-southeast1-c",
	"a3-edgegpu":  "us-west4-a europe-west1-b asia-south1-b",
	"a3-megagpu":  "us-central1-a us-central1-b us-central1-c us-east4-a us-east4-b us-east4-c us-east5-a us-west1-a us-west1-b us-west4-a europe-west1-b europe-west1-c europe-west4-b asia-northeast1-b asia-southeast1-b asia-southeast1-c",
	"a3-ultragpu": "us-central1-b us-east4-b us-east5-a us-south1-b us-west1-c europe-west1-b europe-west4-a asia-south1-b",
	"a4-highgpu":  "us-central1-b us-east1-b us-east4-b us-south1-b us-west2-c europe-west4-b asia-southeast1-b",
	"a4x-highgpu": "us-central1-a us-east1-d",
	"a4x-maxgpu":  "us-central1-b",
	"g2-standard": "us-central1-a us-central1-b us-central1-c us-east1-b us-east1-c us-east1-d us-east4-a us-east4-c us-west1-a us-west1-b us-west1-c us-west4-a us-west4-c europe-west1-b europe-west1-c europe-west2-a europe-west2-b europe-west3-a europe-west3-b europe-west4-a europe-west4-b europe-west4-c asia-east1-a asia-east1-b asia-east1-c asia-northeast1-a asia-northeast1-b asia-northeast1-c asia-south1-a asia-south1-b asia-south1-c asia-southeast1-a asia-southeast1-b asia-southeast1-c",
	"g4-standard": "us-central1-b us-central1-f us-east1-b us-east4-c us-east5-b us-south1-a us-west4-a europe-west4-b asia-southeast1-b",
}

func offeredIn(machine, zone string) bool {
	parts := strings.SplitN(machine, "-", 3)
	if len(parts) < 3 {
		return true
	}
	zones, limited := offered[parts[0]+"-"+parts[1]]
	return !limited || slices.Contains(strings.Fields(zones), zone)
}

func machineDoc(project, zone string, t machines.Type) doc.Map {
	path := project + "/zones/" + zone + "/machineTypes/" + t.Name
	d := doc.Map{
		"kind": "compute#machineType", "id": fmt.Sprint(3000 + uint64(draws.Uniform(0, t.Name, 1)*900000)), "name": t.Name, "zone": zone,
		"description": fmt.Sprintf("%d vCPUs, %g GB RAM", t.CPUs, t.MemoryGB), "guestCpus": t.CPUs, "memoryMb": int(t.MemoryGB * 1024),
		"imageSpaceGb": 0, "isSharedCpu": slices.Contains([]string{"e2-micro", "e2-small", "e2-medium"}, t.Name),
		"maximumPersistentDisks": 128, "maximumPersistentDisksSizeGb": "263168", "architecture": t.Arch,
		"creationTimestamp": "1969-12-31T16:00:00.000-08:00", "selfLink": linkBase + path,
	}
	if t.GPU != "" {
		d["description"] = fmt.Sprintf("Accelerator Optimized: %d %s GPU, %d vCPUs, %gGB RAM", t.GPUs, t.GPU, t.CPUs, t.MemoryGB)
		d["accelerators"] = []any{doc.Map{"guestAcceleratorType": t.GPU, "guestAcceleratorCount": t.GPUs}}
	}
	return d
}

func gpuDoc(project, zone, gpu string) doc.Map {
	return doc.Map{
		"kind": "compute#acceleratorType", "id": fmt.Sprint(10000 + uint64(draws.Uniform(0, gpu, 1)*90000)), "name": gpu,
		"description": strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(gpu, "nvidia-"), "-", " ")), "maximumCardsPerInstance": 16,
		"zone": linkBase + project + "/zones/" + zone, "creationTimestamp": "1969-12-31T16:00:00.000-08:00",
		"selfLink": linkBase + project + "/zones/" + zone + "/acceleratorTypes/" + gpu,
	}
}

// gpuIn says whether a GPU type is to be had in a zone: some machine type that brings it is, or it can be attached.
func gpuIn(gpu, zone string) bool {
	if slices.Contains(machines.AttachableGPUs(), gpu) {
		return true
	}
	return slices.ContainsFunc(machines.All(), func(t machines.Type) bool { return t.GPU == gpu && offeredIn(t.Name, zone) })
}

// machineMethods read machine types and accelerator types.
func (svc *service) machineMethods() map[string]handler {
	machinesOf := func(c *call, zone string) []doc.Map {
		var items []doc.Map
		for _, t := range machines.All() {
			if offeredIn(t.Name, zone) {
				items = append(items, machineDoc(c.project(), zone, t))
			}
		}
		return items
	}
	gpusOf := func(c *call, zone string) []doc.Map {
		var items []doc.Map
		for _, gpu := range machines.GPUTypes() {
			if gpuIn(gpu, zone) {
				items = append(items, gpuDoc(c.project(), zone, gpu))
			}
		}
		return items
	}
	return map[string]handler{
		"MachineTypes.Get": func(c *call) (any, error) {
			t, ok := machines.Lookup(c.vars["machineType"])
			if !ok || !offeredIn(t.Name, c.vars["zone"]) {
				return nil, notFound(c.path)
			}
			return machineDoc(c.project(), c.vars["zone"], t), nil
		},
		"MachineTypes.List": func(c *call) (any, error) {
			return c.virtual(c.scope()+"/machineTypes", "compute#machineTypeList", machinesOf(c, c.vars["zone"]))
		},
		"MachineTypes.AggregatedList": func(c *call) (any, error) {
			return c.virtualAggregated("machineTypes", "compute#machineTypeAggregatedList", machinesOf)
		},
		"AcceleratorTypes.Get": func(c *call) (any, error) {
			gpu := c.vars["acceleratorType"]
			if !slices.Contains(machines.GPUTypes(), gpu) || !gpuIn(gpu, c.vars["zone"]) {
				return nil, notFound(c.path)
			}
			return gpuDoc(c.project(), c.vars["zone"], gpu), nil
		},
		"AcceleratorTypes.List": func(c *call) (any, error) {
			return c.virtual(c.scope()+"/acceleratorTypes", "compute#acceleratorTypeList", gpusOf(c, c.vars["zone"]))
		},
		"AcceleratorTypes.AggregatedList": func(c *call) (any, error) {
			return c.virtualAggregated("acceleratorTypes", "compute#acceleratorTypeAggregatedList", gpusOf)
		},
	}
}
