package router

import "github.com/aiinfra/cluster-provision/pkg/resources"

// Check refuses NATs without a name.
func (Driver) Check(s Spec) []resources.Problem {
	for _, n := range s.NATs {
		if n.Name == "" {
			return []resources.Problem{{Path: "nats", Message: "every NAT needs a name"}}
		}
	}
	return nil
}

// Compare says what differs: NATs change in place, the network does not.
func (Driver) Compare(want, have Spec) []resources.Change {
	return resources.Join(
		resources.RefField("network", want.Network, have.Network, resources.Replace),
		resources.List("nats", want.NATs, have.NATs, resources.InPlace),
	)
}
