package compute

import (
	"maps"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func (svc *service) instanceTemplates() *collection {
	return &collection{
		service: "InstanceTemplates", plural: "instanceTemplates", single: "instanceTemplate", noun: "instance_template",
		kind: "compute#instanceTemplate", latency: "compute_instance_template",
		insertType: "compute.instanceTemplates.insert", // recorded
		prepare: func(c *call, d doc.Map) error {
			props := doc.Object(d, "properties")
			if props == nil {
				return required("resource.properties")
			}
			doc.Fill(d, doc.Map{"description": ""})
			delete(d, "region")
			return c.prepareMachine(props, templateField, "")
		},
		user: templateUser,
	}
}

// templateUser refuses at once while a managed instance group uses the template (gcp-facts, section 10: both a refusal and a
// failed operation have been seen; this emulator refuses).
func templateUser(c *call, o *world.Object) error {
	link := doc.Str(o.Doc, "selfLink")
	for _, below := range c.tx.Below(worldName(c.project()) + "/") { // groups of zones and of regions
		if basename(below) != "instanceGroupManagers" {
			continue
		}
		for _, g := range c.tx.List(below) {
			for _, v := range doc.Objects(g.Doc, "versions") {
				if doc.Str(v, "instanceTemplate") == link {
					return inUse("instance_template", objectPath(o), objectPath(g))
				}
			}
			for _, m := range c.tx.List(g.Name + "/managed") {
				if doc.Str(m.Note, "template") == objectPath(o) {
					return inUse("instance_template", objectPath(o), objectPath(g))
				}
			}
		}
	}
	return nil
}

// templateMethods are those beyond the common ones, and regional templates: the same in another scope.
func (svc *service) templateMethods(k *collection) map[string]handler {
	regional := *k
	regional.service = "RegionInstanceTemplates"
	regional.insertType = "compute.regionInstanceTemplates.insert" // assumed, after the recorded one of global templates
	out := regional.methods()
	maps.Copy(out, map[string]handler{
		"InstanceTemplates.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("instanceTemplates", "compute#instanceTemplateAggregatedList", k)
		},
	})
	return out
}
