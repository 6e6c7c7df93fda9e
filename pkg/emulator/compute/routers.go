package compute

import (
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
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
			return c.checkNATs(d)
		},
	}
}

// checkNATs checks the NATs of a router and fills in what a read shows. Effective values of unset timeouts are not part of
// a read of a public NAT as far as recordings show, so they are left out.
func (c *call) checkNATs(d doc.Map) error {
	seen := map[string]bool{}
	for i, nat := range doc.Objects(d, "nats") {
		field := fmt.Sprintf("resource.nats[%d]", i)
		name := doc.Str(nat, "name")
		switch {
		case name == "":
			return required(field + ".name")
		case !resourceName.MatchString(name):
			return invalid(field+".name", name, fmt.Sprintf("Must be a match of regex '%s'", namePattern))
		case seen[name]:
			return invalid(field+".name", name, "Names of NATs must be unique in a router.")
		case doc.Str(nat, "sourceSubnetworkIpRangesToNat") == "":
			return required(field + ".sourceSubnetworkIpRangesToNat")
		case doc.Str(nat, "type") != "PRIVATE" && doc.Str(nat, "natIpAllocateOption") == "":
			return required(field + ".natIpAllocateOption")
		}
		seen[name] = true
		doc.Fill(nat, doc.Map{"type": "PUBLIC", "endpointTypes": []any{"ENDPOINT_TYPE_VM"}, "enableEndpointIndependentMapping": false})
		for j, sub := range doc.Objects(nat, "subnetworks") {
			o, err := c.refer(fmt.Sprintf("%s.subnetworks[%d].name", field, j), doc.Str(sub, "name"), "subnetworks", "subnetwork")
			if err != nil {
				return err
			}
			sub["name"] = doc.Str(o.Doc, "selfLink")
		}
	}
	return nil
}

// routerMethods: PATCH without nats leaves the NATs in place (recorded: the private NAT log), and with nats: [], which gcloud sends
// to delete the last one, takes them away; PUT replaces the router.
func (svc *service) routerMethods(k *collection) map[string]handler {
	change := func(kind string) handler {
		return func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			d := c.changes(o, "network", "encryptedInterconnectRouter")
			if err := c.checkNATs(d); err != nil {
				return nil, err
			}
			o.Doc = d
			return c.changed(k, o, kind), nil
		}
	}
	return map[string]handler{
		"Routers.Patch": change("patch"), "Routers.Update": change("update"),
		"Routers.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("routers", "compute#routerAggregatedList", k)
		},
		"Routers.GetRouterStatus": func(c *call) (any, error) {
			o, err := k.target(c)
			if err != nil {
				return nil, err
			}
			return doc.Map{"kind": "compute#routerStatusResponse", "result": doc.Map{"network": doc.Str(o.Doc, "network")}}, nil
		},
	}
}
