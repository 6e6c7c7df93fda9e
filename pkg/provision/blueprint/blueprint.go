package blueprint

import (
	"maps"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/firewall"
	"github.com/aiinfra/cluster-provision/pkg/resources/instancetemplate"
	"github.com/aiinfra/cluster-provision/pkg/resources/mig"
	"github.com/aiinfra/cluster-provision/pkg/resources/network"
	"github.com/aiinfra/cluster-provision/pkg/resources/router"
	"github.com/aiinfra/cluster-provision/pkg/resources/subnetwork"
)

// Build gives the resources of the cluster.
func Build(cfg *config.Config, ch Choices) *resources.Set {
	set := resources.NewSet(ScopeOf(cfg.Project, cfg.Region, cfg.Zone, cfg.NamePrefix))
	labels := map[string]string{}
	maps.Copy(labels, cfg.Labels)
	labels[resources.OwnerLabel] = DeploymentID(cfg.Project, cfg.NamePrefix)

	n, around := nic(cfg, ch, set)
	template := instancetemplate.Add(set, "vm", templateSpec(cfg, ch, labels, n))
	for _, g := range groups(cfg.InstanceCount) {
		group := mig.Add(set, g.name, mig.Spec{
			Template:         template.URL(),
			BaseInstanceName: set.Scope.Name(g.base),
			TargetSize:       g.size,
		})
		for _, a := range around {
			set.After(group.Address(), a)
		}
	}
	return set
}

// nic gives the VMs' network interface and adds the network that it is in. around is what VMs need although they do not refer
// to it: they install drivers at boot through the NAT, and it must not go while they are still there.
func nic(cfg *config.Config, ch Choices, set *resources.Set) (n instancetemplate.NIC, around []resources.Address) {
	n = instancetemplate.NIC{ExternalIP: cfg.ExternalIP, Type: nicType(ch.Image)}
	if cfg.Network == config.DefaultNetwork {
		n.Network = resources.Known(resources.NetworkURL(network.Path(set.Scope, defaultNetwork)))
		n.Subnetwork = resources.Known(resources.SubnetworkURL(ch.Subnetwork))
		return n, nil
	}
	vpc := network.Add(set, ownNetwork, network.Spec{})
	sub := subnetwork.Add(set, ownSubnetwork, subnetwork.Spec{
		Network: vpc.URL(), CIDR: ch.Range.String(), PrivateGoogleAccess: true,
	})
	internal := firewall.Add(set, "allow-internal", firewall.Spec{
		Network: vpc.URL(), Priority: 1000, SourceRanges: []string{ch.Range.String()},
		Allow: []string{"icmp", "tcp", "udp"},
	})
	ssh := firewall.Add(set, "allow-iap-ssh", firewall.Spec{
		Network: vpc.URL(), Priority: 1000, SourceRanges: []string{iapRange},
		Allow: []string{"tcp:22"},
	})
	around = []resources.Address{internal.Address(), ssh.Address()}
	if !cfg.ExternalIP {
		nat := router.Add(set, "router", router.Spec{Network: vpc.URL(), NATs: []router.NAT{{Name: set.Scope.Name("nat")}}})
		around = append(around, nat.Address())
	}
	n.Network, n.Subnetwork = vpc.URL(), sub.URL()
	return n, around
}

// The names of networks: the one that every project starts with, and our own below the prefix.
const (
	defaultNetwork = "default"
	ownNetwork     = "net"
	ownSubnetwork  = "subnet"
)

// iapRange is where Identity-Aware Proxy's TCP forwarding comes from (IAP documentation, "Using IAP for TCP forwarding").
// The tunnel to Jupyter goes through SSH, so port 22 is enough.
const iapRange = "35.235.240.0/20"

func templateSpec(cfg *config.Config, ch Choices, labels map[string]string, n instancetemplate.NIC) instancetemplate.Spec {
	spec := instancetemplate.Spec{
		MachineType:       cfg.VMType,
		Image:             ch.Image,
		DiskSizeGB:        cfg.DiskSizeGB,
		DiskType:          cfg.DiskType,
		NICs:              []instancetemplate.NIC{n},
		Metadata:          vmMetadata(cfg.Metadata),
		Labels:            labels,
		ServiceAccount:    cfg.ServiceAccount,
		Scopes:            []string{"https://www.googleapis.com/auth/cloud-platform"},
		OnHostMaintenance: "MIGRATE",
		AutomaticRestart:  true,
		MaxRunSeconds:     int64(cfg.MaxRunDuration.Seconds()),
	}
	if cfg.GPUCount > 0 {
		spec.Accelerators = []instancetemplate.Accelerator{{Type: cfg.AcceleratorType, Count: cfg.GPUCount}}
		spec.OnHostMaintenance = "TERMINATE" // GPU VMs cannot be moved while they run
	}
	return spec
}

// fixedMetadata is on every VM unless METADATA says otherwise (contract, "Names that users know").
var fixedMetadata = [...][2]string{ //nolint:gochecknoglobals // a constant table
	{"VmDnsSetting", "ZonalPreferred"},
	{"enable-oslogin", "TRUE"},
	{"install-nvidia-driver", "True"},
	{proxyMode, proxyEditors},
}

// The metadata that makes a VM register with the Jupyter proxy.
const (
	proxyMode    = "proxy-mode"
	proxyEditors = "project_editors"
)

func vmMetadata(given map[string]string) map[string]resources.Sealed {
	out := make(map[string]resources.Sealed, len(given)+len(fixedMetadata))
	for _, kv := range fixedMetadata {
		out[kv[0]] = resources.Seal(kv[1])
	}
	for k, v := range given {
		out[k] = resources.Seal(v)
	}
	return out
}

// gvnicImages are parts of names of image families, and so of their images, that have the gVNIC driver (facts on VM bring-up: all current Deep
// Learning VM families; of the old ones those on Debian 11 and Ubuntu). For others the cloud's default, virtio, is left.
var gvnicImages = [...]string{"debian-11", "debian-12", "debian-13", "ubuntu", "gvnic", "cos", "rocky"} //nolint:gochecknoglobals // a constant table

func nicType(image string) string {
	name := image[strings.LastIndexByte(image, '/')+1:]
	for _, part := range gvnicImages {
		if strings.Contains(name, part) {
			return "GVNIC"
		}
	}
	return ""
}
