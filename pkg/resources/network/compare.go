package network

import "github.com/aiinfra/cluster-provision/pkg/resources"

// defaultMTU is what a network has when none is given (compute v1 discovery document, Network.mtu).
const defaultMTU = 1460

// Check refuses an MTU that the API refuses.
func (Driver) Check(s Spec) []resources.Problem {
	if s.MTU != 0 && (s.MTU < 1300 || s.MTU > 8896) {
		return []resources.Problem{{Path: "mtu", Message: "must be between 1300 and 8896"}}
	}
	return nil
}

// Compare looks at the MTU. The API can change it only while no VM runs, so a change replaces the network.
func (Driver) Compare(want, have Spec) []resources.Change {
	return resources.Field("mtu", effective(want.MTU), effective(have.MTU), resources.Replace)
}

func effective(mtu int) int {
	if mtu == 0 {
		return defaultMTU
	}
	return mtu
}
