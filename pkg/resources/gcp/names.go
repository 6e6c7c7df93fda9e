package gcp

import (
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Link is the URL of a resource in the form in which answers carry it.
func Link(id resources.ID) string { return "https://www.googleapis.com/compute/v1/" + string(id) }

// Path brings a URL of any host and version to the path below the version: "projects/p/global/networks/n".
func Path(link string) string {
	if i := strings.Index(link, "projects/"); i >= 0 {
		return link[i:]
	}
	return link
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// pathPart gives what follows a collection's name in a path: pathPart("…/zones/z/instances/i", "zones") is "z".
func pathPart(path, collection string) string {
	parts := strings.Split(path, "/")
	for i := 0; i+1 < len(parts); i++ {
		if parts[i] == collection {
			return parts[i+1]
		}
	}
	return ""
}

// Project is the project in an ID.
func Project(id resources.ID) string { return pathPart(string(id), "projects") }

// Region is the region in an ID; empty for a global or zonal one.
func Region(id resources.ID) string { return pathPart(string(id), "regions") }

// Zone is the zone in an ID; empty for a global or regional one.
func Zone(id resources.ID) string { return pathPart(string(id), "zones") }

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
