package compute_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

const (
	vm      = zone + "instances/vm"
	image   = `"initializeParams":{"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}`
	address = "regions/us-central1/addresses/"
)

// body is that of a VM; more is put into it and may be "".
func body(name, machine, more string) string {
	return fmt.Sprintf(`{"name":%q,"machineType":"zones/us-central1-a/machineTypes/%s","networkInterfaces":[{"accessConfigs":[{}]}],
		"disks":[{"boot":true,"autoDelete":true,%s}]%s}`, name, machine, image, more)
}

// vm makes one and waits until it runs.
func (c client) vm(name, machine, more string) {
	c.Helper()
	c.do(zone+"instances", body(name, machine, more))
}

// do starts an operation by a POST and waits until it is done, well.
func (c client) do(path, body string) doc.Map {
	c.Helper()
	op := c.must("POST", path, body)
	pass(5 * time.Minute)
	_, at, _ := strings.Cut(doc.Str(op, "selfLink"), "/projects/test-project/")
	op = c.must("GET", at, "")
	if doc.Str(op, "status") != "DONE" || op["error"] != nil {
		c.Fatalf("%s: %v", path, op)
	}
	return op
}

// refused makes sure that a call is answered with a status and words.
func (c client) refused(status int, words, method, path, body string) {
	c.Helper()
	have, answer := c.call(method, path, body)
	if have != status || !strings.Contains(doc.Str(answer, "error", "message"), words) {
		c.Errorf("%s %s: %d %v, not %d %q", method, path, have, doc.Str(answer, "error", "message"), status, words)
	}
}

func world(t *testing.T, plan string, f func(client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(open(t, plan)) })
}

func TestAnInstanceGoesThroughItsStates(t *testing.T) {
	world(t, "", func(c client) {
		c.must("POST", zone+"instances", body("vm", "n1-standard-4", ""))
		seen := []string{doc.Str(c.must("GET", vm, ""), "status")}
		watch := func() {
			for range 240 {
				pass(time.Second)
				if s := doc.Str(c.must("GET", vm, ""), "status"); s != seen[len(seen)-1] {
					seen = append(seen, s)
				}
			}
		}
		watch()
		for _, verb := range []string{"stop", "start", "suspend", "resume", "suspend", "stop"} {
			c.must("POST", vm+"/"+verb, "")
			watch()
		}
		const want = "PROVISIONING STAGING RUNNING STOPPING TERMINATED PROVISIONING STAGING RUNNING SUSPENDING SUSPENDED " +
			"PROVISIONING STAGING RUNNING SUSPENDING SUSPENDED STOPPING TERMINATED"
		if have := strings.Join(seen, " "); have != want {
			t.Errorf("%s", have)
		}
		d := c.must("GET", vm, "")
		for _, field := range []string{"lastStartTimestamp", "lastStopTimestamp", "lastSuspendedTimestamp"} {
			if doc.Str(d, field) == "" {
				t.Errorf("no %s", field)
			}
		}
		c.refused(400, "it must be in SUSPENDED state", "POST", vm+"/resume", "")
		c.refused(400, "it must be in RUNNING state", "POST", vm+"/reset", "")
	})
}

// An operation that fails leaves the state as it was.
func TestAStopThatFailsChangesNothing(t *testing.T) {
	world(t, "", func(c client) {
		c.vm("vm", "n1-standard-4", "")
		c.faults(`{"rules":[{"match":{"path":"/stop$"},"fault":{"failOperation":{"code":"INTERNAL_ERROR","httpStatus":500,"message":"x"}}}]}`)
		c.must("POST", vm+"/stop", "")
		pass(5 * time.Minute)
		if s := doc.Str(c.must("GET", vm, ""), "status"); s != "RUNNING" {
			t.Errorf("%s", s)
		}
	})
}

