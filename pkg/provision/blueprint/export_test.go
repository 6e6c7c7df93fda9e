package blueprint

import (
	"encoding/json"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/firewall"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/instancetemplate"
	"github.com/aiinfra/cluster-provision/pkg/resources/mig"
)

// NICTypes gives the types of the network interfaces of the templates of a set.
func NICTypes(set *resources.Set) []string {
	c := &gcp.Clients{}
	nodes, err := resources.NewRegistry(resources.Erase(instancetemplate.New(c)), resources.Erase(mig.New(c)), resources.Erase(firewall.New(c))).Nodes(set)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, n := range nodes {
		if n.Address.Kind != instancetemplate.Kind {
			continue
		}
		raw, err := n.Inputs()
		var s instancetemplate.Spec
		if err != nil || json.Unmarshal(raw, &s) != nil {
			return nil
		}
		for _, nic := range s.NICs {
			out = append(out, nic.Type)
		}
	}
	return out
}
