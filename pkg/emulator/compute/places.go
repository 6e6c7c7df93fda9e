package compute

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func hasRegion(name string) bool {
	_, ok := places.Named(name)
	return ok
}

func hasZone(name string) bool {
	_, ok := places.OfZone(name)
	return ok
}

// allScopes lists all scopes as aggregated lists name them.
func allScopes() []string {
	out := []string{"global"}
	for _, r := range places.All() {
		out = append(out, "regions/"+r.Name)
		for _, z := range r.ZoneNames() {
			out = append(out, "zones/"+z)
		}
	}
	slices.Sort(out)
	return out
}

// found puts what a new project has of Compute Engine into the world: the network "default" with its subnetworks, routes and
// firewall rules.
func (svc *service) found(tx *world.Tx, project string) error {
	if slices.Contains(svc.cloud.NoDefaultNetwork, project) {
		return nil
	}
	c := &call{svc: svc, tx: tx, vars: map[string]string{"project": project}}
	return c.defaultNetwork()
}

func (c *call) defaultNetwork() error {
	d := doc.Map{"name": "default", "description": "Default network for the project", "autoCreateSubnetworks": true}
	if err := prepareNetwork(c, d); err != nil {
		return err
	}
	delete(d, "routingConfig") // recorded thrice: that of a project's own network is not shown
	k := c.svc.collections["networks"]
	network := c.place(k, c.project()+"/global/networks/default", d)
	network.Builtin, network.Ready = true, true
	c.svc.networkInserted(c, network)
	for _, rule := range []doc.Map{
		{"name": "default-allow-internal", "sourceRanges": []any{"10.128.0.0/9"}, "allowed": []any{
			doc.Map{"IPProtocol": "tcp", "ports": []any{"0-65535"}}, doc.Map{"IPProtocol": "udp", "ports": []any{"0-65535"}}, doc.Map{"IPProtocol": "icmp"}}},
		{"name": "default-allow-ssh", "allowed": []any{doc.Map{"IPProtocol": "tcp", "ports": []any{"22"}}}},
		{"name": "default-allow-rdp", "allowed": []any{doc.Map{"IPProtocol": "tcp", "ports": []any{"3389"}}}},
		{"name": "default-allow-icmp", "allowed": []any{doc.Map{"IPProtocol": "icmp"}}},
	} {
		maps.Copy(rule, doc.Map{"network": doc.Str(network.Doc, "selfLink"), "priority": 65534})
		if err := checkFirewall(rule); err != nil {
			return err
		}
		o := c.place(c.svc.collections["firewalls"], c.project()+"/global/firewalls/"+doc.Str(rule, "name"), rule)
		o.Builtin, o.Ready = true, true
	}
	return nil
}

// worldMethods are reads of what is simply there: zones, regions.
func (svc *service) worldMethods() map[string]handler {
	return map[string]handler{
		"Zones.Get": func(c *call) (any, error) {
			r, ok := places.OfZone(c.vars["zone"])
			if !ok {
				return nil, notFound(c.path)
			}
			return c.zoneDoc(r, c.vars["zone"]), nil
		},
		"Zones.List": func(c *call) (any, error) {
			var items []doc.Map
			for _, r := range places.All() {
				for _, z := range r.ZoneNames() {
					items = append(items, c.zoneDoc(r, z))
				}
			}
			return c.virtual(c.project()+"/zones", "compute#zoneList", items)
		},
		"RegionZones.List": func(c *call) (any, error) {
			var items []doc.Map
			r, _ := places.Named(c.vars["region"])
			for _, z := range r.ZoneNames() {
				items = append(items, c.zoneDoc(r, z))
			}
			return c.virtual(c.scope()+"/zones", "compute#zoneList", items)
		},
		"Regions.Get": func(c *call) (any, error) {
			r, ok := places.Named(c.vars["region"])
			if !ok {
				return nil, notFound(c.path)
			}
			return c.regionDoc(r), nil
		},
		"Regions.List": func(c *call) (any, error) {
			var items []doc.Map
			for _, r := range places.All() {
				items = append(items, c.regionDoc(r))
			}
			return c.virtual(c.project()+"/regions", "compute#regionList", items)
		},
	}
}

// zoneDoc has the fields of a recorded zone (public logs of zones.get).
func (c *call) zoneDoc(r places.Region, zone string) doc.Map {
	return doc.Map{
		"kind": "compute#zone", "id": fmt.Sprint(2000 + uint64(draws.Uniform(0, zone, 1)*1000)), "name": zone, "description": zone, "status": "UP",
		"region": linkBase + c.project() + "/regions/" + r.Name, "selfLink": linkBase + c.project() + "/zones/" + zone,
		"availableCpuPlatforms": doc.Anys(places.Platforms(zone)), "creationTimestamp": firstDay,
		"supportsPzs": true, // recorded for us-central1-a, assumed for the others
	}
}

// regionDoc has the fields of a recorded region (public logs of regions.list).
func (c *call) regionDoc(r places.Region) doc.Map {
	var zones []any
	for _, z := range r.ZoneNames() {
		zones = append(zones, linkBase+c.project()+"/zones/"+z)
	}
	return doc.Map{
		"kind": "compute#region", "id": fmt.Sprint(1000 + uint64(draws.Uniform(0, r.Name, 1)*1000)), "name": r.Name, "description": r.Name,
		"status": "UP", "zones": zones, "selfLink": linkBase + c.project() + "/regions/" + r.Name,
		"creationTimestamp": firstDay, "quotas": c.regionQuotas(r), "supportsPzs": false,
	}
}
