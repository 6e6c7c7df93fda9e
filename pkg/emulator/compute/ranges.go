package compute

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
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
	var own []netip.Prefix
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
		if err := noOverlap(c, field, d, p, except); err != nil {
			return err
		}
		for _, other := range own {
			if other.Overlaps(p) { // documented; words assumed
				return invalid(field, s, fmt.Sprintf("The range overlaps another range of the subnetwork, %s.", other))
			}
		}
		own = append(own, p)
	}
	return checkRangeNames(d)
}

// checkRangeNames: each secondary range has a name of its own (discovery document). The words of the refusal are assumed.
func checkRangeNames(d doc.Map) error {
	var seen []string
	for i, r := range doc.Objects(d, "secondaryIpRanges") {
		field, name := fmt.Sprintf("resource.secondaryIpRanges[%d].rangeName", i), doc.Str(r, "rangeName")
		switch {
		case name == "":
			return required(field)
		case !resourceName.MatchString(name):
			return invalid(field, name, fmt.Sprintf("Must be a match of regex '%s'", namePattern))
		case slices.Contains(seen, name):
			return invalid(field, name, "Names of secondary ranges must be unique in a subnetwork.")
		}
		seen = append(seen, name)
	}
	return nil
}

// noOverlap refuses a range that meets another subnetwork of the same network (words of public reports) or of one that is peered
// with it (VPC documentation; words assumed).
func noOverlap(c *call, field string, d doc.Map, p netip.Prefix, except string) error {
	for _, r := range places.All() {
		for _, o := range c.tx.List(worldName(c.project() + "/regions/" + r.Name + "/subnetworks")) {
			if doc.Str(o.Doc, "network") != doc.Str(d, "network") || doc.Str(o.Doc, "selfLink") == except {
				continue
			}
			for _, s := range ranges(o.Doc) {
				if other, err := netip.ParsePrefix(s); err == nil && other.Overlaps(p) {
					return invalid(field, p, fmt.Sprintf(
						"Invalid IPCidrRange: %s conflicts with existing subnetwork '%s' in region '%s'.", p, doc.Str(o.Doc, "name"), r.Name))
				}
			}
		}
	}
	network, ok := c.lookup(pathOf(doc.Str(d, "network"), c.project()))
	if !ok {
		return nil
	}
	for _, peering := range doc.Objects(network.Doc, "peerings") {
		peer, ok := c.lookup(pathOf(doc.Str(peering, "network"), c.project()))
		if !ok || doc.Str(peering, "state") != "ACTIVE" {
			continue
		}
		for _, theirs := range rangesOf(c.tx, peer) {
			if theirs.Overlaps(p) {
				return invalid(field, p, fmt.Sprintf("The range overlaps the range %s in the peer network '%s'.", theirs, objectPath(peer)))
			}
		}
	}
	return nil
}

// autoBlock is where the subnetworks of auto-mode networks are, now and in regions to come.
var autoBlock = netip.MustParsePrefix("10.128.0.0/9") //nolint:gochecknoglobals // a constant

// clearOfAuto keeps further subnetworks of an auto-mode network out of that block (words of a public report of 2017).
func clearOfAuto(network, d doc.Map) error {
	p, err := netip.ParsePrefix(doc.Str(d, "ipCidrRange"))
	if err != nil || !doc.Bool(network, "autoCreateSubnetworks") || !autoBlock.Overlaps(p) {
		return nil //nolint:nilerr // whoever parsed it before has refused it
	}
	return invalid("resource.ipCidrRange", p, fmt.Sprintf("Extended subnetworks in auto subnet mode networks cannot overlap with %s.", autoBlock))
}

// ranges gives the primary and secondary ranges of a subnetwork's document.
func ranges(d doc.Map) []string {
	out := []string{doc.Str(d, "ipCidrRange")}
	for _, r := range doc.Objects(d, "secondaryIpRanges") {
		out = append(out, doc.Str(r, "ipCidrRange"))
	}
	return out
}
