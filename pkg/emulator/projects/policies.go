package projects

import (
	"encoding/json"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// usualPolicy is that of a project that was not made: its caller owns it, and Compute Engine's default account and Google's own
// agents have what they are given when the API is enabled (pages "Default service accounts" and "Service agents").
func usualPolicy(tx *world.Tx, project string) doc.Map {
	d, number := ownerPolicy(tx), cloud.Number(project)
	d["bindings"] = append([]any{
		doc.Map{"role": "roles/compute.serviceAgent", "members": []any{"serviceAccount:service-" + number + "@compute-system.iam.gserviceaccount.com"}},
		doc.Map{"role": "roles/editor", "members": []any{
			"serviceAccount:" + number + "-compute@developer.gserviceaccount.com", "serviceAccount:" + number + "@cloudservices.gserviceaccount.com",
		}},
	}, doc.List(d, "bindings")...)
	return d
}

// settle gives a project that was not made its policy.
func settle(tx *world.Tx, o *world.Object) {
	if !o.Builtin || doc.Object(o.Note, "policy") != nil {
		return
	}
	if o.Note == nil {
		o.Note = map[string]any{}
	}
	o.Note["policy"] = usualPolicy(tx, doc.Str(o.Doc, "projectId"))
	tx.Put(o)
}

func getPolicy(c *call) (any, error) {
	settle(c.tx, c.object)
	return cloud.Policy(c.object, doc.Num(c.body, "options", "requestedPolicyVersion")), nil
}

// roles are those that the policy of a project gives a member without a condition.
func roles(tx *world.Tx, project, member string) []string {
	o, ok := tx.Get(objectName(project))
	if !ok {
		return nil
	}
	settle(tx, o)
	var out []string
	for _, b := range doc.Objects(o.Note, "policy", "bindings") {
		if b["condition"] == nil && slices.Contains(doc.Words(b, "members"), member) {
			out = append(out, doc.Str(b, "role"))
		}
	}
	return out
}

func setPolicy(c *call) (any, error) {
	settle(c.tx, c.object)
	policy := doc.Object(c.body, "policy")
	if policy == nil {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: "Request contains an invalid argument."}
	}
	return c.svc.cloud.SetPolicy(c.tx, c.object, policy, doc.Str(c.body, "updateMask"))
}

func testPermissions(c *call) (any, error) {
	permissions := doc.Words(c.body, "permissions")
	if len(permissions) > 100 {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: "At most 100 permissions can be tested at once."}
	}
	held := c.svc.cloud.Held(permissions)
	if len(held) == 0 {
		return doc.Map{}, nil
	}
	return doc.Map{"permissions": held}, nil
}

// named gives the constraint that a call names. One that no service here heeds is not emulated.
func (c *call) named(constraint string) (string, error) {
	if constraint == "" {
		return "", wire.APIError{Code: 400, Reason: "badRequest", Message: "Request contains an invalid argument."}
	}
	if heeded, _ := faults.Heeded(constraint); !heeded {
		return "", wire.ErrNotEmulated
	}
	return constraint, nil
}

// getConstraint gives the project's own organization policy for a constraint; one that it has not is without a type (discovery
// document, projects.getOrgPolicy).
func getConstraint(c *call) (any, error) {
	constraint, err := c.named(doc.Str(c.body, "constraint"))
	if err != nil {
		return nil, err
	}
	if own := cloud.OwnConstraint(c.tx, c.project, constraint); own != nil {
		return own, nil
	}
	return doc.Map{"constraint": constraint, "etag": draws.TokenOf(constraint)}, nil
}

// getEffective gives the policy that holds. Without any, all is allowed and nothing enforced: so are the defaults of all
// constraints that are heeded here.
func getEffective(c *call) (any, error) {
	constraint, err := c.named(doc.Str(c.body, "constraint"))
	if err != nil {
		return nil, err
	}
	if p := c.svc.cloud.Constraint(c.tx, c.project, constraint); p != nil {
		return p, nil
	}
	if _, isBoolean := faults.Heeded(constraint); isBoolean {
		return doc.Map{"constraint": constraint, "booleanPolicy": doc.Map{}}, nil
	}
	return doc.Map{"constraint": constraint, "listPolicy": doc.Map{"allValues": "ALLOW"}}, nil
}

func listConstraints(c *call) (any, error) {
	out := doc.Map{}
	var all []any
	for _, p := range cloud.OwnConstraints(c.tx, c.project) {
		all = append(all, p)
	}
	if len(all) > 0 {
		out["policies"] = all
	}
	return out, nil
}

func setConstraint(c *call) (any, error) {
	policy := doc.Object(c.body, "policy")
	constraint, err := c.named(doc.Str(policy, "constraint"))
	if err != nil {
		return nil, err
	}
	if policy["restoreDefault"] == nil {
		if err := checkConstraint(policy); err != nil {
			return nil, err
		}
	}
	own := cloud.OwnConstraint(c.tx, c.project, constraint)
	etag := draws.TokenOf(constraint)
	if own != nil {
		etag = doc.Str(own, "etag")
	}
	if given := doc.Str(policy, "etag"); given != "" && !draws.SameToken(given, etag) { // discovery document: ABORTED
		return nil, wire.APIError{Code: 409, Reason: "aborted", Status: "ABORTED",
			Message: "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."}
	}
	policy["etag"], policy["updateTime"] = draws.Etag(c.tx.Count()), stamp(c.tx.Now())
	cloud.PutConstraint(c.tx, c.project, constraint, policy)
	return policy, nil
}

// checkConstraint holds a policy to the form that plans have too.
func checkConstraint(policy doc.Map) error {
	d := doc.Map{"constraint": policy["constraint"]}
	for _, field := range []string{"booleanPolicy", "listPolicy"} {
		if v := doc.Object(policy, field); v != nil {
			v = doc.Clone(v)
			for _, ignored := range []string{"suggestedValue", "inheritFromParent"} {
				delete(v, ignored)
			}
			if v["allValues"] == "ALL_VALUES_UNSPECIFIED" {
				delete(v, "allValues")
			}
			d[field] = v
		}
	}
	raw, err := json.Marshal(doc.Map{"policies": []any{d}})
	if err != nil {
		return err
	}
	if _, err := faults.Parse(raw); err != nil {
		return wire.APIError{Code: 400, Reason: "badRequest", Message: "Request contains an invalid argument: " + err.Error()}
	}
	return nil
}

func clearConstraint(c *call) (any, error) {
	constraint, err := c.named(doc.Str(c.body, "constraint"))
	if err != nil {
		return nil, err
	}
	cloud.PutConstraint(c.tx, c.project, constraint, nil)
	return doc.Map{}, nil
}
