package instancetemplate

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

// Driver makes and removes instance templates.
type Driver struct {
	gce.Collection[Spec, Outputs, *computepb.InstanceTemplate]
}

// New gives the driver. Durations follow public logs of 2020 to 2026: 1 to 3 s to create, 1 to 10 s to delete.
func New(c *gcp.Clients) Driver {
	return Driver{gce.Collection[Spec, Outputs, *computepb.InstanceTemplate]{
		Clients: c, Noun: Kind, Plural: plural, Place: gce.Global,
		Permissions: []string{"useReadOnly"}, Quota: "INSTANCE_TEMPLATES",
		Takes: gce.Durations{Create: 2 * time.Second, Delete: 4 * time.Second},
		Fetch: func(ctx context.Context, id resources.ID) (*computepb.InstanceTemplate, error) {
			return c.Templates.Get(ctx, &computepb.GetInstanceTemplateRequest{Project: id.Project(), InstanceTemplate: id.Base()})
		},
		Insert: func(ctx context.Context, id resources.ID, s Spec, stamp resources.Stamp, request *string) (*compute.Operation, error) {
			t := &computepb.InstanceTemplate{Name: proto.String(id.Base()), Description: proto.String(gce.Describe(stamp.Owner)), Properties: body(s)}
			return c.Templates.Insert(ctx, &computepb.InsertInstanceTemplateRequest{Project: id.Project(), InstanceTemplateResource: t, RequestId: request})
		},
		Remove: func(ctx context.Context, id resources.ID, request *string) (*compute.Operation, error) {
			return c.Templates.Delete(ctx, &computepb.DeleteInstanceTemplateRequest{Project: id.Project(), InstanceTemplate: id.Base(), RequestId: request})
		},
		List: func(ctx context.Context, project string, filter *string) ([]*computepb.InstanceTemplate, error) {
			return gcp.Collect(ctx, c.Templates.List(ctx, &computepb.ListInstanceTemplatesRequest{Project: project, Filter: filter}).Next)
		},
		Live: func(t *computepb.InstanceTemplate) resources.Live[Spec, Outputs] {
			return resources.Live[Spec, Outputs]{Spec: fromBody(t.GetProperties()), Outputs: gce.Published[resources.TemplateURL](t.GetSelfLink())}
		},
	}}
}

// Refs is the network and the subnetwork of every interface.
func (Driver) Refs(s *Spec) []resources.Dep {
	var out []resources.Dep
	for i := range s.NICs {
		out = append(out, &s.NICs[i].Network, &s.NICs[i].Subnetwork)
	}
	return out
}