// What the API shows of a new VM and its disk, beyond what was sent.
func TestAnInstanceShowsWhatComesFromItsImageAndType(t *testing.T) {
	world(t, "", func(c client) {
		c.vm("vm", "a2-highgpu-1g", `,"labels":{"a":"b"},"serviceAccounts":[{"scopes":["s"]}],"params":{},"scheduling":{"provisioningModel":"SPOT"},
			"metadata":{"items":[{"key":"VmDnsSetting","value":"ZonalPreferred"}]}`)
		d, disk := c.must("GET", vm, ""), c.must("GET", zone+"disks/vm", "")
		boot := doc.Objects(d, "disks")[0]
		for what, ok := range map[string]bool{
			"accelerators of the type":     len(doc.Objects(d, "guestAccelerators")) == 1,
			"the platform":                 doc.Str(d, "cpuPlatform") == "Intel Cascade Lake",
			"a Shielded VM":                doc.Bool(d, "shieldedInstanceConfig", "enableVtpm") && !doc.Bool(d, "shieldedInstanceConfig", "enableSecureBoot"),
			"the effective metadata":       doc.Str(d, "resourceStatus", "effectiveInstanceMetadata", "vmDnsSettingMetadataValue") == "ZonalPreferred",
			"the default account":          strings.HasSuffix(doc.Str(doc.Objects(d, "serviceAccounts")[0], "email"), "-compute@developer.gserviceaccount.com"),
			"a spot VM":                    doc.Bool(d, "scheduling", "preemptible") && !doc.Bool(d, "scheduling", "automaticRestart") && doc.Str(d, "scheduling", "onHostMaintenance") == "TERMINATE",
			"no parameters of the insert":  d["params"] == nil,
			"the licence":                  len(doc.List(boot, "licenses")) == 1 && len(doc.List(disk, "licenses")) == 1,
			"the features":                 len(doc.List(boot, "guestOsFeatures")) == 3 && len(doc.List(disk, "guestOsFeatures")) == 3,
			"the architecture":             doc.Str(boot, "architecture") == "X86_64" && doc.Str(disk, "architecture") == "X86_64",
			"the size":                     doc.Str(boot, "diskSizeGb") == "10" && doc.Str(disk, "sizeGb") == "10",
			"the image, not its family":    strings.Contains(doc.Str(disk, "sourceImage"), "/global/images/debian-12-bookworm-"),
			"the disk without VM's labels": disk["labels"] == nil,
			"the disk's user":              len(doc.Words(disk, "users")) == 1 && strings.HasSuffix(doc.Words(disk, "users")[0], "/instances/vm"),
		} {
			if !ok {
				t.Errorf("%s: %v\n%v", what, d, disk)
			}
		}
	})
}

// Who changes labels, metadata and tags must say what was there before.
func TestStaleFingerprintsAreRefused(t *testing.T) {
	world(t, "", func(c client) {
		c.vm("vm", "n1-standard-4", "")
		d := c.must("GET", vm, "")
		for verb, field := range map[string]string{"setLabels": "labelFingerprint", "setMetadata": "fingerprint", "setTags": "fingerprint"} {
			print := map[string]string{
				"setLabels": doc.Str(d, "labelFingerprint"), "setMetadata": doc.Str(d, "metadata", "fingerprint"), "setTags": doc.Str(d, "tags", "fingerprint"),
			}[verb]
			change := map[string]string{"setLabels": `"labels":{"a":"b"}`, "setMetadata": `"items":[{"key":"k","value":"v"}]`, "setTags": `"items":["web"]`}[verb]
			c.refused(412, "fingerprint", "POST", vm+"/"+verb, `{`+change+`}`)
			c.do(vm+"/"+verb, fmt.Sprintf(`{%q:%q,%s}`, field, print, change))
			c.refused(412, "fingerprint", "POST", vm+"/"+verb, fmt.Sprintf(`{%q:%q,%s}`, field, print, change))
		}
		d = c.must("GET", vm, "")
		if doc.Str(d, "labels", "a") != "b" || len(doc.List(d, "tags", "items")) != 1 || len(doc.List(d, "metadata", "items")) != 1 {
			t.Errorf("%v", d)
		}
	})
}

