package mig

import (
	"context"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Driver makes, changes and removes managed instance groups.
type Driver struct {
	gce.Collection[Spec, Outputs, *computepb.InstanceGroupManager]
	looks *looks
}

// What VMs usually take to come and to go, from public logs of machines without GPUs (none with GPUs was found).
const (
	vmUp   = 15 * time.Second
	vmDown = 22 * time.Second
)

// New gives the driver. Durations add the VMs to the group's own operation: 10 to 25 s to create; deleting took 81 s with small
// VMs.
func New(c *gcp.Clients) Driver {
	return Driver{looks: newLooks(c), Collection: gce.Collection[Spec, Outputs, *computepb.InstanceGroupManager]{
		Clients: c, Noun: Kind, Plural: plural, Place: gce.Zonal, Live: live,
		Permissions: []string{"update"}, Quota: "INSTANCE_GROUP_MANAGERS",
		Takes: gce.Durations{Create: 16*time.Second + vmUp, Update: 4*time.Second + vmUp, Delete: 75 * time.Second},
		Fetch: func(ctx context.Context, id resources.ID) (*computepb.InstanceGroupManager, error) {
			return c.Groups.Get(ctx, &computepb.GetInstanceGroupManagerRequest{Project: id.Project(), Zone: gce.Zone(id), InstanceGroupManager: id.Base()})
		},
		Insert: func(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp, request *string) (*compute.Operation, error) {
			body := &computepb.InstanceGroupManager{
				Name: proto.String(id.Base()), Description: proto.String(gce.Describe(stamp.Owner)),
				BaseInstanceName: proto.String(s.BaseInstanceName), TargetSize: proto.Int32(int32(s.TargetSize)), //nolint:gosec // checked
				Versions: versions(s), UpdatePolicy: policy(s.TargetSize),
			}
			return c.Groups.Insert(ctx, &computepb.InsertInstanceGroupManagerRequest{Project: id.Project(), Zone: gce.Zone(id), InstanceGroupManagerResource: body, RequestId: request})
		},
		Remove: func(ctx context.Context, id resources.ID, request *string) (*compute.Operation, error) {
			return c.Groups.Delete(ctx, &computepb.DeleteInstanceGroupManagerRequest{Project: id.Project(), Zone: gce.Zone(id), InstanceGroupManager: id.Base(), RequestId: request})
		},
		List: func(ctx context.Context, project string, filter *string) ([]*computepb.InstanceGroupManager, error) {
			return gce.Aggregate(ctx, c.Groups.AggregatedList(ctx, &computepb.AggregatedListInstanceGroupManagersRequest{Project: project, Filter: filter}).Next,
				func(p compute.InstanceGroupManagersScopedListPair) []*computepb.InstanceGroupManager {
					return p.Value.GetInstanceGroupManagers()
				})
		},
	}}
}

// Refs is the template.
func (Driver) Refs(s *Spec) []resources.Dep { return []resources.Dep{&s.Template} }

// live reads a group. It is pending until all its VMs are up and of the group's template.
func live(g *computepb.InstanceGroupManager) resources.Live[Spec, Outputs] {
	return resources.Live[Spec, Outputs]{
		Version: g.GetFingerprint(), Pending: !settled(g), Outputs: gce.Published[resources.GroupURL](g.GetSelfLink()),
		Spec: Spec{
			Template:         resources.Known(resources.TemplateURL(gcp.Path(g.GetInstanceTemplate()))),
			BaseInstanceName: g.GetBaseInstanceName(), TargetSize: int(g.GetTargetSize()),
		},
	}
}

func versions(s Spec) []*computepb.InstanceGroupManagerVersion {
	return []*computepb.InstanceGroupManagerVersion{{InstanceTemplate: proto.String(string(s.Template.Get()))}}
}

// policy lets a change of the template recreate all VMs at once under their names: a training cluster is up as a whole or
// not at all, so doing it in turns only takes longer. Recreating needs a surge of 0 (gcp-facts, section 8).
func policy(size int) *computepb.InstanceGroupManagerUpdatePolicy {
	return &computepb.InstanceGroupManagerUpdatePolicy{
		Type: proto.String("PROACTIVE"), MinimalAction: proto.String("REPLACE"), ReplacementMethod: proto.String("RECREATE"),
		MaxSurge:       &computepb.FixedOrPercent{Fixed: proto.Int32(0)},
		MaxUnavailable: &computepb.FixedOrPercent{Fixed: proto.Int32(int32(max(1, size)))}, //nolint:gosec // at most 1000
	}
}

// staleFor is how long the errors of VMs of a group that we did not change may be old ones: the API gives no time with them,
// and a group tries again by itself.
const staleFor = time.Minute

// Create inserts the group and returns when all its VMs run.
func (d Driver) Create(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp) error {
	if err := d.Collection.Create(ctx, id, s, stamp); err != nil {
		return err
	}
	return d.await(ctx, id, stamp, vmUp, 0)
}

// Update resizes and switches in one patch, guarded by the fingerprint, and returns when the VMs have followed. Without
// changes it waits for a group that is not settled.
func (d Driver) Update(ctx context.Context, live resources.Live[Spec, Outputs], s Spec, changes []resources.Change, stamp resources.Stamp) error {
	if len(changes) == 0 {
		return d.await(ctx, live.ID, stamp, vmUp, staleFor)
	}
	usually := vmUp
	patch := &computepb.InstanceGroupManager{
		Fingerprint: proto.String(live.Version), TargetSize: proto.Int32(int32(s.TargetSize)), UpdatePolicy: policy(s.TargetSize), //nolint:gosec // checked
	}
	if resources.Worst(changes) == resources.Restart {
		patch.Versions = versions(s)
		usually = vmDown + vmUp
	}
	if err := d.patch(ctx, live.ID, stamp, "update", patch); err != nil {
		return err
	}
	return d.await(ctx, live.ID, stamp, usually, 0)
}

func (d Driver) patch(ctx context.Context, id resources.ID, stamp resources.Stamp, part string, body *computepb.InstanceGroupManager) error {
	return gce.Do(ctx, d.Clients, id, stamp, part, func(ctx context.Context, request *string) (*compute.Operation, error) {
		return d.Clients.Groups.Patch(ctx, &computepb.PatchInstanceGroupManagerRequest{
			Project: id.Project(), Zone: gce.Zone(id), InstanceGroupManager: id.Base(), InstanceGroupManagerResource: body, RequestId: request,
		})
	})
}

// Estimate tells a resize from a roll, in which the VMs go and come.
func (d Driver) Estimate(v resources.Verb, s Spec, on resources.Impact) time.Duration {
	usually := d.Collection.Estimate(v, s, on)
	if v == resources.VerbUpdate && on == resources.Restart {
		usually += vmDown
	}
	return usually
}
