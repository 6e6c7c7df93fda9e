package compute

import (
	"fmt"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// checkNATs checks the NATs of a router and fills in what a read shows. References below a project stay as they were sent (recorded:
// the private NAT log); that full URLs are shown with the cloud's host is assumed.
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
			return invalid(field+".name", name, "Names of NATs must be unique in a router.") // documented; words assumed
		case doc.Str(nat, "sourceSubnetworkIpRangesToNat") == "":
			return required(field + ".sourceSubnetworkIpRangesToNat")
		}
		seen[name] = true
		if err := checkAllocation(field, nat); err != nil {
			return err
		}
		for j, sub := range doc.Objects(nat, "subnetworks") {
			if _, err := c.refer(fmt.Sprintf("%s.subnetworks[%d].name", field, j), doc.Str(sub, "name"), "subnetworks", "subnetwork"); err != nil {
				return err
			}
			sub["name"] = asShown(doc.Str(sub, "name"))
		}
		for j, rule := range doc.Objects(nat, "rules") {
			for _, list := range []string{"sourceNatActiveRanges", "sourceNatDrainRanges"} {
				refs := doc.List(rule, "action", list)
				for n, ref := range doc.Words(rule, "action", list) {
					if _, err := c.refer(fmt.Sprintf("%s.rules[%d].action.%s", field, j, list), ref, "subnetworks", "subnetwork"); err != nil {
						return err
					}
					refs[n] = asShown(ref)
				}
			}
		}
		showNAT(nat)
	}
	return nil
}

// asShown gives a reference as it is shown.
func asShown(ref string) string {
	if strings.Contains(ref, "://") {
		return linkBase + pathOf(ref, "")
	}
	return ref
}

// checkAllocation refuses what does not go together (discovery document: natIpAllocateOption, natIps, subnetworks, and
// enableDynamicPortAllocation). The words are assumed.
func checkAllocation(field string, nat doc.Map) error {
	private, option := doc.Str(nat, "type") == "PRIVATE", doc.Str(nat, "natIpAllocateOption")
	listed := doc.Str(nat, "sourceSubnetworkIpRangesToNat") == "LIST_OF_SUBNETWORKS"
	switch {
	case !private && option == "":
		return required(field + ".natIpAllocateOption")
	case !private && option != "AUTO_ONLY" && option != "MANUAL_ONLY":
		return invalid(field+".natIpAllocateOption", option, "Must be AUTO_ONLY or MANUAL_ONLY.")
	case option == "AUTO_ONLY" && len(doc.List(nat, "natIps")) > 0:
		return invalid(field+".natIps", doc.Words(nat, "natIps"), "Must be empty when natIpAllocateOption is AUTO_ONLY.")
	case listed && len(doc.List(nat, "subnetworks")) == 0:
		return required(field + ".subnetworks")
	case !listed && len(doc.List(nat, "subnetworks")) > 0:
		return invalid(field+".subnetworks", "", "Must be empty unless sourceSubnetworkIpRangesToNat is LIST_OF_SUBNETWORKS.")
	case doc.Bool(nat, "enableDynamicPortAllocation") && doc.Bool(nat, "enableEndpointIndependentMapping"):
		return invalid(field+".enableEndpointIndependentMapping", true, "Cannot be used together with dynamic port allocation.")
	}
	return nil
}

// showNAT fills in what a read shows: of a private one recorded in the private NAT log, of a public one in public recordings.
// A NAT in automatic mode takes its addresses from the project's tier, which is PREMIUM.
func showNAT(nat doc.Map) {
	doc.Fill(nat, doc.Map{"type": "PUBLIC", "endpointTypes": []any{"ENDPOINT_TYPE_VM"}, "enableEndpointIndependentMapping": false})
	effective := doc.Num(nat, "tcpTimeWaitTimeoutSec")
	if effective == 0 {
		effective = 120
	}
	nat["effectiveTcpTimeWaitTimeoutSec"] = effective
	switch {
	case doc.Str(nat, "type") == "PRIVATE":
		nat["enableDynamicPortAllocation"] = true
		delete(nat, "natIpAllocateOption") // recorded: USE_SHARED_RANGES is sent and not shown
	case doc.Str(nat, "natIpAllocateOption") == "AUTO_ONLY":
		doc.Fill(nat, doc.Map{"autoNetworkTier": "PREMIUM"})
	}
}
