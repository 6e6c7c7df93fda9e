package compute

import (
	"fmt"
	"net/netip"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) routes() *collection {
	return &collection{
		service: "Routes", plural: "routes", single: "route", noun: "route", kind: "compute#route", latency: "compute_route",
		prepare: prepareRoute, user: localRoute,
	}
}

// nextHops are the next hops that a client may give (discovery document); of VPN tunnels and forwarding rules the emulator has none.
var nextHops = []string{"nextHopGateway", "nextHopIp", "nextHopInstance", "nextHopVpnTunnel", "nextHopIlb"} //nolint:gochecknoglobals // a constant table

func prepareRoute(c *call, d doc.Map) error {
	if doc.Str(d, "network") == "" {
		return required("resource.network")
	}
	network, err := c.refer("resource.network", doc.Str(d, "network"), "networks", "network")
	if err != nil {
		return err
	}
	d["network"] = doc.Str(network.Doc, "selfLink")
	if doc.Str(d, "destRange") == "" {
		return required("resource.destRange")
	}
	if _, err := parseRange("resource.destRange", doc.Str(d, "destRange")); err != nil {
		return err
	}
	if p := doc.Num(d, "priority"); p < 0 || p > 65535 {
		return invalid("resource.priority", p, "Must be between 0 and 65535.")
	}
	var hops []string
	for _, field := range nextHops {
		if doc.Str(d, field) != "" {
			hops = append(hops, field)
		}
	}
	if len(hops) != 1 {
		return invalid("resource", "", "Exactly one next hop must be given.") // documented; words assumed
	}
	if err := c.checkHop(hops[0], d); err != nil {
		return err
	}
	doc.Fill(d, doc.Map{"priority": 1000})
	return nil
}

// checkHop checks a next hop and brings it to the form that is shown. Of a route by address nothing is added (public recording
// of a route by nextHopIp); that instances are shown by URL is documented.
func (c *call) checkHop(field string, d doc.Map) error {
	hop := doc.Str(d, field)
	switch field {
	case "nextHopGateway":
		path := pathOf(hop, c.project())
		if basename(path) != "default-internet-gateway" { // "You can only specify the internet gateway" (discovery document)
			return invalid("resource."+field, hop, "The referenced gateway resource cannot be found.")
		}
		d[field] = linkBase + c.project() + "/global/gateways/default-internet-gateway"
	case "nextHopIp":
		if ip, err := netip.ParseAddr(hop); err != nil || ip.Is4In6() {
			return invalid("resource."+field, hop, "Must be an IP address.")
		}
	case "nextHopInstance":
		vm, err := c.refer("resource."+field, hop, "instances", "instance")
		if err != nil {
			return err
		}
		if !hasNIC(vm, pathOf(doc.Str(d, "network"), c.project())) { // documented; words assumed
			return invalid("resource."+field, hop, "The instance has no network interface in the network of the route.")
		}
		d[field] = doc.Str(vm.Doc, "selfLink")
	default:
		return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator has no VPN tunnels and forwarding rules that a route could go to"}
	}
	return nil
}

// localRoute keeps the route of a subnetwork, which goes with the subnetwork only.
func localRoute(_ *call, o *world.Object) error {
	if o.Owner != "" && doc.Str(o.Doc, "nextHopNetwork") != "" {
		return wire.APIError{Code: 400, Reason: "badRequest", Message: fmt.Sprintf("The local route '%s' cannot be deleted", objectPath(o))}
	}
	return nil
}
