package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

// TestProblemsSayWhereTheValueComesFrom: a wrong value that nobody remembers having set must be found.
func TestProblemsSayWhereTheValueComesFrom(t *testing.T) {
	for name, tc := range map[string]struct {
		in   config.Input
		says string
	}{
		"the environment":                     {config.Input{Environ: []string{"DISK_SIZE_GB=1"}, Flags: over(nil)}, "(the process environment)"},
		"a line of the file":                  {config.Input{EnvFile: file(t, "# c\n\nDISK_SIZE_GB=1\n"), Flags: over(nil)}, "/env.list:3)"},
		"a key alone in the file":             {config.Input{Environ: []string{"DISK_SIZE_GB=1"}, EnvFile: file(t, "DISK_SIZE_GB\n"), Flags: over(nil)}, "/env.list:1, from the process environment)"},
		"a flag":                              {config.Input{Flags: over(settings{"DISK_SIZE_GB": "1"})}, "(--disk-size-gb)"},
		"the last of two lines":               {config.Input{EnvFile: file(t, "DISK_SIZE_GB=1\nDISK_SIZE_GB=2\n"), Flags: over(nil)}, "/env.list:2)"},
		"another name of the setting":         {config.Input{Flags: over(settings{"STATE_GCS_PATH": "b"})}, "(--state-gcs-path)"},
		"two names that contradict":           {config.Input{EnvFile: file(t, "STATE_GCS_PATH=gs://a-1\nTERRAFORM_GCS_PATH=gs://b-1\n"), Flags: over(nil)}, "/env.list:2)"},
		"a value that is not there yet":       {config.Input{Environ: []string{"PLACEMENT=compact"}, Flags: over(nil)}, "(the process environment)"},
		"a path that a terminal would follow": {config.Input{EnvFile: "/dev/null\x1b[31m", Flags: over(nil)}, "/dev/null"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := config.Load(tc.in)
			if errs := problems.Errors(); len(errs) != 1 || !strings.Contains(errs[0].String(), tc.says) {
				t.Errorf("nothing says %q: %v", tc.says, problems)
			}
		})
	}
}

// TestNoticesOfTheEnvironment: where the settings stand in a file or in flags, a generic name in the environment may be another
// program's. Where the environment holds them all, as in a container, nothing needs saying.
func TestNoticesOfTheEnvironment(t *testing.T) {
	ours := []string{"PROJECT_ID=my-gpu-project", "NAME_PREFIX=demo", "ZONE=us-central1-a", "DISABLE_OPS_AGENT=true"}
	two := []string{"PROJECT_ID=my-gpu-project", "ZONE=us-central1-a"}
	for name, tc := range map[string]struct {
		environ []string
		file    string
		flags   map[string]string
		want    []string
	}{
		"all in the environment, as with docker run": {slices.Concat(ours, []string{"LABELS={ a = \"b\" }", "METADATA={ c = \"d\" }"}), "", nil, nil},
		"all but what a flag changes":                {slices.Concat(ours, []string{"LABELS={ a = \"b\" }"}), "", settings{"ZONE": "us-east1-b", "NAME_PREFIX": "other"}, nil},
		"all in the environment and in the file":     {ours, mandatoryLines, nil, nil},
		"two of them beside a file":                  {two, "NAME_PREFIX=demo\nDISABLE_OPS_AGENT=true\n", nil, []string{"PROJECT_ID", "ZONE"}},
		"two of them beside flags":                   {two, "", settings{"NAME_PREFIX": "demo", "DISABLE_OPS_AGENT": "true"}, []string{"PROJECT_ID", "ZONE"}},
		"an optional one beside a file":              {[]string{"LABELS={ a = \"b\" }"}, mandatoryLines, nil, []string{"LABELS"}},
		"one that the file asks for":                 {[]string{"LABELS={ a = \"b\" }"}, mandatoryLines + "LABELS\n", nil, nil},
		"one that the file overrides":                {[]string{"ZONE=us-east1-b"}, mandatoryLines, nil, nil},
		"a name that is nobody else's":               {[]string{"NETWORK_CONFIG=new_network", "TERRAFORM_GCS_PATH=gs://b-1"}, mandatoryLines, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := config.Input{Environ: tc.environ, Flags: tc.flags}
			if tc.file != "" {
				in.EnvFile = file(t, tc.file)
			}
			c, problems := config.Load(in)
			if c == nil {
				t.Fatal(problems)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Path)
				if p.Message != "taken from the process environment" {
					t.Errorf("%s", p)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			_, problems = config.LoadTarget(in)
			var target []string
			for _, p := range problems {
				target = append(target, p.Path)
			}
			tc.want = slices.DeleteFunc(tc.want, func(key string) bool { return key == "LABELS" })
			if diff := cmp.Diff(tc.want, target, equalEmpty); diff != "" {
				t.Errorf("destroy: %s", diff)
			}
		})
	}
}

