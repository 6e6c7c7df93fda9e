package config_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

// TestKeysOfTheReplacedTool holds each key that some version of the replaced tool knew to what its users must read.
func TestKeysOfTheReplacedTool(t *testing.T) {
	for line, says := range map[string]string{
		"REGION=us-central1":                                  "follows from ZONE",
		"GCS_PATH=gs://team-state/x":                          "write TERRAFORM_GCS_PATH=gs://team-state/x",
		`GCS_PATH="gs://team-state/x"`:                        "write TERRAFORM_GCS_PATH=gs://team-state/x",
		"GCS_PATH=":                                           "write TERRAFORM_GCS_PATH=…",
		"GCS_PATH":                                            "write TERRAFORM_GCS_PATH=…",
		"COPY_DIR_PATH=/usr/cp":                               "write VM_LOCALFILE_DEST_PATH=/usr/cp",
		"STARTUP_SCRIPT=python /tmp/test.py":                  "write STARTUP_COMMAND=python /tmp/test.py",
		"STARTUP_SCRIPT_PATH=/usr/cp/test.sh":                 "STARTUP_COMMAND=bash /usr/aiinfra/copy/test.sh",
		"SETUP_RAY=yes":                                       "write ORCHESTRATOR_TYPE=ray",
		"SETUP_RAY=no":                                        "leave it out",
		"SLEEP_DURATION_SEC=1000":                             "leave it out: with CLEANUP_ON_EXIT=yes",
		"CLUSTER_PROPERTIES=multi_nic":                        "write NETWORK_CONFIG=multi_nic_network",
		"NFS_FILESTORE_LIST=/usr/share1:BASIC_SSD":            "write NFS_FILESHARE_LIST=/usr/share1:BASIC_SSD",
		`CUSTOM_NODE_POOL=[{"name"="pool-1","node_count"=2}]`: "write GKE_NODE_POOL_COUNT",
		"GKE_NODE_COUNT=2":                                    "GKE_MIN_NODE_COUNT=2 and GKE_MAX_NODE_COUNT=2",
		"GKE_NODE_COUNT_PER_NODE_POOL=0":                      "GKE_MIN_NODE_COUNT=0 and GKE_MAX_NODE_COUNT=0",
		"GKE_VERSION=1.25.7-gke.1000":                         "release channel",
		"GKE_ENABLE_COMPACT_PLACEMENT=true":                   "write PLACEMENT=compact",
		"GKE_ENABLE_COMPACT_PLACEMENT=False":                  "leave it out",
		"GKE_IP_CIDR_BLOCK_17=10.12.0.0/17":                   "write NETWORK_RANGE=10.12.0.0/17 and NETWORK_CONFIG=new_network",
		`KUBERNETES_SETUP_CONFIG={"node_service_account"="a@b.example.com"}`: "write SERVICE_ACCOUNT",
		"ENABLE_OPS_AGENT=true":                             "leave it out",
		"ENABLE_OPS_AGENT=false":                            "write DISABLE_OPS_AGENT=true",
		"ON_INSTALL_OPS_AGENT_FAILURE=continue":             "leave it out",
		"ENABLE_NOTEBOOK=true":                              "leave it out",
		"ENABLE_NOTEBOOK=false":                             "write SHOW_PROXY_URL=no",
		"DISABLE_NOTEBOOK=true":                             "write SHOW_PROXY_URL=no",
		"DISABLE_NOTEBOOK=false":                            "leave it out",
		"SLURM_NODE_COUNT_STATIC=4":                         "write INSTANCE_COUNT=4",
		"SLURM_NODE_COUNT_DYNAMIC_MAX=8":                    "write INSTANCE_COUNT=8",
		"CONTAINER_IMAGE=gcr.io/p/i":                        "write STARTUP_COMMAND=docker run gcr.io/p/i",
		"DEBUG_HOLD=1":                                      "cluster-provision debug",
		"STARTUP_SCRIPT=" + "\x1b[31m":                      "write STARTUP_COMMAND=…",
		"STARTUP_SCRIPT=python " + strings.Repeat("x", 500): "write STARTUP_COMMAND=…",
		"COPY_DIR_PATH=/usr/cp" + "\r":                      "write VM_LOCALFILE_DEST_PATH=/usr/cp ",
		"STARTUP_SCRIPT=[ -d \\\"/data\\\" ] && echo \\\"a directory\\\" > /x": `write STARTUP_COMMAND=[ -d \"/data\" ] && echo \"a directory\" > /x`,
	} {
		t.Run(line, func(t *testing.T) {
			key, _, _ := strings.Cut(line, "=")
			c, problems := config.Load(config.Input{EnvFile: file(t, mandatoryLines+line+"\n")})
			if errs := problems.Errors(); c != nil || len(errs) != 1 || errs[0].Path != key {
				t.Fatalf("want one error, of %s: %v", key, problems)
			}
			p := problems.Errors()[0]
			if !strings.Contains(p.Hint, says) {
				t.Errorf("nothing says %q: %s", says, p)
			}
			if !strings.Contains(p.Message, "env.list:5") {
				t.Errorf("does not say where it stands: %s", p)
			}
			showable(t, p)
			advised(t, p.Hint)
		})
	}
}

// written finds settings that a hint tells to write.
var written = regexp.MustCompile(`(?:write|and|with) ([A-Z][A-Z_]+)=([^ ;,]+)`)

