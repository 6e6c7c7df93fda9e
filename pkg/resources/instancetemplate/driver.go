package instancetemplate

import (
	"context"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Driver makes and removes instance templates.
type Driver struct{ c *gcp.Clients }

// New gives the driver.
func New(c *gcp.Clients) Driver { return Driver{c} }

// Kind is "instancetemplate".
func (Driver) Kind() resources.Kind { return Kind }

// Refs is the network and the subnetwork of every interface.
func (Driver) Refs(s *Spec) []resources.Dep {
	var out []resources.Dep
	for i := range s.NICs {
		out = append(out, &s.NICs[i].Network, &s.NICs[i].Subnetwork)
	}
	return out
}

// ID is the global path of PREFIX-name.
func (Driver) ID(scope resources.Scope, name string, _ Spec) resources.ID { return id(scope, name) }

// Read gives the template as it is.
func (d Driver) Read(ctx context.Context, id resources.ID) (resources.Live[Spec, Outputs], error) {
	t, err := d.c.Templates.Get(ctx, &computepb.GetInstanceTemplateRequest{Project: gcp.Project(id), InstanceTemplate: id.Base()})
	if err != nil {
		return resources.Live[Spec, Outputs]{}, gcp.Wrap(id, err)
	}
	return resources.Live[Spec, Outputs]{
		ID: id, Owner: gcp.OwnerOf(t.GetDescription()), Spec: fromBody(t.GetProperties()),
		Outputs: Outputs{URL: resources.TemplateURL(gcp.Path(t.GetSelfLink()))},
	}, nil
}

// Create inserts the template.
func (d Driver) Create(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp) error {
	return d.c.Do(ctx, id, func(ctx context.Context) (*compute.Operation, error) {
		return d.c.Templates.Insert(ctx, &computepb.InsertInstanceTemplateRequest{
			Project: gcp.Project(id), RequestId: proto.String(stamp.RequestID),
			InstanceTemplateResource: &computepb.InstanceTemplate{
				Name: proto.String(id.Base()), Description: proto.String(gcp.Describe(stamp.Owner)), Properties: body(s),
			},
		})
	})
}

// Update has nothing to do: no field changes in place.
func (d Driver) Update(ctx context.Context, live resources.Live[Spec, Outputs], _ Spec, _ []resources.Change, _ resources.Stamp) error {
	_, err := d.Settle(ctx, live.ID)
	return err
}

// Delete removes the template; the API refuses while a group uses it.
func (d Driver) Delete(ctx context.Context, id resources.ID, stamp resources.Stamp) error {
	return d.c.Remove(ctx, id, stamp, func(ctx context.Context) (*compute.Operation, error) {
		return d.c.Templates.Delete(ctx, &computepb.DeleteInstanceTemplateRequest{
			Project: gcp.Project(id), InstanceTemplate: id.Base(), RequestId: proto.String(stamp.RequestID),
		})
	})
}

// Settle waits for operations under way on the template.
func (d Driver) Settle(ctx context.Context, id resources.ID) (bool, error) {
	return d.c.Settle(ctx, id)
}

// Sweep lists the owner's templates.
func (d Driver) Sweep(ctx context.Context, scope resources.Scope, owner string) ([]resources.ID, error) {
	list, err := gcp.Collect("", d.c.Templates.List(ctx, &computepb.ListInstanceTemplatesRequest{
		Project: scope.Project, Filter: proto.String(gcp.OwnerFilter(owner)),
	}).Next)
	var ids []resources.ID
	for _, t := range list {
		if gcp.OwnerOf(t.GetDescription()) == owner {
			ids = append(ids, resources.ID(gcp.Path(t.GetSelfLink())))
		}
	}
	return ids, err
}

// Require is what making and removing a template needs; its VMs are made by the group in the name of the caller.
func (Driver) Require(Spec) resources.Requirements {
	return gcp.Needs("instanceTemplates", "useReadOnly")
}

// Estimate follows public logs of 2020 to 2026: 1 to 3 s to create, 1 to 10 s to delete.
func (Driver) Estimate(v resources.Verb, _ Spec, _ resources.Impact) time.Duration {
	return gcp.Usually(v, 2*time.Second, 0, 4*time.Second)
}
