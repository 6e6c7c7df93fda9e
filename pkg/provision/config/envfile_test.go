package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

const mandatoryLines = "PROJECT_ID=my-gpu-project\nNAME_PREFIX=demo\nZONE=us-central1-a\nDISABLE_OPS_AGENT=true\n"

// file writes an env-file.
func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "env.list")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLaterSourcesWin(t *testing.T) {
	for name, tc := range map[string]struct {
		environ []string
		file    string
		flags   map[string]string
		want    int
		source  string
	}{
		"nothing given is the default":                                 {nil, "", nil, 1, "default"},
		"the environment wins over the default":                        {[]string{"INSTANCE_COUNT=2"}, "", nil, 2, "environment"},
		"the env-file wins over the environment":                       {[]string{"INSTANCE_COUNT=2"}, "INSTANCE_COUNT=3\n", nil, 3, "env-file"},
		"the flag wins over both":                                      {[]string{"INSTANCE_COUNT=2"}, "INSTANCE_COUNT=3\n", map[string]string{"INSTANCE_COUNT": "4"}, 4, "flag"},
		"an empty value counts as not given":                           {[]string{"INSTANCE_COUNT=2"}, "INSTANCE_COUNT=\n", map[string]string{"INSTANCE_COUNT": "  "}, 2, "environment"},
		"the last of two equal lines wins":                             {nil, "INSTANCE_COUNT=3\nINSTANCE_COUNT=5\n", nil, 5, "env-file"},
		"a key alone takes the environment's value":                    {[]string{"INSTANCE_COUNT=2"}, "INSTANCE_COUNT\n", nil, 2, "env-file"},
		"a key alone without one in the environment is absent":         {nil, "INSTANCE_COUNT\n", nil, 1, "default"},
		"blanks around a value are no part of it":                      {nil, "INSTANCE_COUNT=  6 \t\n", nil, 6, "env-file"},
		"blanks before a key are no part of it":                        {nil, "  INSTANCE_COUNT=6\n", nil, 6, "env-file"},
		"lines may end as on Windows":                                  {nil, "# c\r\n\r\nINSTANCE_COUNT=7\r\n", nil, 7, "env-file"},
		"the last line may lack its end":                               {nil, "INSTANCE_COUNT=8", nil, 8, "env-file"},
		"a comment is not read":                                        {nil, "#INSTANCE_COUNT=9\n  # INSTANCE_COUNT=9\n", nil, 1, "default"},
		"a mark for UTF-8 at the start is skipped, as Docker skips it": {nil, "\ufeffINSTANCE_COUNT=9\n", nil, 9, "env-file"},
	} {
		t.Run(name, func(t *testing.T) {
			c := mustLoad(t, config.Input{Environ: tc.environ, EnvFile: file(t, tc.file+"\n"+mandatoryLines), Flags: tc.flags})
			if c.InstanceCount != tc.want {
				t.Errorf("INSTANCE_COUNT is %d, want %d", c.InstanceCount, tc.want)
			}
			if got := resolved(c, "INSTANCE_COUNT").Source; got != tc.source {
				t.Errorf("source is %s, want %s", got, tc.source)
			}
		})
	}
}

