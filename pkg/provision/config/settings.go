package config

import "strings"

// Group is what a setting is about: a heading in the help and in the reference.
type Group string

// The groups, in the order in which they are shown.
const (
	GroupDeployment   Group = "Deployment"
	GroupMachines     Group = "Machines"
	GroupImageAndDisk Group = "Image and disk"
	GroupNetwork      Group = "Network"
	GroupStorage      Group = "Storage and files"
	GroupSoftware     Group = "Software on the VMs"
	GroupOrchestrator Group = "Orchestrator"
	GroupCapacity     Group = "Capacity"
	GroupRunning      Group = "Running"
)

// Groups lists the groups in the order in which they are shown.
func Groups() []Group {
	return []Group{
		GroupDeployment, GroupMachines, GroupImageAndDisk, GroupNetwork, GroupStorage, GroupSoftware, GroupOrchestrator, GroupCapacity, GroupRunning,
	}
}

// Setting is one key that a user can set.
type Setting struct {
	Key       string
	Group     Group
	Aliases   []string
	Default   string // as it is documented; "" for none
	Mandatory bool
	Generic   bool   // other programs use a variable of this name too
	FreeText  bool   // quotes at its ends can be meant
	Syntax    string // what a value looks like
	Doc       string // what it is for, in a sentence or two
	Later     string // what is not there yet; empty for a setting that works
}

// Flag is the flag of the same name: "project-id" for PROJECT_ID.
func (s Setting) Flag() string { return strings.ReplaceAll(strings.ToLower(s.Key), "_", "-") }

const yesNo = "yes or no"