// advised follows a hint: what it tells to write must be a setting, and be refused, if at all, because its feature is not there yet.
func advised(t *testing.T, hint string) {
	t.Helper()
	set := settings{}
	for _, m := range written.FindAllStringSubmatch(hint, -1) {
		if m[2] != "…" {
			set[m[1]] = m[2]
		}
	}
	known := map[string]string{}
	for _, s := range config.Settings() {
		known[s.Key] = s.Later
	}
	_, problems := load(set)
	for _, p := range problems.Errors() {
		if !strings.Contains(p.Message, "not there yet") {
			t.Errorf("the advice does not help: %s", p)
		}
	}
	for key := range set {
		if _, ok := known[key]; !ok {
			t.Errorf("the hint names %s, which is no setting", key)
		}
	}
}

// TestActionInAnEnvFileIsNoError: old files hold it, and a container takes it from the environment.
func TestActionInAnEnvFileIsNoError(t *testing.T) {
	c, problems := config.Load(config.Input{EnvFile: file(t, mandatoryLines+"ACTION=Create\n")})
	if c == nil || len(problems) != 1 || problems[0].Path != "ACTION" || !strings.Contains(problems[0].Hint, "command line") {
		t.Errorf("%v", problems)
	}
}

func TestKeysOfTheReplacedToolInTheEnvironment(t *testing.T) {
	ours := []string{"PROJECT_ID=my-gpu-project", "NAME_PREFIX=demo", "ZONE=us-central1-a", "DISABLE_OPS_AGENT=true"}
	for name, tc := range map[string]struct {
		environ []string
		flags   map[string]string
		want    string // the hint
	}{
		"a key of ours alone is a warning":                         {[]string{"NFS_FILESTORE_LIST=/a:ZONAL"}, over(nil), "write NFS_FILESHARE_LIST=/a:ZONAL"},
		"a generic key beside settings in the environment as well": {append(ours, "GCS_PATH=gs://b-1"), nil, "write TERRAFORM_GCS_PATH=gs://b-1"},
		"a generic key elsewhere is another program's":             {[]string{"GCS_PATH=gs://b-1", "STARTUP_SCRIPT=x"}, over(nil), ""},
		"an empty one says nothing":                                {append(ours, "GCS_PATH="), nil, ""},
		"an action is the command line's affair":                   {append(ours, "ACTION=Create"), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := config.Load(config.Input{Environ: tc.environ, Flags: tc.flags})
			if c == nil {
				t.Fatal(problems)
			}
			got := ""
			for _, p := range problems {
				got += p.Hint
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestDestroyDoesNotOverlookWhereTheStateIs: with a wrong name for the state path, a destroy would look in the default bucket, find
// nothing there, and say so, while VMs run.
func TestDestroyDoesNotOverlookWhereTheStateIs(t *testing.T) {
	for name, tc := range map[string]struct {
		line, path string
		warning    bool
	}{
		"the key of an older version":     {"GCS_PATH=gs://b-1", "GCS_PATH", false},
		"a misspelt key":                  {"TERRAFORM_GCS_PAHT=gs://b-1", "TERRAFORM_GCS_PAHT", false},
		"a misspelt alias":                {"STATE_GSC_PATH=gs://b-1", "STATE_GSC_PATH", false},
		"a key that has nothing to do":    {"NO_SUCH_SETTING=1", "", false},
		"an old key of another setting":   {"SETUP_RAY=yes", "", false},
		"a quoted path":                   {`TERRAFORM_GCS_PATH="gs://b-1"`, "TERRAFORM_GCS_PATH", false},
		"a quoted value of another":       {`GPU_COUNT="2"`, "", false},
		"an older key in the environment": {"", "GCS_PATH", true},
	} {
		t.Run(name, func(t *testing.T) {
			in := config.Input{EnvFile: file(t, mandatoryLines+tc.line+"\n")}
			if tc.warning {
				in = config.Input{Environ: append(strings.Fields(mandatoryLines), "GCS_PATH=gs://b-1")}
			}
			target, problems := config.LoadTarget(in)
			if refused := tc.path != "" && !tc.warning; refused != (target == nil) || tc.path != "" && (len(problems) != 1 || problems[0].Path != tc.path) || tc.path == "" && len(problems) > 0 {
				t.Errorf("%+v %v", target, problems)
			}
		})
	}
}

// TestEnvFilesOfTheReplacedToolWork: the shapes that the env-files in its history have, as far as they use today's keys.
func TestEnvFilesOfTheReplacedToolWork(t *testing.T) {
	for name, text := range map[string]string{
		"blanks in maps, no last line end": "METADATA={ meta1 = \"val\", meta2 = \"val2\" }\nLABELS={ label1 = \"marker1\" }\nINSTANCE_COUNT=3",
		"maps without blanks":              "METADATA={install-unattended-upgrades=\"false\",enable-oslogin=\"TRUE\"}\nLABELS={gcpllm=\"demo\"}\n",
		"long rules of comment signs":      "# -------------------------------------\n# NETWORK_CONFIG. The network.\n#                more of it\n# ---\n\nNETWORK_CONFIG=new_network\n",
		"all about machine and image":      "INSTANCE_COUNT=2\nGPU_COUNT=2\nVM_TYPE=a2-highgpu-2g\nACCELERATOR_TYPE=nvidia-tesla-a100\nIMAGE_PROJECT=cos-cloud\nIMAGE_FAMILY_NAME=cos-stable\n",
		"a machine without GPUs":           "VM_TYPE=n1-standard-1\nGPU_COUNT=0\nSHOW_PROXY_URL=no\nDISABLE_OPS_AGENT=true\n",
		"state, log and clean-up":          "TERRAFORM_GCS_PATH=gs://test-bucket/ci\nMINIMIZE_TERRAFORM_LOGGING=yes\nCLEANUP_ON_EXIT=yes\n",
	} {
		t.Run(name, func(t *testing.T) {
			if c, problems := config.Load(config.Input{EnvFile: file(t, mandatoryLines+text)}); c == nil || len(problems) > 0 {
				t.Error(problems)
			}
		})
	}
}
