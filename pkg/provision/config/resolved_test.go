package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

func resolved(c *config.Config, key string) config.KeyValue {
	for _, kv := range c.Resolved() {
		if kv.Key == key {
			return kv
		}
	}
	return config.KeyValue{}
}

func TestResolvedListsEverySetting(t *testing.T) {
	c := mustLoad(t, config.Input{Flags: over(nil)})
	var want, got []string
	for _, s := range config.Settings() {
		want = append(want, s.Key)
	}
	for _, kv := range c.Resolved() {
		got = append(got, kv.Key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestResolvedShowsWhatIsUsed(t *testing.T) {
	for name, tc := range map[string]struct {
		set    settings
		want   config.KeyValue
		defect string
	}{
		"a default":                     {nil, config.KeyValue{Key: "DISK_SIZE_GB", Value: "2000", Source: "default"}, ""},
		"a flag":                        {settings{"ZONE": "us-east1-b"}, config.KeyValue{Key: "ZONE", Value: "us-east1-b", Source: "flag"}, ""},
		"an alias, under the key":       {settings{"STATE_GCS_PATH": "gs://b-1"}, config.KeyValue{Key: "TERRAFORM_GCS_PATH", Value: "gs://b-1", Source: "flag"}, ""},
		"a map, sorted":                 {settings{"LABELS": `{ b = 2, a = "1" }`}, config.KeyValue{Key: "LABELS", Value: `{ a = "1", b = "2" }`, Source: "flag"}, ""},
		"GPUs that follow from VM_TYPE": {settings{"VM_TYPE": "g2-standard-96"}, config.KeyValue{Key: "GPU_COUNT", Value: "8", Source: "derived"}, ""},
		"a disk type that follows":      {settings{"VM_TYPE": "g4-standard-48"}, config.KeyValue{Key: "DISK_TYPE", Value: "hyperdisk-balanced", Source: "derived"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := mustLoad(t, config.Input{Flags: over(tc.set)})
			var faults []string
			if diff := cmp.Diff(tc.want, resolved(c, tc.want.Key)); diff != "" {
				faults = append(faults, diff)
			}
			settle(t, tc.defect, faults)
		})
	}
}

func TestResolvedHidesSecrets(t *testing.T) {
	c := mustLoad(t, config.Input{Flags: over(settings{"METADATA": `{ hf-token = "s3cr3t", db_password = "s3cr3t", API_KEY = "s3cr3t", client-secret = "s3cr3t", owner = "ann" }`})})
	got := resolved(c, "METADATA").Value
	if strings.Contains(got, "s3cr3t") || !strings.Contains(got, `owner = "ann"`) {
		t.Error(got)
	}
}
