package emulator

import (
	"fmt"
	"net/netip"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (em *Emulator) subnetworks() *collection {
	return &collection{
		service: "Subnetworks", plural: "subnetworks", single: "subnetwork", noun: "subnetwork", kind: "compute#subnetwork",
		latency: "compute_subnetwork",
		prepare: em.prepareSubnetwork, inserted: subnetworkInserted, ready: readyOwned, removed: removeOwned, user: subnetworkUser,
	}
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

// ranges gives the primary and secondary ranges of a subnetwork's document.
func ranges(d document) []string {
	out := []string{str(d, "ipCidrRange")}
	for _, r := range objects(d, "secondaryIpRanges") {
		out = append(out, str(r, "ipCidrRange"))
	}
	return out
}

func (em *Emulator) prepareSubnetwork(c *call, d document) error {
	if str(d, "network") == "" {
		return required("resource.network")
	}
	network, err := c.refer("resource.network", str(d, "network"), "networks", "network")
	if err != nil {
		return err
	}
	if str(d, "ipCidrRange") == "" {
		return required("resource.ipCidrRange")
	}
	d["network"] = str(network.Doc, "selfLink")
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
		if err := em.noOverlap(c, d, p, ""); err != nil {
			return err
		}
	}
	fill(d, document{
		"allowSubnetCidrRoutesOverlap": false, "enableFlowLogs": false, "logConfig": document{"enable": false},
		"privateIpGoogleAccess": false, "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS", "purpose": "PRIVATE",
		"stackType": "IPV4_ONLY",
	})
	d["fingerprint"] = c.fingerprint()
	setGateway(d)
	return nil
}

func setGateway(d document) {
	if p, err := netip.ParsePrefix(str(d, "ipCidrRange")); err == nil {
		d["gatewayAddress"] = p.Addr().Next().String() // recorded: the first usable address
	}
}

// noOverlap refuses a range that meets another subnetwork of the same network.
func (em *Emulator) noOverlap(c *call, d document, p netip.Prefix, except string) error {
	for _, r := range regions {
		for _, o := range c.tx.List(worldName(c.project() + "/regions/" + r.name + "/subnetworks")) {
			if str(o.Doc, "network") != str(d, "network") || str(o.Doc, "selfLink") == except {
				continue
			}
			for _, s := range ranges(o.Doc) {
				if other, err := netip.ParsePrefix(s); err == nil && other.Overlaps(p) {
					return failure{code: 400, reason: "badRequest", message: fmt.Sprintf(
						"Invalid IPCidrRange: %s conflicts with existing subnetwork '%s' in region '%s'.", p, str(o.Doc, "name"), r.name)}
				}
			}
		}
	}
	return nil
}

// subnetworkInserted makes the route that every subnetwork has.
func subnetworkInserted(c *call, o *world.Object) {
	name := fmt.Sprintf("default-route-%016x", splitmix(uint64(c.tx.Count())))
	c.own(o, "routes", "compute#route", c.project()+"/global", name, document{
		"network": str(o.Doc, "network"), "nextHopNetwork": str(o.Doc, "network"), "destRange": str(o.Doc, "ipCidrRange"),
		"priority": 0, "description": fmt.Sprintf("Default local route to the subnetwork %s.", str(o.Doc, "ipCidrRange")),
	})
}

// subnetworkUser refuses at once while a VM is in the subnetwork.
func subnetworkUser(c *call, o *world.Object) error {
	link := str(o.Doc, "selfLink")
	for _, below := range c.tx.Below(worldName(c.project()) + "/zones/") {
		if basename(below) != "instances" {
			continue
		}
		for _, vm := range c.tx.List(below) {
			for _, nic := range objects(vm.Doc, "networkInterfaces") {
				if str(nic, "subnetwork") == link {
					return inUse("subnetwork", objectPath(o), objectPath(vm))
				}
			}
		}
	}
	return nil
}

func (em *Emulator) subnetworkMethods(k *collection) map[string]computeHandler {
	return map[string]computeHandler{
		"Subnetworks.Patch":                    func(c *call) (any, error) { return em.patchSubnetwork(c, k) },
		"Subnetworks.ExpandIpCidrRange":        func(c *call) (any, error) { return em.expandSubnetwork(c, k) },
		"Subnetworks.SetPrivateIpGoogleAccess": func(c *call) (any, error) { return setGoogleAccess(c, k) },
		"Subnetworks.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("subnetworks", "compute#subnetworkAggregatedList", k)
		},
	}
}

func (em *Emulator) patchSubnetwork(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	if str(c.body, "fingerprint") == "" {
		return nil, required("resource.fingerprint")
	}
	if str(c.body, "fingerprint") != str(o.Doc, "fingerprint") {
		return nil, badFingerprint("Invalid fingerprint.")
	}
	for name, v := range c.body {
		switch name {
		case "fingerprint", "name", "kind", "id", "selfLink", "region", "network":
		case "privateIpGoogleAccess", "logConfig", "enableFlowLogs", "description", "secondaryIpRanges", "stackType":
			o.Doc[name] = v
		case "ipCidrRange":
			if v != o.Doc["ipCidrRange"] {
				return nil, invalid("resource.ipCidrRange", v, "This field cannot be changed by patch; use expandIpCidrRange.")
			}
		default:
			return nil, invalid("resource."+name, v, "This field cannot be changed.")
		}
	}
	o.Doc["fingerprint"] = c.fingerprint()
	return c.changed(k, o, "compute.subnetworks.patch"), nil // recorded operationType (2018)
}

func (em *Emulator) expandSubnetwork(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	wider, err := parseRange("ipCidrRange", str(c.body, "ipCidrRange"))
	if err != nil {
		return nil, err
	}
	now, err := netip.ParsePrefix(str(o.Doc, "ipCidrRange"))
	if err != nil || !wider.Contains(now.Addr()) || wider.Bits() >= now.Bits() {
		return nil, invalid("ipCidrRange", wider, "The new range must be larger than and contain the existing range.")
	}
	if err := em.noOverlap(c, o.Doc, wider, str(o.Doc, "selfLink")); err != nil {
		return nil, err
	}
	o.Doc["ipCidrRange"] = wider.String()
	o.Doc["fingerprint"] = c.fingerprint()
	setGateway(o.Doc)
	for _, route := range owned(c.tx, o) {
		route.Doc["destRange"] = wider.String()
		c.tx.Put(route)
	}
	return c.changed(k, o, "expandIpCidrRange"), nil
}

func setGoogleAccess(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	o.Doc["privateIpGoogleAccess"] = boolean(c.body, "privateIpGoogleAccess")
	o.Doc["fingerprint"] = c.fingerprint()
	return c.changed(k, o, "setPrivateIpGoogleAccess"), nil
}

// autoSubnetwork makes the subnetwork of an auto-mode network in a region, out of 10.128.0.0/9.
func (c *call) autoSubnetwork(network *world.Object, r region) {
	scope := c.project() + "/regions/" + r.name
	d := document{
		"network": str(network.Doc, "selfLink"), "ipCidrRange": r.autoRange, "region": linkBase + scope, "fingerprint": c.fingerprint(),
		"allowSubnetCidrRoutesOverlap": false, "enableFlowLogs": false, "logConfig": document{"enable": false},
		"privateIpGoogleAccess": false, "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS", "purpose": "PRIVATE", "stackType": "IPV4_ONLY",
	}
	setGateway(d)
	sub := c.own(network, "subnetworks", "compute#subnetwork", scope, str(network.Doc, "name"), d)
	subnetworkInserted(c, sub)
}
