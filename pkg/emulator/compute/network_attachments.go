package compute

import (
	"fmt"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
)

// networkAttachments: all as recorded (compute-subnetwork-network-project.log) but where something else is said. Nothing
// connects to an attachment here, so there are no connectionEndpoints.
func (svc *service) networkAttachments() *collection {
	return &collection{
		service: "NetworkAttachments", plural: "networkAttachments", single: "networkAttachment", noun: "network_attachment",
		kind: "compute#networkAttachment", latency: "compute_network_attachment",
		insertType: "compute.networkAttachments.insert", deleteType: "compute.networkAttachments.delete",
		prepare: func(c *call, d doc.Map) error {
			if err := c.checkAttachment(d); err != nil {
				return err
			}
			d["fingerprint"] = c.fingerprint()
			return nil
		},
	}
}

// checkAttachment checks an attachment and says which network it is in: that of its subnetworks, which is one (discovery
// document). The words of refusals are assumed.
func (c *call) checkAttachment(d doc.Map) error {
	accepts := doc.Str(d, "connectionPreference")
	switch accepts {
	case "ACCEPT_MANUAL":
	case "ACCEPT_AUTOMATIC":
		for _, list := range []string{"producerAcceptLists", "producerRejectLists"} {
			if len(doc.List(d, list)) > 0 {
				return invalid("resource."+list, doc.Words(d, list), "Only for connectionPreference ACCEPT_MANUAL.")
			}
		}
	case "":
		return required("resource.connectionPreference")
	default:
		return invalid("resource.connectionPreference", accepts, "Must be ACCEPT_AUTOMATIC or ACCEPT_MANUAL.")
	}
	refs := doc.Words(d, "subnetworks")
	if len(refs) == 0 {
		return required("resource.subnetworks")
	}
	var subs, networks []string
	for i, ref := range refs {
		field := fmt.Sprintf("resource.subnetworks[%d]", i)
		sub, err := c.refer(field, ref, "subnetworks", "subnetwork")
		if err != nil {
			return err
		}
		if basename(doc.Str(sub.Doc, "region")) != c.vars["region"] {
			return invalid(field, ref, "The subnetwork must be in the region of the network attachment.")
		}
		subs = append(subs, doc.Str(sub.Doc, "selfLink"))
		if network := doc.Str(sub.Doc, "network"); !slices.Contains(networks, network) {
			networks = append(networks, network)
		}
	}
	if len(networks) > 1 {
		return invalid("resource.subnetworks", refs, "All subnetworks must be of the same network.")
	}
	d["subnetworks"], d["network"] = doc.Anys(subs), networks[0]
	return nil
}

// networkAttachmentMethods: a patch needs the current fingerprint (discovery document).
func (svc *service) networkAttachmentMethods(k *collection) map[string]handler {
	return map[string]handler{
		"NetworkAttachments.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("networkAttachments", "compute#networkAttachmentAggregatedList", k)
		},
		"NetworkAttachments.Patch": func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			switch given := doc.Str(c.body, "fingerprint"); {
			case given == "":
				return nil, required("resource.fingerprint")
			case !draws.SameToken(given, doc.Str(o.Doc, "fingerprint")):
				return nil, badFingerprint("Invalid fingerprint.")
			}
			d := doc.Clone(o.Doc)
			for _, field := range []string{"connectionPreference", "description", "producerAcceptLists", "producerRejectLists", "subnetworks"} {
				if v, given := c.body[field]; given {
					d[field] = v
				}
			}
			if err := c.checkAttachment(d); err != nil {
				return nil, err
			}
			d["fingerprint"] = c.fingerprint()
			o.Doc = d
			return c.changed(k, o, "compute.networkAttachments.patch"), nil
		},
	}
}
