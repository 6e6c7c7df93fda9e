package storage

import (
	"cmp"
	"maps"
	"net/url"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Access control lists, as far as projection=full shows them: those that a bucket and its objects get by predefinedAcl and
// predefinedDefaultObjectAcl, and by default. What the predefined lists hold was measured. Lists of a caller's own, and changing
// single entries, are not emulated. Nobody is let in or kept out by a list.

// grant is an entry of a list: an entity and its role. %s in the entity is the project's number.
type grant struct{ Entity, Role string }

const (
	projectOwners  = "project-owners-%s"
	projectEditors = "project-editors-%s"
	projectViewers = "project-viewers-%s"
)

func projectPrivate() []grant {
	return []grant{{projectOwners, "OWNER"}, {projectEditors, "OWNER"}, {projectViewers, "READER"}}
}

// bucketLists are the predefined lists of buckets.
func bucketLists() map[string][]grant {
	owners := grant{projectOwners, "OWNER"}
	return map[string][]grant{
		"projectPrivate": projectPrivate(), "private": {owners}, "publicRead": {owners, {"allUsers", "READER"}},
		"publicReadWrite": {owners, {"allUsers", "WRITER"}}, "authenticatedRead": {owners, {"allAuthenticatedUsers", "READER"}},
	}
}

// objectLists are the predefined lists of objects, without the object's owner, who stands in front of them.
func objectLists() map[string][]grant {
	return map[string][]grant{
		"projectPrivate": projectPrivate(), "private": {}, "bucketOwnerFullControl": {{projectOwners, "OWNER"}},
		"bucketOwnerRead": {{projectOwners, "READER"}}, "publicRead": {{"allUsers", "READER"}}, "authenticatedRead": {{"allAuthenticatedUsers", "READER"}},
	}
}

// predefined gives the list that a parameter names; "" when the call has none. d is the bucket's resource.
func (c *call) predefined(parameter string, lists map[string][]grant, d doc.Map, whenUniform string) (string, error) {
	name := c.r.Query.Get(parameter)
	if name == "" {
		return "", nil
	}
	list, ok := lists[name]
	switch {
	case !ok:
		return "", invalid("Invalid argument.")
	case doc.Bool(d, "iamConfiguration", "uniformBucketLevelAccess", "enabled"):
		return "", invalid("%s Read more at https://cloud.google.com/storage/docs/uniform-bucket-level-access", whenUniform)
	}
	for _, g := range list {
		if strings.HasPrefix(g.Entity, "all") && prevented(d) {
			return "", errPublic
		}
	}
	return name, nil
}

const (
	uniformBucketWords = "Cannot use ACL API to update bucket policy when uniform bucket-level access is enabled."
	uniformObjectWords = "Cannot insert legacy ACL for an object when uniform bucket-level access is enabled."
)

// full says whether the lists are to be shown. Where a body or a parameter brings a list, full is the default.
func (c *call) full() bool { return c.r.Query.Get("projection") == "full" }

// showBucket is a bucket as an answer shows it.
func (c *call) showBucket(o *world.Object) doc.Map {
	if !c.full() || uniform(o) || o.Note["soft"] != nil {
		return o.Doc
	}
	d := maps.Clone(o.Doc)
	number := doc.Str(d, "projectNumber")
	name := doc.Str(d, "name")
	d["owner"] = doc.Map{"entity": strings.Replace(projectOwners, "%s", number, 1)}
	tag := doc.Str(d, "etag")
	d["acl"] = entries(bucketLists()[cmp.Or(doc.Str(o.Note, "acl"), "projectPrivate")], number, func(e doc.Map, entity string) {
		maps.Copy(e, doc.Map{"kind": "storage#bucketAccessControl", "id": name + "/" + entity, "selfLink": links + "b/" + name + "/acl/" + url.PathEscape(entity), "bucket": name, "etag": tag})
	})
	if list := objectLists()[cmp.Or(doc.Str(o.Note, "defaultAcl"), "projectPrivate")]; len(list) > 0 {
		d["defaultObjectAcl"] = entries(list, number, func(e doc.Map, _ string) { maps.Copy(e, doc.Map{"kind": "storage#objectAccessControl", "etag": tag}) })
	}
	return d
}

// entries writes a list as the API shows it; more adds what differs by its kind.
func entries(list []grant, number string, more func(doc.Map, string)) []any {
	var out []any
	for _, g := range list {
		entity := strings.Replace(g.Entity, "%s", number, 1)
		e := doc.Map{"entity": entity, "role": g.Role}
		if team, ok := strings.CutPrefix(g.Entity, "project-"); ok {
			e["projectTeam"] = doc.Map{"projectNumber": number, "team": strings.TrimSuffix(team, "-%s")}
		}
		if email, ok := strings.CutPrefix(entity, "user-"); ok {
			e["email"] = email
		}
		more(e, entity)
		out = append(out, e)
	}
	return out
}

// showAccess adds the list and the owner of an object to what an answer shows of it.
func (c *call) showAccess(d doc.Map, o, bucket *world.Object) {
	owner := "user-" + doc.Str(o.Note, "owner")
	list := objectLists()[cmp.Or(cmp.Or(doc.Str(o.Note, "acl"), doc.Str(bucket.Note, "defaultAcl")), "projectPrivate")]
	own := grant{owner, "OWNER"}
	if doc.Str(o.Note, "acl") != "" {
		list = append([]grant{own}, list...) // measured: in front of a predefined list, behind the default one
	} else {
		list = append(list, own)
	}
	name, object, generation := doc.Str(d, "bucket"), doc.Str(d, "name"), doc.Str(d, "generation")
	tag := doc.Str(d, "etag")
	d["owner"] = doc.Map{"entity": owner}
	d["acl"] = entries(list, doc.Str(bucket.Doc, "projectNumber"), func(e doc.Map, entity string) {
		maps.Copy(e, doc.Map{
			"kind": "storage#objectAccessControl", "id": name + "/" + object + "/" + generation + "/" + entity, "bucket": name, "object": object, "generation": generation, "etag": tag,
			"selfLink": links + "b/" + name + "/o/" + url.PathEscape(object) + "/acl/" + url.PathEscape(entity),
		})
	})
}

// ownLists refuses lists of a caller's own: they are not emulated.
func ownLists(d doc.Map) error {
	for _, field := range []string{"acl", "defaultObjectAcl"} {
		if len(doc.List(d, field)) > 0 { // measured: an empty one is ignored
			return wire.ErrNotEmulated
		}
	}
	return nil
}
