package cloud

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// emptyPolicy is the etag of a policy that was never set (google/iam/v1/policy.proto shows none; seen in public logs as ACAB).
const emptyPolicy = "ACAB"

// Policy gives the IAM policy of a thing as getIamPolicy answers it (recorded: c7n-project-getIamPolicy.json). version is the
// highest that the caller asked for: conditions show from 3 on (google/iam/v1/options.proto), and a policy that has them is of
// version 1 for everybody else.
func Policy(o *world.Object, version int64) doc.Map {
	d := doc.Object(o.Note, "policy")
	if d == nil {
		return doc.Map{"etag": emptyPolicy}
	}
	d = doc.Clone(d)
	if version >= 3 {
		return d
	}
	d["version"] = 1
	for _, b := range doc.Objects(d, "bindings") {
		if b["condition"] != nil { // google/iam/v1/policy.proto: the role's name tells that a condition is not shown
			b["role"] = doc.Str(b, "role") + "_withcond_" + conditionMark(b)
			delete(b, "condition")
		}
	}
	return d
}

func conditionMark(b doc.Map) string {
	return fmt.Sprintf("%020x", draws.Mix(uint64(len(doc.Str(b, "condition", "expression")))))
}

// SetPolicy replaces the IAM policy of a thing as setIamPolicy does, and gives the new one. mask names the fields that are
// replaced; "" stands for bindings and etag (google/iam/v1/iam_policy.proto).
func (c *Cloud) SetPolicy(tx *world.Tx, o *world.Object, policy doc.Map, mask string) (doc.Map, error) {
	have := doc.Object(o.Note, "policy")
	etag := emptyPolicy
	if have != nil {
		etag = doc.Str(have, "etag")
	}
	if given := doc.Str(policy, "etag"); given != "" && !draws.SameToken(given, etag) {
		return nil, wire.APIError{Code: 409, Reason: "aborted", Status: "ABORTED", // public reports: openshift-install's log, among many
			Message: "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."}
	}
	conditions := false
	for _, b := range doc.Objects(policy, "bindings") {
		if err := c.checkBinding(tx, b); err != nil {
			return nil, err
		}
		conditions = conditions || b["condition"] != nil
	}
	version := doc.Num(policy, "version")
	if conditions && version != 3 || !slices.Contains([]int64{0, 1, 3}, version) { // policy.proto; the words are assumed
		return nil, invalidPolicy("Specified policy version (%d) is not valid: a policy with conditions must have version 3.", version)
	}
	next := doc.Map{"version": max(version, 1), "etag": "Bw" + draws.Etag(tx.Count())[2:]}
	if !conditions {
		next["version"] = 1
	}
	if fields := strings.Split(mask, ","); mask == "" || slices.Contains(fields, "bindings") {
		next["bindings"] = merged(doc.Objects(policy, "bindings"))
	} else if have != nil {
		next["bindings"] = have["bindings"]
	}
	audits := have["auditConfigs"]
	if strings.Contains(mask, "auditConfigs") {
		audits = policy["auditConfigs"]
	}
	if audits != nil {
		next["auditConfigs"] = audits
	}
	if len(doc.List(next, "bindings")) == 0 {
		delete(next, "bindings")
	}
	if o.Note == nil {
		o.Note = map[string]any{}
	}
	o.Note["policy"] = next
	tx.Put(o)
	return doc.Clone(next), nil
}

// merged drops bindings without members (policy.proto).
func merged(bindings []doc.Map) []any {
	var out []any
	for _, b := range bindings {
		if len(doc.Words(b, "members")) > 0 {
			out = append(out, b)
		}
	}
	return out
}

var (
	roleName   = regexp.MustCompile(`^roles/[a-zA-Z][a-zA-Z0-9_.]*$`)
	customRole = regexp.MustCompile(`^(?:projects|organizations)/[^/]+/roles/[a-zA-Z0-9_.]{3,64}$`)
	memberForm = regexp.MustCompile(`^(?:allUsers|allAuthenticatedUsers|(?:user|group|serviceAccount):[^@\s]+@[^@\s]+|domain:[^\s]+|` +
		`(?:projectOwner|projectEditor|projectViewer):[^\s]+|principal(?:Set)?://[^\s]+|deleted:(?:user|group|serviceAccount):[^\s]+\?uid=\d+)$`)
)

// checkBinding refuses roles and members that cannot be (public reports of the words). Which predefined roles there are is not
// known here: any name of their form is taken. There are no custom roles.
func (c *Cloud) checkBinding(tx *world.Tx, b doc.Map) error {
	switch role := doc.Str(b, "role"); {
	case customRole.MatchString(role):
		return invalidPolicy("Role (%s) does not exist in the resource's hierarchy.", role)
	case !roleName.MatchString(role):
		return invalidPolicy("Role %s is not supported for this resource.", role)
	}
	for _, m := range doc.Words(b, "members") {
		if !memberForm.MatchString(m) {
			return invalidPolicy("The member %s is of an unknown type. Please set a valid type prefix for the member.", m)
		}
		email, ours := strings.CutPrefix(m, "serviceAccount:")
		if !ours || !ofAccounts(email) || !c.KnowsAccounts() {
			continue
		}
		if _, ok := c.FindAccount(tx, email); !ok { // facts, section 15
			return invalidPolicy("Service account %s does not exist.", email)
		}
	}
	return nil
}

// agent is the form of the addresses of Google's own agents (page "Service agents"). They are taken to exist.
var agent = regexp.MustCompile(`^service-\d+@`)

// ofAccounts says whether an address is of the form of accounts that projects have.
func ofAccounts(email string) bool {
	return !agent.MatchString(email) && (strings.HasSuffix(email, ".iam.gserviceaccount.com") || strings.HasSuffix(email, "-compute@developer.gserviceaccount.com"))
}

func invalidPolicy(format string, args ...any) wire.APIError {
	return wire.APIError{Code: 400, Reason: "badRequest", Message: fmt.Sprintf(format, args...)}
}
