package compute

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// pathOf brings any form of a reference (full URL of any version or host, partial, short below a scope, with "?uniqueId=") to the
// path below the version. Short names, such as "global/networks/x", are taken as the project's, and so is the project's number.
func pathOf(ref, project string) string {
	ref, _, _ = strings.Cut(ref, "?")
	if i := strings.Index(ref, "projects/"); i >= 0 {
		ref = ref[i:]
		if short, ok := strings.CutPrefix(project, "projects/"); ok {
			if rest, ok := strings.CutPrefix(ref, "projects/"+cloud.Number(short)+"/"); ok {
				ref = project + "/" + rest
			}
		}
		return ref
	}
	for _, scope := range []string{"global/", "regions/", "zones/"} {
		if i := strings.Index(ref, scope); i >= 0 {
			return project + "/" + ref[i:]
		}
	}
	return ref
}

// lookup finds an object of the API by path, if a client may see it. The last part may be its number instead of its name.
func (c *call) lookup(path string) (*world.Object, bool) {
	if o, ok := visible(c.tx, worldName(path)); ok {
		return o, true
	}
	id := basename(path)
	if strings.Trim(id, "0123456789") != "" || id == "" {
		return nil, false
	}
	for _, o := range c.tx.List(worldName(parentPath(path))) {
		if doc.Str(o.Doc, "id") == id {
			return visible(c.tx, o.Name)
		}
	}
	return nil, false
}

func visible(tx *world.Tx, name string) (*world.Object, bool) {
	o, ok := tx.Get(name)
	if !ok || o.Visible.After(tx.Now()) {
		return nil, false
	}
	return o, true
}

// meant says whether an object is the one that "?uniqueId=" names, if it names one.
func meant(o *world.Object, query url.Values) bool {
	return !query.Has("uniqueId") || query.Get("uniqueId") == doc.Str(o.Doc, "id")
}

// refer resolves a reference in a body to an object of a collection that is ready to be used. The words are of public reports:
// tf#2140 (not there), hashicorp/terraform#22083 (malformed), tranquilitybase-io/tb-gcp#507 (another project's). noun is how the
// first of them names the collection: "network".
func (c *call) refer(field, value, plural, noun string) (*world.Object, error) {
	path := pathOf(value, c.project())
	parts := strings.Split(path, "/")
	switch {
	case len(parts) < 4 || parts[0] != "projects":
		return nil, invalid(field, value, "The URL is malformed.")
	case parts[1] != c.vars["project"]: // a shared VPC would allow it: there is none here
		return nil, invalid(field, value, "Cross-project references for this resource are not allowed.")
	}
	o, ok := c.lookup(path)
	_, text, _ := strings.Cut(value, "?")
	query, err := url.ParseQuery(text)
	if !ok || err != nil || !meant(o, query) || !strings.Contains(path, "/"+plural+"/") {
		return nil, invalid(field, value, "The referenced "+noun+" resource cannot be found.")
	}
	if err := c.near(field, value, parts); err != nil {
		return nil, err
	}
	if !o.Ready || o.Doomed {
		return nil, notReady(path)
	}
	return o, nil
}

// referTemplate resolves the template of a group, whose VMs will be where the call is: so must be what the template refers to.
func (c *call) referTemplate(field, value string) (*world.Object, error) {
	o, err := c.refer(field, value, "instanceTemplates", "instance template")
	if err != nil {
		return nil, err
	}
	for _, nic := range doc.Objects(o.Doc, "properties", "networkInterfaces") {
		if link := doc.Str(nic, "subnetwork"); link != "" {
			if err := c.near(field, value, strings.Split(pathOf(link, c.project()), "/")); err != nil {
				return nil, err
			}
		}
	}
	return o, nil
}

// near refuses a reference to another region or zone than that of the call; a global call may refer to any. That the cloud refuses
// it is documented (regions and zones: a regional resource is accessible only within its region); the words for a disk are of
// google-cloud-powershell#237, the others are an assumption.
func (c *call) near(field, value string, parts []string) error {
	zone, region := c.vars["zone"], c.vars["region"]
	if zone != "" {
		region = places.RegionName(zone)
	}
	if region == "" || len(parts) < 6 {
		return nil
	}
	switch kind, place := parts[2], parts[3]; {
	case kind == "zones" && parts[4] == "disks" && zone != "" && place != zone:
		return invalid(field, value, "Disk must be in the same zone as the instance.")
	case kind == "zones" && zone != "" && place != zone:
		return invalid(field, value, fmt.Sprintf("The resource must be in zone '%s'.", zone))
	case kind == "regions" && place != region, kind == "zones" && places.RegionName(place) != region:
		return invalid(field, value, fmt.Sprintf("The resource must be in region '%s'.", region))
	}
	return nil
}

// prose are the fields whose values are the users' own.
var prose = []string{"metadata", "description", "labels"} //nolint:gochecknoglobals // a constant table

// foreign begins a link that a client has made of an overridden endpoint.
var foreign = regexp.MustCompile(`^https?://[^/]+/(?:[^/]+\.googleapis\.com/)?(compute/(?:v1|beta|alpha)/projects/.*)$`)

// realLinks makes the links in a body those of the real API, whatever endpoint the client calls: what was sent is shown again.
func realLinks(v any) any {
	switch x := v.(type) {
	case doc.Map:
		for key := range x {
			if !slices.Contains(prose, key) {
				x[key] = realLinks(x[key])
			}
		}
	case []any:
		for i := range x {
			x[i] = realLinks(x[i])
		}
	case string:
		host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(x, "https://"), "http://"), "/")
		if m := foreign.FindStringSubmatch(x); m != nil && !strings.HasSuffix(host, ".googleapis.com") {
			return "https://www.googleapis.com/" + m[1]
		}
	}
	return v
}

// virtual are the collections that can be referred to although nothing of them is in the world.
var virtual = []string{ //nolint:gochecknoglobals // a constant table
	"acceleratorTypes", "diskTypes", "gateways", "imageFamilyViews", "images", "licenses", "machineTypes", "networkProfiles",
	"regions", // recorded: a subnetwork whose region is global/regions/us-central1, as Terraform writes it
}

// dangling refuses a body that refers to something of a collection that the emulator does not have: nobody can have made it, so it
// is not there, and a success would be made up. The words are those for what is not there (recorded: errors.log). References to
// collections that it has are for the functions that read them.
func (c *call) dangling(v any) error {
	switch x := v.(type) {
	case doc.Map:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if slices.Contains(prose, key) {
				continue
			}
			if err := c.dangling(x[key]); err != nil {
				return err
			}
		}
	case []any:
		for _, one := range x {
			if err := c.dangling(one); err != nil {
				return err
			}
		}
	case string:
		parts := strings.Split(pathOf(x, c.project()), "/")
		if len(parts) < 5 || parts[0] != "projects" {
			return nil
		}
		parts = parts[2:]
		switch parts[0] {
		case "regions", "zones":
			parts = parts[1:]
		case "global":
		default:
			return nil // of another service
		}
		if len(parts) != 3 || c.svc.collections[parts[1]] != nil || slices.Contains(virtual, parts[1]) {
			return nil
		}
		return notFound(pathOf(x, c.project()))
	}
	return nil
}

func basename(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func objectPath(o *world.Object) string { return strings.TrimPrefix(o.Name, computeHost+"/") }
