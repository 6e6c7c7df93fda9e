package blueprint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// DeploymentID is the value of the label "aiinfra-cluster" and of every owner mark: the prefix, and eight digits that tell
// apart equal prefixes of different projects in one billing report. It depends on nothing else, so it is the same over runs
// and can be computed by a destroy that knows nothing but project, prefix and zone.
func DeploymentID(project, prefix string) string {
	sum := sha256.Sum256([]byte(project + "/" + prefix))
	return prefix + "-" + hex.EncodeToString(sum[:4])
}

// Largest is the number of VMs in one zonal managed instance group (instanceGroupManagers.insert reference: up to 1000 by
// default). More VMs are split over several groups.
const Largest = 1000

// group is one managed instance group of the cluster.
type group struct {
	name string // node name: "mig", "mig-1", …
	base string // base instance name below the prefix: "vm-####", "vm-1-####", …
	size int
}

// groups splits count VMs. The first groups are full, so growing or shrinking touches the last ones only.
func groups(count int) []group {
	var out []group
	for i := 0; count > 0 || i == 0; i++ {
		g := group{name: "mig", base: "vm-####", size: min(count, Largest)}
		if i > 0 {
			g.name, g.base = fmt.Sprintf("mig-%d", i), fmt.Sprintf("vm-%d-####", i)
		}
		out = append(out, g)
		count -= g.size
	}
	return out
}

// ScopeOf is where a deployment's resources live.
func ScopeOf(project, region, zone, prefix string) resources.Scope {
	return resources.Scope{Project: project, Region: region, Zone: zone, Prefix: prefix, Owner: DeploymentID(project, prefix)}
}
