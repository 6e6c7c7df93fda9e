package gce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// blockers lists what uses a network, a subnetwork or a template and does not belong to the owner, each with the command that removes it
// or with what frees it. It reads only. said is the cloud's refusal: the one user that it names is among them even when it is
// of a kind that is not listed here. What could not be read is the error beside what was.
func blockers(ctx context.Context, c *gcp.Clients, id resources.ID, owner string, said error) ([]resources.Blocker, error) {
	var finders []finder
	switch {
	case id.Part("networks") != "":
		finders = []finder{instances, firewalls, routes, subnetworks, routers, addresses, forwardingRules, peerings}
	case id.Part("subnetworks") != "":
		finders = []finder{instances, addresses, forwardingRules}
	case id.Part("instanceTemplates") != "":
		finders = []finder{groups}
	}
	found := make([][]resources.Blocker, len(finders))
	errs := make([]error, len(finders))
	var wait sync.WaitGroup
	for i, find := range finders {
		wait.Go(func() { found[i], errs[i] = find(ctx, c, id, owner) })
	}
	wait.Wait()
	out := slices.Concat(found...)
	if named, ok := namedUser(said); ok && unlisted(named) && !slices.ContainsFunc(out, func(b resources.Blocker) bool { return b.ID == named }) {
		out = append(out, Blocker(named))
	}
	slices.SortFunc(out, func(a, b resources.Blocker) int { return cmp.Compare(a.ID, b.ID) })
	return out, errors.Join(errs...)
}

type finder func(ctx context.Context, c *gcp.Clients, id resources.ID, owner string) ([]resources.Blocker, error)

// namedUser is the user that the cloud's refusal names: "… is already being used by 'projects/p/…'".
func namedUser(said error) (resources.ID, bool) {
	var e *gcp.Error
	if !errors.As(said, &e) || e.User == "" {
		return "", false
	}
	return IDOf(e.User), true
}

// unlisted: one of our own kinds that is named is what we have just deleted, or it is in a list; anything else is somebody's.
func unlisted(id resources.ID) bool {
	for _, ours := range []string{"firewalls", "routes", "subnetworks", "routers", "instances", "instanceGroupManagers", "instanceGroups", "instanceTemplates"} {
		if id.Part(ours) != "" {
			return false
		}
	}
	return true
}

// group is how gcloud calls a collection, behind "gcloud compute".
func group(collection string) []string {
	switch collection {
	case "firewalls":
		return []string{"firewall-rules"}
	case "subnetworks":
		return []string{"networks", "subnets"}
	case "forwardingRules":
		return []string{"forwarding-rules"}
	case "instanceTemplates":
		return []string{"instance-templates"}
	case "instanceGroupManagers":
		return []string{"instance-groups", "managed"}
	case "networkEndpointGroups":
		return []string{"network-endpoint-groups"}
	case "vpnGateways":
		return []string{"vpn-gateways"}
	case "serviceAttachments":
		return []string{"service-attachments"}
	case "networkAttachments":
		return []string{"network-attachments"}
	case "packetMirrorings":
		return []string{"packet-mirrorings"}
	}
	return []string{collection}
}

// Blocker names a resource with the command that removes it, which its path tells.
func Blocker(id resources.ID) resources.Blocker {
	parts := strings.Split(id.Path(), "/")
	if len(parts) < 4 {
		return resources.Blocker{ID: id, Frees: "look at it in the console"}
	}
	collection, name := parts[len(parts)-2], parts[len(parts)-1]
	if collection == "addresses" && strings.HasPrefix(name, "serverless-") {
		// Cloud Run documentation, "Direct VPC egress": the addresses cannot be deleted by hand.
		return resources.Blocker{ID: id, Frees: "an address of Cloud Run or of a serverless connector: delete the service, job or connector that uses the network; the address goes by itself, up to two hours later"}
	}
	words := append([]string{"compute"}, group(collection)...)
	words = append(words, "delete", name)
	switch {
	case Zone(id) != "":
		words = append(words, "--zone="+Zone(id))
	case Region(id) != "":
		words = append(words, "--region="+Region(id))
	case collection == "addresses" || collection == "forwardingRules":
		words = append(words, "--global")
	}
	return resources.Blocker{ID: id, Command: gcp.Command(append(words, "--project="+id.Project())...)}
}

func networkFilter(id resources.ID) *string {
	return proto.String(fmt.Sprintf(`network = "%s"`, Link(id.Path())))
}

// foreign makes blockers of what carries another mark than the owner's.
func foreign[R Resource](list []R, owner string, uses func(R) bool) []resources.Blocker {
	var out []resources.Blocker
	for _, r := range list {
		if OwnerOf(r.GetDescription()) != owner && uses(r) {
			out = append(out, Blocker(IDOf(r.GetSelfLink())))
		}
	}
	return out
}

func whichever[R any](R) bool { return true }

func firewalls(ctx context.Context, c *gcp.Clients, id resources.ID, owner string) ([]resources.Blocker, error) {
	list, err := gcp.Collect(ctx, c.Firewalls.List(ctx, &computepb.ListFirewallsRequest{Project: id.Project(), Filter: networkFilter(id)}).Next)
	return foreign(list, owner, whichever), err
}

