package config

import (
	"path"
	"strings"
)

// formerKey is a key of another version of the tool that this program replaces.
type formerKey struct {
	today   string // the setting that stands for it; "" when it is gone
	advice  string // what to write instead: {value} and {file} stand for the value and the last part of a path
	off     string // the advice when the value is no or false; "" for the same
	generic bool   // other programs use this name too
}

// formerAction names the action for `docker run`, which is the command line's and the environment's affair.
const formerAction = "ACTION"

// formerKeys holds every key that some version of the replaced tool read and that is none today. They were gathered from all
// versions of its entry point, README and env.list files (github.com/GoogleCloudPlatform/ai-infra-cluster-provisioning, 2022-10
// to 2024-03).
func formerKeys() map[string]formerKey {
	const leave = "leave it out: "
	perPool := formerKey{today: "GKE_MIN_NODE_COUNT", advice: "write GKE_MIN_NODE_COUNT={value} and GKE_MAX_NODE_COUNT={value}; both are INSTANCE_COUNT when left out"}
	slurm := formerKey{today: "INSTANCE_COUNT", advice: "Slurm is not among the orchestrators: leave it out, and write INSTANCE_COUNT={value} for so many VMs"}
	return map[string]formerKey{
		formerAction:                   {advice: "give the action on the command line, like cluster-provision create", generic: true},
		"REGION":                       {today: "ZONE", advice: leave + "the region follows from ZONE", generic: true},
		"GCS_PATH":                     {today: "TERRAFORM_GCS_PATH", advice: "write TERRAFORM_GCS_PATH={value}", generic: true},
		"COPY_DIR_PATH":                {today: "VM_LOCALFILE_DEST_PATH", advice: "write VM_LOCALFILE_DEST_PATH={value} for where files land on the VMs; they come from /usr/aiinfra/copy, or from --copy-dir"},
		"STARTUP_SCRIPT":               {today: "STARTUP_COMMAND", advice: "write STARTUP_COMMAND={value}", generic: true},
		"STARTUP_SCRIPT_PATH":          {today: "STARTUP_COMMAND", advice: "put the script among the files to stage, and write STARTUP_COMMAND=bash /usr/aiinfra/copy/{file}", generic: true},
		"SETUP_RAY":                    {today: "ORCHESTRATOR_TYPE", advice: "write ORCHESTRATOR_TYPE=ray", off: leave + "without ORCHESTRATOR_TYPE=ray there is no Ray"},
		"SLEEP_DURATION_SEC":           {today: "CLEANUP_ON_EXIT", advice: leave + "with CLEANUP_ON_EXIT=yes, create waits for a signal before it destroys"},
		"CLUSTER_PROPERTIES":           {today: "NETWORK_CONFIG", advice: "write NETWORK_CONFIG=multi_nic_network for its multi_nic", generic: true},
		"NFS_FILESTORE_LIST":           {today: "NFS_FILESHARE_LIST", advice: "write NFS_FILESHARE_LIST={value}"},
		"CUSTOM_NODE_POOL":             {today: "GKE_NODE_POOL_COUNT", advice: "all node pools are equal: write GKE_NODE_POOL_COUNT for their number, INSTANCE_COUNT for the nodes of each, and VM_TYPE for their machines"},
		"GKE_NODE_COUNT":               perPool,
		"GKE_NODE_COUNT_PER_NODE_POOL": perPool,
		"GKE_VERSION":                  {advice: leave + "GKE picks the version of its release channel"},
		"GKE_ENABLE_COMPACT_PLACEMENT": {today: "PLACEMENT", advice: "write PLACEMENT=compact", off: leave + "without PLACEMENT=compact there is no compact placement"},
		"GKE_IP_CIDR_BLOCK_17":         {today: "NETWORK_RANGE", advice: "write NETWORK_RANGE={value} and NETWORK_CONFIG=new_network"},
		"KUBERNETES_SETUP_CONFIG":      {today: "SERVICE_ACCOUNT", advice: "write SERVICE_ACCOUNT for its node_service_account; Kubernetes service accounts are made with kubectl"},
		"ENABLE_OPS_AGENT":             {today: "DISABLE_OPS_AGENT", advice: leave + "the Ops Agent is installed unless DISABLE_OPS_AGENT=true", off: "write DISABLE_OPS_AGENT=true"},
		"ON_INSTALL_OPS_AGENT_FAILURE": {today: "DISABLE_OPS_AGENT", advice: leave + "installing the Ops Agent is retried; DISABLE_OPS_AGENT=true installs none"},
		"ENABLE_NOTEBOOK":              {today: "SHOW_PROXY_URL", advice: leave + "Jupyter URLs are collected unless SHOW_PROXY_URL=no", off: "write SHOW_PROXY_URL=no"},
		"DISABLE_NOTEBOOK":             {today: "SHOW_PROXY_URL", advice: "write SHOW_PROXY_URL=no", off: leave + "Jupyter URLs are collected unless SHOW_PROXY_URL=no"},
		"SLURM_NODE_COUNT_STATIC":      slurm,
		"SLURM_NODE_COUNT_DYNAMIC_MAX": slurm,
		"CONTAINER_IMAGE":              {today: "STARTUP_COMMAND", advice: "write STARTUP_COMMAND=docker run {value}", generic: true},
		"DEBUG_HOLD":                   {advice: leave + "cluster-provision debug holds the container"},
	}
}

// hint is what to write instead of a former key with a value.
func (f formerKey) hint(value string) string {
	value = strings.TrimSpace(strings.Trim(strings.TrimSpace(value), quoteMarks))
	advice := f.advice
	if f.off != "" && means(value) == "no" {
		advice = f.off
	}
	_, shown, _ := strings.Cut(line("", value), "=")
	return strings.NewReplacer("{value}", shown, "{file}", path.Base(shown)).Replace(advice)
}