func TestEnvFilesAreRefused(t *testing.T) {
	const noLine = ""
	for name, tc := range map[string]struct {
		file, path string
		says       []string
		defect     string
	}{
		"a misspelt key names the nearest one":           {"INSTANCE_CONT=3", "INSTANCE_CONT", []string{"is not a setting", "INSTANCE_COUNT"}, ""},
		"a key in the wrong letter case names the right": {"vm_type=a2-highgpu-1g", "vm_type", []string{"VM_TYPE"}, ""},
		"an alias is suggested as well":                  {"STATE_GSC_PATH=gs://b-1", "STATE_GSC_PATH", []string{"STATE_GCS_PATH"}, ""},
		"a key like none is refused without a guess":     {"QQQQQQQQQQQQQQQQQQ=3", "QQQQQQQQQQQQQQQQQQ", []string{"docs/settings.md"}, ""},
		"quotes are part of the value":                   {`VM_TYPE="a2-highgpu-1g"`, "VM_TYPE", []string{"drop the quotes: VM_TYPE=a2-highgpu-1g", "env.list:1"}, ""},
		"a line as in a shell script is refused":         {"export VM_TYPE=a2-highgpu-1g", "--env-file", []string{"export VM_TYPE", "write VM_TYPE=a2-highgpu-1g"}, ""},
		"blanks around the equals sign are refused":      {`VM_TYPE = a2-highgpu-1g`, "--env-file", []string{"write VM_TYPE=a2-highgpu-1g"}, ""},
		"a line without a key is refused":                {"=3", "--env-file", []string{"no variable name"}, ""},
		"broken UTF-8 names its line":                    {"# c\nLABELS=\xff", "--env-file", []string{"line 2", "save as UTF-8"}, ""},
		"a bad key names its line":                       {"# c\nBAD KEY=1", "--env-file", []string{"line 2"}, noLine},
		"a missing key names its line":                   {"# c\n=1", "--env-file", []string{"line 2"}, noLine},
		"an unknown key names its line":                  {"# c\nNO_SUCH=1", "NO_SUCH", []string{"env.list:2"}, noLine},
		"an over-long line says what is too long":        {"LABELS=" + strings.Repeat("x", 1<<17), "--env-file", []string{"line 1"}, noLine},
		"an unknown key alone on a line is refused":      {"INSTANCE_CONT", "INSTANCE_CONT", []string{"INSTANCE_COUNT"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := config.Load(config.Input{EnvFile: file(t, tc.file+"\n"), Flags: over(nil)})
			var faults []string
			if c != nil {
				faults = append(faults, "a Config came back")
			}
			if errs := problems.Errors(); len(errs) != 1 || errs[0].Path != tc.path {
				faults = append(faults, "want one error, of "+tc.path+":\n"+errs.Error())
			}
			for _, s := range tc.says {
				if !strings.Contains(problems.Error(), s) {
					faults = append(faults, "nothing says "+s+":\n"+problems.Error())
				}
			}
			settle(t, tc.defect, faults)
		})
	}
}

