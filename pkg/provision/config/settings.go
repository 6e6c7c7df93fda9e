package config

import (
	"slices"
	"strings"
)

// Setting is one key that a user can set.
type Setting struct {
	Key       string
	Aliases   []string
	Default   string // as it is documented; "" for none
	Mandatory bool
	Syntax    string // what a value looks like
	Doc       string // one sentence
	Later     string // what is not there yet; empty for a setting that works
}

// Flag is the flag of the same name: "project-id" for PROJECT_ID.
func (s Setting) Flag() string { return strings.ReplaceAll(strings.ToLower(s.Key), "_", "-") }

const yesNo = "yes or no"

// Settings lists every setting in the order of the reference.
func Settings() []Setting {
	return []Setting{
		{Key: "PROJECT_ID", Mandatory: true, Syntax: "project id", Doc: "Project of all resources."},
		{Key: "NAME_PREFIX", Mandatory: true, Syntax: "lower-case letters, digits, hyphens", Doc: "Prefix of every name, and the deployment's identity."},
		{Key: "ZONE", Mandatory: true, Syntax: "us-central1-a", Doc: "Zone of zonal resources. The region follows from it."},

		{Key: "INSTANCE_COUNT", Default: "1", Syntax: "1 to 100000", Doc: "Number of VMs."},
		{Key: "GPU_COUNT", Default: "2", Syntax: "number", Doc: "GPUs of each VM. Follows from VM_TYPE when only that is given."},
		{Key: "VM_TYPE", Default: "a2-highgpu-2g", Syntax: "machine type", Doc: "Machine type."},
		{Key: "ACCELERATOR_TYPE", Default: "nvidia-tesla-a100", Syntax: "GPU type", Doc: "GPU type. Follows from VM_TYPE when only that is given."},
		{Key: "IMAGE_FAMILY_NAME", Default: "pytorch-1-12-gpu-debian-10", Syntax: "image family", Doc: "Image family that the VMs boot from. When the default one is gone, the newest PyTorch GPU family stands in, and that is said."},
		{Key: "IMAGE_NAME", Syntax: "image name", Doc: "Image that the VMs boot from, instead of a family."},
		{Key: "IMAGE_PROJECT", Default: "ml-images", Syntax: "project id", Doc: "Project of the image or image family."},
		{Key: "DISK_SIZE_GB", Default: "2000", Syntax: "10 to 65536", Doc: "Size of the boot disk in GB."},
		{Key: "DISK_TYPE", Default: "pd-ssd", Syntax: "disk type", Doc: "Type of the boot disk. When not given and the machine type cannot boot from pd-ssd, its own default is taken, and that is said."},
		{Key: "TERRAFORM_GCS_PATH", Aliases: []string{"STATE_GCS_PATH"}, Syntax: "gs://bucket[/folder]", Doc: "Where state is kept; the bucket must exist. When not given: bucket aiinfra-terraform-PROJECT_ID, made if it is missing."},
		{Key: "VM_LOCALFILE_DEST_PATH", Default: "/usr/aiinfra/copy", Syntax: "absolute path", Doc: "Where staged files land on every VM.", Later: "staging files is not there yet"},
		{Key: "METADATA", Syntax: `{ key = "value", … } or JSON`, Doc: "VM metadata."},
		{Key: "LABELS", Syntax: `{ key = "value", … } or JSON`, Doc: "Labels for everything that can carry labels. The label aiinfra-cluster is always added."},
		{Key: "STARTUP_COMMAND", Syntax: "shell command", Doc: "Command run on each VM after set-up.", Later: "running a command on the VMs is not there yet"},
		{Key: "STARTUP_COMMAND_EVERY_BOOT", Default: "no", Syntax: yesNo, Doc: "Run STARTUP_COMMAND at each boot, not only at the first.", Later: "running a command on the VMs is not there yet"},
		{Key: "ORCHESTRATOR_TYPE", Default: "none", Syntax: "none, ray or gke", Doc: "What schedules work on the cluster.", Later: "orchestrators are not there yet"},
		{Key: "GKE_NODE_POOL_COUNT", Default: "1", Syntax: "number", Doc: "Number of equal node pools.", Later: "GKE clusters are not there yet"},
		{Key: "GKE_MIN_NODE_COUNT", Syntax: "number", Doc: "Least nodes of each pool.", Later: "GKE clusters are not there yet"},
		{Key: "GKE_MAX_NODE_COUNT", Syntax: "number", Doc: "Most nodes of each pool.", Later: "GKE clusters are not there yet"},
		{Key: "GCS_MOUNT_LIST", Syntax: "bucket:/mount/path,…", Doc: "Buckets to mount on every VM.", Later: "mounting buckets is not there yet"},
		{Key: "NFS_FILESHARE_LIST", Syntax: "/mount/path:TYPE[:SIZE_GB],…", Doc: "Filestore shares to make and mount on every VM.", Later: "Filestore shares are not there yet"},
		{Key: "SHOW_PROXY_URL", Default: "yes", Syntax: yesNo, Doc: "no: Jupyter URLs are not collected."},
		{Key: "MINIMIZE_TERRAFORM_LOGGING", Aliases: []string{"MINIMIZE_LOGGING"}, Syntax: "any value", Doc: "The detailed log goes to a file, which is uploaded to the deployment's folder, and not to the console."},
		{Key: "NETWORK_CONFIG", Default: "default_network", Syntax: "default_network, new_network or multi_nic_network", Doc: "The project's default network, or one of our own."},
		{Key: "NIC_COUNT", Default: "5", Syntax: "2 to 16", Doc: "Number of NICs with multi_nic_network.", Later: "networks with several NICs are not there yet"},
		{Key: "DISABLE_OPS_AGENT", Default: "false", Syntax: "true or false", Doc: "true: no Ops Agent. This version installs none yet in any case."},
		{Key: "CLEANUP_ON_EXIT", Default: "no", Syntax: yesNo, Doc: "yes: create waits for a signal and then destroys."},

		{Key: "EXTERNAL_IP", Default: "yes", Syntax: yesNo, Doc: "no: VMs have no external address. On a network of our own a Cloud Router with NAT gives them a way out."},
		{Key: "NETWORK_RANGE", Syntax: "IPv4 range", Doc: "Range of the subnetwork of new_network. When not given, a free one is chosen and kept."},
		{Key: "SERVICE_ACCOUNT", Default: "default", Syntax: "e-mail", Doc: "Service account of the VMs; the default is the project's Compute Engine default."},
		{Key: "PROVISIONING_MODEL", Default: "standard", Syntax: "standard, spot, reservation or flex", Doc: "How VMs are had.", Later: "other provisioning models than standard are not there yet"},
		{Key: "RESERVATION", Syntax: "name or path", Doc: "Reservation to consume.", Later: "reservations are not there yet"},
		{Key: "PLACEMENT", Default: "none", Syntax: "none or compact", Doc: "Placement policy of the VMs.", Later: "compact placement is not there yet"},
		{Key: "FALLBACK_ZONES", Syntax: "zone,zone,…", Doc: "Zones to try when ZONE has no capacity.", Later: "trying other zones is not there yet"},
		{Key: "MAX_RUN_DURATION", Syntax: "36h or 7d", Doc: "After it the cloud itself deletes the VMs."},
		{Key: "NOTEBOOK_INSTANCE", Default: "no", Syntax: yesNo, Doc: "A Vertex AI Workbench instance beside the cluster.", Later: "Workbench instances are not there yet"},
		{Key: "RAY_VERSION", Syntax: "version", Doc: "Version of Ray.", Later: "Ray is not there yet"},
		{Key: "WAIT_FOR_STARTUP", Default: "yes", Syntax: yesNo, Doc: "no: create does not wait for the VMs' set-up.", Later: "the VMs' set-up is not there yet"},
		{Key: "STARTUP_TIMEOUT", Default: "30m", Syntax: "Go duration", Doc: "Longest wait for the VMs' set-up.", Later: "the VMs' set-up is not there yet"},
	}
}

// names maps every key and alias to its key.
func names() map[string]string {
	out := map[string]string{}
	for _, s := range Settings() {
		out[s.Key] = s.Key
		for _, a := range s.Aliases {
			out[a] = s.Key
		}
	}
	return out
}

func settingOf(key string) Setting {
	all := Settings()
	i := slices.IndexFunc(all, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return Setting{Key: key}
	}
	return all[i]
}
