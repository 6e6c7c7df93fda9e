package firewall

import (
	"slices"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// body writes a rule as the API wants it. What is never wanted is left out, so an update takes it away.
func body(id resources.ID, s Spec, stamp resources.Stamp) *computepb.Firewall {
	f := &computepb.Firewall{
		Name: proto.String(id.Base()), Description: proto.String(gce.Describe(stamp.Owner)), Network: proto.String(string(s.Network.Get())),
		Direction: proto.String("INGRESS"), Priority: proto.Int32(int32(s.Priority)), //nolint:gosec // checked: at most 65535
		SourceRanges: s.SourceRanges, Disabled: proto.Bool(s.Disabled),
	}
	for _, r := range s.Allow {
		protocol, ports, limited := strings.Cut(r, ":")
		f.Allowed = append(f.Allowed, &computepb.Allowed{IPProtocol: proto.String(protocol)})
		if limited {
			f.Allowed[len(f.Allowed)-1].Ports = strings.Split(ports, ",")
		}
	}
	return f
}

// live reads a rule back.
func live(f *computepb.Firewall) resources.Live[Spec, Outputs] {
	s := Spec{
		Network: resources.Known(resources.NetworkURL(gcp.Path(f.GetNetwork()))), Priority: int(f.GetPriority()),
		SourceRanges: f.GetSourceRanges(), Disabled: f.GetDisabled(), Egress: f.GetDirection() == "EGRESS",
		Narrowed: slices.Concat(f.GetTargetTags(), f.GetTargetServiceAccounts(), f.GetSourceTags(), f.GetSourceServiceAccounts(), f.GetDestinationRanges()),
	}
	for _, a := range f.GetAllowed() {
		s.Allow = append(s.Allow, rule(a.GetIPProtocol(), a.GetPorts()))
	}
	for _, d := range f.GetDenied() {
		s.Deny = append(s.Deny, rule(d.GetIPProtocol(), d.GetPorts()))
	}
	return resources.Live[Spec, Outputs]{Spec: s}
}

func rule(protocol string, ports []string) string {
	return strings.TrimSuffix(protocol+":"+strings.Join(ports, ","), ":")
}
