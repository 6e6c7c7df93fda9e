package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/resourcemanager/apiv3/resourcemanagerpb"
	"cloud.google.com/go/serviceusage/apiv1/serviceusagepb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Catalog answers questions about one project and zone.
type Catalog struct {
	c     *gcp.Clients
	scope resources.Scope
}

// New gives the catalog of a scope.
func New(c *gcp.Clients, scope resources.Scope) *Catalog { return &Catalog{c, scope} }

// CheckProject says whether the project exists and can be seen. The cloud does not tell the two apart: it answers 403.
func (c *Catalog) CheckProject(ctx context.Context) error {
	return c.c.Retry(ctx, func(ctx context.Context) error {
		_, err := c.c.Projects.GetProject(ctx, &resourcemanagerpb.GetProjectRequest{Name: "projects/" + c.scope.Project})
		err = gcp.Wrap(resources.ID("projects/"+c.scope.Project), err)
		if class := resources.ClassOf(err); class == resources.ClassDenied || class == resources.ClassNotFound {
			return &gcp.Error{
				ID: resources.ID("projects/" + c.scope.Project), Err: err, Message: "does not exist, or you may not see it",
				Hint: "look with: gcloud projects list; permission resourcemanager.projects.get is needed",
			}
		}
		return err
	})
}

// CheckServices lists the APIs that are not enabled. Not being allowed to ask is a warning.
func (c *Catalog) CheckServices(ctx context.Context, apis []string) ([]resources.Problem, error) {
	req := &serviceusagepb.BatchGetServicesRequest{Parent: "projects/" + c.scope.Project}
	for _, api := range apis {
		req.Names = append(req.Names, "projects/"+c.scope.Project+"/services/"+api)
	}
	var resp *serviceusagepb.BatchGetServicesResponse
	err := c.c.Retry(ctx, func(ctx context.Context) error {
		var err error
		resp, err = c.c.Services.BatchGetServices(ctx, req)
		return gcp.Wrap("", err)
	})
	if class := resources.ClassOf(err); class == resources.ClassDenied || class == resources.ClassDisabled {
		return []resources.Problem{{Path: "PROJECT_ID", Value: c.scope.Project, Message: "whether its APIs are enabled could not be read", Hint: err.Error(), Severity: resources.SeverityWarning}}, nil
	}
	var out []resources.Problem
	for _, s := range resp.GetServices() {
		if s.GetState() == serviceusagepb.State_ENABLED {
			continue
		}
		api := s.GetName()[strings.LastIndexByte(s.GetName(), '/')+1:]
		out = append(out, resources.Problem{
			Path: "PROJECT_ID", Value: c.scope.Project, Message: "API " + api + " is not enabled",
			Hint: "enable it with: " + gcp.Command("services", "enable", api, "--project="+c.scope.Project),
		})
	}
	return out, err
}

// mostTested is how many permissions one call tests (Resource Manager reference, testIamPermissions).
const mostTested = 100

