package blueprint

import (
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/mig"
)

// Needs is what the deployment needs beyond what the spec of any one resource tells, by the node that brings the need; the zero
// address stands for the deployment as a whole. VMs are made by a group, but what they are like is in a template that makes
// none: only here the two come together.
func Needs(cfg *config.Config) map[resources.Address]resources.Requirements {
	out := map[resources.Address]resources.Requirements{
		{}: {APIs: []string{"storage.googleapis.com"}}, // of the state
	}
	for _, g := range groups(cfg.InstanceCount) {
		out[resources.Address{Kind: mig.Kind, Name: g.name}] = resources.Requirements{
			Permissions: vmPermissions(cfg), Quotas: vmQuotas(cfg, float64(g.size)),
		}
	}
	return out
}

// The permissions that may be granted on one thing alone.
const (
	actAs         = "iam.serviceAccounts.actAs"
	useSubnetwork = "compute.subnetworks.use"
	useExternalIP = "compute.subnetworks.useExternalIp"
)

// vmPermissions follows "Required permissions" of "Create and start a Compute Engine instance" in the VM documentation: to
// specify a subnet, to assign an external address, to set metadata, labels and a service account, to create a new disk. The page
// on service accounts for instances adds actAs for whoever attaches one. No tags are set, so setTags is not needed; public
// images need nothing.
func vmPermissions(cfg *config.Config) []string {
	out := []string{
		"compute.disks.create", "compute.instances.create", "compute.instances.setLabels", "compute.instances.setMetadata",
		"compute.instances.setServiceAccount", useSubnetwork, actAs,
	}
	if cfg.ExternalIP {
		out = append(out, useExternalIP)
	}
	return out
}

// Narrower names, for permissions that may be granted on one thing alone, the path of that thing: they can be missing on the
// project and be held all the same. email is the VMs' service account, as far as it is known. On our own network there is
// nothing yet that a permission could have been granted on.
func Narrower(cfg *config.Config, ch Choices, email string) map[string]string {
	out := map[string]string{}
	if email != "" {
		out[actAs] = "projects/-/serviceAccounts/" + email // iam/v1 discovery document: "-" stands for the account's project
	}
	if cfg.Network == config.DefaultNetwork && ch.Subnetwork != "" {
		out[useSubnetwork], out[useExternalIP] = ch.Subnetwork, ch.Subnetwork
	}
	return out
}

// gpuQuotas are the regional quotas of GPU types, and cpuQuotas those of machine families, which Compute Engine tells of itself
// (compute/v1 discovery document, enum of Quota.metric). Newer families have their quotas elsewhere and are not compared.
var gpuQuotas = map[string]string{ //nolint:gochecknoglobals // a constant table
	"nvidia-tesla-a100": "NVIDIA_A100_GPUS",
	"nvidia-a100-80gb":  "NVIDIA_A100_80GB_GPUS",
	"nvidia-l4":         "NVIDIA_L4_GPUS",
	"nvidia-tesla-k80":  "NVIDIA_K80_GPUS",
	"nvidia-tesla-p100": "NVIDIA_P100_GPUS",
	"nvidia-tesla-p4":   "NVIDIA_P4_GPUS",
	"nvidia-tesla-t4":   "NVIDIA_T4_GPUS",
	"nvidia-tesla-v100": "NVIDIA_V100_GPUS",
}

var cpuQuotas = map[string]string{"a2": "A2_CPUS", "n1": "CPUS"} //nolint:gochecknoglobals // a constant table

// diskQuotas: the page on allocation quotas counts balanced disks as SSD.
var diskQuotas = map[string]string{ //nolint:gochecknoglobals // a constant table
	"pd-ssd": "SSD_TOTAL_GB", "pd-balanced": "SSD_TOTAL_GB", "pd-standard": "DISKS_TOTAL_GB",
}

// vmQuotas is what so many VMs take.
func vmQuotas(cfg *config.Config, vms float64) map[resources.Quota]float64 {
	out := map[resources.Quota]float64{}
	take := func(metric, region string, each int) {
		if metric != "" && each > 0 {
			out[resources.Quota{Metric: metric, Region: region}] += vms * float64(each)
		}
	}
	take("INSTANCES", cfg.Region, 1)
	take(cpuQuotas[cfg.Machine.Family()], cfg.Region, cfg.Machine.CPUs)
	take(gpuQuotas[cfg.AcceleratorType], cfg.Region, cfg.GPUCount)
	take("GPUS_ALL_REGIONS", "", cfg.GPUCount)
	take(diskQuotas[cfg.DiskType], cfg.Region, cfg.DiskSizeGB)
	if cfg.ExternalIP {
		take("IN_USE_ADDRESSES", cfg.Region, 1)
	}
	return out
}
