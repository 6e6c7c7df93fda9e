package storage

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// bucketPattern is the form of bucket names; names with "goog" in front or "google" inside are refused too.
var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

const zulu = "2006-01-02T15:04:05.000Z"

func (c *call) insertBucket() (*wire.Response, error) {
	project := c.r.Query.Get("project")
	if !c.svc.cloud.Exists(project) {
		return nil, wire.APIError{Code: 400, Reason: "invalid", Message: "Unknown project id: " + project}
	}
	if err := c.svc.cloud.Found(c.tx, project); err != nil {
		return nil, err
	}
	var d doc.Map
	if json.Unmarshal(c.r.Body, &d) != nil {
		return nil, wire.APIError{Code: 400, Reason: "parseError", Message: "Parse Error"}
	}
	name := doc.Str(d, "name")
	if !bucketPattern.MatchString(name) || strings.HasPrefix(name, "goog") || strings.Contains(name, "google") || len(name) > 63 && !strings.Contains(name, ".") {
		return nil, wire.APIError{Code: 400, Reason: "invalid", Message: fmt.Sprintf("Invalid bucket name: '%s'", name)}
	}
	if have, taken := c.tx.Get(bucketName(name)); taken {
		if doc.Str(have.Doc, "projectNumber") == cloud.Number(project) {
			return nil, wire.APIError{Code: 409, Reason: "conflict", Message: "Your previous request to create the named bucket succeeded and you already own it."}
		}
		return nil, wire.APIError{Code: 409, Reason: "conflict", Message: "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."}
	}
	location := strings.ToUpper(orElse(doc.Str(d, "location"), "US"))
	kind := "region"
	if slices.Contains([]string{"US", "EU", "ASIA"}, location) {
		kind = "multi-region"
	} else if !hasRegion(strings.ToLower(location)) {
		return nil, wire.APIError{Code: 400, Reason: "invalid", Message: "The specified location constraint is not valid."}
	}
	now := c.tx.Now().UTC().Format(zulu)
	maps.Copy(d, doc.Map{
		"kind": "storage#bucket", "id": name, "selfLink": "https://www.googleapis.com/storage/v1/b/" + name, "location": location,
		"locationType": kind, "projectNumber": cloud.Number(project), "metageneration": "1", "generation": fmt.Sprint(c.tx.Now().UnixMicro()),
		"timeCreated": now, "updated": now, "etag": "CAE=",
	})
	doc.Fill(d, doc.Map{
		"storageClass":     "STANDARD",
		"softDeletePolicy": doc.Map{"retentionDurationSeconds": "604800", "effectiveTime": now},
	})
	if kind == "multi-region" {
		doc.Fill(d, doc.Map{"rpo": "DEFAULT"})
	}
	c.fillAccess(d)
	o := &world.Object{
		Name: bucketName(name), Kind: "storage#bucket", Service: host, Created: c.tx.Now(), Ready: true, Doc: d,
		Note: map[string]any{"policy": "CAE="},
	}
	c.tx.Put(o)
	return replyStorage(d), nil
}

// fillAccess fills in the access settings as a read shows them (recorded: storage-bucket.log).
func (c *call) fillAccess(d doc.Map) {
	if auto := doc.Object(d, "autoclass"); doc.Bool(auto, "enabled") { // recorded: storage-bucket.log
		now := c.tx.Now().UTC().Format(zulu)
		doc.Fill(auto, doc.Map{"toggleTime": now, "terminalStorageClass": "NEARLINE", "terminalStorageClassUpdateTime": now})
	}
	access := doc.Object(d, "iamConfiguration")
	if access == nil {
		access = doc.Map{}
	}
	uniform := doc.Map{"enabled": doc.Bool(access, "uniformBucketLevelAccess", "enabled")}
	if doc.Bool(uniform, "enabled") {
		uniform["lockedTime"] = c.tx.Now().Add(90 * 24 * time.Hour).UTC().Format(zulu)
	}
	access["uniformBucketLevelAccess"] = uniform
	access["bucketPolicyOnly"] = maps.Clone(uniform)
	doc.Fill(access, doc.Map{"publicAccessPrevention": "inherited"})
	d["iamConfiguration"] = access
}

func (c *call) listBuckets() (*wire.Response, error) {
	project := c.r.Query.Get("project")
	if !c.svc.cloud.Exists(project) {
		return nil, wire.APIError{Code: 400, Reason: "invalid", Message: "Unknown project id: " + project}
	}
	var items []any
	for _, o := range c.tx.List(host) {
		if doc.Str(o.Doc, "projectNumber") == cloud.Number(project) && strings.HasPrefix(doc.Str(o.Doc, "name"), c.r.Query.Get("prefix")) {
			items = append(items, o.Doc)
		}
	}
	out := doc.Map{"kind": "storage#buckets"}
	if len(items) > 0 {
		out["items"] = items
	}
	return replyStorage(out), nil
}

func (c *call) patchBucket(o *world.Object) (*wire.Response, error) {
	if err := c.preconditions(o); err != nil {
		return nil, err
	}
	var d doc.Map
	if json.Unmarshal(c.r.Body, &d) != nil {
		return nil, wire.APIError{Code: 400, Reason: "parseError", Message: "Parse Error"}
	}
	for _, fixed := range []string{"kind", "id", "name", "selfLink", "location", "locationType", "projectNumber", "generation", "timeCreated"} {
		delete(d, fixed)
	}
	doc.Merge(o.Doc, d) // JSON merge patch: null takes away (page "Using partial resources")
	doc.Settle(o.Doc)
	doc.Fill(o.Doc, doc.Map{"storageClass": "STANDARD"})
	c.fillAccess(o.Doc)
	o.Doc["metageneration"] = fmt.Sprint(doc.Num(o.Doc, "metageneration") + 1)
	o.Doc["updated"] = c.tx.Now().UTC().Format(zulu)
	c.tx.Put(o)
	return replyStorage(o.Doc), nil
}

func (c *call) deleteBucket(o *world.Object) (*wire.Response, error) {
	if err := c.preconditions(o); err != nil {
		return nil, err
	}
	if len(c.tx.List(o.Name+"/o")) > 0 || len(c.tx.List(o.Name+"/old")) > 0 {
		return nil, wire.APIError{Code: 409, Reason: "conflict", Message: "The bucket you tried to delete is not empty."} // recorded: errors.log
	}
	c.tx.Delete(o.Name)
	return &wire.Response{Status: 204, Header: replyStorage(nil).Header}, nil
}

// bucketPolicy reads or replaces the IAM policy, guarded by its etag.
func (c *call) bucketPolicy(o *world.Object) (*wire.Response, error) {
	if c.r.Method == "PUT" {
		var d doc.Map
		if json.Unmarshal(c.r.Body, &d) != nil {
			return nil, wire.APIError{Code: 400, Reason: "parseError", Message: "Parse Error"}
		}
		if etag := doc.Str(d, "etag"); etag != "" && etag != doc.Str(o.Note, "policy") {
			return nil, errPrecondition
		}
		o.Note["policy"], o.Note["bindings"] = draws.Token(c.tx.Count()), d["bindings"]
		c.tx.Put(o)
	}
	out := doc.Map{"kind": "storage#policy", "resourceId": "projects/_/buckets/" + c.bucket, "version": 1, "etag": doc.Str(o.Note, "policy")}
	if b, ok := o.Note["bindings"]; ok {
		out["bindings"] = b
	}
	return replyStorage(out), nil
}
