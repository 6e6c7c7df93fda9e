package compute

import (
	"fmt"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) networks() *collection {
	return &collection{
		service: "Networks", plural: "networks", single: "network", noun: "network", kind: "compute#network",
		latency: "compute_network",
		prepare: prepareNetwork, inserted: svc.networkInserted, ready: readyOwned, removed: removeOwned,
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
	if mtu, given := d["mtu"]; given && (doc.Num(d, "mtu") < 1300 || doc.Num(d, "mtu") > 8896) {
		return invalid("resource.mtu", mtu, "Must be between 1300 and 8896.")
	}
	networkDefaults(d)
	if mode := doc.Str(d, "routingConfig", "routingMode"); mode != "REGIONAL" && mode != "GLOBAL" {
		return invalid("resource.routingConfig.routingMode", mode, "Must be REGIONAL or GLOBAL.")
	}
	if p := doc.Str(d, "networkProfile"); p != "" {
		d["networkProfile"] = linkBase + pathOf(p, c.project())
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
	project := strings.Join(strings.Split(owner.Name, "/")[:3], "/")
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

func removeOwned(tx *world.Tx, owner *world.Object) {
	for _, o := range owned(tx, owner) {
		removeOwned(tx, o)
		tx.Delete(o.Name)
	}
}

// networkUser finds one thing that keeps a network from being deleted: the operation names just one (recorded: errors.log).
func (svc *service) networkUser(tx *world.Tx, o *world.Object) *faults.OperationError {
	link := doc.Str(o.Doc, "selfLink")
	project := strings.Join(strings.Split(o.Name, "/")[:3], "/")
	for _, below := range tx.Below(project + "/") {
		for _, user := range tx.List(below) {
			if user.Owner == o.Name || user.Name == o.Name || !refersTo(user, link) {
				continue
			}
			return &faults.OperationError{Code: "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", HTTPStatus: 400,
				Message: inUse("network", objectPath(o), objectPath(user)).Message}
		}
	}
	return nil
}

// refersTo says whether a thing holds on to a network. Templates do not: they only name it.
func refersTo(user *world.Object, networkLink string) bool {
	switch user.Kind {
	case "compute#firewall", "compute#route", "compute#subnetwork", "compute#router":
		return doc.Str(user.Doc, "network") == networkLink && user.Owner == ""
	case "compute#instance":
		for _, nic := range doc.Objects(user.Doc, "networkInterfaces") {
			if doc.Str(nic, "network") == networkLink {
				return true
			}
		}
	}
	return false
}

// viewNetwork lists the subnetworks, as a read of a network does when there are any.
func viewNetwork(tx *world.Tx, o *world.Object, d doc.Map) {
	link := doc.Str(o.Doc, "selfLink")
	project := strings.Join(strings.Split(o.Name, "/")[:3], "/")
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
		"Networks.Patch": func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			for name, v := range c.body {
				switch name {
				case "networkFirewallPolicyEnforcementOrder", "mtu", "description", "routingConfig":
					doc.Merge(o.Doc, doc.Map{name: v})
				case "enableUlaInternalIpv6":
					o.Doc[name] = v
					if v == true && doc.Str(o.Doc, "internalIpv6Range") == "" {
						x := draws.Mix(uint64(c.tx.Count()))
						o.Doc["internalIpv6Range"] = fmt.Sprintf("fd20:%x:%x:0:0:0:0:0/48", x%4096, x>>12%65536&^0xf)
					}
				case "name", "kind", "id", "selfLink", "autoCreateSubnetworks", "networkProfile":
				default:
					if c.alters(o, name) {
						return nil, invalid("resource."+name, v, "This field cannot be changed.")
					}
				}
			}
			networkDefaults(o.Doc)
			return c.changed(k, o, "updateNetwork"), nil // recorded operationType
		},
	}
}