// routes leaves out those that come with a network: they go with it.
func routes(ctx context.Context, c *gcp.Clients, id resources.ID, owner string) ([]resources.Blocker, error) {
	list, err := gcp.Collect(ctx, c.Routes.List(ctx, &computepb.ListRoutesRequest{Project: id.Project(), Filter: networkFilter(id)}).Next)
	return foreign(list, owner, func(r *computepb.Route) bool {
		return r.GetNextHopNetwork() == "" && r.GetNextHopPeering() == "" && !strings.HasPrefix(r.GetName(), "default-route-")
	}), err
}

func subnetworks(ctx context.Context, c *gcp.Clients, id resources.ID, owner string) ([]resources.Blocker, error) {
	list, err := Aggregate(ctx, c.Subnetworks.AggregatedList(ctx, &computepb.AggregatedListSubnetworksRequest{Project: id.Project(), Filter: networkFilter(id)}).Next,
		func(p compute.SubnetworksScopedListPair) []*computepb.Subnetwork { return p.Value.GetSubnetworks() })
	return foreign(list, owner, whichever), err
}

func routers(ctx context.Context, c *gcp.Clients, id resources.ID, owner string) ([]resources.Blocker, error) {
	list, err := Aggregate(ctx, c.Routers.AggregatedList(ctx, &computepb.AggregatedListRoutersRequest{Project: id.Project(), Filter: networkFilter(id)}).Next,
		func(p compute.RoutersScopedListPair) []*computepb.Router { return p.Value.GetRouters() })
	return foreign(list, owner, whichever), err
}

func addresses(ctx context.Context, c *gcp.Clients, id resources.ID, owner string) ([]resources.Blocker, error) {
	list, err := Aggregate(ctx, c.Addresses.AggregatedList(ctx, &computepb.AggregatedListAddressesRequest{Project: id.Project()}).Next,
		func(p compute.AddressesScopedListPair) []*computepb.Address { return p.Value.GetAddresses() })
	return foreign(list, owner, func(a *computepb.Address) bool {
		return gcp.Path(a.GetNetwork()) == id.Path() || gcp.Path(a.GetSubnetwork()) == id.Path()
	}), err
}

func forwardingRules(ctx context.Context, c *gcp.Clients, id resources.ID, owner string) ([]resources.Blocker, error) {
	list, err := Aggregate(ctx, c.ForwardingRules.AggregatedList(ctx, &computepb.AggregatedListForwardingRulesRequest{Project: id.Project()}).Next,
		func(p compute.ForwardingRulesScopedListPair) []*computepb.ForwardingRule {
			return p.Value.GetForwardingRules()
		})
	return foreign(list, owner, func(f *computepb.ForwardingRule) bool {
		return gcp.Path(f.GetNetwork()) == id.Path() || gcp.Path(f.GetSubnetwork()) == id.Path()
	}), err
}

func instances(ctx context.Context, c *gcp.Clients, id resources.ID, owner string) ([]resources.Blocker, error) {
	list, err := Aggregate(ctx, c.Instances.AggregatedList(ctx, &computepb.AggregatedListInstancesRequest{Project: id.Project()}).Next,
		func(p compute.InstancesScopedListPair) []*computepb.Instance { return p.Value.GetInstances() })
	var out []resources.Blocker
	for _, vm := range list {
		attached := slices.ContainsFunc(vm.GetNetworkInterfaces(), func(n *computepb.NetworkInterface) bool {
			return gcp.Path(n.GetNetwork()) == id.Path() || gcp.Path(n.GetSubnetwork()) == id.Path()
		})
		if attached && vm.GetLabels()[resources.OwnerLabel] != owner {
			out = append(out, Blocker(IDOf(vm.GetSelfLink())))
		}
	}
	return out, err
}

// groups are those that make their VMs from a template.
func groups(ctx context.Context, c *gcp.Clients, id resources.ID, owner string) ([]resources.Blocker, error) {
	list, err := Aggregate(ctx, c.Groups.AggregatedList(ctx, &computepb.AggregatedListInstanceGroupManagersRequest{Project: id.Project()}).Next,
		func(p compute.InstanceGroupManagersScopedListPair) []*computepb.InstanceGroupManager {
			return p.Value.GetInstanceGroupManagers()
		})
	return foreign(list, owner, func(g *computepb.InstanceGroupManager) bool {
		return gcp.Path(g.GetInstanceTemplate()) == id.Path() || slices.ContainsFunc(g.GetVersions(), func(v *computepb.InstanceGroupManagerVersion) bool {
			return gcp.Path(v.GetInstanceTemplate()) == id.Path()
		})
	}), err
}

// peerings are entries of the network; a peering of ours does not exist yet, so each is somebody's.
func peerings(ctx context.Context, c *gcp.Clients, id resources.ID, _ string) ([]resources.Blocker, error) {
	n, err := c.Networks.Get(ctx, &computepb.GetNetworkRequest{Project: id.Project(), Network: id.Base()})
	var out []resources.Blocker
	for _, p := range n.GetPeerings() {
		out = append(out, resources.Blocker{
			ID:      resources.ID(string(id) + "/peerings/" + p.GetName()),
			Command: gcp.Command("compute", "networks", "peerings", "delete", p.GetName(), "--network="+id.Base(), "--project="+id.Project()),
		})
	}
	return out, gcp.Wrap(id, err)
}
