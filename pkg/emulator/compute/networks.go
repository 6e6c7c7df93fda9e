package compute

import (
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) networks() *collection {
	return &collection{
		service: "Networks", plural: "networks", single: "network", noun: "network", kind: "compute#network",
		latency: "compute_network",
		prepare: prepareNetwork, inserted: svc.networkInserted, ready: readyOwned, removed: networkRemoved,
		lateUser: svc.networkUser, view: viewNetwork,
		insertKind: func(d doc.Map) string { return "compute_network.create" + autoSuffix(d) },
		deleteKind: func(d doc.Map) string { return "compute_network.delete" + autoSuffix(d) },
	}
}

func autoSuffix(d doc.Map) string {
	if doc.Bool(d, "autoCreateSubnetworks") {
		return "_auto"
	}
	return ""
}

func prepareNetwork(c *call, d doc.Map) error {
	if _, given := d["autoCreateSubnetworks"]; !given {
		// The API would make a network of the legacy kind, which this emulator does not have.
		return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator does not know legacy networks: send autoCreateSubnetworks"}
	}
	networkDefaults(d)
	if err := checkNetwork(d); err != nil {
		return err
	}
	if doc.Bool(d, "enableUlaInternalIpv6") {
		doc.Fill(d, doc.Map{"internalIpv6Range": c.internalIPv6()})
	} else {
		delete(d, "enableUlaInternalIpv6") // recorded: false is not shown
	}
	if p := doc.Str(d, "networkProfile"); p != "" {
		d["networkProfile"] = linkBase + pathOf(p, c.project())
	}
	return nil
}

// checkNetwork checks what a network may be made with and changed to.
func checkNetwork(d doc.Map) error {
	if mtu, given := d["mtu"]; given && (doc.Num(d, "mtu") < 1300 || doc.Num(d, "mtu") > 8896) {
		return invalid("resource.mtu", mtu, "Must be between 1300 and 8896.")
	}
	if mode := doc.Str(d, "routingConfig", "routingMode"); mode != "" && mode != "REGIONAL" && mode != "GLOBAL" {
		return invalid("resource.routingConfig.routingMode", mode, "Must be REGIONAL or GLOBAL.")
	}
	return nil
}

func networkDefaults(d doc.Map) {
	doc.Fill(d, doc.Map{
		"routingConfig":                         doc.Map{"routingMode": "REGIONAL", "bgpBestPathSelectionMode": "LEGACY"},
		"networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
	})
}

// networkInserted makes what a network brings with it: the default route, and with automatic subnetworks one in each region.
func (svc *service) networkInserted(c *call, o *world.Object) {
	o.Doc["selfLinkWithId"] = linkBase + c.project() + "/global/networks/" + doc.Str(o.Doc, "id")
	c.own(o, "routes", "compute#route", c.project()+"/global", fmt.Sprintf("default-route-%016x", draws.Mix(uint64(c.tx.Count()))), doc.Map{
		"network": doc.Str(o.Doc, "selfLink"), "destRange": "0.0.0.0/0", "priority": 1000,
		"description":    "Default route to the Internet.",
		"nextHopGateway": linkBase + c.project() + "/global/gateways/default-internet-gateway",
	})
	if doc.Bool(o.Doc, "autoCreateSubnetworks") {
		for _, r := range places.All() {
			c.autoSubnetwork(o, r)
		}
	}
}

// own makes an object that comes and goes with another.
func (c *call) own(owner *world.Object, plural, kind, scope, name string, d doc.Map) *world.Object {
	path := scope + "/" + plural + "/" + name
	d["name"], d["kind"], d["id"] = name, kind, c.id()
	d["creationTimestamp"], d["selfLink"] = timestamp(c.tx.Now()), linkBase+path
	o := &world.Object{
		Name: worldName(path), Kind: kind, Service: computeHost, Created: c.tx.Now(), Builtin: owner.Builtin,
		Ready: owner.Ready, Visible: owner.Visible, Owner: owner.Name, Doc: d,
	}
	c.tx.Put(o)
	return o
}

// owned gives what came with an object.
func owned(tx *world.Tx, owner *world.Object) []*world.Object {
	var out []*world.Object
	project := projectOf(owner)
	for _, below := range tx.Below(project + "/") {
		plural := basename(below)
		if plural != "routes" && plural != "subnetworks" {
			continue
		}
		for _, o := range tx.List(below) {
			if o.Owner == owner.Name {
				out = append(out, o)
			}
		}
	}
	return out
}

