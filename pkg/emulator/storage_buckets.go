package emulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// bucketPattern is the form of bucket names; names with "goog" in front or "google" inside are refused too.
var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

const zulu = "2006-01-02T15:04:05.000Z"

func (c *storageCall) insertBucket() (*response, error) {
	project := c.r.query.Get("project")
	if !c.em.exists(project) {
		return nil, failure{code: 400, reason: "invalid", message: "Unknown project id: " + project}
	}
	if err := c.em.ensureProject(c.tx, project); err != nil {
		return nil, err
	}
	var d document
	if json.Unmarshal(c.r.body, &d) != nil {
		return nil, failure{code: 400, reason: "parseError", message: "Parse Error"}
	}
	name := str(d, "name")
	if !bucketPattern.MatchString(name) || strings.HasPrefix(name, "goog") || strings.Contains(name, "google") || len(name) > 63 && !strings.Contains(name, ".") {
		return nil, failure{code: 400, reason: "invalid", message: fmt.Sprintf("Invalid bucket name: '%s'", name)}
	}
	if have, taken := c.tx.Get(bucketName(name)); taken {
		if str(have.Doc, "projectNumber") == projectNumber(project) {
			return nil, failure{code: 409, reason: "conflict", message: "Your previous request to create the named bucket succeeded and you already own it."}
		}
		return nil, failure{code: 409, reason: "conflict", message: "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."}
	}
	location := strings.ToUpper(orElse(str(d, "location"), "US"))
	kind := "region"
	if slices.Contains([]string{"US", "EU", "ASIA"}, location) {
		kind = "multi-region"
	} else if !c.em.hasRegion(strings.ToLower(location)) {
		return nil, failure{code: 400, reason: "invalid", message: "The specified location constraint is not valid."}
	}
	now := c.tx.Now().UTC().Format(zulu)
	maps.Copy(d, document{
		"kind": "storage#bucket", "id": name, "selfLink": "https://www.googleapis.com/storage/v1/b/" + name, "location": location,
		"locationType": kind, "projectNumber": projectNumber(project), "metageneration": "1", "generation": fmt.Sprint(c.tx.Now().UnixMicro()),
		"timeCreated": now, "updated": now, "etag": "CAE=",
	})
	fill(d, document{
		"storageClass":     "STANDARD",
		"softDeletePolicy": document{"retentionDurationSeconds": "604800", "effectiveTime": now},
	})
	if kind == "multi-region" {
		fill(d, document{"rpo": "DEFAULT"})
	}
	c.fillAccess(d)
	o := &world.Object{
		Name: bucketName(name), Kind: "storage#bucket", Service: storageHost, Created: c.tx.Now(), Ready: true, Doc: d,
		Note: map[string]any{"policy": "CAE="},
	}
	c.tx.Put(o)
	return replyStorage(d), nil
}

// fillAccess fills in the access settings as a read shows them (recorded: storage-bucket.log).
func (c *storageCall) fillAccess(d document) {
	if auto := object(d, "autoclass"); boolean(auto, "enabled") { // recorded: storage-bucket.log
		now := c.tx.Now().UTC().Format(zulu)
		fill(auto, document{"toggleTime": now, "terminalStorageClass": "NEARLINE", "terminalStorageClassUpdateTime": now})
	}
	access := object(d, "iamConfiguration")
	if access == nil {
		access = document{}
	}
	uniform := document{"enabled": boolean(access, "uniformBucketLevelAccess", "enabled")}
	if boolean(uniform, "enabled") {
		uniform["lockedTime"] = c.tx.Now().Add(90 * 24 * time.Hour).UTC().Format(zulu)
	}
	access["uniformBucketLevelAccess"] = uniform
	access["bucketPolicyOnly"] = maps.Clone(uniform)
	fill(access, document{"publicAccessPrevention": "inherited"})
	d["iamConfiguration"] = access
}

func (c *storageCall) listBuckets() (*response, error) {
	project := c.r.query.Get("project")
	if !c.em.exists(project) {
		return nil, failure{code: 400, reason: "invalid", message: "Unknown project id: " + project}
	}
	var items []any
	for _, o := range c.tx.List(storageHost) {
		if str(o.Doc, "projectNumber") == projectNumber(project) && strings.HasPrefix(str(o.Doc, "name"), c.r.query.Get("prefix")) {
			items = append(items, o.Doc)
		}
	}
	out := document{"kind": "storage#buckets"}
	if len(items) > 0 {
		out["items"] = items
	}
	return replyStorage(out), nil
}

func (c *storageCall) patchBucket(o *world.Object) (*response, error) {
	if err := c.preconditions(o); err != nil {
		return nil, err
	}
	var d document
	if json.Unmarshal(c.r.body, &d) != nil {
		return nil, failure{code: 400, reason: "parseError", message: "Parse Error"}
	}
	for field, v := range d {
		if inner, ok := v.(document); ok && (field == "labels" || field == "iamConfiguration" || field == "autoclass") {
			have := object(o.Doc, field)
			if have == nil {
				have = document{}
			}
			for k, value := range inner {
				if value == nil {
					delete(have, k)
				} else {
					have[k] = value
				}
			}
			o.Doc[field] = have
			continue
		}
		o.Doc[field] = v
	}
	c.fillAccess(o.Doc)
	o.Doc["metageneration"] = fmt.Sprint(num(o.Doc, "metageneration") + 1)
	o.Doc["updated"] = c.tx.Now().UTC().Format(zulu)
	c.tx.Put(o)
	return replyStorage(o.Doc), nil
}

func (c *storageCall) deleteBucket(o *world.Object) (*response, error) {
	if err := c.preconditions(o); err != nil {
		return nil, err
	}
	if len(c.tx.List(o.Name+"/o")) > 0 || len(c.tx.List(o.Name+"/old")) > 0 {
		return nil, failure{code: 409, reason: "conflict", message: "The bucket you tried to delete is not empty."} // recorded: errors.log
	}
	c.tx.Delete(o.Name)
	return &response{status: 204, header: replyStorage(nil).header}, nil
}

// bucketPolicy reads or replaces the IAM policy, guarded by its etag.
func (c *storageCall) bucketPolicy(o *world.Object) (*response, error) {
	if c.r.method == "PUT" {
		var d document
		if json.Unmarshal(c.r.body, &d) != nil {
			return nil, failure{code: 400, reason: "parseError", message: "Parse Error"}
		}
		if etag := str(d, "etag"); etag != "" && etag != str(o.Note, "policy") {
			return nil, errPrecondition
		}
		o.Note["policy"], o.Note["bindings"] = newFingerprint(c.tx), d["bindings"]
		c.tx.Put(o)
	}
	out := document{"kind": "storage#policy", "resourceId": "projects/_/buckets/" + c.bucket, "version": 1, "etag": str(o.Note, "policy")}
	if b, ok := o.Note["bindings"]; ok {
		out["bindings"] = b
	}
	return replyStorage(out), nil
}
