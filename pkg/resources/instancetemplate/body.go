package instancetemplate

import (
	"maps"
	"slices"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// body writes a spec as the API wants it.
func body(s Spec) *computepb.InstanceProperties {
	p := &computepb.InstanceProperties{
		MachineType: proto.String(s.MachineType),
		Labels:      s.Labels,
		Disks: []*computepb.AttachedDisk{{
			Boot: proto.Bool(true), AutoDelete: proto.Bool(true),
			InitializeParams: &computepb.AttachedDiskInitializeParams{
				SourceImage: proto.String(s.Image), DiskSizeGb: proto.Int64(int64(s.DiskSizeGB)), DiskType: proto.String(s.DiskType),
				Labels: s.Labels,
			},
		}},
		ServiceAccounts: []*computepb.ServiceAccount{{Email: proto.String(s.ServiceAccount), Scopes: s.Scopes}},
		Scheduling: &computepb.Scheduling{
			OnHostMaintenance: proto.String(s.OnHostMaintenance), AutomaticRestart: proto.Bool(s.AutomaticRestart),
		},
	}
	if s.MaxRunSeconds > 0 {
		p.Scheduling.MaxRunDuration = &computepb.Duration{Seconds: proto.Int64(s.MaxRunSeconds)}
		p.Scheduling.InstanceTerminationAction = proto.String("DELETE")
	}
	for _, a := range s.Accelerators {
		p.GuestAccelerators = append(p.GuestAccelerators, &computepb.AcceleratorConfig{
			AcceleratorType: proto.String(a.Type), AcceleratorCount: proto.Int32(int32(a.Count)), //nolint:gosec // at most 16
		})
	}
	if len(s.Metadata) > 0 {
		p.Metadata = &computepb.Metadata{}
		for _, k := range slices.Sorted(maps.Keys(s.Metadata)) {
			p.Metadata.Items = append(p.Metadata.Items, &computepb.Items{Key: proto.String(k), Value: proto.String(s.Metadata[k].Reveal())})
		}
	}
	for _, n := range s.NICs {
		p.NetworkInterfaces = append(p.NetworkInterfaces, nicBody(n))
	}
	return p
}

func nicBody(n NIC) *computepb.NetworkInterface {
	out := &computepb.NetworkInterface{Network: proto.String(string(n.Network.Get()))}
	if sub := n.Subnetwork.Get(); sub != "" {
		out.Subnetwork = proto.String(string(sub))
	}
	if n.Type != "" {
		out.NicType = proto.String(n.Type)
	}
	if n.ExternalIP {
		out.AccessConfigs = []*computepb.AccessConfig{{Name: proto.String("external-nat"), Type: proto.String("ONE_TO_ONE_NAT")}}
	}
	return out
}

// fromBody reads a template back into a spec.
func fromBody(p *computepb.InstanceProperties) Spec {
	s := Spec{
		MachineType: gcp.Base(p.GetMachineType()), Labels: p.GetLabels(),
		OnHostMaintenance: p.GetScheduling().GetOnHostMaintenance(), AutomaticRestart: p.GetScheduling().GetAutomaticRestart(),
		MaxRunSeconds: p.GetScheduling().GetMaxRunDuration().GetSeconds(),
	}
	for _, d := range p.GetDisks() {
		if d.GetBoot() {
			params := d.GetInitializeParams()
			s.Image, s.DiskSizeGB, s.DiskType = gcp.Path(params.GetSourceImage()), int(params.GetDiskSizeGb()), gcp.Base(params.GetDiskType())
		}
	}
	for _, a := range p.GetGuestAccelerators() {
		s.Accelerators = append(s.Accelerators, Accelerator{Type: gcp.Base(a.GetAcceleratorType()), Count: int(a.GetAcceleratorCount())})
	}
	for _, n := range p.GetNetworkInterfaces() {
		nic := NIC{
			Network:    resources.Known(resources.NetworkURL(gcp.Path(n.GetNetwork()))),
			Subnetwork: resources.Known(resources.SubnetworkURL(gcp.Path(n.GetSubnetwork()))),
			ExternalIP: len(n.GetAccessConfigs()) > 0, Type: n.GetNicType(),
		}
		s.NICs = append(s.NICs, nic)
	}
	for _, i := range p.GetMetadata().GetItems() {
		if s.Metadata == nil {
			s.Metadata = map[string]resources.Sealed{}
		}
		s.Metadata[i.GetKey()] = resources.Seal(i.GetValue())
	}
	for _, a := range p.GetServiceAccounts() {
		s.ServiceAccount, s.Scopes = a.GetEmail(), a.GetScopes()
	}
	return s
}
