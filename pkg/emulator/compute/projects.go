package compute

import (
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// projectQuotas are global quotas of a project: the metrics that the emulator can count, by the kind that uses them. The limits
// are those of typical new projects in public listings (gcloud compute project-info describe); projects differ.
var projectQuotas = []struct { //nolint:gochecknoglobals // a constant table
	metric, kind string
	limit        float64
}{
	{"NETWORKS", "compute#network", 5},
	{"FIREWALLS", "compute#firewall", 100},
	{"ROUTES", "compute#route", 200},
	{"INSTANCE_TEMPLATES", "compute#instanceTemplate", 100},
	{"SUBNETWORKS", "compute#subnetwork", 100},
	{"ROUTERS", "compute#router", 10},
}

// noMetadata is the fingerprint of metadata without an item (recorded for tags and labels; assumed for metadata).
const noMetadata = "42WmSpB8rSM="

// projectMethods are what Compute Engine knows of a project. Shared VPC is not emulated: no project is a host or has one, reads
// say so, and changes of it answer 501, as do usage exports.
func (svc *service) projectMethods() map[string]handler {
	return map[string]handler{
		"Projects.Get":                       func(c *call) (any, error) { return c.projectDoc(), nil },
		"Projects.SetCommonInstanceMetadata": setCommonMetadata,
		// "May be empty if no link exists" (discovery document).
		"Projects.GetXpnHost": func(*call) (any, error) { return doc.Map{}, nil },
		"Projects.GetXpnResources": func(*call) (any, error) {
			return doc.Map{"kind": "compute#projectsGetXpnResources"}, nil
		},
		"Projects.ListXpnHosts": func(c *call) (any, error) {
			return c.virtual(c.project()+"/listXpnHosts", "compute#xpnHostList", nil)
		},
	}
}

// projectObject is what was changed of a project; nil while nothing was.
func (c *call) projectObject() *world.Object {
	o, _ := c.tx.Get(worldName(c.project()))
	return o
}

// projectDoc is a project as Compute Engine shows it (discovery document; the default service account's form is documented).
// Its creation time is unknown and left out.
func (c *call) projectDoc() doc.Map {
	project := c.vars["project"]
	metadata := doc.Map{"kind": "compute#metadata", "fingerprint": noMetadata}
	if o := c.projectObject(); o != nil {
		metadata = doc.Object(o.Doc, "commonInstanceMetadata")
	}
	used := map[string]int{}
	for _, below := range c.tx.Below(worldName(c.project()) + "/") {
		for _, o := range c.tx.List(below) {
			used[o.Kind]++
		}
	}
	var quotas []any
	for _, q := range projectQuotas {
		quotas = append(quotas, doc.Map{"metric": q.metric, "limit": q.limit, "usage": used[q.kind]})
	}
	return doc.Map{
		"kind": "compute#project", "id": cloud.Number(project), "name": project, "selfLink": linkBase + c.project(),
		"defaultServiceAccount":  cloud.Number(project) + "-compute@developer.gserviceaccount.com",
		"commonInstanceMetadata": metadata, "defaultNetworkTier": "PREMIUM", "quotas": quotas,
		"xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
	}
}

// setCommonMetadata replaces the metadata that all VMs of a project share. The fingerprint must be the current one; the words
// of the refusal are those of public reports for the metadata of a VM.
func setCommonMetadata(c *call) (any, error) {
	now := doc.Object(c.projectDoc(), "commonInstanceMetadata")
	if given := doc.Str(c.body, "fingerprint"); !draws.SameToken(given, doc.Str(now, "fingerprint")) {
		return nil, badFingerprint("Supplied fingerprint does not match current metadata fingerprint.")
	}
	var keys []string
	for _, item := range doc.Objects(c.body, "items") {
		key := doc.Str(item, "key")
		if key == "" {
			return nil, required("items.key")
		}
		if slices.Contains(keys, key) {
			return nil, invalid("items.key", key, "Metadata keys must be unique.") // assumed words
		}
		keys = append(keys, key)
	}
	metadata := doc.Map{"kind": "compute#metadata", "fingerprint": c.fingerprint()}
	if items := doc.List(c.body, "items"); len(items) > 0 {
		metadata["items"] = items
	}
	o := &world.Object{
		Name: worldName(c.project()), Kind: "compute#project", Service: computeHost, Created: c.tx.Now(), Builtin: true, Ready: true,
		Doc: doc.Map{"id": cloud.Number(c.vars["project"]), "selfLink": linkBase + c.project(), "commonInstanceMetadata": metadata},
	}
	if c.fails() == nil {
		c.tx.Put(o)
	}
	return c.start("setMetadata", operations.Work{ // recorded for instances; assumed for projects
		Target: o, Takes: c.svc.cloud.Draw(c.tx, "compute_project.update"), Effect: operations.Keep,
	}), nil
}
