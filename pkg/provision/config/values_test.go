package config_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

func TestValuesAreRead(t *testing.T) {
	for name, tc := range map[string]struct {
		set  settings
		got  func(*config.Config) any
		want any
	}{
		"a domain-scoped project":       {settings{"PROJECT_ID": "example.com:proj-1", "STATE_GCS_PATH": "gs://b-1"}, func(c *config.Config) any { return c.Project }, "example.com:proj-1"},
		"the region of a long zone":     {settings{"ZONE": "northamerica-northeast2-b"}, func(c *config.Config) any { return c.Region }, "northamerica-northeast2"},
		"the shortest prefix":           {settings{"NAME_PREFIX": "a"}, func(c *config.Config) any { return c.NamePrefix }, "a"},
		"the most VMs":                  {settings{"INSTANCE_COUNT": "100000"}, func(c *config.Config) any { return c.InstanceCount }, 100000},
		"a given family":                {settings{"IMAGE_FAMILY_NAME": "common-cu128"}, func(c *config.Config) any { return []any{c.ImageFamily, c.ImageFamilyGiven} }, []any{"common-cu128", true}},
		"the default family, given":     {settings{"IMAGE_FAMILY_NAME": "pytorch-1-12-gpu-debian-10"}, func(c *config.Config) any { return c.ImageFamilyGiven }, true},
		"an image instead of a family":  {settings{"IMAGE_NAME": "img-1"}, func(c *config.Config) any { return []any{c.ImageName, c.ImageFamily} }, []any{"img-1", ""}},
		"an image project":              {settings{"IMAGE_PROJECT": "my-images"}, func(c *config.Config) any { return c.ImageProject }, "my-images"},
		"a disk size":                   {settings{"DISK_SIZE_GB": "65536"}, func(c *config.Config) any { return c.DiskSizeGB }, 65536},
		"a disk type in capitals":       {settings{"DISK_TYPE": "PD-Balanced"}, func(c *config.Config) any { return c.DiskType }, "pd-balanced"},
		"a bucket":                      {settings{"TERRAFORM_GCS_PATH": "gs://b-1"}, func(c *config.Config) any { return c.State }, config.StatePath{Bucket: "b-1", Given: true}},
		"a bucket with deep folders":    {settings{"TERRAFORM_GCS_PATH": "gs://b.example.com/a/b/c d"}, func(c *config.Config) any { return c.State }, config.StatePath{Bucket: "b.example.com", Folder: "a/b/c d", Given: true}},
		"yes in any letter case":        {settings{"CLEANUP_ON_EXIT": "YES"}, func(c *config.Config) any { return c.CleanupOnExit }, true},
		"true stands for yes":           {settings{"CLEANUP_ON_EXIT": "True"}, func(c *config.Config) any { return c.CleanupOnExit }, true},
		"false stands for no":           {settings{"EXTERNAL_IP": "FALSE"}, func(c *config.Config) any { return c.ExternalIP }, false},
		"no URLs":                       {settings{"SHOW_PROXY_URL": "no"}, func(c *config.Config) any { return c.ShowProxyURL }, false},
		"any value turns logging down":  {settings{"MINIMIZE_TERRAFORM_LOGGING": "no"}, func(c *config.Config) any { return c.MinimizeLogging }, true},
		"logging under its other name":  {settings{"MINIMIZE_LOGGING": "1"}, func(c *config.Config) any { return c.MinimizeLogging }, true},
		"a network in capitals":         {settings{"NETWORK_CONFIG": "NEW_NETWORK"}, func(c *config.Config) any { return c.Network }, config.NewNetwork},
		"a network range":               {settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": "10.8.0.0/16"}, func(c *config.Config) any { return c.NetworkRange.String() }, "10.8.0.0/16"},
		"a range that just fits":        {settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": "10.8.0.0/29", "INSTANCE_COUNT": "4"}, func(c *config.Config) any { return c.NetworkRange.String() }, "10.8.0.0/29"},
		"no range":                      {nil, func(c *config.Config) any { return c.NetworkRange == netip.Prefix{} }, true},
		"a service account":             {settings{"SERVICE_ACCOUNT": "vm@my-gpu-project.iam.gserviceaccount.com"}, func(c *config.Config) any { return c.ServiceAccount }, "vm@my-gpu-project.iam.gserviceaccount.com"},
		"a run time in hours":           {settings{"MAX_RUN_DURATION": "36h"}, func(c *config.Config) any { return c.MaxRunDuration }, 36 * time.Hour},
		"a run time in days":            {settings{"MAX_RUN_DURATION": "7d"}, func(c *config.Config) any { return c.MaxRunDuration }, 7 * 24 * time.Hour},
		"the shortest run time":         {settings{"MAX_RUN_DURATION": "30s"}, func(c *config.Config) any { return c.MaxRunDuration }, 30 * time.Second},
		"the longest run time":          {settings{"MAX_RUN_DURATION": "120d"}, func(c *config.Config) any { return c.MaxRunDuration }, 120 * 24 * time.Hour},
		"no run time is without an end": {nil, func(c *config.Config) any { return c.MaxRunDuration }, time.Duration(0)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got(mustLoad(t, config.Input{Flags: over(tc.set)}))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValuesAreRefused(t *testing.T) {
	one := func(key, value, defect string, says ...string) refusal {
		return refusal{set: settings{key: value}, errors: []string{key}, says: says, defect: defect}
	}
	for name, tc := range map[string]refusal{
		"a missing project":                {settings{"PROJECT_ID": "-"}, []string{"PROJECT_ID"}, []string{"is missing", "gcloud projects list"}, ""},
		"an empty prefix":                  one("NAME_PREFIX", "", "", "is missing"),
		"a blank zone":                     one("ZONE", "  ", "", "is missing"),
		"a short project":                  one("PROJECT_ID", "abcde", ""),
		"a long project":                   one("PROJECT_ID", "a"+strings.Repeat("b", 30), ""),
		"a project in capitals":            one("PROJECT_ID", "My-Project", ""),
		"a project that ends in a hyphen":  one("PROJECT_ID", "my-project-", ""),
		"a domain's project without path":  {settings{"PROJECT_ID": "example.com:proj-1"}, []string{"TERRAFORM_GCS_PATH"}, []string{"is needed"}, ""},
		"a prefix that begins with 1":      one("NAME_PREFIX", "1demo", ""),
		"a prefix that ends in a hyphen":   one("NAME_PREFIX", "demo-", ""),
		"a prefix with an underscore":      one("NAME_PREFIX", "de_mo", ""),
		"a region for a zone":              one("ZONE", "us-central1", "", "is a region", "us-central1-a"),
		"a zone in capitals":               one("ZONE", "US-CENTRAL1-A", ""),
		"a zone with a control character":  one("ZONE", "us\x00", ""),
		"no VMs":                           one("INSTANCE_COUNT", "0", "", "from 1 to 100000"),
		"too many VMs":                     one("INSTANCE_COUNT", "100001", "", "from 1 to 100000"),
		"a negative number":                one("INSTANCE_COUNT", "-1", ""),
		"a number with a sign":             one("INSTANCE_COUNT", "+1", ""),
		"a number with an exponent":        one("INSTANCE_COUNT", "1e3", ""),
		"a hexadecimal number":             one("INSTANCE_COUNT", "0x10", ""),
		"a number with a decimal point":    one("INSTANCE_COUNT", "1.0", ""),
		"a number with an underscore":      one("INSTANCE_COUNT", "1_000", ""),
		"a number beyond all integers":     one("INSTANCE_COUNT", "99999999999999999999", ""),
		"Arabic digits":                    one("INSTANCE_COUNT", "٣", ""),
		"a disk of 9 GB":                   one("DISK_SIZE_GB", "9", "", "from 10 to 65536"),
		"a disk of 64 TB and one":          one("DISK_SIZE_GB", "65537", ""),
		"a disk size with its unit":        one("DISK_SIZE_GB", "2000GB", ""),
		"a disk type of no machine":        one("DISK_TYPE", "floppy", "", "pd-balanced"),
		"family and image":                 {settings{"IMAGE_FAMILY_NAME": "f-1", "IMAGE_NAME": "i-1"}, []string{"IMAGE_FAMILY_NAME"}, []string{"beside IMAGE_NAME"}, ""},
		"an image in capitals":             one("IMAGE_NAME", "Image", ""),
		"an image by its path":             one("IMAGE_NAME", "projects/p/global/images/i", ""),
		"an image project in capitals":     one("IMAGE_PROJECT", "ML", ""),
		"a path without gs://":             one("TERRAFORM_GCS_PATH", "my-bucket/folder", "", "gs://bucket"),
		"a path that ends in a slash":      one("TERRAFORM_GCS_PATH", "gs://my-bucket/folder/", "", "slash"),
		"a bucket that ends in a slash":    one("TERRAFORM_GCS_PATH", "gs://my-bucket/", "", "slash"),
		"a bucket of two letters":          one("TERRAFORM_GCS_PATH", "gs://ab", ""),
		"a bucket in capitals":             one("TERRAFORM_GCS_PATH", "gs://Bucket", ""),
		"a folder with an empty part":      one("TERRAFORM_GCS_PATH", "gs://my-bucket/a//b", ""),
		"a folder that begins with /":      one("TERRAFORM_GCS_PATH", "gs://my-bucket//a", ""),
		"a bucket of 64 characters":        one("TERRAFORM_GCS_PATH", "gs://"+strings.Repeat("b", 64), ""),
		"neither yes nor no":               one("EXTERNAL_IP", "1", "", "yes or no"),
		"an unknown network":               one("NETWORK_CONFIG", "old_network", "", "new_network"),
		"a range without new_network":      one("NETWORK_RANGE", "10.0.0.0/16", "", "new_network"),
		"a range of an unknown network":    {settings{"NETWORK_CONFIG": "old", "NETWORK_RANGE": "10.0.0.0/16"}, []string{"NETWORK_CONFIG"}, nil, ""},
		"a range with host bits":           {settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": "10.0.0.1/16"}, []string{"NETWORK_RANGE"}, []string{"10.0.0.0/16"}, ""},
		"a range of IPv6":                  {settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": "fd00::/20"}, []string{"NETWORK_RANGE"}, []string{"IPv4"}, ""},
		"a range too large":                {settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": "10.0.0.0/7"}, []string{"NETWORK_RANGE"}, nil, ""},
		"a range too small":                {settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": "10.0.0.0/30"}, []string{"NETWORK_RANGE"}, nil, ""},
		"a range with one address too few": {settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": "10.0.0.0/29", "INSTANCE_COUNT": "5"}, []string{"NETWORK_RANGE"}, []string{"INSTANCE_COUNT"}, ""},
		"an account without a domain":      one("SERVICE_ACCOUNT", "me", "", "iam.gserviceaccount.com"),
		"an account with two domains":      one("SERVICE_ACCOUNT", "a@b.com@c.com", ""),
		"a run time of 29 s":               one("MAX_RUN_DURATION", "29s", ""),
		"a run time of 121 days":           one("MAX_RUN_DURATION", "121d", ""),
		"a run time of endless days":       one("MAX_RUN_DURATION", "999999999d", ""),
		"a run time without a unit":        one("MAX_RUN_DURATION", "36", ""),
		"a negative run time":              one("MAX_RUN_DURATION", "-36h", ""),
		"a run time in half days":          one("MAX_RUN_DURATION", "1.5d", ""),
	} {
		t.Run(name, tc.check)
	}
}

func TestNamesThatWouldBeTooLong(t *testing.T) {
	prefix := func(n int) string { return strings.Repeat("p", n) }
	for name, tc := range map[string]struct {
		set    settings
		most   int
		defect string
	}{
		"VMs of one group":      {nil, 49, ""},
		"VMs of many groups":    {settings{"INSTANCE_COUNT": "1001"}, 46, ""},
		"firewall rules":        {settings{"NETWORK_CONFIG": "new_network"}, 48, ""},
		"many groups, firewall": {settings{"NETWORK_CONFIG": "new_network", "INSTANCE_COUNT": "100000"}, 46, ""},
	} {
		t.Run(name, func(t *testing.T) {
			set := settings{"NAME_PREFIX": prefix(tc.most)}
			for k, v := range tc.set {
				set[k] = v
			}
			if c, problems := load(set); c == nil {
				t.Errorf("%d characters are refused: %v", tc.most, problems)
			}
			set["NAME_PREFIX"] = prefix(tc.most + 3)
			refusal{set: set, errors: []string{"NAME_PREFIX"}, says: []string{"3 characters too long", prefix(tc.most+3) + "-"}}.check(t)
		})
	}
	t.Run("a prefix longer than any name says by how much as well", refusal{
		set: settings{"NAME_PREFIX": prefix(70)}, errors: []string{"NAME_PREFIX"}, says: []string{"too long"},
	}.check)
}

func TestWarnings(t *testing.T) {
	for name, tc := range map[string]struct {
		set    settings
		want   []string
		defect string
	}{
		"nothing to warn of":       {nil, nil, ""},
		"no Ops Agent yet":         {settings{"DISABLE_OPS_AGENT": "-"}, []string{"DISABLE_OPS_AGENT"}, ""},
		"an Ops Agent asked for":   {settings{"DISABLE_OPS_AGENT": "false"}, []string{"DISABLE_OPS_AGENT"}, ""},
		"a disk type that follows": {settings{"VM_TYPE": "g4-standard-48"}, []string{"DISK_TYPE"}, ""},
		"a public range":           {settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": "8.8.0.0/16"}, []string{"NETWORK_RANGE"}, ""},
		"a range half public":      {settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": "192.168.0.0/15"}, []string{"NETWORK_RANGE"}, ""},
		"a very small disk":        {settings{"DISK_SIZE_GB": "20"}, []string{"DISK_SIZE_GB"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := load(tc.set)
			var got, faults []string
			for _, p := range problems {
				got = append(got, p.Path)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || c == nil {
				faults = append(faults, diff+problems.Error())
			}
			settle(t, tc.defect, faults)
		})
	}
}

// TestAIZones: zones like us-central1-ai1a hold much of the GPU capacity (Compute Engine documentation, "AI zones").
func TestAIZones(t *testing.T) {
	var faults []string
	if c, problems := load(settings{"ZONE": "us-central1-ai1a"}); c == nil || c.Region != "us-central1" {
		faults = append(faults, problems.Error())
	}
	settle(t, "", faults)
}
