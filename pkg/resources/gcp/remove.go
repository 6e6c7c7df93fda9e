package gcp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"
	"mvdan.cc/sh/v3/syntax"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Remove deletes a resource and returns when it is gone. An absent one is gone already. One that is busy is awaited. One that
// is in use by what others own is a *resources.BlockedError that names them.
func (c *Clients) Remove(ctx context.Context, id resources.ID, stamp resources.Stamp, call func(context.Context) (*compute.Operation, error)) error {
	err := c.Do(ctx, id, call)
	if resources.ClassOf(err) == resources.ClassBusy { // somebody's operation on it takes longer than our patience
		if _, settled := c.Settle(ctx, id); settled != nil {
			return settled
		}
		err = c.Do(ctx, id, call)
	}
	switch resources.ClassOf(err) {
	case resources.ClassNotFound:
		return nil
	case resources.ClassInUse:
		return c.blocked(ctx, id, stamp.Owner, err)
	}
	return err
}

func (c *Clients) blocked(ctx context.Context, id resources.ID, owner string, said error) error {
	users, err := c.Users(ctx, id, owner)
	if err != nil || len(users) == 0 {
		return said // what the cloud said names one user at least
	}
	return &resources.BlockedError{ID: id, By: users, Err: said}
}

// Users lists what uses a network or a subnetwork and does not belong to the owner, each with the command that removes it.
// It reads only. Routes that come with a network go with it and are left out.
func (c *Clients) Users(ctx context.Context, id resources.ID, owner string) ([]resources.Blocker, error) {
	var out []resources.Blocker
	finders := []func(context.Context, resources.ID, string) ([]resources.Blocker, error){c.instanceUsers}
	if strings.Contains(string(id), "/networks/") {
		finders = append(finders, c.firewallUsers, c.routeUsers, c.subnetworkUsers, c.routerUsers)
	}
	for _, find := range finders {
		found, err := find(ctx, id, owner)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b resources.Blocker) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

func networkFilter(id resources.ID) *string {
	return proto.String(fmt.Sprintf(`network = "%s"`, Link(id)))
}

func (c *Clients) firewallUsers(ctx context.Context, id resources.ID, owner string) ([]resources.Blocker, error) {
	list, err := Collect(id, c.Firewalls.List(ctx, &computepb.ListFirewallsRequest{Project: Project(id), Filter: networkFilter(id)}).Next)
	var out []resources.Blocker
	for _, f := range list {
		if OwnerOf(f.GetDescription()) != owner {
			out = append(out, blocker(f.GetSelfLink(), "compute", "firewall-rules", "delete", f.GetName()))
		}
	}
	return out, err
}

func (c *Clients) routeUsers(ctx context.Context, id resources.ID, owner string) ([]resources.Blocker, error) {
	list, err := Collect(id, c.Routes.List(ctx, &computepb.ListRoutesRequest{Project: Project(id), Filter: networkFilter(id)}).Next)
	var out []resources.Blocker
	for _, r := range list {
		automatic := r.GetNextHopNetwork() != "" || strings.HasPrefix(r.GetName(), "default-route-")
		if !automatic && OwnerOf(r.GetDescription()) != owner {
			out = append(out, blocker(r.GetSelfLink(), "compute", "routes", "delete", r.GetName()))
		}
	}
	return out, err
}

func (c *Clients) instanceUsers(ctx context.Context, id resources.ID, owner string) ([]resources.Blocker, error) {
	pairs, err := Collect(id, c.Instances.AggregatedList(ctx, &computepb.AggregatedListInstancesRequest{
		Project: Project(id),
	}).Next)
	var out []resources.Blocker
	for _, pair := range pairs {
		for _, vm := range pair.Value.GetInstances() {
			if vm.GetLabels()[resources.OwnerLabel] == owner || !attached(vm, id) {
				continue
			}
			out = append(out, blocker(vm.GetSelfLink(), "compute", "instances", "delete", vm.GetName(), "--zone="+base(vm.GetZone())))
		}
	}
	return out, err
}

func attached(vm *computepb.Instance, id resources.ID) bool {
	return slices.ContainsFunc(vm.GetNetworkInterfaces(), func(n *computepb.NetworkInterface) bool {
		return Path(n.GetNetwork()) == string(id) || Path(n.GetSubnetwork()) == string(id)
	})
}

func (c *Clients) subnetworkUsers(ctx context.Context, id resources.ID, owner string) ([]resources.Blocker, error) {
	pairs, err := Collect(id, c.Subnetworks.AggregatedList(ctx, &computepb.AggregatedListSubnetworksRequest{
		Project: Project(id), Filter: networkFilter(id),
	}).Next)
	var out []resources.Blocker
	for _, pair := range pairs {
		for _, s := range pair.Value.GetSubnetworks() {
			if OwnerOf(s.GetDescription()) != owner {
				out = append(out, blocker(s.GetSelfLink(), "compute", "networks", "subnets", "delete", s.GetName(), "--region="+base(s.GetRegion())))
			}
		}
	}
	return out, err
}

func (c *Clients) routerUsers(ctx context.Context, id resources.ID, owner string) ([]resources.Blocker, error) {
	pairs, err := Collect(id, c.Routers.AggregatedList(ctx, &computepb.AggregatedListRoutersRequest{
		Project: Project(id), Filter: networkFilter(id),
	}).Next)
	var out []resources.Blocker
	for _, pair := range pairs {
		for _, r := range pair.Value.GetRouters() {
			if OwnerOf(r.GetDescription()) != owner {
				out = append(out, blocker(r.GetSelfLink(), "compute", "routers", "delete", r.GetName(), "--region="+base(r.GetRegion())))
			}
		}
	}
	return out, err
}

func blocker(link string, words ...string) resources.Blocker {
	id := resources.ID(Path(link))
	return resources.Blocker{ID: id, Command: Command(append(words, "--project="+Project(id))...)}
}

// Command is a gcloud command line, quoted by construction.
func Command(words ...string) string {
	out := []string{"gcloud"}
	for _, w := range words {
		flag := ""
		if name, value, ok := strings.Cut(w, "="); ok && strings.HasPrefix(name, "--") { // bash would quote the "=" of a flag too
			flag, w = name+"=", value
		}
		quoted, err := syntax.Quote(w, syntax.LangBash)
		if err != nil { // a NUL byte: no name of the cloud's has one
			quoted = "?"
		}
		out = append(out, flag+quoted)
	}
	return strings.Join(out, " ")
}

// Needs is what creating, reading and deleting resources of a collection of Compute Engine needs, and the given verbs.
func Needs(collection string, verbs ...string) resources.Requirements {
	need := resources.Requirements{APIs: []string{"compute.googleapis.com"}}
	for _, v := range append([]string{"create", "get", "list", "delete"}, verbs...) {
		need.Permissions = append(need.Permissions, "compute."+collection+"."+v)
	}
	return need
}

// Usually picks the duration of a verb.
func Usually(v resources.Verb, create, update, del time.Duration) time.Duration {
	switch v {
	case resources.VerbCreate:
		return create
	case resources.VerbUpdate:
		return update
	case resources.VerbDelete:
		return del
	}
	return 0
}
