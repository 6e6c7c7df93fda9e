package compute

import (
	"fmt"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// largestVersions is how many versions a group may have: a target and a canary (pages on canary updates).
const largestVersions = 2

// setVersions takes the templates of a body over into a group: from "versions", or from "instanceTemplate". With one version the
// group's instanceTemplate is that version's (recorded). With two it is left out: an assumption.
func (c *call) setVersions(d, body doc.Map) error {
	versions := doc.Objects(body, "versions")
	if len(versions) == 0 {
		if doc.Str(body, "instanceTemplate") == "" {
			return required("resource.instanceTemplate")
		}
		versions = []doc.Map{{"instanceTemplate": doc.Str(body, "instanceTemplate")}}
	}
	if len(versions) > largestVersions {
		return invalid("resource.versions", len(versions), fmt.Sprintf("At most %d versions are possible.", largestVersions))
	}
	for i, v := range versions {
		field := fmt.Sprintf("resource.versions[%d].instanceTemplate", i)
		if len(versions) == 1 {
			field = "resource.instanceTemplate"
		}
		template, err := c.referTemplate(field, doc.Str(v, "instanceTemplate"))
		if err != nil {
			return err
		}
		v["instanceTemplate"] = doc.Str(template.Doc, "selfLink")
		if hollow(v["targetSize"]) {
			delete(v, "targetSize")
		}
	}
	d["versions"], d["instanceTemplate"] = doc.Anys(versions), versions[0]["instanceTemplate"]
	if len(versions) > 1 {
		delete(d, "instanceTemplate")
	}
	return nil
}

// checkVersionSizes: exactly one version must leave its size open, and no two may be the same (discovery document; the words are
// the emulator's).
func checkVersionSizes(d doc.Map) error {
	open := 0
	seen := map[string]bool{}
	for i, v := range doc.Objects(d, "versions") {
		size := doc.Object(v, "targetSize")
		_, fixed := size["fixed"]
		_, percent := size["percent"]
		switch field := fmt.Sprintf("resource.versions[%d]", i); {
		case fixed && percent:
			return invalid(field+".targetSize", asSent(size), "Only one of fixed and percent can be set.")
		case doc.Num(size, "fixed") < 0 || doc.Num(size, "percent") < 0 || doc.Num(size, "percent") > 100:
			return invalid(field+".targetSize", asSent(size), "Must be a number that is not negative, or between 0 and 100 percent.")
		case !fixed && !percent:
			delete(v, "targetSize")
			open++
		}
		id := versionOf(v).String()
		if seen[id] {
			return invalid("resource.versions", doc.Str(v, "name"), "Every version can appear at most once per instance group.")
		}
		seen[id] = true
	}
	if open != 1 {
		return invalid("resource.versions", open, "Exactly one version must leave the targetSize field unset.")
	}
	return nil
}

// version is one version of a group as VMs have it.
type version struct{ name, template string }

func (v version) String() string { return v.name + " " + v.template }

func versionOf(d doc.Map) version {
	return version{name: doc.Str(d, "name"), template: pathOf(doc.Str(d, "instanceTemplate"), "")}
}

// quota is how many VMs a version should have.
type quota struct {
	version
	count int64
	open  bool // takes all that the others leave
}

// quotas divides the size of a group among its versions. A canary gets its number or its percentage, rounded up, and never more
// than there are; the version without a size gets the rest (discovery document).
func quotas(o *world.Object) []quota {
	size := doc.Num(o.Doc, "targetSize")
	left := size
	var out []quota
	for _, d := range doc.Objects(o.Doc, "versions") {
		q := quota{version: versionOf(d), open: doc.Object(d, "targetSize") == nil}
		if !q.open {
			q.count = min(share(doc.Object(d, "targetSize"), size), left)
			left -= q.count
		}
		out = append(out, q)
	}
	for i := range out {
		if out[i].open {
			out[i].count = left
		}
	}
	return out
}

// assign says which version each VM that stays should have: those that have one keep it as long as it has room, new ones and then
// the others fill up what is free. What is left over is surplus, and of the open version.
func assign(o *world.Object, staying []*world.Object) (to map[*world.Object]version, surplus map[*world.Object]bool) {
	free := quotas(o)
	to, surplus = make(map[*world.Object]version, len(staying)), map[*world.Object]bool{}
	var fresh, others []*world.Object
	for _, m := range staying {
		has := memberVersion(m)
		i := slices.IndexFunc(free, func(q quota) bool { return q.version == has && q.count > 0 })
		switch {
		case i >= 0:
			free[i].count--
			to[m] = has
		case has.template == "":
			fresh = append(fresh, m)
		default:
			others = append(others, m)
		}
	}
	for _, m := range append(fresh, others...) {
		i := slices.IndexFunc(free, func(q quota) bool { return q.count > 0 })
		if i >= 0 {
			free[i].count--
			to[m] = free[i].version
			continue
		}
		to[m], surplus[m] = openVersion(o), memberVersion(m).template != ""
	}
	return to, surplus
}

// openVersion is the version that takes what the others leave.
func openVersion(o *world.Object) version {
	for _, q := range quotas(o) {
		if q.open {
			return q.version
		}
	}
	return version{}
}
