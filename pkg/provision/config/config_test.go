package config_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// settings is what a test gives, over the mandatory ones. A value "-" takes a mandatory one away.
type settings map[string]string

// over adds the mandatory settings. The Ops Agent is turned off, because its warning would stand in every case.
func over(set settings) map[string]string {
	all := map[string]string{"PROJECT_ID": "my-gpu-project", "NAME_PREFIX": "demo", "ZONE": "us-central1-a", "DISABLE_OPS_AGENT": "true"}
	maps.Copy(all, set)
	maps.DeleteFunc(all, func(_, v string) bool { return v == "-" })
	return all
}

func load(set settings) (*config.Config, resources.Problems) {
	return config.Load(config.Input{Flags: over(set)})
}

// mustLoad is for settings that are in order.
func mustLoad(t *testing.T, in config.Input) *config.Config {
	t.Helper()
	c, problems := config.Load(in)
	if c == nil {
		t.Fatalf("refused:\n%v", problems)
	}
	return c
}

// settle judges what a case found. A known defect of the package is skipped with its reason for as long as it is there; once
// it is mended the case fails until the mark is taken off, so that no mark outlives its defect.
func settle(t *testing.T, defect string, faults []string) {
	t.Helper()
	switch {
	case defect == "":
		for _, f := range faults {
			t.Error(f)
		}
	case len(faults) == 0:
		t.Errorf("this works now: take the mark off (%s)", defect)
	default:
		t.Skip("known defect: " + defect)
	}
}

// refusal is a case of settings that must be refused.
type refusal struct {
	set    settings
	errors []string // the paths of all errors, in order
	says   []string // what the user must be able to read
	defect string
}

func (tc refusal) check(t *testing.T) {
	t.Helper()
	c, problems := load(tc.set)
	var faults, paths []string
	if c != nil {
		faults = append(faults, "a Config came back")
	}
	for _, p := range problems.Errors() {
		paths = append(paths, p.Path)
	}
	if diff := cmp.Diff(tc.errors, paths); diff != "" {
		faults = append(faults, fmt.Sprintf("settings with errors (-want +got):\n%s\n%v", diff, problems))
	}
	for _, s := range tc.says {
		if !strings.Contains(problems.Error(), s) {
			faults = append(faults, fmt.Sprintf("nothing says %q:\n%v", s, problems))
		}
	}
	settle(t, tc.defect, faults)
}

