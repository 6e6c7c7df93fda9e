package compute

import (
	"fmt"
	"net/netip"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) subnetworks() *collection {
	return &collection{
		service: "Subnetworks", plural: "subnetworks", single: "subnetwork", noun: "subnetwork", kind: "compute#subnetwork",
		latency: "compute_subnetwork",
		prepare: svc.prepareSubnetwork, inserted: subnetworkInserted, ready: readyOwned, removed: removeOwned, user: subnetworkUser,
	}
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
	if err := clearOfAuto(network.Doc, d); err != nil {
		return err
	}
	if err := checkRanges(c, d, ""); err != nil {
		return err
	}
	subnetworkDefaults(d)
	if err := c.checkFlowLogs(d); err != nil {
		return err
	}
	if err := c.stack(d, network.Doc); err != nil {
		return err
	}
	d["fingerprint"] = c.fingerprint()
	setGateway(d)
	return nil
}

// subnetworkDefaults fills in what a read shows of a new subnetwork (recorded). One for private NAT shows no stack type.
func subnetworkDefaults(d doc.Map) {
	doc.Fill(d, doc.Map{
		"allowSubnetCidrRoutesOverlap": false, "enableFlowLogs": false, "logConfig": doc.Map{"enable": false},
		"privateIpGoogleAccess": false, "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS", "purpose": "PRIVATE",
	})
	if doc.Str(d, "purpose") != "PRIVATE_NAT" {
		doc.Fill(d, doc.Map{"stackType": "IPV4_ONLY"})
	}
}

func setGateway(d doc.Map) {
	if p, err := netip.ParsePrefix(doc.Str(d, "ipCidrRange")); err == nil {
		d["gatewayAddress"] = p.Addr().Next().String() // recorded: the first usable address
	}
}

// subnetworkInserted makes the route that every subnetwork has.
func subnetworkInserted(c *call, o *world.Object) {
	name := fmt.Sprintf("default-route-%016x", draws.Mix(uint64(c.tx.Count())))
	c.own(o, "routes", "compute#route", c.project()+"/global", name, doc.Map{
		"network": doc.Str(o.Doc, "network"), "nextHopNetwork": doc.Str(o.Doc, "network"), "destRange": doc.Str(o.Doc, "ipCidrRange"),
		"priority": 0, "description": fmt.Sprintf("Default local route to the subnetwork %s.", doc.Str(o.Doc, "ipCidrRange")),
	})
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

// patchSubnetwork changes what the discovery document says can be patched. The fingerprint must be the current one.
func (svc *service) patchSubnetwork(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	if doc.Str(c.body, "fingerprint") == "" {
		return nil, required("resource.fingerprint")
	}
	if !draws.SameToken(doc.Str(c.body, "fingerprint"), doc.Str(o.Doc, "fingerprint")) {
		return nil, badFingerprint("Invalid fingerprint.")
	}
	after := doc.Clone(o.Doc)
	for name, v := range c.body {
		switch name {
		case "fingerprint", "name", "kind", "id", "selfLink", "region", "network", "gatewayAddress", "creationTimestamp", "state":
		case "logConfig", "privateIpGoogleAccess", "privateIpv6GoogleAccess", "enableFlowLogs", "secondaryIpRanges", "stackType", "ipv6AccessType",
			"allowSubnetCidrRoutesOverlap":
			doc.Merge(after, doc.Map{name: v})
		default:
			if c.alters(o, name) {
				return nil, invalid("resource."+name, v, "This field cannot be changed.") // assumed words
			}
		}
	}
	subnetworkDefaults(after)
	if err := svc.checkPatched(c, o, after); err != nil {
		return nil, err
	}
	after["fingerprint"] = c.fingerprint()
	o.Doc = after
	return c.changed(k, o, "compute.subnetworks.patch"), nil // recorded operationType (2018)
}

func (svc *service) checkPatched(c *call, o *world.Object, after doc.Map) error {
	if _, given := c.body["secondaryIpRanges"]; given {
		if err := checkRanges(c, after, doc.Str(o.Doc, "selfLink")); err != nil {
			return err
		}
		if len(doc.List(after, "secondaryIpRanges")) == 0 {
			delete(after, "secondaryIpRanges")
		}
	}
	if err := c.checkFlowLogs(after); err != nil {
		return err
	}
	network, ok := c.lookup(pathOf(doc.Str(o.Doc, "network"), c.project()))
	if !ok {
		return notFound(pathOf(doc.Str(o.Doc, "network"), c.project()))
	}
	return c.stack(after, network.Doc)
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
	if err := checkProhibited("ipCidrRange", wider); err != nil {
		return nil, err
	}
	if err := noOverlap(c, "ipCidrRange", o.Doc, wider, doc.Str(o.Doc, "selfLink")); err != nil {
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
	}
	subnetworkDefaults(d)
	setGateway(d)
	sub := c.own(network, "subnetworks", "compute#subnetwork", scope, doc.Str(network.Doc, "name"), d)
	subnetworkInserted(c, sub)
}