// Some things change only while the instance is stopped.
func TestWhatNeedsAStoppedInstance(t *testing.T) {
	world(t, "", func(c client) {
		c.vm("vm", "n1-standard-4", "")
		changes := map[string]string{
			"setMachineType":    `{"machineType":"zones/us-central1-a/machineTypes/n1-standard-8"}`,
			"setServiceAccount": `{"email":"a@b.iam.gserviceaccount.com","scopes":["s"]}`,
			"setMinCpuPlatform": `{"minCpuPlatform":"Intel Skylake"}`,
		}
		for verb, change := range changes {
			words := "the instance must be in TERMINATED state"
			if verb == "setServiceAccount" {
				words = "The instance must be stopped before the service account can be changed."
			}
			c.refused(400, words, "POST", vm+"/"+verb, change)
		}
		c.refused(400, "must be in TERMINATED state", "PATCH", vm+"/updateShieldedInstanceConfig", `{"enableSecureBoot":true}`)
		c.do(vm+"/stop", "")
		for verb, change := range changes {
			c.do(vm+"/"+verb, change)
		}
		c.must("PATCH", vm+"/updateShieldedInstanceConfig", `{"enableSecureBoot":true}`)
		c.refused(400, "cannot be used by a4-highgpu-8g", "POST", zone[:len(zone)-2]+"b/instances", strings.ReplaceAll(body("vm", "a4-highgpu-8g", ""),
			image, `"initializeParams":{"diskType":"pd-ssd"}`))
		c.refused(400, "does not exist", "POST", vm+"/setMachineType", `{"machineType":"zones/us-central1-a/machineTypes/none"}`)
		d := c.must("GET", vm, "")
		if !strings.HasSuffix(doc.Str(d, "machineType"), "/n1-standard-8") || doc.Str(d, "minCpuPlatform") != "Intel Skylake" ||
			doc.Str(doc.Objects(d, "serviceAccounts")[0], "email") != "a@b.iam.gserviceaccount.com" || !doc.Bool(d, "shieldedInstanceConfig", "enableSecureBoot") {
			t.Errorf("%v", d)
		}
	})
}

func TestDeletionProtection(t *testing.T) {
	world(t, "", func(c client) {
		c.vm("vm", "n1-standard-4", "")
		c.do(vm+"/setDeletionProtection", "")
		c.refused(400, "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'.", "DELETE", vm, "")
		c.do(vm+"/setDeletionProtection?deletionProtection=False", "") // as gcloud writes it
		c.must("DELETE", vm, "")
		pass(5 * time.Minute)
		c.refused(404, "was not found", "GET", vm, "")
		c.refused(404, "was not found", "GET", zone+"disks/vm", "")
	})
}

// Of an instance that cannot be made nothing is left, and it is refused at once where the cloud can know.
func TestInstancesThatCannotBeMade(t *testing.T) {
	world(t, "", func(c client) {
		for words, sent := range map[string]string{
			"Could not find the given reservation": body("vm", "n1-standard-4", `,"reservationAffinity":{"consumeReservationType":"SPECIFIC_RESERVATION","key":"compute.googleapis.com/reservation-name","values":["none"]}`),
			"do not support live migration":        body("vm", "a2-highgpu-1g", `,"scheduling":{"onHostMaintenance":"MIGRATE"}`),
			"automaticRestart be false":            body("vm", "n1-standard-4", `,"scheduling":{"provisioningModel":"SPOT","automaticRestart":true}`),
			"The referenced diskType resource cannot be found.": strings.ReplaceAll(body("vm", "n1-standard-4", ""), image,
				`"initializeParams":{"diskType":"none"}`),
			"was not found in region 'us-central1'":           strings.ReplaceAll(body("vm", "n1-standard-4", ""), `"accessConfigs":[{}]`, `"accessConfigs":[{"natIP":"192.0.2.1"}]`),
			"The referenced disk resource cannot be found.":   strings.ReplaceAll(body("vm", "n1-standard-4", ""), image, `"source":"zones/us-central1-a/disks/none"`),
			"local-ssd disk type cannot be used by e2-medium": strings.ReplaceAll(body("vm", "e2-medium", ""), `"disks":[`, `"disks":[{"type":"SCRATCH"},`),
		} {
			c.refused(400, words, "POST", zone+"instances", sent)
		}
		c.refused(404, "/regions/us-central1/resourcePolicies/none' was not found", "POST", zone+"instances", body("vm", "n1-standard-4",
			`,"resourcePolicies":["regions/us-central1/resourcePolicies/none"]`))
		c.do(zone+"disks", `{"name":"vm"}`)
		c.refused(409, "/disks/vm' already exists", "POST", zone+"instances", body("vm", "n1-standard-4", ""))
		c.do(zone+"instances", body("other", "n1-standard-4", ""))
		taken := doc.Str(doc.Objects(c.must("GET", zone+"instances/other", ""), "networkInterfaces")[0], "networkIP")
		op := c.must("POST", zone+"instances", strings.ReplaceAll(body("third", "n1-standard-4", ""), `"accessConfigs":[{}]`, fmt.Sprintf(`"networkIP":%q`, taken)))
		pass(5 * time.Minute)
		op = c.must("GET", zone+"operations/"+doc.Str(op, "name"), "")
		if e := doc.Objects(op, "error", "errors"); len(e) != 1 || doc.Str(e[0], "code") != "IP_IN_USE_BY_ANOTHER_RESOURCE" {
			t.Errorf("%v", op)
		}
		for _, left := range []string{"instances/third", "disks/third"} {
			c.refused(404, "was not found", "GET", zone+left, "")
		}
	})
}

