package mig

import (
	"context"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Driver makes, changes and removes managed instance groups.
type Driver struct{ c *gcp.Clients }

// New gives the driver.
func New(c *gcp.Clients) Driver { return Driver{c} }

// Kind is "mig".
func (Driver) Kind() resources.Kind { return Kind }

// Refs is the template.
func (Driver) Refs(s *Spec) []resources.Dep { return []resources.Dep{&s.Template} }

// ID is the zonal path of PREFIX-name.
func (Driver) ID(scope resources.Scope, name string, _ Spec) resources.ID { return id(scope, name) }

// Read gives the group as it is. It is pending until all its VMs are up and of the group's template.
func (d Driver) Read(ctx context.Context, id resources.ID) (resources.Live[Spec, Outputs], error) {
	g, err := d.get(ctx, id)
	if err != nil {
		return resources.Live[Spec, Outputs]{}, err
	}
	return resources.Live[Spec, Outputs]{
		ID: id, Owner: gcp.OwnerOf(g.GetDescription()), Version: g.GetFingerprint(), Pending: !settled(g),
		Spec: Spec{
			Template:         resources.Known(resources.TemplateURL(gcp.Path(g.GetInstanceTemplate()))),
			BaseInstanceName: g.GetBaseInstanceName(), TargetSize: int(g.GetTargetSize()),
		},
		Outputs: Outputs{URL: resources.GroupURL(gcp.Path(g.GetSelfLink()))},
	}, nil
}

func (d Driver) get(ctx context.Context, id resources.ID) (*computepb.InstanceGroupManager, error) {
	g, err := d.c.Groups.Get(ctx, &computepb.GetInstanceGroupManagerRequest{
		Project: gcp.Project(id), Zone: gcp.Zone(id), InstanceGroupManager: id.Base(),
	})
	return g, gcp.Wrap(id, err)
}

func settled(g *computepb.InstanceGroupManager) bool {
	return g.GetStatus().GetIsStable() && g.GetStatus().GetVersionTarget().GetIsReached()
}

// staleFor is how long the errors of VMs of a group that we did not change may be old ones: the API gives no time with them,
// and a group tries again by itself.
const staleFor = time.Minute

// policy lets a change of the template recreate all VMs at once under their names: a training cluster is up as a whole or
// not at all, so doing it in turns only takes longer. Recreating needs a surge of 0 (gcp-facts, section 8).
func policy(size int) *computepb.InstanceGroupManagerUpdatePolicy {
	return &computepb.InstanceGroupManagerUpdatePolicy{
		Type: proto.String("PROACTIVE"), MinimalAction: proto.String("REPLACE"), ReplacementMethod: proto.String("RECREATE"),
		MaxSurge:       &computepb.FixedOrPercent{Fixed: proto.Int32(0)},
		MaxUnavailable: &computepb.FixedOrPercent{Fixed: proto.Int32(int32(max(1, size)))}, //nolint:gosec // at most 1000
	}
}

// Create inserts the group and returns when all its VMs run.
func (d Driver) Create(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp) error {
	err := d.c.Do(ctx, id, func(ctx context.Context) (*compute.Operation, error) {
		return d.c.Groups.Insert(ctx, &computepb.InsertInstanceGroupManagerRequest{
			Project: gcp.Project(id), Zone: gcp.Zone(id), RequestId: proto.String(stamp.RequestID),
			InstanceGroupManagerResource: &computepb.InstanceGroupManager{
				Name: proto.String(id.Base()), Description: proto.String(gcp.Describe(stamp.Owner)),
				BaseInstanceName: proto.String(s.BaseInstanceName), TargetSize: proto.Int32(int32(s.TargetSize)), //nolint:gosec // checked
				Versions:     []*computepb.InstanceGroupManagerVersion{{InstanceTemplate: proto.String(string(s.Template.Get()))}},
				UpdatePolicy: policy(s.TargetSize),
			},
		})
	})
	if err != nil {
		return err
	}
	return d.await(ctx, id, vmUp, 0)
}

// Update resizes and switches in one patch, guarded by the fingerprint, and returns when the VMs have followed. Without
// changes it waits for a group that is not settled.
func (d Driver) Update(ctx context.Context, live resources.Live[Spec, Outputs], s Spec, changes []resources.Change, stamp resources.Stamp) error {
	usually, fresh := vmUp, staleFor
	if len(changes) > 0 {
		fresh = 0
		patch := &computepb.InstanceGroupManager{
			Fingerprint: proto.String(live.Version), TargetSize: proto.Int32(int32(s.TargetSize)), UpdatePolicy: policy(s.TargetSize), //nolint:gosec // checked
		}
		if resources.Worst(changes) == resources.Restart {
			patch.Versions = []*computepb.InstanceGroupManagerVersion{{InstanceTemplate: proto.String(string(s.Template.Get()))}}
			usually = vmDown + vmUp
		}
		err := d.c.Do(ctx, live.ID, func(ctx context.Context) (*compute.Operation, error) {
			return d.c.Groups.Patch(ctx, &computepb.PatchInstanceGroupManagerRequest{
				Project: gcp.Project(live.ID), Zone: gcp.Zone(live.ID), InstanceGroupManager: live.ID.Base(),
				InstanceGroupManagerResource: patch, RequestId: proto.String(stamp.RequestID),
			})
		})
		if err != nil {
			return err
		}
	}
	return d.await(ctx, live.ID, usually, fresh)
}

// Delete removes the group; its VMs and their disks go with it.
func (d Driver) Delete(ctx context.Context, id resources.ID, stamp resources.Stamp) error {
	return d.c.Remove(ctx, id, stamp, func(ctx context.Context) (*compute.Operation, error) {
		return d.c.Groups.Delete(ctx, &computepb.DeleteInstanceGroupManagerRequest{
			Project: gcp.Project(id), Zone: gcp.Zone(id), InstanceGroupManager: id.Base(), RequestId: proto.String(stamp.RequestID),
		})
	})
}

// Settle waits for operations under way on the group.
func (d Driver) Settle(ctx context.Context, id resources.ID) (bool, error) {
	return d.c.Settle(ctx, id)
}

// Sweep lists the owner's groups in all zones.
func (d Driver) Sweep(ctx context.Context, scope resources.Scope, owner string) ([]resources.ID, error) {
	pairs, err := gcp.Collect("", d.c.Groups.AggregatedList(ctx, &computepb.AggregatedListInstanceGroupManagersRequest{
		Project: scope.Project, Filter: proto.String(gcp.OwnerFilter(owner)),
	}).Next)
	var ids []resources.ID
	for _, pair := range pairs {
		for _, g := range pair.Value.GetInstanceGroupManagers() {
			if gcp.OwnerOf(g.GetDescription()) == owner {
				ids = append(ids, resources.ID(gcp.Path(g.GetSelfLink())))
			}
		}
	}
	return ids, err
}

// Require is what making and removing a group and its VMs needs.
func (Driver) Require(Spec) resources.Requirements {
	need := gcp.Needs("instanceGroupManagers", "update")
	need.Permissions = append(need.Permissions, "compute.instances.create", "compute.instances.list", "compute.instances.delete",
		"compute.disks.create", "compute.instances.setMetadata", "compute.instances.setLabels", "compute.instances.setServiceAccount")
	return need
}

// What VMs usually take to come and to go, from public logs of machines without GPUs (none with GPUs was found).
const (
	vmUp   = 15 * time.Second
	vmDown = 22 * time.Second
)

// Estimate adds the VMs to the group's own operation: 10 to 25 s to create; deleting took 81 s with small VMs.
func (Driver) Estimate(v resources.Verb, _ Spec, on resources.Impact) time.Duration {
	update := 4*time.Second + vmUp
	if on == resources.Restart {
		update += vmDown
	}
	return gcp.Usually(v, 16*time.Second+vmUp, update, 75*time.Second)
}
