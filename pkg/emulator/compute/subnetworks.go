package compute

import (
	"fmt"
	"net/netip"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) subnetworks() *collection {
	return &collection{
		service: "Subnetworks", plural: "subnetworks", single: "subnetwork", noun: "subnetwork", kind: "compute#subnetwork",
		latency: "compute_subnetwork",
		prepare: svc.prepareSubnetwork, inserted: subnetworkInserted, ready: readyOwned, removed: removeOwned, user: subnetworkUser,
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
func ranges(d doc.Map) []string {
	out := []string{doc.Str(d, "ipCidrRange")}
	for _, r := range doc.Objects(d, "secondaryIpRanges") {
		out = append(out, doc.Str(r, "ipCidrRange"))
	}
	return out
}

func (svc *service) prepareSubnetwork(c *call, d doc.Map) error {
	if doc.Str(d, "network") == "" {
		return required("resource.network")
	}
	network, err := c.refer("resource.network", doc.Str(d, "network"), "networks", "network")
	if err != nil {
		return err
	}
	if doc.Str(d, "ipCidrRange") == "" {
		return required("resource.ipCidrRange")
	}
	d["network"] = doc.Str(network.Doc, "selfLink")
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
		if err := svc.noOverlap(c, d, p, ""); err != nil {
			return err
		}
	}
	doc.Fill(d, doc.Map{
		"allowSubnetCidrRoutesOverlap": false, "enableFlowLogs": false, "logConfig": doc.Map{"enable": false},
		"privateIpGoogleAccess": false, "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS", "purpose": "PRIVATE",
		"stackType": "IPV4_ONLY",
	})
	d["fingerprint"] = c.fingerprint()
	setGateway(d)
	return nil
}

func setGateway(d doc.Map) {
	if p, err := netip.ParsePrefix(doc.Str(d, "ipCidrRange")); err == nil {
		d["gatewayAddress"] = p.Addr().Next().String() // recorded: the first usable address
	}
}

// noOverlap refuses a range that meets another subnetwork of the same network.
func (svc *service) noOverlap(c *call, d doc.Map, p netip.Prefix, except string) error {
	for _, r := range places.All() {
		for _, o := range c.tx.List(worldName(c.project() + "/regions/" + r.Name + "/subnetworks")) {
			if doc.Str(o.Doc, "network") != doc.Str(d, "network") || doc.Str(o.Doc, "selfLink") == except {
				continue
			}
			for _, s := range ranges(o.Doc) {
				if other, err := netip.ParsePrefix(s); err == nil && other.Overlaps(p) {
					return wire.Failure{Code: 400, Reason: "badRequest", Message: fmt.Sprintf(
						"Invalid IPCidrRange: %s conflicts with existing subnetwork '%s' in region '%s'.", p, doc.Str(o.Doc, "name"), r.Name)}
				}
			}
		}
	}
	return nil
}

// subnetworkInserted makes the route that every subnetwork has.
func subnetworkInserted(c *call, o *world.Object) {
	name := fmt.Sprintf("default-route-%016x", draws.Mix(uint64(c.tx.Count())))
	c.own(o, "routes", "compute#route", c.project()+"/global", name, doc.Map{
		"network": doc.Str(o.Doc, "network"), "nextHopNetwork": doc.Str(o.Doc, "network"), "destRange": doc.Str(o.Doc, "ipCidrRange"),
		"priority": 0, "description": fmt.Sprintf("Default local route to the subnetwork %s.", doc.Str(o.Doc, "ipCidrRange")),
	})
}

// subnetworkUser refuses at once while a VM is in the subnetwork.
func subnetworkUser(c *call, o *world.Object) error {
	link := doc.Str(o.Doc, "selfLink")
	for _, below := range c.tx.Below(worldName(c.project()) + "/zones/") {
		if basename(below) != "instances" {
			continue
		}
		for _, vm := range c.tx.List(below) {
			for _, nic := range doc.Objects(vm.Doc, "networkInterfaces") {
				if doc.Str(nic, "subnetwork") == link {
					return inUse("subnetwork", objectPath(o), objectPath(vm))
				}
			}
		}
	}
	return nil
}

func (svc *service) subnetworkMethods(k *collection) map[string]handler {
	return map[string]handler{
		"Subnetworks.Patch":                    func(c *call) (any, error) { return svc.patchSubnetwork(c, k) },
		"Subnetworks.ExpandIpCidrRange":        func(c *call) (any, error) { return svc.expandSubnetwork(c, k) },
		"Subnetworks.SetPrivateIpGoogleAccess": func(c *call) (any, error) { return setGoogleAccess(c, k) },
		"Subnetworks.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("subnetworks", "compute#subnetworkAggregatedList", k)
		},
	}
}

func (svc *service) patchSubnetwork(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	if doc.Str(c.body, "fingerprint") == "" {
		return nil, required("resource.fingerprint")
	}
	if doc.Str(c.body, "fingerprint") != doc.Str(o.Doc, "fingerprint") {
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

func (svc *service) expandSubnetwork(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	wider, err := parseRange("ipCidrRange", doc.Str(c.body, "ipCidrRange"))
	if err != nil {
		return nil, err
	}
	now, err := netip.ParsePrefix(doc.Str(o.Doc, "ipCidrRange"))
	if err != nil || !wider.Contains(now.Addr()) || wider.Bits() >= now.Bits() {
		return nil, invalid("ipCidrRange", wider, "The new range must be larger than and contain the existing range.")
	}
	if err := svc.noOverlap(c, o.Doc, wider, doc.Str(o.Doc, "selfLink")); err != nil {
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
	o.Doc["privateIpGoogleAccess"] = doc.Bool(c.body, "privateIpGoogleAccess")
	o.Doc["fingerprint"] = c.fingerprint()
	return c.changed(k, o, "setPrivateIpGoogleAccess"), nil
}

// autoSubnetwork makes the subnetwork of an auto-mode network in a region, out of 10.128.0.0/9.
func (c *call) autoSubnetwork(network *world.Object, r places.Region) {
	scope := c.project() + "/regions/" + r.Name
	d := doc.Map{
		"network": doc.Str(network.Doc, "selfLink"), "ipCidrRange": autoRanges[r.Name], "region": linkBase + scope, "fingerprint": c.fingerprint(),
		"allowSubnetCidrRoutesOverlap": false, "enableFlowLogs": false, "logConfig": doc.Map{"enable": false},
		"privateIpGoogleAccess": false, "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS", "purpose": "PRIVATE", "stackType": "IPV4_ONLY",
	}
	setGateway(d)
	sub := c.own(network, "subnetworks", "compute#subnetwork", scope, doc.Str(network.Doc, "name"), d)
	subnetworkInserted(c, sub)
}
