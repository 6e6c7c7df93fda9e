package compute

import (
	"fmt"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// stack gives a subnetwork the IPv6 range that its stack type needs: out of the network's own for internal access, a drawn one
// for external access (discovery document: stackType, ipv6AccessType; page on IPv6 subnet ranges: a /64). The words of refusals
// are assumed.
func (c *call) stack(d, network doc.Map) error {
	access := doc.Str(d, "ipv6AccessType")
	switch doc.Str(d, "stackType") {
	case "", "IPV4_ONLY":
		if access != "" {
			return invalid("resource.ipv6AccessType", access, "Needs the stack type IPV4_IPV6 or IPV6_ONLY.")
		}
		return nil
	case "IPV4_IPV6":
	default:
		return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator does not know subnetworks with IPv6 only"}
	}
	switch access {
	case "INTERNAL":
		ula := doc.Str(network, "internalIpv6Range")
		if ula == "" {
			return invalid("resource.ipv6AccessType", access, "The network has no internal IPv6 range.")
		}
		doc.Fill(d, doc.Map{"internalIpv6Prefix": fmt.Sprintf("%s:%x:0:0:0:0/64", strings.Join(strings.Split(ula, ":")[:3], ":"), draws.Mix(uint64(c.tx.Count()))%65536)})
		d["ipv6CidrRange"] = d["internalIpv6Prefix"]
	case "EXTERNAL":
		x := draws.Mix(uint64(c.tx.Count()))
		doc.Fill(d, doc.Map{"externalIpv6Prefix": fmt.Sprintf("2600:1900:%x:%x:0:0:0:0/64", x%65536, x>>16%65536)})
		d["ipv6CidrRange"] = d["externalIpv6Prefix"]
	default:
		return required("resource.ipv6AccessType")
	}
	return nil
}
