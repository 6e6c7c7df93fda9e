package compute

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) routers() *collection {
	return &collection{
		service: "Routers", plural: "routers", single: "router", noun: "router", kind: "compute#router", latency: "compute_router",
		insertKind: func(d doc.Map) string {
			if len(doc.List(d, "nats")) > 0 {
				return "compute_router.create_nat"
			}
			return "compute_router.create"
		},
		prepare: func(c *call, d doc.Map) error {
			if doc.Str(d, "network") == "" {
				return required("resource.network")
			}
			network, err := c.refer("resource.network", doc.Str(d, "network"), "networks", "network")
			if err != nil {
				return err
			}
			d["network"] = doc.Str(network.Doc, "selfLink")
			doc.Fill(d, doc.Map{"encryptedInterconnectRouter": false})
			return c.checkRouter(d)
		},
	}
}

// checkRouter checks a whole router and fills in what the API fills in.
func (c *call) checkRouter(d doc.Map) error {
	if err := checkBGP(d); err != nil {
		return err
	}
	if err := c.checkInterfaces(d); err != nil {
		return err
	}
	return c.checkNATs(d)
}

// checkBGP: defaults are those of the discovery document; that only private numbers are taken is from there too (RFC 6996, and
// 16550 for partners' interconnects). The words are assumed.
func checkBGP(d doc.Map) error {
	bgp := doc.Object(d, "bgp")
	if bgp == nil {
		return nil
	}
	asn := doc.Num(bgp, "asn")
	if asn != 16550 && (asn < 64512 || asn > 65534) && (asn < 4200000000 || asn > 4294967294) {
		return invalid("resource.bgp.asn", asn, "Must be a private ASN as RFC 6996 has them.")
	}
	doc.Fill(bgp, doc.Map{"advertiseMode": "DEFAULT", "keepaliveInterval": 20})
	if doc.Str(bgp, "advertiseMode") != "CUSTOM" && len(doc.List(bgp, "advertisedGroups"))+len(doc.List(bgp, "advertisedIpRanges")) > 0 {
		return invalid("resource.bgp.advertiseMode", doc.Str(bgp, "advertiseMode"), "Must be CUSTOM when groups or ranges are advertised.")
	}
	return nil
}

// checkInterfaces checks interfaces and peers against each other, as documented. Tunnels, attachments and appliances behind
// them are not emulated; a router that names them can be made and read.
func (c *call) checkInterfaces(d doc.Map) error {
	known := map[string]bool{}
	for i, one := range doc.Objects(d, "interfaces") {
		field, name := fmt.Sprintf("resource.interfaces[%d]", i), doc.Str(one, "name")
		switch {
		case name == "":
			return required(field + ".name")
		case known[name]:
			return invalid(field+".name", name, "Names of interfaces must be unique in a router.")
		}
		if s := doc.Str(one, "ipRange"); s != "" {
			if _, err := netip.ParsePrefix(s); err != nil {
				return invalid(field+".ipRange", s, "Must be a CIDR address range.")
			}
		}
		if ref := doc.Str(one, "subnetwork"); ref != "" {
			if _, err := c.refer(field+".subnetwork", ref, "subnetworks", "subnetwork"); err != nil {
				return err
			}
		}
		known[name] = true
		doc.Fill(one, doc.Map{"managementType": "MANAGED_BY_USER"}) // the default (discovery document)
	}
	seen := map[string]bool{}
	for i, peer := range doc.Objects(d, "bgpPeers") {
		field, name, on := fmt.Sprintf("resource.bgpPeers[%d]", i), doc.Str(peer, "name"), doc.Str(peer, "interfaceName")
		switch {
		case name == "":
			return required(field + ".name")
		case seen[name]:
			return invalid(field+".name", name, "Names of BGP peers must be unique in a router.")
		case doc.Num(peer, "peerAsn") == 0:
			return required(field + ".peerAsn")
		case !known[on]:
			return invalid(field+".interfaceName", on, "The router has no such interface.")
		case d["bgp"] == nil:
			return required("resource.bgp")
		}
		seen[name] = true
		doc.Fill(peer, doc.Map{"enable": "TRUE", "advertiseMode": "DEFAULT", "managementType": "MANAGED_BY_USER"})
	}
	return nil
}

// changedRouter is what a router would be after a change: PATCH merges, so that without nats the NATs stay (recorded: the private NAT
// log) and nats: [], which gcloud sends to delete the last one, takes them away; PUT replaces. What cannot be changed is from the
// discovery document.
func (c *call) changedRouter(o *world.Object) (doc.Map, error) {
	d := c.changes(o, "network", "encryptedInterconnectRouter")
	return d, c.checkRouter(d)
}

// routerMethods. getNatMappingInfo and the methods of route policies and named sets answer 501.
func (svc *service) routerMethods(k *collection) map[string]handler {
	change := func(kind string) handler {
		return func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			d, err := c.changedRouter(o)
			if err != nil {
				return nil, err
			}
			o.Doc = d
			return c.changed(k, o, kind), nil
		}
	}
	return map[string]handler{
		"Routers.Patch": change("patch"), "Routers.Update": change("update"),
		"Routers.Preview": func(c *call) (any, error) {
			o, err := k.target(c)
			if err != nil {
				return nil, err
			}
			d, err := c.changedRouter(o)
			doc.Settle(d)
			return doc.Map{"resource": d}, err
		},
		"Routers.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("routers", "compute#routerAggregatedList", k)
		},
		"Routers.GetRouterStatus": func(c *call) (any, error) {
			o, err := k.target(c)
			if err != nil {
				return nil, err
			}
			return c.routerStatus(o.Doc)
		},
	}
}

// routerStatus tells the state of a router's NATs as documented: how many network interfaces can use each. A router with BGP
// peers has learnt routes, which the emulator does not have.
func (c *call) routerStatus(d doc.Map) (any, error) {
	if len(doc.List(d, "bgpPeers")) > 0 {
		return nil, wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator does not know the state of BGP sessions"}
	}
	result := doc.Map{"network": d["network"]}
	var nats []any
	for _, nat := range doc.Objects(d, "nats") {
		nats = append(nats, doc.Map{"name": nat["name"], "numVmEndpointsWithNatMappings": c.natEndpoints(d, nat)})
	}
	if nats != nil {
		result["natStatus"] = nats
	}
	return doc.Map{"kind": "compute#routerStatusResponse", "result": result}, nil
}

// natEndpoints counts the interfaces without an external address that a NAT serves.
func (c *call) natEndpoints(router, nat doc.Map) int {
	n := 0
	for _, below := range c.tx.Below(worldName(c.project()) + "/zones/") {
		for _, vm := range c.tx.List(below) {
			for _, nic := range doc.Objects(vm.Doc, "networkInterfaces") {
				sub := pathOf(doc.Str(nic, "subnetwork"), c.project())
				listed := slices.ContainsFunc(doc.Objects(nat, "subnetworks"), func(s doc.Map) bool { return names(doc.Str(s, "name"), sub) })
				if vm.Kind == "compute#instance" && doc.Str(nic, "network") == doc.Str(router, "network") && len(doc.List(nic, "accessConfigs")) == 0 &&
					parentPath(parentPath(sub)) == c.scope() && (listed || doc.Str(nat, "sourceSubnetworkIpRangesToNat") != "LIST_OF_SUBNETWORKS") {
					n++
				}
			}
		}
	}
	return n
}
