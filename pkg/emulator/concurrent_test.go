package emulator_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
)

// Eight clients at once read lists, operations and groups while others change the same documents: what leaves the world is
// rendered before anybody can change it again. The race detector is the judge; without it a fault shows as a panic, "concurrent
// map iteration and map write". Time is real here, a call takes some microseconds: in virtual time nothing overlaps.
func TestEightClientsAtOnce(t *testing.T) {
	em, first := newEmulator(t, emulator.Options{Latency: typical(t), TimeScale: 20000})
	first.done("POST", base+"global/instanceTemplates", template("template"))
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() { work(client{t, em.Transport()}, i) })
	}
	clients.Wait()
	if calls, err := em.Calls(); err != nil || len(calls) < 8*50 {
		t.Errorf("%d calls, %v: too few to prove anything", len(calls), err)
	}
}

// work is what one client does: a network of its own with what belongs in it, and looks at what all share.
func work(c client, i int) {
	name := fmt.Sprintf("net-%d", i)
	c.done("POST", base+"global/networks", network(name))
	look := func() {
		for _, path := range []string{
			"global/networks", "global/operations", "aggregated/subnetworks", "zones/us-central1-a/instanceGroupManagers",
			"zones/us-central1-a/instances", "zones/us-central1-a/operations", "global/networks/default",
		} {
			if status, v := c.call("GET", base+path, ""); status != 200 {
				c.t.Errorf("GET %s: %d %s", path, status, message(v))
			}
		}
	}
	look()
	c.done("POST", base+"regions/us-central1/subnetworks", fmt.Sprintf(`{"name":"sub-%d","network":"global/networks/%s","ipCidrRange":"10.%d.0.0/24"}`, i, name, i))
	look()
	group := fmt.Sprintf("group-%d", i)
	c.done("POST", base+"zones/us-central1-a/instanceGroupManagers?requestId="+fmt.Sprintf("0a1b2c3d-0000-4000-8000-00000000000%d", i),
		fmt.Sprintf(`{"name":%q,"targetSize":2,"instanceTemplate":"global/instanceTemplates/template"}`, group))
	for range 5 {
		look()
		c.call("POST", base+"zones/us-central1-a/instanceGroupManagers/"+group+"/listManagedInstances", "")
		c.call("GET", base+"zones/us-central1-a/instanceGroupManagers/"+group, "")
	}
	c.done("DELETE", base+"zones/us-central1-a/instanceGroupManagers/"+group, "")
	c.call("DELETE", base+"regions/us-central1/subnetworks/sub-"+fmt.Sprint(i), "")
	look()
}

// template is a machine without GPUs on the default network.
func template(name string) string {
	return fmt.Sprintf(`{"name":%q,"properties":{"machineType":"n1-standard-4","networkInterfaces":[{"network":"global/networks/default"}],
		"disks":[{"boot":true,"autoDelete":true,"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}]}}`, name)
}
