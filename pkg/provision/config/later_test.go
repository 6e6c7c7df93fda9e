package config_test

import (
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// says looks for a text in what a user reads besides the sentence that a feature is not there yet.
func says(p resources.Problem, text string) bool {
	return strings.Contains(p.Message+"; "+p.Hint, text)
}

func warns(problems resources.Problems, path string) bool {
	for _, p := range problems.Warnings() {
		if p.Path == path {
			return true
		}
	}
	return false
}

// asking holds, for each setting whose feature is not there yet, a good value that asks for the feature.
var asking = settings{
	"VM_LOCALFILE_DEST_PATH": "/opt/files", "STARTUP_COMMAND": `echo \"hi\"; nvidia-smi`, "STARTUP_COMMAND_EVERY_BOOT": "yes", "ORCHESTRATOR_TYPE": "Ray",
	"GKE_NODE_POOL_COUNT": "2", "GKE_MIN_NODE_COUNT": "1", "GKE_MAX_NODE_COUNT": "3", "GCS_MOUNT_LIST": "bucket:/data,bucket-2:/more,",
	"NFS_FILESHARE_LIST": "/nfs:BASIC_SSD:2560,/nfs2:ZONAL,", "NIC_COUNT": "8", "PROVISIONING_MODEL": "SPOT", "RESERVATION": "res-1",
	"PLACEMENT": "compact", "FALLBACK_ZONES": "us-central1-b, us-east1-c", "NOTEBOOK_INSTANCE": "yes", "RAY_VERSION": "2.9.0",
	"WAIT_FOR_STARTUP": "no", "STARTUP_TIMEOUT": "1h", "NETWORK_MTU": "8896", "CAPACITY_TIMEOUT": "6h",
	"GKE_AUTHORIZED_NETWORKS": "203.0.113.0/24,198.51.100.7/32,",
}

func TestFeaturesThatAreNotThereYetAreRefused(t *testing.T) {
	for _, s := range config.Settings() {
		value, ok := asking[s.Key]
		if ok != (s.Later != "") {
			t.Errorf("%s: a value that asks for it is known: %v; marked as not there yet: %q", s.Key, ok, s.Later)
		}
		if ok {
			t.Run(s.Key, refusal{set: settings{s.Key: value}, errors: []string{s.Key}, says: []string{s.Later}}.check)
		}
	}
	t.Run("several NICs", refusal{set: settings{"NETWORK_CONFIG": "multi_nic_network"}, errors: []string{"NETWORK_CONFIG"}, says: []string{"not there yet"}}.check)
}

func TestFeaturesThatAreNotThereYetCanBeTurnedOff(t *testing.T) {
	for name, tc := range map[string]struct {
		set    settings
		defect string
	}{
		"no orchestrator, in capitals":         {settings{"ORCHESTRATOR_TYPE": "NONE"}, ""},
		"no command for each boot, by false":   {settings{"STARTUP_COMMAND_EVERY_BOOT": "False"}, ""},
		"no notebook, by false":                {settings{"NOTEBOOK_INSTANCE": "false"}, ""},
		"empty lists":                          {settings{"GCS_MOUNT_LIST": "", "NFS_FILESHARE_LIST": "", "FALLBACK_ZONES": " "}, ""},
		"waiting for the start, by true":       {settings{"WAIT_FOR_STARTUP": "true"}, ""},
		"the default time-out, in other words": {settings{"STARTUP_TIMEOUT": "1800s"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var faults []string
			if c, problems := load(tc.set); c == nil {
				faults = append(faults, problems.Error())
			}
			settle(t, tc.defect, faults)
		})
	}
}

// TestLaterSettingsAreCheckedAlready: a mistake in them shows beside the sentence that they cannot be used yet.
func TestLaterSettingsAreCheckedAlready(t *testing.T) {
	const unchecked = ""
	for name, tc := range map[string]struct{ key, value, says, defect string }{
		"an unknown orchestrator":               {"ORCHESTRATOR_TYPE", "slurm", "none, ray, gke", ""},
		"an unknown provisioning model":         {"PROVISIONING_MODEL", "cheap", "standard, spot, reservation, flex", ""},
		"an unknown placement":                  {"PLACEMENT", "spread", "none, compact", ""},
		"a zone in the list that is none":       {"FALLBACK_ZONES", "us-central1-b,europe", "is not a zone", ""},
		"a mount without a path":                {"GCS_MOUNT_LIST", "bucket", "bucket:/mount/path", ""},
		"a mount on a relative path":            {"GCS_MOUNT_LIST", "bucket:data", "is not a mount", ""},
		"an empty mount between two":            {"GCS_MOUNT_LIST", "bucket:/a,,bucket:/b", "is not a mount", ""},
		"two mounts on one path":                {"GCS_MOUNT_LIST", "bucket:/a,bucket-2:/a", "used twice", ""},
		"a share of an unknown tier":            {"NFS_FILESHARE_LIST", "/a:FAST_SSD", "unknown tier", ""},
		"a share without a tier":                {"NFS_FILESHARE_LIST", "/a", "is not a share", ""},
		"a share whose size is no number":       {"NFS_FILESHARE_LIST", "/a:ZONAL:big", "is not a share", ""},
		"two shares on one path":                {"NFS_FILESHARE_LIST", "/a:ZONAL,/a:ZONAL", "used twice", ""},
		"node pools that are no number":         {"GKE_NODE_POOL_COUNT", "many", "whole number", ""},
		"an MTU that VPC does not take":         {"NETWORK_MTU", "9000", "from 1300 to 8896", ""},
		"a range with bits behind its prefix":   {"GKE_AUTHORIZED_NETWORKS", "203.0.113.7/24", "is not a range", ""},
		"one NIC":                               {"NIC_COUNT", "1", "from 2 to 16", ""},
		"a time-out that is none":               {"STARTUP_TIMEOUT", "later", "duration", ""},
		"neither yes nor no":                    {"NOTEBOOK_INSTANCE", "maybe", "yes or no", ""},
		"a destination that is not absolute":    {"VM_LOCALFILE_DEST_PATH", "files", "absolute", unchecked},
		"a version of Ray that is none":         {"RAY_VERSION", "newest please", "version", unchecked},
		"a reservation in capitals":             {"RESERVATION", "My Reservation", "name", unchecked},
		"a share smaller than its tier allows":  {"NFS_FILESHARE_LIST", "/a:HIGH_SCALE_SSD:1024", "10240", ""},
		"two mounts on one path, in two guises": {"GCS_MOUNT_LIST", "bucket:/a,bucket-2:/a/", "used twice", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var faults []string
			found := false
			c, problems := load(settings{tc.key: tc.value})
			for _, p := range problems.Errors() {
				found = found || p.Path == tc.key && says(p, tc.says)
			}
			if c != nil || !found {
				faults = append(faults, "nothing says "+tc.says+":\n"+problems.Error())
			}
			settle(t, tc.defect, faults)
		})
	}
}

func TestFilesToStageAreRefused(t *testing.T) {
	c, problems := config.Load(config.Input{Flags: over(nil), CopyDir: t.TempDir()})
	if errs := problems.Errors(); c != nil || len(errs) != 1 || errs[0].Path != "--copy-dir" {
		t.Errorf("%v", problems)
	}
}