// Settings lists every setting in the order of the reference: group by group.
func Settings() []Setting {
	return []Setting{
		{Key: "PROJECT_ID", Group: GroupDeployment, Generic: true, Mandatory: true, Syntax: "project id", Doc: "Project of all resources."},
		{Key: "NAME_PREFIX", Group: GroupDeployment, Mandatory: true, Syntax: "lower-case letters, digits, hyphens", Doc: "Prefix of every name, and the deployment's identity."},
		{Key: "ZONE", Group: GroupDeployment, Generic: true, Mandatory: true, Syntax: "us-central1-a", Doc: "Zone of zonal resources. The region follows from it."},
		{Key: "TERRAFORM_GCS_PATH", Group: GroupDeployment, Aliases: []string{"STATE_GCS_PATH"}, Syntax: "gs://bucket[/folder]", Doc: "Where state is kept; the bucket must exist. When not given: bucket aiinfra-terraform-PROJECT_ID, made if it is missing."},
		{Key: "LABELS", Group: GroupDeployment, Generic: true, FreeText: true, Syntax: `{ key = "value", … } or JSON`, Doc: "Labels for everything that can carry labels. The label aiinfra-cluster is always added."},

		{Key: "INSTANCE_COUNT", Group: GroupMachines, Generic: true, Default: "1", Syntax: "1 to 100000", Doc: "Number of VMs."},
		{Key: "VM_TYPE", Group: GroupMachines, Default: "a2-highgpu-2g", Syntax: "machine type", Doc: "Machine type."},
		{Key: "GPU_COUNT", Group: GroupMachines, Generic: true, Default: "2", Syntax: "number", Doc: "GPUs of each VM. Follows from VM_TYPE when only that is given."},
		{Key: "ACCELERATOR_TYPE", Group: GroupMachines, Default: "nvidia-tesla-a100", Syntax: "GPU type", Doc: "GPU type. Follows from VM_TYPE when only that is given."},
		{Key: "METADATA", Group: GroupMachines, Generic: true, FreeText: true, Syntax: `{ key = "value", … } or JSON`, Doc: "VM metadata."},
		{Key: "SERVICE_ACCOUNT", Group: GroupMachines, Generic: true, Default: "default", Syntax: "e-mail", Doc: "Service account of the VMs; the default is the project's Compute Engine default."},

		{Key: "IMAGE_FAMILY_NAME", Group: GroupImageAndDisk, Default: "pytorch-1-12-gpu-debian-10", Syntax: "image family", Doc: "Image family that the VMs boot from. When the default one is gone, the newest PyTorch GPU family stands in, and that is said."},
		{Key: "IMAGE_NAME", Group: GroupImageAndDisk, Generic: true, Syntax: "image name", Doc: "Image that the VMs boot from, instead of a family."},
		{Key: "IMAGE_PROJECT", Group: GroupImageAndDisk, Generic: true, Default: "ml-images", Syntax: "project id", Doc: "Project of the image or image family."},
		{Key: "DISK_SIZE_GB", Group: GroupImageAndDisk, Default: "2000", Syntax: "10 to 65536", Doc: "Size of the boot disk in GB."},
		{Key: "DISK_TYPE", Group: GroupImageAndDisk, Generic: true, Default: "pd-ssd", Syntax: "disk type", Doc: "Type of the boot disk. When not given and the machine type cannot boot from pd-ssd, its own default is taken, and that is said."},

		{Key: "NETWORK_CONFIG", Group: GroupNetwork, Default: "default_network", Syntax: "default_network, new_network or multi_nic_network", Doc: "The project's default network, or one of our own."},
		{Key: "SUBNETWORK", Group: GroupNetwork, Generic: true, Syntax: "name or path", Doc: "With default_network: which subnetwork of ZONE's region the VMs use, where there are several. A name, or a path like regions/us-central1/subnetworks/NAME."},
		{Key: "NETWORK_RANGE", Group: GroupNetwork, Syntax: "IPv4 range", Doc: "Range of the subnetwork of new_network. When not given, a free one is chosen and kept."},
		{Key: "NETWORK_MTU", Group: GroupNetwork, Syntax: "1300 to 8896", Doc: "MTU of networks of our own.", Later: "choosing an MTU is not there yet"},
		{Key: "NIC_COUNT", Group: GroupNetwork, Default: "5", Syntax: "2 to 16", Doc: "Number of NICs with multi_nic_network.", Later: "networks with several NICs are not there yet"},
		{Key: "EXTERNAL_IP", Group: GroupNetwork, Generic: true, Default: "yes", Syntax: yesNo, Doc: "no: VMs have no external address. On a network of our own a Cloud Router with NAT gives them a way out."},

		{Key: "VM_LOCALFILE_DEST_PATH", Group: GroupStorage, Default: "/usr/aiinfra/copy", Syntax: "absolute path", Doc: "Where staged files land on every VM.", Later: "staging files is not there yet"},
		{Key: "GCS_MOUNT_LIST", Group: GroupStorage, Syntax: "bucket:/mount/path,…", Doc: "Buckets to mount on every VM.", Later: "mounting buckets is not there yet"},
		{Key: "NFS_FILESHARE_LIST", Group: GroupStorage, Syntax: "/mount/path:TYPE[:SIZE_GB],…", Doc: "Filestore shares to make and mount on every VM.", Later: "Filestore shares are not there yet"},

		{Key: "STARTUP_COMMAND", Group: GroupSoftware, FreeText: true, Syntax: "shell command", Doc: "Command run on each VM after set-up.", Later: "running a command on the VMs is not there yet"},
		{Key: "STARTUP_COMMAND_EVERY_BOOT", Group: GroupSoftware, Default: "no", Syntax: yesNo, Doc: "Run STARTUP_COMMAND at each boot, not only at the first.", Later: "running a command on the VMs is not there yet"},
		{Key: "DISABLE_OPS_AGENT", Group: GroupSoftware, Default: "false", Syntax: "true or false", Doc: "true: no Ops Agent. This version installs none yet in any case."},
		{Key: "SHOW_PROXY_URL", Group: GroupSoftware, Default: "yes", Syntax: yesNo, Doc: "no: Jupyter URLs are not collected."},
		{Key: "NOTEBOOK_INSTANCE", Group: GroupSoftware, Default: "no", Syntax: yesNo, Doc: "A Vertex AI Workbench instance beside the cluster.", Later: "Workbench instances are not there yet"},

		{Key: "ORCHESTRATOR_TYPE", Group: GroupOrchestrator, Default: "none", Syntax: "none, ray or gke", Doc: "What schedules work on the cluster.", Later: "orchestrators are not there yet"},
		{Key: "RAY_VERSION", Group: GroupOrchestrator, Syntax: "version", Doc: "Version of Ray.", Later: "Ray is not there yet"},
		{Key: "GKE_NODE_POOL_COUNT", Group: GroupOrchestrator, Default: "1", Syntax: "number", Doc: "Number of equal node pools.", Later: "GKE clusters are not there yet"},
		{Key: "GKE_MIN_NODE_COUNT", Group: GroupOrchestrator, Syntax: "number", Doc: "Least nodes of each pool.", Later: "GKE clusters are not there yet"},
		{Key: "GKE_MAX_NODE_COUNT", Group: GroupOrchestrator, Syntax: "number", Doc: "Most nodes of each pool.", Later: "GKE clusters are not there yet"},
		{Key: "GKE_AUTHORIZED_NETWORKS", Group: GroupOrchestrator, Syntax: "range,range,…", Doc: "Ranges that may reach the control plane's IP endpoint, beside its DNS endpoint.", Later: "GKE clusters are not there yet"},

		{Key: "PROVISIONING_MODEL", Group: GroupCapacity, Default: "standard", Syntax: "standard, spot, reservation or flex", Doc: "How VMs are had.", Later: "other provisioning models than standard are not there yet"},
		{Key: "RESERVATION", Group: GroupCapacity, Generic: true, Syntax: "name or path", Doc: "Reservation to consume.", Later: "reservations are not there yet"},
		{Key: "PLACEMENT", Group: GroupCapacity, Generic: true, Default: "none", Syntax: "none or compact", Doc: "Placement policy of the VMs.", Later: "compact placement is not there yet"},
		{Key: "FALLBACK_ZONES", Group: GroupCapacity, Syntax: "zone,zone,…", Doc: "Zones to try when ZONE has no capacity.", Later: "trying other zones is not there yet"},
		{Key: "CAPACITY_TIMEOUT", Group: GroupCapacity, Default: "0", Syntax: "Go duration", Doc: "How long one zone is tried after its first sign of no capacity.", Later: "waiting for capacity is not there yet"},
		{Key: "MAX_RUN_DURATION", Group: GroupCapacity, Syntax: "36h or 7d", Doc: "After it the cloud itself deletes the VMs."},

		{Key: "WAIT_FOR_STARTUP", Group: GroupRunning, Default: "yes", Syntax: yesNo, Doc: "no: create does not wait for the VMs' set-up.", Later: "the VMs' set-up is not there yet"},
		{Key: "STARTUP_TIMEOUT", Group: GroupRunning, Default: "30m", Syntax: "Go duration", Doc: "Longest wait for the VMs' set-up.", Later: "the VMs' set-up is not there yet"},
		{Key: "MINIMIZE_TERRAFORM_LOGGING", Group: GroupRunning, FreeText: true, Aliases: []string{"MINIMIZE_LOGGING"}, Syntax: "any value", Doc: "The detailed log goes to a file, which is uploaded to the deployment's folder, and not to the console."},
		{Key: "CLEANUP_ON_EXIT", Group: GroupRunning, Default: "no", Syntax: yesNo, Doc: "yes: create waits for a signal and then destroys."},
	}
}
