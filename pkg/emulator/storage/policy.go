package storage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Policies of buckets, as Cloud Storage keeps and refuses them: measured in 2026 by the tests of a public client library, and in
// the reference page of buckets.setIamPolicy.

// bindings are those of a bucket's policy. Until a policy is set they are those that give the project's own people what they have
// by the legacy roles: four with uniform access, two without.
func bindings(bucket *world.Object) []doc.Map {
	if set, ok := bucket.Note["bindings"]; ok {
		return doc.Objects(doc.Map{"b": set}, "b")
	}
	project := doc.Str(bucket.Note, "project")
	owners := []any{"projectEditor:" + project, "projectOwner:" + project}
	viewers := []any{"projectViewer:" + project}
	legacy := []doc.Map{
		{"role": "roles/storage.legacyBucketOwner", "members": owners},
		{"role": "roles/storage.legacyBucketReader", "members": viewers},
	}
	if uniform(bucket) {
		legacy = append(legacy,
			doc.Map{"role": "roles/storage.legacyObjectOwner", "members": owners},
			doc.Map{"role": "roles/storage.legacyObjectReader", "members": viewers})
	}
	return legacy
}

func uniform(bucket *world.Object) bool {
	return doc.Bool(bucket.Doc, "iamConfiguration", "uniformBucketLevelAccess", "enabled")
}

func prevented(d doc.Map) bool {
	return doc.Str(d, "iamConfiguration", "publicAccessPrevention") == "enforced"
}