func readyOwned(tx *world.Tx, owner *world.Object) {
	for _, o := range owned(tx, owner) {
		o.Ready = true
		tx.Put(o)
	}
}

// networkRemoved takes away what came with a network. Whoever was peered with it waits for a peer again.
func networkRemoved(tx *world.Tx, o *world.Object) {
	for _, p := range doc.Objects(o.Doc, "peerings") {
		disconnect(tx, o, p)
	}
	removeOwned(tx, o)
}

func removeOwned(tx *world.Tx, owner *world.Object) {
	for _, o := range owned(tx, owner) {
		removeOwned(tx, o)
		tx.Delete(o.Name)
	}
}

// viewNetwork lists the subnetworks, as a read of a network does when there are any.
func viewNetwork(tx *world.Tx, o *world.Object, d doc.Map) {
	link := doc.Str(o.Doc, "selfLink")
	project := projectOf(o)
	var links []any
	for _, r := range places.All() {
		for _, s := range tx.List(project + "/regions/" + r.Name + "/subnetworks") {
			if doc.Str(s.Doc, "network") == link {
				links = append(links, doc.Str(s.Doc, "selfLink"))
			}
		}
	}
	if len(links) > 0 {
		d["subnetworks"] = links
	}
}

func (svc *service) networkMethods(k *collection) map[string]handler {
	return map[string]handler{
		"Networks.Patch":                 func(c *call) (any, error) { return patchNetwork(c, k) },
		"Networks.SwitchToCustomMode":    func(c *call) (any, error) { return switchToCustomMode(c, k) },
		"Networks.AddPeering":            func(c *call) (any, error) { return addPeering(c, k) },
		"Networks.UpdatePeering":         func(c *call) (any, error) { return updatePeering(c, k) },
		"Networks.RemovePeering":         func(c *call) (any, error) { return removePeering(c, k) },
		"Networks.GetEffectiveFirewalls": func(c *call) (any, error) { return effectiveFirewalls(c, k) },
	}
}

// patchNetwork changes the routing, the MTU (page "Change the MTU of a VPC network": any valid one; VMs take it when they are
// started next), the order of firewalls, and the internal IPv6 range. The recorded operationType is updateNetwork.
func patchNetwork(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	after := doc.Clone(o.Doc)
	for name, v := range c.body {
		switch name {
		case "routingConfig", "networkFirewallPolicyEnforcementOrder", "mtu", "description", "internalIpv6Range":
			doc.Merge(after, doc.Map{name: v})
		case "enableUlaInternalIpv6":
			if v != true {
				continue
			}
			after[name] = v
			if doc.Str(after, "internalIpv6Range") == "" {
				after["internalIpv6Range"] = c.internalIPv6()
			}
		case "name", "kind", "id", "selfLink", "selfLinkWithId", "creationTimestamp", "networkProfile", "subnetworks", "peerings", "fingerprint":
		case "autoCreateSubnetworks":
			if v != o.Doc[name] {
				return nil, invalid("resource."+name, v, "This field cannot be changed.") // assumed; switchToCustomMode is the way
			}
		default:
			if c.alters(o, name) {
				return nil, invalid("resource."+name, v, "This field cannot be changed.") // assumed words
			}
		}
	}
	networkDefaults(after)
	if err := checkNetwork(after); err != nil {
		return nil, err
	}
	o.Doc = after
	return c.changed(k, o, "updateNetwork"), nil
}

// switchToCustomMode leaves the subnetworks of an auto-mode network to its user. That a custom-mode network is refused is
// documented; the words are assumed.
func switchToCustomMode(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	if !doc.Bool(o.Doc, "autoCreateSubnetworks") {
		return nil, invalid("network", objectPath(o), "The network must be in auto subnet mode.")
	}
	if c.fails() == nil {
		for _, sub := range owned(c.tx, o) {
			if sub.Kind == "compute#subnetwork" {
				sub.Owner = ""
				c.tx.Put(sub)
			}
		}
	}
	o.Doc["autoCreateSubnetworks"] = false
	return c.changed(k, o, "switchToCustomMode"), nil
}

// internalIPv6 draws a /48 out of fd20::/20 (discovery document).
func (c *call) internalIPv6() string {
	x := draws.Mix(uint64(c.tx.Count()))
	return fmt.Sprintf("fd20:%x:%x:0:0:0:0:0/48", x%4096, x>>12%65536&^0xf)
}
