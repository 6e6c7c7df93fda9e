package compute

import (
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) routes() *collection {
	return &collection{
		service: "Routes", plural: "routes", single: "route", noun: "route", kind: "compute#route", latency: "compute_route",
		prepare: func(c *call, d doc.Map) error {
			network, err := c.refer("resource.network", doc.Str(d, "network"), "networks", "network")
			if err != nil {
				return err
			}
			d["network"] = doc.Str(network.Doc, "selfLink")
			if _, err := parseRange("resource.destRange", doc.Str(d, "destRange")); err != nil {
				return err
			}
			hops := 0
			for _, field := range []string{"nextHopGateway", "nextHopIp", "nextHopInstance", "nextHopVpnTunnel", "nextHopIlb"} {
				if doc.Str(d, field) != "" {
					hops++
				}
			}
			if hops != 1 {
				return invalid("resource", "", "Exactly one next hop must be given.")
			}
			doc.Fill(d, doc.Map{"priority": 1000})
			return nil
		},
		user: func(_ *call, o *world.Object) error {
			if o.Owner != "" && doc.Str(o.Doc, "nextHopNetwork") != "" {
				return wire.APIError{Code: 400, Reason: "badRequest", Message: fmt.Sprintf("The local route '%s' cannot be deleted", objectPath(o))}
			}
			return nil
		},
	}
}
