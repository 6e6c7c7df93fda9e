package compute

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// mostChosen is how many VMs one call may name (discovery document).
const mostChosen = 1000

// chosen gives the members that a body names, each once. A VM of another zone is always refused; one that is no member or is
// leaving already is too, unless such are to be skipped (discovery document, skipInstancesOnValidationError). The words are the
// emulator's.
func chosen(c *call, o *world.Object, skip bool) ([]*world.Object, error) {
	refs := doc.Words(c.body, "instances")
	if len(refs) == 0 {
		return nil, required("instances")
	}
	if len(refs) > mostChosen {
		return nil, invalid("instances", len(refs), fmt.Sprintf("At most %d instances are possible.", mostChosen))
	}
	var out []*world.Object
	seen := map[string]bool{}
	for i, ref := range refs {
		field := fmt.Sprintf("instances[%d]", i)
		path := pathOf(ref, c.project())
		if strings.Contains(path, "/") && path != c.scope()+"/instances/"+basename(path) {
			return nil, invalid(field, ref, "The instance is not in the zone of the group.")
		}
		m, ok := c.tx.Get(o.Name + "/managed/" + basename(path))
		switch {
		case ok && !leaving(m) && !seen[m.Name]:
			seen[m.Name] = true
			out = append(out, m)
		case skip:
		case !ok:
			return nil, invalid(field, ref, "The instance is not a member of the group.")
		case leaving(m):
			return nil, invalid(field, ref, "The instance is being deleted or abandoned already.")
		default:
			return nil, invalid(field, ref, "The instance is named twice.")
		}
	}
	return out, nil
}

// createInGroup makes VMs of given names, each with a per-instance config (reference of gcloud's create-instance). With a proactive
// policy that substitutes VMs the operation fails with CONDITION_NOT_MET (gcp-facts, section 8); so it does for a VM that is a
// member already (reported: terraform-provider-google#14065; the code is assumed).
func (svc *service) createInGroup(c *call, o *world.Object) (func(), error) {
	if proactive(o) && doc.Str(o.Doc, "updatePolicy", "replacementMethod") == "SUBSTITUTE" {
		return nil, failing{Code: "CONDITION_NOT_MET", HTTPStatus: http.StatusPreconditionFailed,
			Message: "Creating instances with names is not possible with a proactive update policy that substitutes instances."}
	}
	wanted := doc.Objects(c.body, "instances")
	if len(wanted) == 0 {
		return nil, required("instances")
	}
	seen := map[string]bool{}
	for i, one := range wanted {
		name := doc.Str(one, "name")
		path := c.scope() + "/instances/" + name
		if !resourceName.MatchString(name) || seen[name] {
			return nil, invalid(fmt.Sprintf("instances[%d].name", i), name, fmt.Sprintf("Must be a match of regex '%s'", namePattern))
		}
		seen[name] = true
		if err := checkConfig(one, fmt.Sprintf("instances[%d]", i)); err != nil {
			return nil, err
		}
		if _, member := c.tx.Get(o.Name + "/managed/" + name); member {
			return nil, failing{Code: "RESOURCE_ALREADY_EXISTS", HTTPStatus: http.StatusConflict,
				Message: fmt.Sprintf("Resource %s is already a member of %s.", path, objectPath(o))}
		}
		if _, taken := c.tx.Get(worldName(path)); taken {
			return nil, alreadyExists(path)
		}
	}
	o.Doc["targetSize"] = doc.Num(o.Doc, "targetSize") + int64(len(wanted))
	return func() {
		for _, one := range wanted {
			addMember(c.tx, o, doc.Str(one, "name"), running)
			putConfig(c, o, one)
		}
	}, c.checkGroup(o.Doc, nil)
}

// leave takes members out of a group, which becomes smaller by them.
func (svc *service) leave(c *call, o *world.Object, skip bool, do func(*world.Object)) (func(), error) {
	picked, err := chosen(c, o, skip)
	if err != nil {
		return nil, err
	}
	for _, m := range picked {
		size := map[string]string{running: "targetSize", suspended: "targetSuspendedSize", stopped: "targetStoppedSize"}[aim(m)]
		o.Doc[size] = max(0, doc.Num(o.Doc, size)-1)
	}
	return func() {
		for _, m := range picked {
			do(m)
		}
	}, c.checkGroup(o.Doc, nil)
}

func (svc *service) deleteFromGroup(c *call, o *world.Object) (func(), error) {
	return svc.leave(c, o, doc.Bool(c.body, "skipInstancesOnValidationError"), func(m *world.Object) { svc.dropMember(c.tx, m, "DELETING") })
}

// abandonFromGroup lets VMs out of a group without touching them.
func (svc *service) abandonFromGroup(c *call, o *world.Object) (func(), error) {
	return svc.leave(c, o, false, func(m *world.Object) {
		if _, made := c.tx.Get(vmName(m)); !made {
			forgetMember(c.tx, m)
			return
		}
		act(c.tx, m, "ABANDONING")
		later(c.tx, m, "abandoned", svc.cloud.Draw(c.tx, "compute_instance.update"))
	})
}

// recreateInGroup makes VMs anew with the group's current configuration (discovery document).
func (svc *service) recreateInGroup(c *call, o *world.Object) (func(), error) {
	picked, err := chosen(c, o, false)
	if err != nil {
		return nil, err
	}
	return func() {
		renew(c.tx, o, picked)
		for _, m := range picked {
			svc.dropMember(c.tx, m, "RECREATING")
		}
	}, nil
}

// applyUpdates brings VMs to the group's current configuration, at least with the minimal action; what would need more than is
// allowed fails the request (discovery document; the words are the emulator's).
func (svc *service) applyUpdates(c *call, o *world.Object) (func(), error) {
	minimal := cmp.Or(doc.Str(c.body, "minimalAction"), "NONE")
	most := cmp.Or(doc.Str(c.body, "mostDisruptiveAllowedAction"), "REPLACE")
	if err := oneOf("minimalAction", minimal, disruptions...); err != nil {
		return nil, err
	}
	if err := oneOf("mostDisruptiveAllowedAction", most, disruptions...); err != nil {
		return nil, err
	}
	all := doc.Bool(c.body, "allInstances")
	picked := staying(c.tx, o)
	if given := len(doc.List(c.body, "instances")) > 0; given && all {
		return nil, invalid("instances", "", "No instances can be specified when allInstances is set.")
	} else if !all {
		var err error
		if picked, err = chosen(c, o, false); err != nil {
			return nil, err
		}
	}
	lacking := map[*world.Object]update{}
	for _, u := range updates(c.tx, o) {
		lacking[u.m] = u
	}
	var due []update
	for _, m := range picked {
		u, lacks := lacking[m]
		if !lacks {
			u = update{m: m, to: memberVersion(m), action: "NONE"}
		}
		if u.action = worse(u.action, minimal); worse(u.action, most) != most {
			return nil, invalid("mostDisruptiveAllowedAction", most, fmt.Sprintf("Updating the instance '%s' needs %s.", basename(m.Name), u.action))
		}
		due = append(due, u)
	}
	return func() {
		for _, u := range due {
			if _, made := c.tx.Get(vmName(u.m)); !made {
				u.action = "NONE" // it is made with what it should have
			}
			svc.perform(c.tx, u)
		}
	}, nil
}
