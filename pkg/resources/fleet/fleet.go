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

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Fleet lists VMs.
type Fleet struct {
	c     *gcp.Clients
	scope resources.Scope
}

// New gives the fleet of a scope.
func New(c *gcp.Clients, scope resources.Scope) *Fleet { return &Fleet{c, scope} }

// List gives the VMs that carry the owner's label in the scope's zone, sorted by name.
func (f *Fleet) List(ctx context.Context, owner string) ([]resources.VM, error) {
	list, err := gcp.Collect(f.c.Instances.List(ctx, &computepb.ListInstancesRequest{
		Project: f.scope.Project, Zone: f.scope.Zone, Filter: labelled(owner),
	}).Next)
	var out []resources.VM
	for _, i := range list {
		out = append(out, vm(i))
	}
	slices.SortFunc(out, func(a, b resources.VM) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
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

// Proof lists the VMs and disks that carry the owner's label, in all zones, whoever made them from our template, each with the
// command that removes it. What is on its way out counts until it is gone.
func (f *Fleet) Proof(ctx context.Context, owner string) ([]resources.Blocker, error) {
	filter := labelled(owner)
	var out []resources.Blocker
	add := func(link, zone, what, name string) {
		out = append(out, resources.Blocker{
			ID:      resources.NewID("compute.googleapis.com", gcp.Path(link)),
			Command: gcp.Command("compute", what, "delete", name, "--zone="+gcp.Base(zone), "--project="+f.scope.Project),
		})
	}
	vms, err1 := gcp.Collect(f.c.Instances.AggregatedList(ctx, &computepb.AggregatedListInstancesRequest{Project: f.scope.Project, Filter: filter}).Next)
	for _, pair := range vms {
		for _, i := range pair.Value.GetInstances() {
			add(i.GetSelfLink(), i.GetZone(), "instances", i.GetName())
		}
	}
	disks, err2 := gcp.Collect(f.c.Disks.AggregatedList(ctx, &computepb.AggregatedListDisksRequest{Project: f.scope.Project, Filter: filter}).Next)
	for _, pair := range disks {
		for _, d := range pair.Value.GetDisks() {
			add(d.GetSelfLink(), d.GetZone(), "disks", d.GetName())
		}
	}
	return out, errors.Join(err1, err2)
}
