package cloud

import (
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// The constraints of organization policies that some service here heeds.
const (
	ExternalAccess   = "constraints/compute.vmExternalIpAccess"
	RequireOSLogin   = "constraints/compute.requireOsLogin"
	RequireShielded  = "constraints/compute.requireShieldedVm"
	Locations        = "constraints/gcp.resourceLocations"
	PublicPrevention = "constraints/storage.publicAccessPrevention"
	UniformAccess    = "constraints/storage.uniformBucketLevelAccess"
)

func constraintName(project, constraint string) string {
	return "constraint/" + project + "/" + strings.TrimPrefix(constraint, "constraints/")
}

// OwnConstraint gives the policy that a project itself has for a constraint; nil when it has none.
func OwnConstraint(tx *world.Tx, project, constraint string) doc.Map {
	if o, ok := tx.Get(constraintName(project, constraint)); ok {
		return o.Doc
	}
	return nil
}

// OwnConstraints gives all policies that a project itself has, sorted by constraint.
func OwnConstraints(tx *world.Tx, project string) []doc.Map {
	var out []doc.Map
	for _, o := range tx.List("constraint/" + project) {
		out = append(out, o.Doc)
	}
	return out
}

// PutConstraint replaces the policy of a project for a constraint; nil takes it away.
func PutConstraint(tx *world.Tx, project, constraint string, policy doc.Map) {
	if policy == nil {
		tx.Delete(constraintName(project, constraint))
		return
	}
	tx.Put(&world.Object{Name: constraintName(project, constraint), Doc: policy})
}

// Constraint gives the policy that holds in a project for a constraint: its own, or else that of the organization above it,
// which is in the fault plan; nil when none does. Merging the two (inheritFromParent) is not emulated.
func (c *Cloud) Constraint(tx *world.Tx, project, constraint string) doc.Map {
	if own := OwnConstraint(tx, project, constraint); own != nil && own["restoreDefault"] == nil {
		return own
	} else if own != nil {
		return nil
	}
	for _, p := range c.faults.Load().Policies() {
		if p.Constraint == constraint {
			return policyDoc(p)
		}
	}
	return nil
}

// policyDoc is a policy of a plan in the form of the API.
func policyDoc(p faults.Policy) doc.Map {
	d := doc.Map{"constraint": p.Constraint}
	if p.Boolean != nil {
		d["booleanPolicy"] = doc.Map{"enforced": p.Boolean.Enforced}
	}
	if l := p.List; l != nil {
		list := doc.Map{}
		if l.AllValues != "" {
			list["allValues"] = l.AllValues
		}
		for name, values := range map[string][]string{"allowedValues": l.Allowed, "deniedValues": l.Denied} {
			for _, v := range values {
				list[name] = append(doc.List(list, name), v)
			}
		}
		d["listPolicy"] = list
	}
	return d
}

// Enforced says whether a constraint that is on or off is on in a project.
func (c *Cloud) Enforced(tx *world.Tx, project, constraint string) bool {
	return doc.Bool(c.Constraint(tx, project, constraint), "booleanPolicy", "enforced")
}

// Allows says whether a constraint with values allows something in a project that goes by any of some values.
func (c *Cloud) Allows(tx *world.Tx, project, constraint string, values ...string) bool {
	list := doc.Object(c.Constraint(tx, project, constraint), "listPolicy")
	if list == nil {
		return true
	}
	named := func(field string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return slices.Contains(doc.Words(list, field), v) })
	}
	switch {
	case doc.Str(list, "allValues") == "DENY" || named("deniedValues"):
		return false
	case doc.List(list, "allowedValues") != nil:
		return named("allowedValues")
	}
	return true
}

// AllowsLocation says whether a thing may be in a zone, a region or a multi-region by constraints/gcp.resourceLocations. Of the
// value groups that the documentation lists those of a region and of a continent are known: in:us-central1-locations,
// in:us-locations.
func (c *Cloud) AllowsLocation(tx *world.Tx, project, location string) bool {
	location = strings.ToLower(location)
	values := []string{location, "in:" + location + "-locations"}
	region := location
	if r, ok := places.OfZone(location); ok {
		region = r.Name
		values = append(values, region, "in:"+region+"-locations")
	}
	if continent, _, ok := strings.Cut(region, "-"); ok {
		values = append(values, "in:"+continent+"-locations")
	}
	for _, v := range values { // values may be written "is:us-central1" too
		values = append(values, "is:"+v)
	}
	return c.Allows(tx, project, Locations, values...)
}
