package compute

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

// firstDay is when everything that was always there was created (recorded in public answers of zones.get and machineTypes.get).
const firstDay = "1969-12-31T16:00:00.000-08:00"

func offeredIn(machine, zone string) bool { return places.Offered(machine, zone) }

// machineDoc has the fields of recorded answers (public logs of machineTypes.list: n1, c2, a2). That imageSpaceGb is 0 is documented.
// Shared cores take fewer disks (page "Persistent Disk limits": 16, of 3 TB in all).
func machineDoc(project, zone string, t machines.Type) doc.Map {
	path := project + "/zones/" + zone + "/machineTypes/" + t.Name
	d := doc.Map{
		"kind": "compute#machineType", "id": fmt.Sprint(3000 + uint64(draws.Uniform(0, t.Name, 1)*900000)), "name": t.Name, "zone": zone,
		"description": machineWords(t), "guestCpus": t.CPUs, "memoryMb": int(t.MemoryGB * 1024), "imageSpaceGb": 0, "isSharedCpu": t.Shared,
		"maximumPersistentDisks": 128, "maximumPersistentDisksSizeGb": "263168", "architecture": t.Arch,
		"creationTimestamp": firstDay, "selfLink": linkBase + path,
	}
	if t.Shared {
		d["maximumPersistentDisks"], d["maximumPersistentDisksSizeGb"] = 16, "3072"
	}
	if t.GPU != "" {
		d["accelerators"] = []any{doc.Map{"guestAcceleratorType": t.GPU, "guestAcceleratorCount": t.GPUs}}
	}
	if t.Deprecated != "" {
		d["deprecated"] = doc.Map{"state": t.Deprecated}
	}
	return d
}

// machineWords is the description of a type. Those of N1, C2, E2 and A2 are recorded; the others follow the same pattern.
func machineWords(t machines.Type) string {
	cpus := plural(t.CPUs, "vCPU")
	switch {
	case t.GPU != "":
		return fmt.Sprintf("Accelerator Optimized: %s, %s, %gGB RAM", plural(t.GPUs, gpuWords(t.GPU)+" GPU"), cpus, t.MemoryGB)
	case t.Shared && t.Family() != "e2":
		return fmt.Sprintf("%s (shared physical core) and %g GB RAM", cpus, t.MemoryGB)
	case t.Family() == "c2":
		return fmt.Sprintf("Compute Optimized: %s, %g GB RAM", cpus, t.MemoryGB)
	case t.Family() == "e2":
		return fmt.Sprintf("Efficient Instance, %s, %g GB RAM", cpus, t.MemoryGB)
	}
	return fmt.Sprintf("%s, %g GB RAM", cpus, t.MemoryGB)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// gpuWords spells a GPU type as descriptions do: "NVIDIA Tesla A100" (recorded), "NVIDIA H200 141GB" (public listing).
func gpuWords(gpu string) string {
	words := strings.Split(gpu, "-")
	for i, w := range words {
		if w == "tesla" {
			words[i] = "Tesla"
		} else {
			words[i] = strings.ToUpper(w)
		}
	}
	return strings.Join(words, " ")
}

func gpuDoc(project, zone, gpu string) doc.Map {
	return doc.Map{
		"kind": "compute#acceleratorType", "id": fmt.Sprint(10000 + uint64(draws.Uniform(0, gpu, 1)*90000)), "name": gpu,
		"description": gpuWords(gpu), "maximumCardsPerInstance": machines.MostGPUs(gpu),
		"zone": linkBase + project + "/zones/" + zone, "creationTimestamp": firstDay,
		"selfLink": linkBase + project + "/zones/" + zone + "/acceleratorTypes/" + gpu,
	}
}

// gpuIn says whether a GPU type is to be had in a zone: it can be attached there, or some machine type of the zone brings it.
func gpuIn(gpu, zone string) bool {
	return slices.ContainsFunc(places.Names(zone), func(name string) bool { return gpuOf(name) == gpu })
}

// gpuOf is the GPU type that a name in a zone's offer stands for: that of a machine type that has GPUs, or itself; "" for none.
func gpuOf(name string) string {
	if t, isMachine := machines.Lookup(name); isMachine {
		return t.GPU
	}
	return name
}

// gpusIn lists the GPU types of a zone by name.
func gpusIn(zone string) []string {
	var out []string
	for _, name := range places.Names(zone) {
		if gpu := gpuOf(name); gpu != "" {
			out = append(out, gpu)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// machineMethods read machine types and accelerator types.
func (svc *service) machineMethods() map[string]handler {
	machinesOf := shelf(func(c *call, zone string) []func() doc.Map {
		var items []func() doc.Map
		for _, name := range places.Names(zone) {
			if t, ok := machines.Lookup(name); ok { // the others are GPUs
				items = append(items, func() doc.Map { return machineDoc(c.project(), zone, t) })
			}
		}
		return items
	})
	gpusOf := shelf(func(c *call, zone string) []func() doc.Map {
		var items []func() doc.Map
		for _, gpu := range gpusIn(zone) {
			items = append(items, func() doc.Map { return gpuDoc(c.project(), zone, gpu) })
		}
		return items
	})
	return map[string]handler{
		"MachineTypes.Get": func(c *call) (any, error) {
			t, ok := machines.Lookup(c.vars["machineType"])
			if !ok || !offeredIn(t.Name, c.vars["zone"]) {
				return nil, notFound(c.path)
			}
			return machineDoc(c.project(), c.vars["zone"], t), nil
		},
		"MachineTypes.List": func(c *call) (any, error) {
			return c.virtual(c.scope()+"/machineTypes", "compute#machineTypeList", machinesOf.render(c, c.vars["zone"]))
		},
		"MachineTypes.AggregatedList": func(c *call) (any, error) {
			return c.overScopes("machineTypes", "compute#machineTypeAggregatedList", inZones(machinesOf))
		},
		"AcceleratorTypes.Get": func(c *call) (any, error) {
			gpu := c.vars["acceleratorType"]
			if !gpuIn(gpu, c.vars["zone"]) {
				return nil, notFound(c.path)
			}
			return gpuDoc(c.project(), c.vars["zone"], gpu), nil
		},
		"AcceleratorTypes.List": func(c *call) (any, error) {
			return c.virtual(c.scope()+"/acceleratorTypes", "compute#acceleratorTypeList", gpusOf.render(c, c.vars["zone"]))
		},
		"AcceleratorTypes.AggregatedList": func(c *call) (any, error) {
			return c.overScopes("acceleratorTypes", "compute#acceleratorTypeAggregatedList", inZones(gpusOf))
		},
	}
}
