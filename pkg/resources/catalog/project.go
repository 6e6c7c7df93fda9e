package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/resourcemanager/apiv3/resourcemanagerpb"
	"cloud.google.com/go/serviceusage/apiv1/serviceusagepb"
	iam "google.golang.org/api/iam/v1"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
)

// plainDenial is all that Resource Manager says of a project that does not exist or that the caller may not see: it does not
// tell the two apart (recorded: errors.log). Any other 403 has a cause of its own, and words for it.
const plainDenial = "The caller does not have permission"

// project looks whether the project can be seen, and reads its number, which the name of its default service account has.
func (l *look) project(ctx context.Context) error {
	defer close(l.seen)
	if !l.q.Project && l.q.ServiceAccount != defaultAccount {
		return nil
	}
	p, err := l.c.Projects.GetProject(ctx, &resourcemanagerpb.GetProjectRequest{Name: "projects/" + l.scope.Project})
	err = gcp.Wrap(l.id(), err)
	switch class := resources.ClassOf(err); {
	case class == resources.ClassNone:
		l.number = strings.TrimPrefix(p.GetName(), "projects/")
		return nil
	case !l.q.Project:
		return nil // it was only asked for its number
	case class == resources.ClassDisabled:
		l.warn("PROJECT_ID", l.scope.Project, "whether the project exists was not checked: the Resource Manager API is off",
			"enable it with: "+gcp.Command("services", "enable", "cloudresourcemanager.googleapis.com", "--project="+l.scope.Project))
		return nil
	case class == resources.ClassNotFound, class == resources.ClassDenied && strings.Contains(err.Error(), plainDenial):
		err = &gcp.Error{
			ID: l.id(), Err: err, Message: strings.TrimPrefix(err.Error(), string(l.id())+": ") + ": it does not exist, or you may not see it",
			Hint: "look with: gcloud projects list; permission resourcemanager.projects.get is needed",
		}
		l.answer(func() { l.unseen = err })
	}
	return err
}

func (l *look) warn(path, value, message, hint string) {
	l.answer(func() {
		l.Problems = append(l.Problems, resources.Problem{Path: path, Value: value, Message: message, Hint: hint, Severity: resources.SeverityWarning})
	})
}

// services lists the APIs that are not enabled. Not being allowed to ask is a warning.
func (l *look) services(ctx context.Context) error {
	req := &serviceusagepb.BatchGetServicesRequest{Parent: "projects/" + l.scope.Project}
	for _, api := range l.q.APIs {
		req.Names = append(req.Names, "projects/"+l.scope.Project+"/services/"+api)
	}
	resp, err := l.c.Services.BatchGetServices(ctx, req)
	err = gcp.Wrap(l.id(), err)
	if class := resources.ClassOf(err); class == resources.ClassDenied || class == resources.ClassDisabled {
		l.warn("PROJECT_ID", l.scope.Project, "whether its APIs are enabled could not be read", err.Error())
		return nil
	}
	for _, s := range resp.GetServices() {
		if s.GetState() == serviceusagepb.State_ENABLED {
			continue
		}
		api := gcp.Base(s.GetName())
		l.answer(func() {
			l.Problems = append(l.Problems, resources.Problem{
				Path: "PROJECT_ID", Value: l.scope.Project, Message: "API " + api + " is not enabled",
				Hint: "enable it with: " + gcp.Command("services", "enable", api, "--project="+l.scope.Project),
			})
		})
	}
	return err
}

// quotas reads what Compute Engine tells of the quotas of a region or of the project (compute/v1 discovery document: "quotas"
// of Project and Region). Newer GPU families have none there. Not being allowed to read them is no reason not to go on.
func (l *look) quotas(ctx context.Context, of offer.QuotasOf) error {
	var list []*computepb.Quota
	var err error
	if of == "" {
		var p *computepb.Project
		p, err = l.c.ComputeProjects.Get(ctx, &computepb.GetProjectRequest{Project: l.scope.Project})
		list = p.GetQuotas()
	} else {
		var r *computepb.Region
		r, err = l.c.Regions.Get(ctx, &computepb.GetRegionRequest{Project: l.scope.Project, Region: string(of)})
		list = r.GetQuotas()
	}
	err = gcp.Wrap(l.id(), err)
	if resources.ClassOf(err) == resources.ClassDenied {
		l.warn("PROJECT_ID", l.scope.Project, "whether its quotas suffice could not be read", err.Error())
		return nil
	}
	if l.absent(ctx, err) || notTold(err) {
		return nil // an unknown region is told as an unknown zone
	}
	l.answer(func() {
		for _, q := range list {
			if l.Quotas == nil {
				l.Quotas = map[resources.Quota]offer.Amount{}
			}
			l.Quotas[resources.Quota{Metric: q.GetMetric(), Region: string(of)}] = offer.Amount{Limit: q.GetLimit(), Usage: q.GetUsage()}
		}
	})
	return err
}

