package catalog

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
)

// network finds the subnetworks of a network that VMs of the region can be in. Whether the network itself is there is asked
// only when it has none: a subnetwork tells.
func (l *look) network(ctx context.Context) error {
	var found offer.Network
	filter := proto.String(fmt.Sprintf("network = %q", gce.Link(gce.Global(l.scope, "networks", l.q.Network).Path())))
	subs, err := gcp.Collect(ctx, l.c.Subnetworks.List(ctx, &computepb.ListSubnetworksRequest{Project: l.scope.Project, Region: l.scope.Region, Filter: filter}).Next)
	if l.absent(ctx, err) {
		return nil // the region is not there: the zone tells
	}
	if err != nil {
		return err
	}
	for _, s := range subs {
		// Others are for load balancers, NAT and the like (compute/v1 discovery document, "purpose" of Subnetwork).
		if p := s.GetPurpose(); p == "" || p == "PRIVATE" || p == "PRIVATE_RFC_1918" {
			found.Subnetworks = append(found.Subnetworks, gcp.Path(s.GetSelfLink()))
		}
	}
	slices.Sort(found.Subnetworks)
	if len(subs) == 0 {
		_, err := l.c.Networks.Get(ctx, &computepb.GetNetworkRequest{Project: l.scope.Project, Network: l.q.Network})
		if found.Absent = l.absent(ctx, err); err != nil && !found.Absent {
			return err
		}
	}
	if l.q.NAT && len(found.Subnetworks) > 0 {
		routers, err := gcp.Collect(ctx, l.c.Routers.List(ctx, &computepb.ListRoutersRequest{Project: l.scope.Project, Region: l.scope.Region, Filter: filter}).Next)
		if err != nil {
			return err
		}
		found.NAT = slices.ContainsFunc(routers, func(r *computepb.Router) bool { return len(r.GetNats()) > 0 })
	}
	l.answer(func() { l.Network = &found })
	return nil
}

// subnetworkRanges gives the primary and secondary IPv4 ranges of all subnetworks of the project.
func (l *look) subnetworkRanges(ctx context.Context) error {
	pairs, err := gcp.Collect(ctx, l.c.Subnetworks.AggregatedList(ctx, &computepb.AggregatedListSubnetworksRequest{Project: l.scope.Project}).Next)
	var out []offer.Range
	for _, pair := range pairs {
		for _, s := range pair.Value.GetSubnetworks() {
			out = add(out, s.GetIpCidrRange(), s.GetSelfLink(), s.GetNetwork())
			for _, more := range s.GetSecondaryIpRanges() {
				out = add(out, more.GetIpCidrRange(), s.GetSelfLink(), s.GetNetwork())
			}
		}
	}
	return l.ranges(out, err)
}

// routeRanges gives the destinations of routes: those that somebody made and those that came over a peering. Those that come
// with a subnetwork (nextHopNetwork of Route, compute/v1 discovery document: the network itself is the next hop) are known by it.
func (l *look) routeRanges(ctx context.Context) error {
	routes, err := gcp.Collect(ctx, l.c.Routes.List(ctx, &computepb.ListRoutesRequest{Project: l.scope.Project}).Next)
	var out []offer.Range
	for _, r := range routes {
		if r.GetNextHopNetwork() == "" || r.GetNextHopPeering() != "" {
			out = add(out, r.GetDestRange(), r.GetSelfLink(), r.GetNetwork())
		}
	}
	return l.ranges(out, err)
}

func (l *look) ranges(list []offer.Range, err error) error {
	l.answer(func() {
		l.Ranges = append(l.Ranges, list...)
		l.RangesRead = l.RangesRead && err == nil
	})
	return err
}

// add leaves out IPv6 and the default route.
func add(list []offer.Range, cidr, user, network string) []offer.Range {
	p, err := netip.ParsePrefix(cidr)
	if err != nil || !p.Addr().Is4() || p.Bits() == 0 {
		return list
	}
	return append(list, offer.Range{Prefix: p.Masked(), User: gcp.Path(user), Network: gcp.Path(network)})
}
