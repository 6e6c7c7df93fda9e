package emulator

import (
	"fmt"
	"maps"
)

func (em *Emulator) routers() *collection {
	return &collection{
		service: "Routers", plural: "routers", single: "router", noun: "router", kind: "compute#router", latency: "compute_router",
		insertKind: func(d document) string {
			if len(list(d, "nats")) > 0 {
				return "compute_router.create_nat"
			}
			return "compute_router.create"
		},
		prepare: func(c *call, d document) error {
			if str(d, "network") == "" {
				return required("resource.network")
			}
			network, err := c.refer("resource.network", str(d, "network"), "networks", "network")
			if err != nil {
				return err
			}
			d["network"] = str(network.Doc, "selfLink")
			fill(d, document{"encryptedInterconnectRouter": false})
			return c.checkNATs(d)
		},
	}
}

// checkNATs checks the NATs of a router and fills in what a read shows. Effective values of unset timeouts are not part of
// a read of a public NAT as far as recordings show, so they are left out.
func (c *call) checkNATs(d document) error {
	seen := map[string]bool{}
	for i, nat := range objects(d, "nats") {
		field := fmt.Sprintf("resource.nats[%d]", i)
		name := str(nat, "name")
		switch {
		case name == "":
			return required(field + ".name")
		case !resourceName.MatchString(name):
			return invalid(field+".name", name, fmt.Sprintf("Must be a match of regex '%s'", namePattern))
		case seen[name]:
			return invalid(field+".name", name, "Names of NATs must be unique in a router.")
		case str(nat, "sourceSubnetworkIpRangesToNat") == "":
			return required(field + ".sourceSubnetworkIpRangesToNat")
		case str(nat, "type") != "PRIVATE" && str(nat, "natIpAllocateOption") == "":
			return required(field + ".natIpAllocateOption")
		}
		seen[name] = true
		fill(nat, document{"type": "PUBLIC", "endpointTypes": []any{"ENDPOINT_TYPE_VM"}, "enableEndpointIndependentMapping": false})
		for j, sub := range objects(nat, "subnetworks") {
			o, err := c.refer(fmt.Sprintf("%s.subnetworks[%d].name", field, j), str(sub, "name"), "subnetworks", "subnetwork")
			if err != nil {
				return err
			}
			sub["name"] = str(o.Doc, "selfLink")
		}
	}
	return nil
}

// routerMethods: PATCH without nats leaves the NATs in place (recorded: the private NAT log); PUT replaces the router.
func (em *Emulator) routerMethods(k *collection) map[string]computeHandler {
	change := func(replace bool) computeHandler {
		return func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			d := document{}
			if !replace {
				d = clone(o.Doc)
			}
			maps.Copy(d, c.body)
			for _, fixed := range []string{"id", "kind", "name", "network", "region", "selfLink", "creationTimestamp", "encryptedInterconnectRouter"} {
				d[fixed] = o.Doc[fixed]
			}
			if err := c.checkNATs(d); err != nil {
				return nil, err
			}
			o.Doc = d
			return c.changed(k, o, map[bool]string{true: "update", false: "patch"}[replace]), nil
		}
	}
	return map[string]computeHandler{
		"Routers.Patch": change(false), "Routers.Update": change(true),
		"Routers.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("routers", "compute#routerAggregatedList", k)
		},
		"Routers.GetRouterStatus": func(c *call) (any, error) {
			o, err := k.target(c)
			if err != nil {
				return nil, err
			}
			return document{"kind": "compute#routerStatusResponse", "result": document{"network": str(o.Doc, "network")}}, nil
		},
	}
}