// etag is a generation's or a bucket's: a protocol buffer of its generation, 0 for none, and its metageneration, in base64. A new
// bucket has "CAE=".
func etag(generation, metageneration int64) string {
	var raw []byte
	if generation > 0 {
		raw = binary.AppendUvarint([]byte{0x08}, uint64(generation))
		raw = binary.AppendUvarint(append(raw, 0x10), uint64(metageneration))
	} else {
		raw = binary.AppendUvarint([]byte{0x08}, uint64(metageneration))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func (c *call) getPolicy(bucket *world.Object) (*wire.Response, error) {
	return c.policy(bucket, doc.Num(doc.Map{"n": c.r.Query.Get("optionsRequestedPolicyVersion")}, "n"))
}

// policy writes a policy in the version that was asked for. In version 1 a role under a condition has another name.
func (c *call) policy(bucket *world.Object, asked int64) (*wire.Response, error) {
	out := doc.Map{"kind": "storage#policy", "resourceId": "projects/_/buckets/" + c.bucket, "version": 1, "etag": etag(0, doc.Num(bucket.Doc, "metageneration"))}
	var list []any
	for _, b := range bindings(bucket) {
		if condition := doc.Object(b, "condition"); condition != nil {
			if asked >= 3 {
				out["version"] = 3
			} else {
				sum := sha256.Sum256([]byte(fmt.Sprint(condition)))
				b = doc.Map{"role": doc.Str(b, "role") + "_withcond_" + hex.EncodeToString(sum[:10]), "members": b["members"]}
			}
		}
		list = append(list, b)
	}
	if len(list) > 0 {
		out["bindings"] = list
	}
	return c.reply(out)
}

// setPolicy replaces the whole policy. It changes the bucket's metageneration, and so the etag.
func (c *call) setPolicy(bucket *world.Object) (*wire.Response, error) {
	var d doc.Map
	if json.Unmarshal(c.r.Body, &d) != nil {
		return nil, errParse
	}
	if err := checkPolicyEtag(doc.Str(d, "etag"), doc.Num(bucket.Doc, "metageneration")); err != nil {
		return nil, err
	}
	var stored []any
	for _, b := range doc.Objects(d, "bindings") {
		if err := c.checkBinding(b, bucket, doc.Num(d, "version")); err != nil {
			return nil, err
		}
		stored = addBinding(stored, b)
	}
	if err := c.bucketRate(); err != nil {
		return nil, err
	}
	bucket.Note["bindings"] = stored
	touch(bucket.Doc, c.tx.Now())
	c.tx.Put(bucket)
	return c.policy(bucket, 3)
}

func checkPolicyEtag(tag string, metageneration int64) error {
	if tag == "" {
		return nil
	}
	raw, err := base64.URLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(tag)) // gcloud sends that of URLs
	if err != nil {
		return invalid("Invalid value for ByteString: %s", tag)
	}
	var have uint64
	n := 0
	if len(raw) > 1 && raw[0] == 0x08 {
		have, n = binary.Uvarint(raw[1:])
	}
	switch {
	case n <= 0 || n != len(raw)-1 || int64(have) > metageneration:
		return invalid("Invalid etag - must use etag from GetPolicy response.")
	case int64(have) != metageneration:
		return errPrecondition
	}
	return nil
}

func (c *call) checkBinding(b doc.Map, bucket *world.Object, version int64) error {
	role := doc.Str(b, "role")
	kind, _, _ := strings.Cut(role, "/")
	if !slices.Contains([]string{"roles", "projects", "organizations"}, kind) {
		return invalid(`The role name must be in the form "roles/{role}", "organizations/{organization_id}/roles/{role}", or "projects/{project_id}/roles/{role}".`)
	}
	if kind == "roles" && !strings.HasPrefix(role, "roles/storage.") {
		return invalid("Role %s is not supported for this resource.", role)
	}
	for _, m := range doc.Words(b, "members") {
		if err := checkMember(m, bucket); err != nil {
			return err
		}
	}
	condition := doc.Object(b, "condition")
	if condition == nil {
		return nil
	}
	if !uniform(bucket) {
		return wire.APIError{Code: 412, Reason: "conditionNotMet", Location: "If-Match", Message: "To set IAM conditions in this bucket, enable uniform bucket-level access. " +
			"This ensures that all object access is controlled uniformly at the bucket-level without individual, object-level permissions. " +
			"Learn more at https://cloud.google.com/storage/docs/uniform-bucket-level-access"}
	}
	if version < 3 {
		return invalid("Specified policy version (%d) must be at least 3 based on the policy's contents. For more information, please refer to "+
			"https://cloud.google.com/iam/help/allow-policies/versions.", version)
	}
	if _, err := evaluate(doc.Str(condition, "expression"), facts{now: c.tx.Now()}); err != nil {
		return wire.ErrNotEmulated
	}
	return nil
}

// errPublic is what a grant to everybody is told where public access is prevented.
var errPublic = wire.APIError{
	Code: 412, Reason: "conditionNotMet", Location: "If-Match",
	Message: "The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced.",
}

func checkMember(m string, bucket *world.Object) error {
	if m == "allUsers" || m == "allAuthenticatedUsers" {
		if prevented(bucket.Doc) {
			return errPublic
		}
		return nil
	}
	kind, who, _ := strings.Cut(m, ":")
	switch kind {
	case "user", "serviceAccount", "group", "domain", "deleted", "principal", "principalSet":
		if who != "" {
			return nil
		}
	case "projectOwner", "projectEditor", "projectViewer":
		if who == doc.Str(bucket.Note, "project") {
			return nil
		}
		return invalid("Project %s does not exist.", who)
	}
	return invalid("The member %s is of an unknown type. Please set a valid type prefix for the member.", m)
}

// addBinding merges a binding into those that are stored: one for a role and condition, members once and in lower case, and none
// without members.
func addBinding(stored []any, b doc.Map) []any {
	var members []any
	for _, m := range doc.Words(b, "members") {
		if kind, who, ok := strings.Cut(m, ":"); ok && slices.Contains([]string{"user", "serviceAccount", "group", "domain"}, kind) {
			m = kind + ":" + strings.ToLower(who)
		}
		if !slices.Contains(members, any(m)) {
			members = append(members, m)
		}
	}
	if len(members) == 0 {
		return stored
	}
	for _, one := range stored {
		have, ok := one.(doc.Map)
		if !ok || have["role"] != b["role"] || !reflect.DeepEqual(have["condition"], b["condition"]) {
			continue
		}
		list := doc.List(have, "members")
		for _, m := range members {
			if !slices.Contains(list, m) {
				list = append(list, m)
			}
		}
		have["members"] = list
		return stored
	}
	fresh := doc.Map{"role": b["role"], "members": members}
	if condition := doc.Object(b, "condition"); condition != nil {
		fresh["condition"] = condition
	}
	return append(stored, fresh)
}

// testPermissions tells which of some permissions the caller has on the bucket.
func (c *call) testPermissions(bucket *world.Object) (*wire.Response, error) {
	asked := c.r.Query["permissions"]
	switch {
	case len(asked) == 0:
		return nil, wire.APIError{Code: 400, Reason: "required", Message: "Required parameter: permissions"}
	case len(asked) > 84:
		return nil, invalid("Must specify <= 84 permissions.")
	}
	var held []any
	for i, p := range asked {
		switch {
		case slices.Contains(asked[:i], p):
			return nil, invalid("Duplicate permissions must not be specified.")
		case p == "storage.buckets.list" || p == "storage.buckets.create":
			return nil, invalid("Invalid argument.")
		case !strings.HasPrefix(p, "storage.") || strings.Contains(p, "*"):
			return nil, invalid("%s is not a valid Google Cloud Storage permission.", p)
		}
		if c.may(p, bucket, "") {
			held = append(held, p)
		}
	}
	out := doc.Map{"kind": "storage#testIamPermissionsResponse"}
	if len(held) > 0 {
		out["permissions"] = held
	}
	return c.reply(out)
}
