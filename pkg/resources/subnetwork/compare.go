package subnetwork

import (
	"net/netip"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Check refuses what is not a range in canonical form.
func (Driver) Check(s Spec) []resources.Problem {
	p, err := netip.ParsePrefix(s.CIDR)
	if err != nil || !p.Addr().Is4() || p.Masked() != p {
		return []resources.Problem{{Path: "cidr", Value: s.CIDR, Message: "is not an IPv4 range in canonical form", Hint: "write it like 10.8.0.0/20"}}
	}
	return nil
}

// Compare says what differs: a range can grow around the old one in place; any other range, and another network, replace the subnetwork.
func (Driver) Compare(want, have Spec) []resources.Change {
	return resources.Join(
		resources.RefField("network", want.Network, have.Network, resources.Replace),
		resources.Field("cidr", want.CIDR, have.CIDR, resizing(want.CIDR, have.CIDR)),
		resources.Field("privateGoogleAccess", want.PrivateGoogleAccess, have.PrivateGoogleAccess, resources.InPlace),
	)
}

func resizing(want, have string) resources.Impact {
	w, err1 := netip.ParsePrefix(want)
	h, err2 := netip.ParsePrefix(have)
	if err1 == nil && err2 == nil && w.Bits() < h.Bits() && w.Contains(h.Addr()) {
		return resources.InPlace
	}
	return resources.Replace
}
