package compute_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

const disk = zone + "disks/d"

func TestDisks(t *testing.T) {
	world(t, "", func(c client) {
		c.must("POST", zone+"disks", `{"name":"d","type":"zones/us-central1-a/diskTypes/pd-ssd","labels":{"a":"b"}}`)
		if s := doc.Str(c.must("GET", disk, ""), "status"); s != "CREATING" {
			t.Errorf("%s", s)
		}
		pass(time.Minute)
		d := c.must("GET", disk, "")
		if doc.Str(d, "status") != "READY" || doc.Str(d, "sizeGb") != "500" || !strings.HasSuffix(doc.Str(d, "type"), "/diskTypes/pd-ssd") {
			t.Errorf("%v", d)
		}
		c.refused(400, "must be larger", "POST", disk+"/resize", `{"sizeGb":"500"}`)
		c.do(disk+"/resize", `{"sizeGb":"600"}`)
		c.refused(412, "Labels fingerprint either invalid", "POST", disk+"/setLabels", `{"labels":{}}`)
		c.do(disk+"/setLabels", `{"labels":{},"labelFingerprint":"`+doc.Str(d, "labelFingerprint")+`"}`)
		if d = c.must("GET", disk, ""); doc.Str(d, "sizeGb") != "600" || d["labels"] != nil || doc.Str(d, "labelFingerprint") != "42WmSpB8rSM=" {
			t.Errorf("%v", d)
		}
		for words, sent := range map[string]string{
			"The referenced diskType resource cannot be found.": `{"name":"e","type":"none"}`,
			"cannot be smaller than the image size (10 GB)":     `{"name":"e","sizeGb":"5","sourceImage":"projects/debian-cloud/global/images/family/debian-12"}`,
			"must be at least 10 GB":                            `{"name":"e","sizeGb":"5"}`,
			"The referenced image resource cannot be found.":    `{"name":"e","sourceImage":"projects/debian-cloud/global/images/family/none"}`,
		} {
			c.refused(400, words, "POST", zone+"disks", sent)
		}
		c.refused(404, "was not found", "POST", zone+"disks", `{"name":"e","sourceSnapshot":"global/snapshots/s"}`)
		c.do(zone+"disks?sourceImage=projects/debian-cloud/global/images/family/debian-12", `{"name":"e"}`)
		if e := c.must("GET", zone+"disks/e", ""); doc.Str(e, "sizeGb") != "10" || e["licenses"] == nil {
			t.Errorf("%v", e)
		}
	})
}

// A disk that is attached stays, and goes or stays with its instance as the attachment says.
func TestAttachedDisks(t *testing.T) {
	world(t, "", func(c client) {
		c.do(zone+"disks", `{"name":"d","sizeGb":"50"}`)
		c.vm("vm", "n1-standard-4", "")
		c.vm("other", "n1-standard-4", "")
		c.do(vm+"/attachDisk", `{"source":"projects/test-project/zones/us-central1-a/disks/d","deviceName":"data"}`)
		c.refused(400, "The disk resource 'projects/test-project/zones/us-central1-a/disks/d' is already being used by "+
			"'projects/test-project/zones/us-central1-a/instances/vm'", "POST", zone+"instances/other/attachDisk", `{"source":"zones/us-central1-a/disks/d"}`)
		c.refused(400, "is already being used by 'projects/test-project/zones/us-central1-a/instances/vm'", "DELETE", disk, "")
		c.do(disk+"/resize", `{"sizeGb":"60"}`)
		attached := doc.Objects(c.must("GET", vm, ""), "disks")
		if len(attached) != 2 || doc.Str(attached[1], "deviceName") != "data" || doc.Str(attached[1], "diskSizeGb") != "60" || doc.Num(attached[1], "index") != 1 {
			t.Fatalf("%v", attached)
		}
		c.refused(400, "To detach the boot disk, the instance must be in TERMINATED state.", "POST", vm+"/detachDisk?deviceName=persistent-disk-0", "")
		c.refused(400, "No attached disk found with device name 'none'", "POST", vm+"/detachDisk?deviceName=none", "")
		c.do(vm+"/detachDisk?deviceName=data", "")
		if d := c.must("GET", disk, ""); d["users"] != nil || doc.Str(d, "lastDetachTimestamp") == "" {
			t.Errorf("%v", d)
		}
		c.do(zone+"instances/other/attachDisk", `{"source":"zones/us-central1-a/disks/d","mode":"READ_ONLY"}`)
		c.do(vm+"/attachDisk", `{"source":"zones/us-central1-a/disks/d","mode":"READ_ONLY"}`)
		c.do(vm+"/setDiskAutoDelete?deviceName=persistent-disk-0&autoDelete=false", "")
		c.must("DELETE", vm, "")
		pass(5 * time.Minute)
		if users := doc.Words(c.must("GET", disk, ""), "users"); len(users) != 1 || !strings.HasSuffix(users[0], "/instances/other") {
			t.Errorf("%v", users)
		}
		c.must("GET", zone+"disks/vm", "")
	})
}

// A Local SSD is part of the host: no disk resource, and to be spoken of when the instance stops.
func TestLocalSSDs(t *testing.T) {
	world(t, "", func(c client) {
		c.do(zone+"instances", strings.ReplaceAll(body("vm", "n1-standard-4", ""), `"disks":[`,
			`"disks":[{"type":"SCRATCH","interface":"NVME","initializeParams":{"diskType":"zones/us-central1-a/diskTypes/local-ssd"}},`))
		d := doc.Objects(c.must("GET", vm, ""), "disks")[0]
		if doc.Str(d, "deviceName") != "local-ssd-0" || doc.Str(d, "type") != "SCRATCH" || doc.Str(d, "diskSizeGb") != "375" || d["source"] != nil || d["initializeParams"] != nil {
			t.Errorf("%v", d)
		}
		if disks := doc.Objects(c.must("GET", zone+"disks", ""), "items"); len(disks) != 1 || doc.Str(disks[0], "name") != "vm" {
			t.Errorf("%v", disks)
		}
		c.refused(400, "VM has a Local SSD attached but an undefined value for `discard-local-ssd`.", "POST", vm+"/stop", "")
		c.do(vm+"/stop?discardLocalSsd=true", "")
	})
}