// CheckPermissions lists the permissions on the project that the caller lacks.
func (c *Catalog) CheckPermissions(ctx context.Context, permissions []string) ([]resources.Problem, error) {
	var missing []string
	for chunk := range slices.Chunk(permissions, mostTested) {
		err := c.c.Retry(ctx, func(ctx context.Context) error {
			resp, err := c.c.Projects.TestIamPermissions(ctx, &iampb.TestIamPermissionsRequest{Resource: "projects/" + c.scope.Project, Permissions: chunk})
			for _, p := range chunk {
				if err == nil && !slices.Contains(resp.GetPermissions(), p) {
					missing = append(missing, p)
				}
			}
			return gcp.Wrap("", err)
		})
		if err != nil {
			return nil, err
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	return nil, &gcp.Error{
		ID: resources.ID("projects/" + c.scope.Project), Code: "403", Reason: "forbidden",
		Message: "permission is missing: " + strings.Join(missing, " permission, ") + " permission",
		Hint:    "an owner grants it with: gcloud projects add-iam-policy-binding " + c.scope.Project + " --member=user:YOU --role=roles/compute.admin",
		Err:     errDenied,
	}
}

var errDenied = &deniedError{}

type deniedError struct{}

func (*deniedError) Error() string          { return "permission denied" }
func (*deniedError) Class() resources.Class { return resources.ClassDenied }

// CheckMachine finds what is wrong with the zone, the machine type and the GPU type in it.
func (c *Catalog) CheckMachine(ctx context.Context, machine, gpu string) ([]resources.Problem, error) {
	var noZone, noMachine, noGPU bool
	var group errgroup.Group
	group.Go(absent(&noZone, func() error {
		_, err := c.c.Zones.Get(ctx, &computepb.GetZoneRequest{Project: c.scope.Project, Zone: c.scope.Zone})
		return err
	}))
	group.Go(absent(&noMachine, func() error {
		_, err := c.c.MachineTypes.Get(ctx, &computepb.GetMachineTypeRequest{Project: c.scope.Project, Zone: c.scope.Zone, MachineType: machine})
		return err
	}))
	if gpu != "" {
		group.Go(absent(&noGPU, func() error {
			_, err := c.c.AcceleratorTypes.Get(ctx, &computepb.GetAcceleratorTypeRequest{Project: c.scope.Project, Zone: c.scope.Zone, AcceleratorType: gpu})
			return err
		}))
	}
	err := group.Wait()
	switch {
	case noZone:
		return []resources.Problem{{Path: "ZONE", Value: c.scope.Zone, Message: "does not exist", Hint: "list zones with: gcloud compute zones list"}}, nil
	case err != nil:
		return nil, err
	case noMachine:
		return []resources.Problem{{Path: "VM_TYPE", Value: machine, Message: "is not offered in " + c.scope.Zone, Hint: c.offered(ctx, machine)}}, nil
	case noGPU:
		return []resources.Problem{{Path: "ACCELERATOR_TYPE", Value: gpu, Message: "is not offered in " + c.scope.Zone, Hint: "list where it is with: gcloud compute accelerator-types list --filter=name=" + gpu}}, nil
	}
	return nil, nil
}

// absent turns "not found" into a flag. An unknown zone is an invalid one in the path of a machine type.
func absent(flag *bool, read func() error) func() error {
	return func() error {
		err := gcp.Wrap("", read())
		if class := resources.ClassOf(err); class == resources.ClassNotFound || class == resources.ClassInvalid {
			*flag = true
			return nil
		}
		return err
	}
}

// offered names the zones in which a machine type is to be had.
func (c *Catalog) offered(ctx context.Context, machine string) string {
	pairs, err := gcp.Collect("", c.c.MachineTypes.AggregatedList(ctx, &computepb.AggregatedListMachineTypesRequest{
		Project: c.scope.Project, Filter: proto.String("name = " + machine),
	}).Next)
	var zones []string
	for _, pair := range pairs {
		if len(pair.Value.GetMachineTypes()) > 0 {
			zones = append(zones, strings.TrimPrefix(pair.Key, "zones/"))
		}
	}
	if err != nil || len(zones) == 0 {
		return "list where it is with: gcloud compute machine-types list --filter=name=" + machine
	}
	slices.Sort(zones)
	return "it is in " + strings.Join(zones, ", ")
}

// Image finds the image, or the image family, that VMs boot from, and gives its path.
func (c *Catalog) Image(ctx context.Context, project, family, name string) (string, error) {
	var err error
	path := resources.ID("projects/" + project + "/global/images/" + name)
	if name == "" {
		path = resources.ID("projects/" + project + "/global/images/family/" + family)
	}
	err = c.c.Retry(ctx, func(ctx context.Context) error {
		var err error
		if name != "" {
			_, err = c.c.Images.Get(ctx, &computepb.GetImageRequest{Project: project, Image: name})
		} else {
			_, err = c.c.Images.GetFromFamily(ctx, &computepb.GetFromFamilyImageRequest{Project: project, Family: family})
		}
		return gcp.Wrap(path, err)
	})
	return string(path), err
}

// Families lists the image families of a project that still have an image in use, the newest first.
func (c *Catalog) Families(ctx context.Context, project string) ([]string, error) {
	list, err := gcp.Collect("", c.c.Images.List(ctx, &computepb.ListImagesRequest{Project: project}).Next)
	newest := map[string]string{}
	for _, i := range list {
		if i.GetFamily() != "" && i.GetDeprecated().GetState() == "" && i.GetCreationTimestamp() > newest[i.GetFamily()] {
			newest[i.GetFamily()] = i.GetCreationTimestamp()
		}
	}
	families := make([]string, 0, len(newest))
	for f := range newest {
		families = append(families, f)
	}
	slices.SortFunc(families, func(a, b string) int {
		if d := strings.Compare(newest[b], newest[a]); d != 0 {
			return d
		}
		return strings.Compare(b, a)
	})
	return families, err
}

// CheckDefaultNetwork finds what is wrong with the project's network "default" for VMs in the scope's region.
func (c *Catalog) CheckDefaultNetwork(ctx context.Context, externalIP bool) ([]resources.Problem, error) {
	id := c.scope.Global("networks", "default")
	_, err := c.c.Networks.Get(ctx, &computepb.GetNetworkRequest{Project: c.scope.Project, Network: "default"})
	if err = gcp.Wrap(id, err); errors.Is(err, resources.ErrNotFound) {
		return []resources.Problem{{Path: "NETWORK_CONFIG", Value: "default_network", Message: "the project has no network \"default\"", Hint: "set NETWORK_CONFIG=new_network"}}, nil
	}
	if err != nil {
		return nil, err
	}
	filter := proto.String(fmt.Sprintf("network = %q", gcp.Link(id)))
	subs, err := gcp.Collect("", c.c.Subnetworks.List(ctx, &computepb.ListSubnetworksRequest{Project: c.scope.Project, Region: c.scope.Region, Filter: filter}).Next)
	if err != nil {
		return nil, err
	}
	if len(subs) == 0 {
		return []resources.Problem{{Path: "NETWORK_CONFIG", Value: "default_network", Message: "the network \"default\" has no subnetwork in " + c.scope.Region, Hint: "set NETWORK_CONFIG=new_network"}}, nil
	}
	if externalIP {
		return nil, nil
	}
	routers, err := gcp.Collect("", c.c.Routers.List(ctx, &computepb.ListRoutersRequest{Project: c.scope.Project, Region: c.scope.Region, Filter: filter}).Next)
	for _, r := range routers {
		if len(r.GetNats()) > 0 {
			return nil, err
		}
	}
	return []resources.Problem{{
		Path: "EXTERNAL_IP", Value: "no", Message: "the network \"default\" has no NAT in " + c.scope.Region + ": the VMs will have no way out",
		Hint: "set NETWORK_CONFIG=new_network, or add a Cloud NAT yourself", Severity: resources.SeverityWarning,
	}}, err
}

// UsedRanges gives every IPv4 range that a network of the project uses, with the path of what uses it: primary and secondary
// ranges of subnetworks, and destinations of routes that somebody made.
func (c *Catalog) UsedRanges(ctx context.Context) (map[netip.Prefix]string, error) {
	out := map[netip.Prefix]string{}
	add := func(s, link string) {
		if p, err := netip.ParsePrefix(s); err == nil && p.Addr().Is4() && p.Bits() > 0 {
			out[p.Masked()] = gcp.Path(link)
		}
	}
	pairs, err := gcp.Collect("", c.c.Subnetworks.AggregatedList(ctx, &computepb.AggregatedListSubnetworksRequest{Project: c.scope.Project}).Next)
	if err != nil {
		return nil, err
	}
	for _, pair := range pairs {
		for _, s := range pair.Value.GetSubnetworks() {
			add(s.GetIpCidrRange(), s.GetSelfLink())
			for _, more := range s.GetSecondaryIpRanges() {
				add(more.GetIpCidrRange(), s.GetSelfLink())
			}
		}
	}
	routes, err := gcp.Collect("", c.c.Routes.List(ctx, &computepb.ListRoutesRequest{Project: c.scope.Project}).Next)
	for _, r := range routes {
		if r.GetNextHopNetwork() == "" {
			add(r.GetDestRange(), r.GetSelfLink())
		}
	}
	return out, err
}