// What there is no guest for is empty, and what is not emulated says so.
func TestWhatTheGuestWouldTell(t *testing.T) {
	world(t, "", func(c client) {
		c.vm("vm", "n1-standard-4", "")
		if out := c.must("GET", vm+"/serialPort?port=1&start=0", ""); doc.Str(out, "next") != "0" || out["contents"] != "" {
			t.Errorf("%v", out)
		}
		c.refused(400, "Must be between 1 and 4.", "GET", vm+"/serialPort?port=9", "")
		c.refused(404, "was not found", "GET", vm+"/getGuestAttributes?queryPath=a/", "")
		if out := c.must("GET", vm+"/referrers", ""); out["items"] != nil {
			t.Errorf("%v", out)
		}
		c.group(1)
		pass(5 * time.Minute)
		if out := doc.Objects(c.must("GET", zone+"instances/vm-0001/referrers", ""), "items"); len(out) != 1 || !strings.HasSuffix(doc.Str(out[0], "referrer"), "/instanceGroups/group") {
			t.Errorf("%v", out)
		}
		for _, path := range []string{vm + "/getEffectiveFirewalls?networkInterface=nic0", "global/snapshots", "global/snapshots/s"} {
			c.refused(501, "", "GET", path, "")
		}
		c.refused(501, "", "POST", zone+"disks/vm/createSnapshot", `{"name":"s"}`)
	})
}

// A regional template is one like a global one, in another place.
func TestRegionalTemplates(t *testing.T) {
	world(t, "", func(c client) {
		const templates = "regions/us-central1/instanceTemplates"
		c.do(templates, fmt.Sprintf(`{"name":"t","properties":{"machineType":"n1-standard-4","networkInterfaces":[{}],"disks":[{"boot":true,"autoDelete":true,%s}]}}`, image))
		d := c.must("GET", templates+"/t", "")
		if doc.Str(d, "region") == "" || doc.Str(d, "properties", "machineType") != "n1-standard-4" {
			t.Errorf("%v", d)
		}
		c.refused(404, "was not found", "GET", "global/instanceTemplates/t", "")
		c.do(zone+"instances?sourceInstanceTemplate="+templates+"/t%3FuniqueId="+doc.Str(d, "id"), `{"name":"vm"}`)
		c.do(zone+"instanceGroupManagers", `{"name":"group","targetSize":1,"instanceTemplate":"`+templates+`/t"}`)
		pass(5 * time.Minute)
		if s := c.state(); !s.stable {
			t.Errorf("%+v", s)
		}
		c.refused(400, "is already being used by", "DELETE", templates+"/t", "")
	})
}