// mostTested is how many permissions one call tests (Resource Manager reference, testIamPermissions).
const mostTested = 100

// Missing gives those of the permissions that the caller does not have on the project.
func (c *Catalog) Missing(ctx context.Context, permissions []string) ([]string, error) {
	var out []string
	for chunk := range slices.Chunk(permissions, mostTested) {
		resp, err := c.c.Projects.TestIamPermissions(ctx, &iampb.TestIamPermissionsRequest{Resource: "projects/" + c.scope.Project, Permissions: chunk})
		if err != nil {
			return nil, gcp.Wrap(c.id(), err)
		}
		out = append(out, lacking(chunk, resp.GetPermissions())...)
	}
	return out, nil
}

// MissingOn gives those of the permissions that the caller does not have on one subnetwork or service account, given by its
// path. It is asked about what may be granted there alone.
func (c *Catalog) MissingOn(ctx context.Context, path string, permissions []string) ([]string, error) {
	var held []string
	var err error
	if strings.Contains(path, "/serviceAccounts/") {
		var resp *iam.TestIamPermissionsResponse
		err = gcp.LastWords(ctx, func(ctx context.Context) (err error) {
			resp, err = c.c.ServiceAccounts.TestIamPermissions(path, &iam.TestIamPermissionsRequest{Permissions: permissions}).Context(ctx).Do()
			return err
		})
		if resp != nil {
			held = resp.Permissions
		}
	} else {
		id := resources.ID(path)
		var resp *computepb.TestPermissionsResponse
		resp, err = c.c.Subnetworks.TestIamPermissions(ctx, &computepb.TestIamPermissionsSubnetworkRequest{
			Project: id.Project(), Region: gce.Region(id), Resource: id.Base(),
			TestPermissionsRequestResource: &computepb.TestPermissionsRequest{Permissions: permissions},
		})
		held = resp.GetPermissions()
	}
	return lacking(permissions, held), gcp.Wrap(resources.ID(path), err)
}

func lacking(wanted, held []string) []string {
	return slices.DeleteFunc(slices.Clone(wanted), func(p string) bool { return slices.Contains(held, p) })
}

// Denied is the error that names permissions that are missing on the thing with the given path.
func (c *Catalog) Denied(path string, permissions []string) error {
	role := "roles/compute.admin"
	if slices.ContainsFunc(permissions, func(p string) bool { return !strings.HasPrefix(p, "compute.") }) {
		role = "ROLE, with a role that has it"
	}
	grant := gcp.Command("projects", "add-iam-policy-binding", c.scope.Project) + " --member=user:YOU --role=" + role
	id := resources.ID(path)
	switch {
	case strings.Contains(path, "/serviceAccounts/"):
		grant = gcp.Command("iam", "service-accounts", "add-iam-policy-binding", id.Base(), "--project="+c.scope.Project) +
			" --member=user:YOU --role=roles/iam.serviceAccountUser"
	case strings.Contains(path, "/subnetworks/"):
		grant = gcp.Command("compute", "networks", "subnets", "add-iam-policy-binding", id.Base(), "--region="+gce.Region(id), "--project="+id.Project()) +
			" --member=user:YOU --role=roles/compute.networkUser"
	case path == "":
		id = c.id()
	}
	return &gcp.Error{
		ID: id, Code: "403", Reason: "forbidden", Err: denied{},
		Message: fmt.Sprintf("permission is missing: %s", strings.Join(permissions, ", ")), Hint: "an owner grants it with: " + grant,
	}
}

type denied struct{}

func (denied) Error() string          { return "permission denied" }
func (denied) Class() resources.Class { return resources.ClassDenied }
