package storage

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// bucketPattern is the form of bucket names (page "Bucket naming requirements").
var bucketPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`) }) //nolint:gochecknoglobals // a constant

var errParse = wire.APIError{Code: 400, Reason: "parseError", Message: "Parse Error"}

// checkBucketName refuses a name. That there is a refusal is documented, the words are assumed but for the length (reported).
func checkBucketName(name string) error {
	switch {
	case name == "":
		return wire.APIError{Code: 400, Reason: "required", Message: "Required parameter: name"}
	case len(name) < 3:
		return invalid("Bucket names must be at least 3 characters in length, got %d: '%s'", len(name), name)
	case !bucketPattern().MatchString(name), strings.HasPrefix(name, "goog"), strings.Contains(name, "google"), net.ParseIP(name) != nil,
		strings.Contains(name, ".."), !strings.Contains(name, ".") && len(name) > 63,
		slices.ContainsFunc(strings.Split(name, "."), func(part string) bool { return len(part) > 63 }):
		return invalid("Invalid bucket name: '%s'", name)
	}
	return nil
}

func (c *call) insertBucket(*world.Object) (*wire.Response, error) {
	project := c.r.Query.Get("project")
	if err := c.inProject(project); err != nil {
		return nil, err
	}
	if err := c.needInProject("storage.buckets.create", project); err != nil {
		return nil, err
	}
	var body doc.Map
	if json.Unmarshal(c.r.Body, &body) != nil {
		return nil, errParse
	}
	name := doc.Str(body, "name")
	if err := checkBucketName(name); err != nil {
		return nil, err
	}
	c.bucket = name
	if have, taken := c.tx.Get(bucketName(name)); taken {
		if doc.Str(have.Doc, "projectNumber") == cloud.Number(project) {
			return nil, wire.APIError{Code: 409, Reason: "conflict", Message: "Your previous request to create the named bucket succeeded and you already own it."}
		}
		return nil, wire.APIError{Code: 409, Reason: "conflict", Message: "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."}
	}
	o := &world.Object{
		Name: bucketName(name), Kind: "storage#bucket", Service: host, Created: c.tx.Now(), Ready: true, Note: map[string]any{"project": project},
		Doc: c.newBucket(name, project),
	}
	if rest.True(c.r.Query, "enableObjectRetention") {
		o.Doc["objectRetention"] = doc.Map{"mode": "Enabled"}
	}
	if err := c.place(o.Doc, body); err != nil {
		return nil, err
	}
	if err := c.settle(o, body, true); err != nil {
		return nil, err
	}
	c.tx.Put(o)
	return c.reply(c.showBucket(o))
}

// newBucket is a bucket before its body is looked at (recorded: storage-bucket.log).
func (c *call) newBucket(name, project string) doc.Map {
	now := c.tx.Now().UTC().Format(zulu)
	return doc.Map{
		"kind": "storage#bucket", "id": name, "name": name, "selfLink": links + "b/" + name, "projectNumber": cloud.Number(project),
		"generation": fmt.Sprint(c.tx.Now().UnixNano()), "metageneration": "1", "etag": etag(0, 1), "timeCreated": now, "updated": now,
		"storageClass": "STANDARD", "softDeletePolicy": doc.Map{"retentionDurationSeconds": defaultSoftDelete, "effectiveTime": now},
		"iamConfiguration": doc.Map{"publicAccessPrevention": "inherited", "uniformBucketLevelAccess": doc.Map{"enabled": false}},
	}
}

// settle applies a body, lists by name and what follows from both, to a bucket that the caller stores when there is no error.
func (c *call) settle(o *world.Object, body doc.Map, creating bool) error {
	d, note := doc.Clone(o.Doc), maps.Clone(o.Note)
	if err := ownLists(body); err != nil {
		return err
	}
	s := settings{c: c, d: d, creating: creating}
	for _, field := range slices.Sorted(maps.Keys(body)) {
		if err := s.apply(field, body[field]); err != nil {
			return err
		}
	}
	for parameter, lists := range map[string]map[string][]grant{"predefinedAcl": bucketLists(), "predefinedDefaultObjectAcl": objectLists()} {
		name, err := c.predefined(parameter, lists, d, uniformBucketWords)
		if err != nil {
			return err
		}
		if name != "" {
			note[map[string]string{"predefinedAcl": "acl", "predefinedDefaultObjectAcl": "defaultAcl"}[parameter]] = name
		}
	}
	s.access()
	note["longest"] = max(doc.Num(note, "longest"), doc.Num(d, "softDeletePolicy", "retentionDurationSeconds"))
	o.Doc, o.Note = d, note
	return nil
}

// touch changes what changes with every change of a bucket or an object.
func touch(d doc.Map, now time.Time) {
	d["metageneration"] = fmt.Sprint(doc.Num(d, "metageneration") + 1)
	d["updated"] = now.UTC().Format(zulu)
	generation := int64(0)
	if doc.Str(d, "kind") == "storage#object" {
		generation = doc.Num(d, "generation")
	}
	d["etag"] = etag(generation, doc.Num(d, "metageneration"))
}

func (c *call) bucketConditions(o *world.Object) error {
	return c.conditions("", 0, doc.Num(o.Doc, "metageneration"))
}

func (c *call) listBuckets(*world.Object) (*wire.Response, error) {
	project := c.r.Query.Get("project")
	if err := c.inProject(project); err != nil {
		return nil, err
	}
	if err := c.needInProject("storage.buckets.list", project); err != nil {
		return nil, err
	}
	where := host
	if rest.True(c.r.Query, "softDeleted") {
		where = softBuckets
	}
	var list []*world.Object
	for _, o := range c.tx.List(where) {
		if doc.Str(o.Doc, "projectNumber") == cloud.Number(project) && strings.HasPrefix(doc.Str(o.Doc, "name"), c.r.Query.Get("prefix")) {
			list = append(list, o)
		}
	}
	page, next, ok := rest.Page(list, c.pageSize(), c.r.Query.Get("pageToken"))
	if !ok {
		return nil, invalid("Invalid argument.")
	}
	out := doc.Map{"kind": "storage#buckets"}
	var items []any
	for _, o := range page {
		items = append(items, c.showBucket(o))
	}
	if len(items) > 0 {
		out["items"] = items
	}
	if next != "" {
		out["nextPageToken"] = next
	}
	return c.reply(out)
}

// pageSize is how many elements a list may have: 1000, or fewer.
func (c *call) pageSize() int {
	if n := doc.Num(doc.Map{"n": c.r.Query.Get("maxResults")}, "n"); n > 0 {
		return int(min(n, 1000))
	}
	return 1000
}

func (c *call) getBucket(o *world.Object) (*wire.Response, error) {
	if rest.True(c.r.Query, "softDeleted") {
		generation := c.r.Query.Get("generation")
		if generation == "" {
			return nil, errNoGeneration
		}
		o, _ = c.tx.Get(softBucketName(c.bucket, generation))
	}
	if o == nil {
		return nil, errNoBucket
	}
	if err := c.need("storage.buckets.get", o); err != nil {
		return nil, err
	}
	if err := c.bucketConditions(o); err != nil {
		return nil, err
	}
	return c.reply(c.showBucket(o))
}

// patchBucket merges; an empty patch changes nothing, the metageneration included (measured).
func (c *call) patchBucket(o *world.Object) (*wire.Response, error) {
	if err := c.bucketConditions(o); err != nil {
		return nil, err
	}
	var body doc.Map
	if json.Unmarshal(c.r.Body, &body) != nil {
		return nil, errParse
	}
	if len(body) == 0 && !c.r.Query.Has("predefinedAcl") && !c.r.Query.Has("predefinedDefaultObjectAcl") {
		return c.reply(c.showBucket(o))
	}
	next := *o
	if err := c.settle(&next, body, false); err != nil {
		return nil, err
	}
	return c.changed(&next)
}

// updateBucket replaces all settings: what the body leaves out is as in a new bucket.
func (c *call) updateBucket(o *world.Object) (*wire.Response, error) {
	if err := c.bucketConditions(o); err != nil {
		return nil, err
	}
	var body doc.Map
	if json.Unmarshal(c.r.Body, &body) != nil {
		return nil, errParse
	}
	bare := *o
	bare.Doc = c.newBucket(c.bucket, doc.Str(o.Note, "project"))
	for _, kept := range []string{
		"generation", "metageneration", "timeCreated", "location", "locationType", "rpo", "customPlacementConfig", "objectRetention", "softDeletePolicy",
	} {
		if v, ok := o.Doc[kept]; ok {
			bare.Doc[kept] = v
		}
	}
	if doc.Bool(o.Doc, "retentionPolicy", "isLocked") {
		bare.Doc["retentionPolicy"] = o.Doc["retentionPolicy"]
		if _, ok := body["retentionPolicy"]; !ok {
			body["retentionPolicy"] = nil // a locked policy is not removed by leaving it out
		}
	}
	if err := c.settle(&bare, body, false); err != nil {
		return nil, err
	}
	return c.changed(&bare)
}

func (c *call) changed(o *world.Object) (*wire.Response, error) {
	if err := c.bucketRate(); err != nil {
		return nil, err
	}
	touch(o.Doc, c.tx.Now())
	c.tx.Put(o)
	return c.reply(c.showBucket(o))
}

// deleteBucket removes an empty bucket. What is soft-deleted in it does not count.
func (c *call) deleteBucket(o *world.Object) (*wire.Response, error) {
	if err := c.bucketConditions(o); err != nil {
		return nil, err
	}
	if len(c.tx.List(o.Name+"/o")) > 0 || len(c.tx.List(o.Name+"/old")) > 0 {
		return nil, wire.APIError{Code: 409, Reason: "conflict", Message: "The bucket you tried to delete is not empty."} // recorded: errors.log
	}
	c.softDeleteBucket(o)
	return empty(204), nil
}

// lockRetention locks a retention policy for good (measured, in this order).
func (c *call) lockRetention(o *world.Object) (*wire.Response, error) {
	if !c.r.Query.Has("ifMetagenerationMatch") {
		return nil, wire.APIError{Code: 400, Reason: "required", Message: "Required parameter: ifMetagenerationMatch"}
	}
	policy := doc.Object(o.Doc, "retentionPolicy")
	if policy == nil || doc.Bool(policy, "isLocked") {
		return nil, invalid("Bucket '%s' does not have an unlocked retention policy.", c.bucket)
	}
	if err := c.bucketConditions(o); err != nil {
		return nil, err
	}
	next := *o
	next.Doc = doc.Clone(o.Doc)
	doc.Object(next.Doc, "retentionPolicy")["isLocked"] = true
	return c.changed(&next)
}

// storageLayout is what tells a bucket with folders from one without; those with folders are not emulated.
func (c *call) storageLayout(o *world.Object) (*wire.Response, error) {
	out := doc.Map{
		"kind": "storage#storageLayout", "bucket": c.bucket, "location": o.Doc["location"], "locationType": o.Doc["locationType"],
		"hierarchicalNamespace": doc.Map{"enabled": false},
	}
	if v, ok := o.Doc["customPlacementConfig"]; ok {
		out["customPlacementConfig"] = v
	}
	return c.reply(out)
}

// listCaches lists the bucket's caches: making them is not emulated, so there is none.
func (c *call) listCaches(*world.Object) (*wire.Response, error) {
	return c.reply(doc.Map{"kind": "storage#anywhereCaches"})
}

// listManagedFolders lists the bucket's managed folders: making them is not emulated, so there is none. gcloud asks for them
// before it removes a bucket, and takes 412 for one without uniform access; its words are assumed.
func (c *call) listManagedFolders(o *world.Object) (*wire.Response, error) {
	if !uniform(o) {
		return nil, wire.APIError{Code: 412, Reason: "conditionNotMet", Location: "If-Match", Message: "Managed folders require uniform bucket-level access."}
	}
	return c.reply(doc.Map{"kind": "storage#managedFolders"})
}