func TestUnreadableEnvFilesAreRefused(t *testing.T) {
	for name, path := range map[string]string{
		"a file that is not there": filepath.Join(t.TempDir(), "none"),
		"a directory":              t.TempDir(),
		"a name with a NUL":        "a\x00b",
	} {
		for what, problems := range map[string]resources.Problems{"load": second(config.Load(config.Input{EnvFile: path, Flags: over(nil)})), "target": second(config.LoadTarget(config.Input{EnvFile: path, Flags: over(nil)}))} {
			if errs := problems.Errors(); len(errs) != 1 || errs[0].Path != "--env-file" || errs[0].Value != path {
				t.Errorf("%s, %s: %v", name, what, problems)
			}
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

func TestAliases(t *testing.T) {
	for name, tc := range map[string]struct {
		environ []string
		flags   map[string]string
		want    string
	}{
		"the other name works":                     {nil, settings{"STATE_GCS_PATH": "gs://b-1"}, "b-1"},
		"both names with one value work":           {nil, settings{"STATE_GCS_PATH": "gs://b-1", "TERRAFORM_GCS_PATH": "gs://b-1"}, "b-1"},
		"a later source wins under the other name": {[]string{"TERRAFORM_GCS_PATH=gs://b-1"}, settings{"STATE_GCS_PATH": "gs://b-2"}, "b-2"},
		"both names with two values are refused":   {nil, settings{"STATE_GCS_PATH": "gs://b-1", "TERRAFORM_GCS_PATH": "gs://b-2"}, ""},
	} {
		c, problems := config.Load(config.Input{Environ: tc.environ, Flags: over(tc.flags)})
		switch {
		case tc.want == "" && (c != nil || !strings.Contains(problems.Error(), "contradicts")):
			t.Errorf("%s: %v", name, problems)
		case tc.want != "" && (c == nil || c.State.Bucket != tc.want):
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// usual is what environments hold: a login shell, a container, Cloud Shell, CI runners, a Slurm job, language images.
const usual = `PATH HOME LANG LC_ALL TERM SHELL USER LOGNAME PWD OLDPWD SHLVL HOSTNAME EDITOR TZ ZONEINFO _ LABEL IMAGE PROJECT DISK NETWORK
SSH_CONNECTION SSH_AUTH_SOCK XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS LS_COLORS GPG_TTY NAME PREFIX REGION METADATA_SERVER INSTANCE INSTANCE_ID
INSTANCE_NAME INSTANCE_TYPE IMAGE_TAG IMAGE_ID VM_NAME DISK_SIZE NODE_NAME NODE_COUNT HOST_IP POD_IP INTERNAL_IP NETWORK_NAME SERVICE_NAME
GOOGLE_CLOUD_PROJECT GOOGLE_APPLICATION_CREDENTIALS CLOUDSDK_CORE_PROJECT CLOUDSDK_COMPUTE_ZONE GCP_PROJECT GCLOUD_PROJECT DEVSHELL_PROJECT_ID
GCE_METADATA_HOST CI GITHUB_ACTIONS GITHUB_WORKSPACE RUNNER_NAME RUNNER_TEMP CI_PROJECT_ID CI_PROJECT_NAME CI_JOB_IMAGE GITLAB_CI JOB_NAME
BUILD_NUMBER EXECUTOR_NUMBER PROJECT_NAME PROJECT_DIR PROJECT_ROOT JAVA_HOME JAVA_VERSION PYTHON_VERSION RUBY_VERSION PHP_VERSION NODE_VERSION
GO_VERSION GOLANG_VERSION GOPATH RAY_ADDRESS RAY_HEAD_IP CUDA_VERSION CUDA_VISIBLE_DEVICES NVIDIA_VISIBLE_DEVICES NVIDIA_DRIVER_CAPABILITIES
GPU_DEVICE_ORDINAL LD_LIBRARY_PATH SLURM_GPUS SLURM_JOB_ID SLURM_NNODES KUBERNETES_SERVICE_HOST KUBERNETES_PORT STARTUP_SCRIPT STARTUP_DELAY
TERRAFORM_VERSION TF_IN_AUTOMATION NO_PROXY HTTP_PROXY http_proxy DEBIAN_FRONTEND PLACEMENTS LABELED SYSTEMD_EXEC_PID INVOCATION_ID`

func TestOrdinaryEnvironmentsAreQuiet(t *testing.T) {
	var environ []string
	for _, name := range strings.Fields(usual) {
		environ = append(environ, name+"=x")
	}
	_, problems := config.Load(config.Input{Environ: append(environ, "=C:=odd", "no equals sign", ""), Flags: over(nil)})
	if len(problems) > 0 {
		t.Errorf("noise:\n%v", problems)
	}
}

func TestNearMissesInTheEnvironment(t *testing.T) {
	const short = ""
	for name, tc := range map[string]struct {
		variable, means, defect string
		set                     settings
	}{
		"a missing letter":                        {variable: "INSTANCE_CONT", means: "INSTANCE_COUNT"},
		"two swapped letters":                     {variable: "INSTANCE_COUTN", means: "INSTANCE_COUNT"},
		"a letter too many":                       {variable: "GPU_COUNTS", means: "GPU_COUNT"},
		"an alias":                                {variable: "STATE_GCS_PATHS", means: "STATE_GCS_PATH"},
		"a missing letter of a mandatory one":     {variable: "PROJCT_ID", means: "PROJECT_ID", set: settings{"PROJECT_ID": "-"}},
		"a hint at the name that is meant":        {variable: "VM_TYP", means: "VM_TYPE", defect: short},
		"a missing underscore":                    {variable: "NAMEPREFIX", means: "NAME_PREFIX", defect: short},
		"an ordinary name that is one letter off": {variable: "CPU_COUNT"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := config.Load(config.Input{Environ: []string{tc.variable + "=1"}, Flags: over(tc.set)})
			var got []string
			for _, p := range problems.Warnings() {
				got = append(got, p.Path+" "+p.Hint)
			}
			var want []string
			if tc.means != "" {
				want = []string{tc.variable + " did you mean " + tc.means + "?"}
			}
			var faults []string
			if diff := cmp.Diff(want, got); diff != "" {
				faults = append(faults, diff)
			}
			settle(t, tc.defect, faults)
		})
	}
}
