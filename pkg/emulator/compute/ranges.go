package compute

import (
	"fmt"
	"net/netip"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// prohibited are the ranges that no subnetwork may meet (VPC documentation, Subnets, "Prohibited IPv4 subnet ranges", read in
// 2026). Everything else may be used, also public ranges and class E (240.0.0.0/4) but for its last address. The public
// addresses of Google's own, which change by the week, are prohibited too and not listed here.
var prohibited = []netip.Prefix{ //nolint:gochecknoglobals // a constant table
	netip.MustParsePrefix("0.0.0.0/8"),          // this network
	netip.MustParsePrefix("127.0.0.0/8"),        // loopback
	netip.MustParsePrefix("169.254.0.0/16"),     // link-local
	netip.MustParsePrefix("199.36.153.4/30"),    // restricted.googleapis.com
	netip.MustParsePrefix("199.36.153.8/30"),    // private.googleapis.com
	netip.MustParsePrefix("224.0.0.0/4"),        // multicast
	netip.MustParsePrefix("255.255.255.255/32"), // broadcast
}

// checkProhibited refuses a range that meets one of those. That it is refused is documented; the words are an assumption.
func checkProhibited(field string, p netip.Prefix) error {
	for _, bad := range prohibited {
		if bad.Overlaps(p) {
			return invalid(field, p, fmt.Sprintf("The range overlaps the prohibited IPv4 range %s.", bad))
		}
	}
	return nil
}

// parseRange reads an IPv4 range as the API takes it: in canonical form, no host bits.
func parseRange(field, s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return p, invalid(field, s, "Must be a CIDR address range.")
	}
	if p.Masked() != p {
		return p, invalid(field, s, "Invalid network address.")
	}
	return p, nil
}

// checkRanges checks all ranges of a subnetwork's document against the rules and against the other subnetworks of its network.
// except is the link of the subnetwork itself, "" for a new one.
func checkRanges(c *call, d doc.Map, except string) error {
	for i, s := range ranges(d) {
		field := "resource.ipCidrRange"
		if i > 0 {
			field = fmt.Sprintf("resource.secondaryIpRanges[%d].ipCidrRange", i-1)
		}
		p, err := parseRange(field, s)
		if err != nil {
			return err
		}
		if p.Bits() > 29 || p.Bits() < 4 {
			return invalid(field, s, "The prefix length must be between 4 and 29.")
		}
		if err := checkProhibited(field, p); err != nil {
			return err
		}
		if err := noOverlap(c, d, p, except); err != nil {
			return err
		}
	}
	return nil
}

// noOverlap refuses a range that meets another subnetwork of the same network.
func noOverlap(c *call, d doc.Map, p netip.Prefix, except string) error {
	for _, r := range places.All() {
		for _, o := range c.tx.List(worldName(c.project() + "/regions/" + r.Name + "/subnetworks")) {
			if doc.Str(o.Doc, "network") != doc.Str(d, "network") || doc.Str(o.Doc, "selfLink") == except {
				continue
			}
			for _, s := range ranges(o.Doc) {
				if other, err := netip.ParsePrefix(s); err == nil && other.Overlaps(p) {
					return wire.APIError{Code: 400, Reason: "badRequest", Message: fmt.Sprintf(
						"Invalid IPCidrRange: %s conflicts with existing subnetwork '%s' in region '%s'.", p, doc.Str(o.Doc, "name"), r.Name)}
				}
			}
		}
	}
	return nil
}

// ranges gives the primary and secondary ranges of a subnetwork's document.
func ranges(d doc.Map) []string {
	out := []string{doc.Str(d, "ipCidrRange")}
	for _, r := range doc.Objects(d, "secondaryIpRanges") {
		out = append(out, doc.Str(r, "ipCidrRange"))
	}
	return out
}
