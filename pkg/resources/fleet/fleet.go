// Package fleet looks at the VMs of a deployment by list calls: one page for 500 VMs, never a call a VM.
//
// Worked example:
//
//	vms, err := fleet.New(clients, scope).List(ctx, "demo-1a2b3c4d")
//	vms[0].ProxyURL // "https://….notebooks.googleusercontent.com"
package fleet

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
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Fleet lists VMs.
type Fleet struct {
	c     *gcp.Clients
	scope resources.Scope
}

// New gives the fleet of a scope.
func New(c *gcp.Clients, scope resources.Scope) *Fleet { return &Fleet{c, scope} }

// List gives the VMs that carry the owner's label, in whatever zone, sorted by name.
func (f *Fleet) List(ctx context.Context, owner string) ([]resources.VM, error) {
	list, err := f.instances(ctx, owner)
	out := make([]resources.VM, 0, len(list))
	for _, i := range list {
		out = append(out, vm(i))
	}
	slices.SortFunc(out, func(a, b resources.VM) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Zone, b.Zone)) })
	return out, err
}

// Proof gives all VMs and disks, each with the command that removes it, that carry the owner's label, in whatever zone and whoever made them: a VM made
// by hand from our template has our label. What is being deleted or has stopped counts until it is gone. Sorted; empty, with no
// error, proves that nothing is left. Two calls, side by side.
func (f *Fleet) Proof(ctx context.Context, owner string) ([]resources.Blocker, error) {
	var vms []*computepb.Instance
	var err1 error
	var wait sync.WaitGroup
	wait.Go(func() { vms, err1 = f.instances(ctx, owner) })
	disks, err2 := gce.Aggregate(ctx, f.c.Disks.AggregatedList(ctx, &computepb.AggregatedListDisksRequest{Project: f.scope.Project, Filter: labelled(owner)}).Next,
		func(p compute.DisksScopedListPair) []*computepb.Disk { return p.Value.GetDisks() })
	wait.Wait()
	var out []resources.Blocker
	for _, i := range vms {
		out = append(out, gce.Blocker(gce.IDOf(i.GetSelfLink())))
	}
	for _, d := range disks {
		out = append(out, gce.Blocker(gce.IDOf(d.GetSelfLink())))
	}
	slices.SortFunc(out, func(a, b resources.Blocker) int { return cmp.Compare(a.ID, b.ID) })
	return out, errors.Join(err1, err2)
}

func (f *Fleet) instances(ctx context.Context, owner string) ([]*computepb.Instance, error) {
	return gce.Aggregate(ctx, f.c.Instances.AggregatedList(ctx, &computepb.AggregatedListInstancesRequest{Project: f.scope.Project, Filter: labelled(owner)}).Next,
		func(p compute.InstancesScopedListPair) []*computepb.Instance { return p.Value.GetInstances() })
}

func labelled(owner string) *string {
	return proto.String(fmt.Sprintf("labels.%s = %q", resources.OwnerLabel, owner))
}

func vm(i *computepb.Instance) resources.VM {
	v := resources.VM{Name: i.GetName(), Zone: gcp.Base(i.GetZone()), Status: i.GetStatus()}
	for _, item := range i.GetMetadata().GetItems() {
		switch item.GetKey() {
		case "proxy-url": // written by a Deep Learning VM into its own metadata when it has registered
			v.ProxyURL = "https://" + strings.TrimPrefix(item.GetValue(), "https://")
		case "created-by":
			v.Group = gcp.Base(item.GetValue())
		}
	}
	if nics := i.GetNetworkInterfaces(); len(nics) > 0 {
		v.InternalIP = nics[0].GetNetworkIP()
		if access := nics[0].GetAccessConfigs(); len(access) > 0 {
			v.ExternalIP = access[0].GetNatIP()
		}
	}
	return v
}
