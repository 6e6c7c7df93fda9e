//go:build !race

package compute_test

import (
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// cpu is the processor time that this process has used.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// Ten thousand VMs are made, listed, two thousand of them updated, and all deleted in less than ten seconds of processor time. (The race detector
// multiplies it, so this file is not built with it.)
func TestTenThousandVMsCostLittle(t *testing.T) {
	const groups, size, limit = 10, 1000, 10 * time.Second
	started := cpu(t)
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		c.must("POST", "global/networks", `{"name":"big","autoCreateSubnetworks":false}`)
		pass(time.Minute)
		c.must("POST", "regions/us-central1/subnetworks", `{"name":"big","network":"global/networks/big","ipCidrRange":"10.0.0.0/16"}`)
		pass(time.Minute)
		for _, name := range []string{"one", "two"} {
			c.must("POST", "global/instanceTemplates", fmt.Sprintf(`{"name":%q,"properties":{"machineType":"n1-standard-4","networkInterfaces":[{"network":"global/networks/big","subnetwork":"regions/us-central1/subnetworks/big"}],
				"disks":[{"boot":true,"autoDelete":true,"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}]}}`, name))
		}
		pass(time.Minute)
		lap := func(what string) {
			t.Logf("%-28s %v", what, (cpu(t) - started).Round(10*time.Millisecond))
		}
		each := func(f func(path string)) {
			for i := range groups {
				f(fmt.Sprintf("%sinstanceGroupManagers/group-%d", zone, i))
			}
		}
		count := func(want int) {
			t.Helper()
			n := 0
			for token := "first"; token != ""; {
				page := c.must("GET", zone+"instances?pageToken="+map[bool]string{false: token}[token == "first"], "")
				n += len(doc.Objects(page, "items"))
				token = doc.Str(page, "nextPageToken")
			}
			if n != want {
				t.Errorf("%d VMs are listed, not %d", n, want)
			}
		}
		settle := func() {
			t.Helper()
			pass(10 * time.Minute)
			each(func(path string) {
				if g := c.must("GET", path, ""); !doc.Bool(g, "status", "isStable") {
					t.Errorf("%s: %v", path, g["currentActions"])
				}
			})
		}
		for i := range groups {
			c.must("POST", zone+"instanceGroupManagers", fmt.Sprintf(`{"name":"group-%d","baseInstanceName":"vm-%d-####","targetSize":%d,"instanceTemplate":"global/instanceTemplates/one",
				"updatePolicy":{"type":"PROACTIVE","replacementMethod":"RECREATE","maxSurge":{"fixed":0},"maxUnavailable":{"percent":100}}}`, i, i, size))
		}
		settle()
		lap("made")
		count(groups * size)
		each(func(path string) {
			if n := len(doc.Objects(c.must("POST", path+"/listManagedInstances", ""), "managedInstances")); n != size {
				t.Errorf("%s: %d", path, n)
			}
		})
		lap("listed")
		c.must("PATCH", zone+"instanceGroupManagers/group-1", `{"instanceTemplate":"global/instanceTemplates/two"}`)
		c.must("PATCH", zone+"instanceGroupManagers/group-2", `{"instanceTemplate":"global/instanceTemplates/two","updatePolicy":{"replacementMethod":"SUBSTITUTE","maxSurge":{"percent":20}}}`)
		settle()
		lap("two updated")
		c.must("POST", zone+"instanceGroupManagers/group-0/resize?size=0", "")
		settle()
		c.must("DELETE", zone+"instanceGroupManagers/group-0", "")
		count((groups - 1) * size)
		lap("one resized to nothing")
		for i := 1; i < groups; i++ {
			c.must("DELETE", fmt.Sprintf("%sinstanceGroupManagers/group-%d", zone, i), "")
		}
		pass(5 * time.Minute)
		count(0)
		lap("deleted")
	})
	if used := cpu(t) - started; used > limit {
		t.Errorf("%v of processor time, more than %v", used, limit)
	}
}
