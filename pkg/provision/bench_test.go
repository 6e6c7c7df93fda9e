package provision_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
)

// scale is how many times as fast the emulated cloud is in the benchmark.
const scale = 10

// BenchmarkCreate measures, in real time on a cloud ten times as fast, what create and destroy take beyond the critical path
// of the operations: the longest chain of the plan, at the usual durations that the emulator also uses. Calls answer at once
// here; with the usual 0.2 s a call the same runs are printed as "with calls".
func BenchmarkCreate(b *testing.B) {
	for _, network := range []string{"default_network", "new_network"} {
		for _, vms := range []int{1, 10, 1000} {
			for _, rest := range []bool{false, true} {
				name := fmt.Sprintf("%s/%d", network, vms)
				if rest {
					name += "/with_calls"
				}
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						measure(b, network, vms, rest)
					}
				})
			}
		}
	}
}

func measure(b *testing.B, network string, vms int, rest bool) {
	p := profile(b, "typical")
	if !rest {
		kinds := map[string]emulator.Triple{}
		for k, v := range p.Kinds {
			if k != "rest" && k != "storage_object.write" && k != "storage_bucket.create" && k != "storage_bucket.delete" {
				kinds[k] = v
			}
		}
		p.Kinds = kinds
	}
	c := newCloud(b, emulator.Options{Latency: p, TimeScale: scale})
	cfg := settings(b, "NETWORK_CONFIG="+network, fmt.Sprintf("INSTANCE_COUNT=%d", vms))
	e := c.engine(b.Context(), c.em.Transport(), scale)
	plan, err := e.Plan(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	_, up := plan.Critical()
	before := c.calls(b)
	start := time.Now()
	if _, err := e.Create(b.Context(), cfg, nil); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(start).Seconds()/(up.Seconds()/scale), "create/critical")
	b.ReportMetric(float64(c.calls(b)-before), "create-calls")
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.ReportMetric(float64(mem.HeapInuse+mem.StackInuse)/1e6, "MB")

	down := 75 + 4 // the group, then its template
	if network == "new_network" {
		down += 10 + 14 // then the subnetwork and the network
	}
	start = time.Now()
	if _, err := c.engine(b.Context(), c.em.Transport(), scale).Destroy(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(start).Seconds()/(float64(down)/scale), "destroy/critical")
	if left := c.left(); len(left) > 0 {
		b.Errorf("left: %v", left)
	}
}

func (c *cloud) calls(tb testing.TB) int {
	tb.Helper()
	calls, err := c.em.Calls()
	if err != nil {
		tb.Fatal(err)
	}
	return len(calls)
}
