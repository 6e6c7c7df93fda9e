package instancetemplate

import (
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Check refuses a template that the API would refuse for missing parts.
func (Driver) Check(s Spec) []resources.Problem {
	var out []resources.Problem
	if s.MachineType == "" {
		out = append(out, resources.Problem{Path: "machineType", Message: "is missing"})
	}
	if s.Image == "" {
		out = append(out, resources.Problem{Path: "image", Message: "is missing"})
	}
	if len(s.NICs) == 0 {
		out = append(out, resources.Problem{Path: "nics", Message: "a VM needs a network interface"})
	}
	if len(s.Accelerators) > 0 && s.OnHostMaintenance != "TERMINATE" {
		out = append(out, resources.Problem{Path: "onHostMaintenance", Value: s.OnHostMaintenance, Message: "must be TERMINATE for VMs with GPUs"})
	}
	return out
}

// Compare says what differs: nothing of a template changes in place. A difference under the same name means that somebody replaced it.
func (Driver) Compare(want, have Spec) []resources.Change {
	return resources.Join(
		resources.Field("machineType", want.MachineType, have.MachineType, resources.Replace),
		resources.Field("image", want.Image, have.Image, resources.Replace),
		resources.Field("diskSizeGb", want.DiskSizeGB, have.DiskSizeGB, resources.Replace),
		resources.Field("diskType", want.DiskType, have.DiskType, resources.Replace),
		resources.List("accelerators", want.Accelerators, have.Accelerators, resources.Replace),
		resources.List("nics", lines(want.NICs), lines(have.NICs), resources.Replace),
		resources.Map("metadata", resources.Digests(want.Metadata), resources.Digests(have.Metadata), resources.Replace),
		resources.Map("labels", want.Labels, have.Labels, resources.Replace),
		resources.Field("serviceAccount", want.ServiceAccount, have.ServiceAccount, resources.Replace),
		resources.List("scopes", want.Scopes, have.Scopes, resources.Replace),
		resources.Field("onHostMaintenance", want.OnHostMaintenance, have.OnHostMaintenance, resources.Replace),
		resources.Field("automaticRestart", want.AutomaticRestart, have.AutomaticRestart, resources.Replace),
		resources.Field("maxRunSeconds", want.MaxRunSeconds, have.MaxRunSeconds, resources.Replace),
	)
}

func lines(nics []NIC) []string {
	out := make([]string, len(nics))
	for i, n := range nics {
		out[i] = fmt.Sprintf("%s %s external=%v %s", n.Network.Get(), n.Subnetwork.Get(), n.ExternalIP, n.Type)
	}
	return out
}
