package main

// group is a topic of settings in the help.
type group struct {
	title string
	keys  []string
}

// groups has every setting exactly once. A key of the contract that this version does not know yet is left out of the help.
func groups() []group {
	return []group{
		{"which deployment", []string{"PROJECT_ID", "NAME_PREFIX", "ZONE"}},
		{"state and log", []string{"TERRAFORM_GCS_PATH", "MINIMIZE_TERRAFORM_LOGGING", "CLEANUP_ON_EXIT"}},
		{"machines", []string{"INSTANCE_COUNT", "VM_TYPE", "GPU_COUNT", "ACCELERATOR_TYPE", "IMAGE_FAMILY_NAME", "IMAGE_NAME", "IMAGE_PROJECT", "DISK_SIZE_GB", "DISK_TYPE", "METADATA", "LABELS", "SERVICE_ACCOUNT"}},
		{"capacity", []string{"PROVISIONING_MODEL", "RESERVATION", "PLACEMENT", "FALLBACK_ZONES", "CAPACITY_TIMEOUT", "MAX_RUN_DURATION"}},
		{"network", []string{"NETWORK_CONFIG", "NIC_COUNT", "EXTERNAL_IP", "NETWORK_RANGE", "NETWORK_MTU", "SUBNETWORK"}},
		{"storage", []string{"GCS_MOUNT_LIST", "NFS_FILESHARE_LIST", "VM_LOCALFILE_DEST_PATH"}},
		{"set-up of the VMs", []string{"STARTUP_COMMAND", "STARTUP_COMMAND_EVERY_BOOT", "WAIT_FOR_STARTUP", "STARTUP_TIMEOUT", "DISABLE_OPS_AGENT", "SHOW_PROXY_URL", "NOTEBOOK_INSTANCE"}},
		{"orchestrators", []string{"ORCHESTRATOR_TYPE", "RAY_VERSION", "GKE_NODE_POOL_COUNT", "GKE_MIN_NODE_COUNT", "GKE_MAX_NODE_COUNT", "GKE_AUTHORIZED_NETWORKS"}},
	}
}
