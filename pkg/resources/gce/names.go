package gce

import (
	"fmt"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Service is the API's name in full resource names.
const Service = "compute.googleapis.com"

// Global gives the ID of a global resource of the scope's project.
func Global(s resources.Scope, collection, name string) resources.ID {
	return resources.NewID(Service, fmt.Sprintf("projects/%s/global/%s/%s", s.Project, collection, name))
}

// Regional gives the ID of a resource of the scope's region.
func Regional(s resources.Scope, collection, name string) resources.ID {
	return resources.NewID(Service, fmt.Sprintf("projects/%s/regions/%s/%s/%s", s.Project, s.Region, collection, name))
}

// Zonal gives the ID of a resource of the scope's zone.
func Zonal(s resources.Scope, collection, name string) resources.ID {
	return resources.NewID(Service, fmt.Sprintf("projects/%s/zones/%s/%s/%s", s.Project, s.Zone, collection, name))
}

// Link is the URL of a resource in the form in which answers carry it.
func Link(path string) string { return "https://www.googleapis.com/compute/v1/" + path }

// IDOf is the full resource name of what a link in an answer points to.
func IDOf(link string) resources.ID { return resources.NewID(Service, gcp.Path(link)) }

// Region is the region in an ID; empty for a global or zonal one.
func Region(id resources.ID) string { return id.Part("regions") }

// Zone is the zone in an ID; empty for a global or regional one.
func Zone(id resources.ID) string { return id.Part("zones") }

// mark begins the line in a description that says whose a resource is. Networks, subnetworks, routers, firewall rules,
// templates and groups have no labels of their own (computepb 1.75), so their description carries the mark.
const mark = "Made by cluster-provision for deployment "

// Describe is the description of a resource of an owner.
func Describe(owner string) string { return mark + owner }

// OwnerOf reads the owner out of a description; empty when it carries no mark. Only the whole text counts: a person's
// description that mentions a deployment is not a mark.
func OwnerOf(description string) string {
	owner, ok := strings.CutPrefix(description, mark)
	if !ok || strings.ContainsAny(owner, " \n") {
		return ""
	}
	return owner
}

// OwnerFilter is the list filter that finds what an owner owns.
func OwnerFilter(owner string) string { return `description = "` + Describe(owner) + `"` }