func TestDefaultsAreThoseOfTheContract(t *testing.T) {
	c := mustLoad(t, config.Input{Flags: over(nil)})
	type shown struct {
		Project, Prefix, Zone, Region, Bucket, Folder, VM, GPU, Family, ImageProject, Disk, Network, Account string
		VMs, GPUs, DiskGB                                                                                    int
		BucketGiven, FamilyGiven, External, URLs, Cleanup, Minimize                                          bool
	}
	want := shown{
		Project: "my-gpu-project", Prefix: "demo", Zone: "us-central1-a", Region: "us-central1", Bucket: "aiinfra-terraform-my-gpu-project",
		VM: "a2-highgpu-2g", GPU: "nvidia-tesla-a100", Family: "pytorch-1-12-gpu-debian-10", ImageProject: "ml-images", Disk: "pd-ssd",
		Network: "default_network", Account: "default", VMs: 1, GPUs: 2, DiskGB: 2000, External: true, URLs: true,
	}
	got := shown{
		c.Project, c.NamePrefix, c.Zone, c.Region, c.State.Bucket, c.State.Folder, c.VMType, c.AcceleratorType, c.ImageFamily, c.ImageProject,
		c.DiskType, string(c.Network), c.ServiceAccount, c.InstanceCount, c.GPUCount, c.DiskSizeGB,
		c.State.Given, c.ImageFamilyGiven, c.ExternalIP, c.ShowProxyURL, c.CleanupOnExit, c.MinimizeLogging,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	refusal{
		set: settings{
			"PROJECT_ID": "-", "NAME_PREFIX": "Demo_1", "ZONE": "us-central1", "INSTANCE_COUNT": "0", "GPU_COUNT": "4", "IMAGE_NAME": "Bad",
			"DISK_SIZE_GB": "1e3", "DISK_TYPE": "floppy", "TERRAFORM_GCS_PATH": "bucket", "METADATA": "{", "LABELS": "[]",
			"NETWORK_RANGE": "10.0.0.1/8", "SERVICE_ACCOUNT": "me", "MAX_RUN_DURATION": "soon", "SHOW_PROXY_URL": "maybe",
			"NFS_FILESHARE_LIST": "/data:FLOPPY", "ORCHESTRATOR_TYPE": "ray",
		},
		errors: []string{
			"PROJECT_ID", "NAME_PREFIX", "ZONE", "TERRAFORM_GCS_PATH", "INSTANCE_COUNT", "GPU_COUNT", "IMAGE_NAME", "DISK_SIZE_GB", "DISK_TYPE",
			"METADATA", "LABELS", "NETWORK_RANGE", "SERVICE_ACCOUNT", "SHOW_PROXY_URL", "MAX_RUN_DURATION", "NFS_FILESHARE_LIST",
			"NFS_FILESHARE_LIST", "ORCHESTRATOR_TYPE",
		},
	}.check(t)
}

func TestSettingsTableIsSound(t *testing.T) {
	seen, group := map[string]bool{}, 0
	for _, s := range config.Settings() {
		for _, name := range append([]string{s.Key}, s.Aliases...) {
			if seen[name] {
				t.Errorf("%s stands in the table twice", name)
			}
			seen[name] = true
		}
		if !slices.Contains(config.Groups(), s.Group) {
			t.Errorf("%s is in no group", s.Key)
		}
		if at := slices.Index(config.Groups(), s.Group); at < group {
			t.Errorf("%s does not stand beside its group", s.Key)
		} else {
			group = at
		}
		if s.Doc == "" || s.Syntax == "" {
			t.Errorf("%s has no text for the reference", s.Key)
		}
		if s.Mandatory && (s.Default != "" || s.Later != "") {
			t.Errorf("%s is mandatory, so it can have no default and must work", s.Key)
		}
		if want := strings.ToLower(strings.ReplaceAll(s.Key, "_", "-")); s.Flag() != want {
			t.Errorf("flag of %s is %s, want %s", s.Key, s.Flag(), want)
		}
	}
}

// TestEveryDefaultCanBeGiven holds the table to the checks: what it documents as default must be accepted when given.
func TestEveryDefaultCanBeGiven(t *testing.T) {
	for _, s := range config.Settings() {
		if s.Default == "" {
			continue
		}
		if c, problems := load(settings{s.Key: s.Default}); c == nil {
			t.Errorf("%s=%s is refused: %v", s.Key, s.Default, problems)
		}
	}
}

func TestTargetIsLoadedWhateverElseIsWrong(t *testing.T) {
	flags := over(settings{"TERRAFORM_GCS_PATH": "gs://b-1/team/a"})
	for _, s := range config.Settings() {
		if !slices.Contains([]string{"PROJECT_ID", "NAME_PREFIX", "ZONE", "TERRAFORM_GCS_PATH"}, s.Key) {
			flags[s.Key] = "\x00 nonsense {"
		}
	}
	got, problems := config.LoadTarget(config.Input{Flags: flags, CopyDir: "/nowhere", EnvFile: file(t, "NO_SUCH_SETTING=1\n")})
	if got == nil {
		t.Fatal(problems)
	}
	want := &config.Target{
		Project: "my-gpu-project", NamePrefix: "demo", Zone: "us-central1-a", Region: "us-central1",
		State: config.StatePath{Bucket: "b-1", Folder: "team/a", Given: true}, MinimizeLogging: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTargetNeedsItsOwnSettings(t *testing.T) {
	for _, key := range []string{"PROJECT_ID", "NAME_PREFIX", "ZONE"} {
		got, problems := config.LoadTarget(config.Input{Flags: over(settings{key: "-"})})
		if got != nil || len(problems) != 1 || problems[0].Path != key {
			t.Errorf("without %s: %v", key, problems)
		}
	}
	if got, problems := config.LoadTarget(config.Input{Flags: over(settings{"STATE_GCS_PATH": "gs://b-1/"})}); got != nil {
		t.Errorf("a bad state path is accepted: %v", problems)
	}
}

func TestProjectIsAllThatAListNeeds(t *testing.T) {
	got, problems := config.LoadProject(config.Input{Flags: map[string]string{"PROJECT_ID": "my-gpu-project", "ZONE": "Mars"}})
	if got == nil || got.Project != "my-gpu-project" || got.State.Bucket != "aiinfra-terraform-my-gpu-project" {
		t.Errorf("%+v %v", got, problems)
	}
	if got, _ := config.LoadProject(config.Input{}); got != nil {
		t.Error("a list without a project is accepted")
	}
}