var equalEmpty = cmp.Transformer("set", func(s []string) string { return strings.Join(s, " ") })

func TestNoticesSayWhatToDo(t *testing.T) {
	environ := []string{"ZONE=us-central1-a", `METADATA={ hf-token = "s3cr3t" }`}
	rest := "PROJECT_ID=my-gpu-project\nNAME_PREFIX=demo\nDISABLE_OPS_AGENT=true\n"
	_, problems := config.Load(config.Input{Environ: environ, EnvFile: file(t, rest)})
	if got := problems.Error(); !strings.Contains(got, `ZONE="us-central1-a": taken from the process environment; put it into the env-file to make it explicit`) || strings.Contains(got, "s3cr3t") {
		t.Error(got)
	}
	_, problems = config.Load(config.Input{Environ: environ, Flags: over(settings{"ZONE": "-"})})
	if got := problems.Error(); !strings.Contains(got, "give --zone to make it explicit") {
		t.Error(got)
	}
}

// TestACallersOwnAccountIsRefused: SERVICE_ACCOUNT is often set to who calls, for other programs.
func TestACallersOwnAccountIsRefused(t *testing.T) {
	in := config.Input{Environ: []string{"SERVICE_ACCOUNT=ann.smith@example.com"}, EnvFile: file(t, mandatoryLines)}
	c, problems := config.Load(in)
	if c != nil || len(problems) != 1 {
		t.Fatalf("want one problem: %v", problems)
	}
	for _, s := range []string{"is not a service account (the process environment)", "unset it, or put the right one into the env-file", "--project my-gpu-project"} {
		if !strings.Contains(problems.Error(), s) {
			t.Errorf("nothing says %q: %v", s, problems)
		}
	}
}

func TestServiceAccounts(t *testing.T) {
	for value, right := range map[string]bool{
		"default": true, "vm@my-gpu-project.iam.gserviceaccount.com": true, "123456789012-compute@developer.gserviceaccount.com": true,
		"my-gpu-project@appspot.gserviceaccount.com": true, "vm@proj-1.example.com.iam.gserviceaccount.com": true,
		"ann@example.com": false, "ann@gmail.com": false, "team@googlegroups.com": false, "vm@gserviceaccount.com": false, "vm": false,
		"vm@evilgserviceaccount.com": false, "vm@p.iam.gserviceaccount.com.example.com": false, "@p.iam.gserviceaccount.com": false,
		"serviceAccount:vm@my-gpu-project.iam.gserviceaccount.com": false, "projects/p/serviceAccounts/vm@p.iam.gserviceaccount.com": false,
	} {
		c, problems := load(settings{"SERVICE_ACCOUNT": value})
		if right != (c != nil) || !right && !strings.Contains(problems.Error(), "is not a service account") {
			t.Errorf("%s: %v", value, problems)
		}
	}
	_, problems := load(settings{"SERVICE_ACCOUNT": "serviceAccount:vm@my-gpu-project.iam.gserviceaccount.com"})
	if !strings.Contains(problems.Error(), "write the address alone: SERVICE_ACCOUNT=vm@my-gpu-project.iam.gserviceaccount.com") {
		t.Error(problems)
	}
}
