package compute

import (
	"fmt"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
)

// profile is a kind of network profile. The page "RDMA network profiles" (docs.cloud.google.com, 2026) names them, the NICs that they
// take and the machine types that they are for, and says that they are in the zones of these machine types.
type profile struct {
	suffix, subtype, nic string
	words                string
	machines             []string
}

var profiles = []profile{ //nolint:gochecknoglobals // a constant table
	{"-vpc-falcon", "FALCON", "IRDMA", "RDMA over Falcon transport", []string{"h4d-highmem-192-lssd"}},
	{"-vpc-roce", "ROCE", "MRDMA", "RDMA over Converged Ethernet", []string{"a3-ultragpu-8g", "a4-highgpu-8g", "a4x-highgpu-4g"}},
	{"-vpc-roce-metal", "ROCE_METAL", "MRDMA", "RDMA over Converged Ethernet, bare metal", []string{"a4x-maxgpu-4g-metal"}},
}

// features are those that are known: the NICs that the network takes, and that several of a VM's NICs are in one RoCE network (public
// code of clusters has eight subnetworks in one). The many others that the discovery document has are left out.
func (p profile) features() doc.Map {
	d := doc.Map{"interfaceTypes": []any{p.nic}}
	if p.nic == "MRDMA" {
		d["allowMultiNicInSameNetwork"] = "MULTI_NIC_IN_SAME_NETWORK_ALLOWED"
	}
	return d
}

// networkProfileDocs are all profiles in order of their names. Fields and values: discovery document, NetworkProfile; the
// descriptions are the emulator's own.
func networkProfileDocs(project string) []doc.Map {
	var out []doc.Map
	for _, r := range places.All() {
		for _, z := range r.ZoneNames() {
			for _, p := range profiles {
				if !slices.ContainsFunc(p.machines, func(m string) bool { return offeredIn(m, z) }) {
					continue
				}
				link, id := linkBase+project+"/global/networkProfiles/", fmt.Sprint(uint64(1e18+draws.Uniform(0, z+p.suffix, 1)*8e18))
				out = append(out, doc.Map{
					"kind": "compute#networkProfile", "id": id, "name": z + p.suffix, "description": p.words, "creationTimestamp": firstDay,
					"selfLink": link + z + p.suffix, "selfLinkWithId": link + id,
					"location":    doc.Map{"name": z, "scope": "ZONE"},
					"profileType": doc.Map{"networkType": "RDMA", "rdmaSubtype": p.subtype},
					"features":    p.features(),
				})
			}
		}
	}
	return out
}

func (svc *service) networkProfileMethods() map[string]handler {
	return map[string]handler{
		"NetworkProfiles.Get": func(c *call) (any, error) {
			all := networkProfileDocs(c.project())
			i := slices.IndexFunc(all, func(d doc.Map) bool { return doc.Str(d, "name") == c.vars["networkProfile"] })
			if i < 0 {
				return nil, notFound(c.path)
			}
			return all[i], nil
		},
		"NetworkProfiles.List": func(c *call) (any, error) {
			return c.virtual(c.project()+"/global/networkProfiles", "compute#networkProfileList", networkProfileDocs(c.project()))
		},
	}
}
