package compute

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

//go:embed region_quotas.tsv
var regionQuotasFile string

// regionMetric is a row of region_quotas.tsv. What uses it are keys of a tally.
type regionMetric struct {
	metric string
	limit  float64
	uses   []string
}

var regionMetrics = sync.OnceValue(func() []regionMetric { //nolint:gochecknoglobals // a constant table
	var out []regionMetric
	for row := range tableRows(regionQuotasFile) {
		limit, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			panic(err) // the file is part of the program and read by a test
		}
		q := regionMetric{metric: row[0], limit: limit}
		what := strings.Fields(row[2])
		for _, name := range what[1:] {
			q.uses = append(q.uses, what[0]+" "+name)
		}
		if what[0] == "addresses" {
			q.uses = what
		}
		out = append(out, q)
	}
	return out
})

// tableRows are the lines of an embedded table, cut at tabs, without comments.
func tableRows(file string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(file) {
			if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' && !yield(strings.Split(line, "\t")) {
				return
			}
		}
	}
}

// regionQuotas are the quotas of a region with what is used of them now (shape: discovery document, Quota).
func (c *call) regionQuotas(r places.Region) []any {
	used := c.tally(r)
	var out []any
	for _, q := range regionMetrics() {
		usage := 0.0
		for _, key := range q.uses {
			usage += used[key]
		}
		out = append(out, doc.Map{"metric": q.metric, "limit": q.limit, "usage": usage})
	}
	return out
}

// tally counts what is in a region: "cpus n1", "gpus nvidia-l4", "disks pd-ssd" in GB, "kind compute#instance", "addresses".
// Spot VMs count as "spot cpus" and "spot nvidia-l4" instead (page "Allocation quotas").
func (c *call) tally(r places.Region) map[string]float64 {
	used := map[string]float64{}
	for _, z := range r.ZoneNames() {
		for _, plural := range []string{"instances", "disks", "instanceGroups", "instanceGroupManagers", "reservations"} {
			for _, o := range c.tx.List(worldName(c.project() + "/zones/" + z + "/" + plural)) {
				used["kind "+o.Kind]++
				switch plural {
				case "instances":
					tallyMachine(used, o.Doc)
				case "disks":
					used["disks "+basename(doc.Str(o.Doc, "type"))] += float64(doc.Num(o.Doc, "sizeGb"))
				}
			}
		}
	}
	for _, o := range c.tx.List(worldName(c.project() + "/regions/" + r.Name + "/resourcePolicies")) {
		used["kind "+o.Kind]++
	}
	return used
}

func tallyMachine(used map[string]float64, vm doc.Map) {
	t, _ := machines.Lookup(basename(doc.Str(vm, "machineType")))
	cpus, gpus := "cpus "+t.Family(), "gpus "
	if doc.Bool(vm, "scheduling", "preemptible") || doc.Str(vm, "scheduling", "provisioningModel") == "SPOT" {
		cpus, gpus = "spot cpus", "spot "
	}
	used[cpus] += float64(t.CPUs)
	if t.GPU != "" {
		used[gpus+t.GPU] += float64(t.GPUs)
	} else {
		for _, g := range doc.Objects(vm, "guestAccelerators") {
			used[gpus+basename(doc.Str(g, "acceleratorType"))] += float64(doc.Num(g, "acceleratorCount"))
		}
	}
	for _, nic := range doc.Objects(vm, "networkInterfaces") {
		used["addresses"] += float64(len(doc.List(nic, "accessConfigs")))
	}
}
