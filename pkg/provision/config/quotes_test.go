package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

// TestQuotesAreNamed: each setting with quotes is one problem, which says what to write, whatever kind of setting it is.
func TestQuotesAreNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		lines  string
		errors []string
		says   []string
	}{
		"all values": {
			"PROJECT_ID=\"my-gpu-project\"\nNAME_PREFIX=\"demo\"\nZONE='us-central1-a'\nSHOW_PROXY_URL=\"no\"\n",
			[]string{"PROJECT_ID", "NAME_PREFIX", "ZONE", "SHOW_PROXY_URL"},
			[]string{"drop the quotes: PROJECT_ID=my-gpu-project", "drop the quotes: ZONE=us-central1-a", "drop the quotes: SHOW_PROXY_URL=no"},
		},
		"a number":                           {mandatoryLines + `INSTANCE_COUNT="3"`, []string{"INSTANCE_COUNT"}, []string{"INSTANCE_COUNT=3", "env.list:5"}},
		"a machine type, and what follows":   {mandatoryLines + "VM_TYPE=\"g2-standard-96\"\nGPU_COUNT=8", []string{"VM_TYPE"}, []string{"VM_TYPE=g2-standard-96"}},
		"a path of a bucket":                 {mandatoryLines + `TERRAFORM_GCS_PATH="gs://b-1/x"`, []string{"TERRAFORM_GCS_PATH"}, []string{"TERRAFORM_GCS_PATH=gs://b-1/x"}},
		"a list with each entry in quotes":   {mandatoryLines + `FALLBACK_ZONES="us-central1-b","us-central1-c"`, []string{"FALLBACK_ZONES", "FALLBACK_ZONES"}, []string{"FALLBACK_ZONES=us-central1-b,us-central1-c", "not there yet"}},
		"one quote only":                     {mandatoryLines + `NETWORK_CONFIG="new_network`, []string{"NETWORK_CONFIG"}, []string{"NETWORK_CONFIG=new_network"}},
		"quotes of a word processor":         {mandatoryLines + `DISK_TYPE=“pd-ssd”`, []string{"DISK_TYPE"}, []string{"DISK_TYPE=pd-ssd"}},
		"quotes around nothing":              {mandatoryLines + `SERVICE_ACCOUNT=""`, []string{"SERVICE_ACCOUNT"}, []string{"leave the setting out"}},
		"a mandatory one around nothing":     {"PROJECT_ID=\"\"\nNAME_PREFIX=demo\nZONE=us-central1-a\n", []string{"PROJECT_ID"}, []string{"drop the quotes"}},
		"what is wrong inside shows as well": {mandatoryLines + `DISK_SIZE_GB="9"`, []string{"DISK_SIZE_GB", "DISK_SIZE_GB"}, []string{"drop the quotes", "from 10 to 65536"}},
		"a whole map":                        {mandatoryLines + `METADATA='{ a = "b" }'`, []string{"METADATA"}, []string{`drop the quotes: METADATA={ a = "b" }`}},
		"an alias":                           {mandatoryLines + `STATE_GCS_PATH="gs://b-1"`, []string{"TERRAFORM_GCS_PATH"}, []string{"drop the quotes", "env.list:5"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := config.Load(config.Input{EnvFile: file(t, tc.lines+"\n")})
			if c != nil {
				t.Error("a Config came back")
			}
			var paths []string
			for _, p := range problems.Errors() {
				paths = append(paths, p.Path)
				showable(t, p)
			}
			if diff := cmp.Diff(tc.errors, paths); diff != "" {
				t.Errorf("%s\n%v", diff, problems)
			}
			for _, s := range tc.says {
				if !strings.Contains(problems.Error(), s) {
					t.Errorf("nothing says %q:\n%v", s, problems)
				}
			}
		})
	}
}

func TestQuotesThatAreMeant(t *testing.T) {
	for name, line := range map[string]string{
		"a map":               `METADATA={ a = "b" }`,
		"JSON":                `LABELS={"a":"b"}`,
		"any value is enough": `MINIMIZE_TERRAFORM_LOGGING="yes"`,
	} {
		if c, problems := config.Load(config.Input{EnvFile: file(t, mandatoryLines+line+"\n")}); c == nil || len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
	_, problems := load(settings{"STARTUP_COMMAND": `"/opt/my tool/run" "a"`})
	if errs := problems.Errors(); len(errs) != 1 || !strings.Contains(errs[0].Message, "not there yet") {
		t.Errorf("a command in quotes: %v", problems)
	}
}
