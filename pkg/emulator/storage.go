package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const storageHost = "storage.googleapis.com"

// storageCall is one call of Cloud Storage's JSON API at work.
type storageCall struct {
	em     *Emulator
	tx     *world.Tx
	r      *request
	bucket string
	object string
	verb   string // what stands behind the object or bucket: "iam", "rewriteTo/b/B/o/O"
}

// errOther marks a call that the emulator does not know.
var errOther = errors.New("not emulated")

func (em *Emulator) serveStorage(ctx context.Context, r *request) (*response, error) {
	c := &storageCall{em: em, r: r}
	kind, ok := c.parse()
	if !ok {
		return notEmulated(r).storage(), nil
	}
	if kind == "o" && r.method != "GET" || kind == "upload" {
		if err := em.wait(ctx, em.opt.Latency.duration("storage_object.write", em.opt.Seed, em.n.Load())); err != nil {
			return nil, err
		}
	}
	var resp *response
	err := em.world.Do(time.Now(), func(tx *world.Tx) error {
		c.tx = tx
		var err error
		resp, err = c.dispatch(kind)
		return err
	})
	var refused failure
	switch {
	case errors.As(err, &refused):
		return refused.storage(), nil
	case errors.Is(err, errOther):
		return notEmulated(r).storage(), nil
	}
	return resp, err
}

// parse cuts the path: which collection it is about, the bucket, the object (percent-encoded on the wire) and the rest.
func (c *storageCall) parse() (string, bool) {
	path := c.r.path
	kind := "b"
	switch {
	case strings.HasPrefix(path, "/upload/storage/v1/b"):
		kind, path = "upload", strings.TrimPrefix(path, "/upload/storage/v1/b")
	case strings.HasPrefix(path, "/resumable/upload/storage/v1/b"):
		kind, path = "upload", strings.TrimPrefix(path, "/resumable/upload/storage/v1/b")
	case strings.HasPrefix(path, "/download/storage/v1/b"):
		kind, path = "o", strings.TrimPrefix(path, "/download/storage/v1/b")
		c.r.query.Set("alt", "media")
	case strings.HasPrefix(path, "/storage/v1/b"):
		path = strings.TrimPrefix(path, "/storage/v1/b")
	default:
		return "", false
	}
	if path == "" {
		return "buckets", kind == "b"
	}
	parts := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 4)
	var err error
	if c.bucket, err = url.PathUnescape(parts[0]); err != nil || c.bucket == "" {
		return "", false
	}
	switch {
	case len(parts) == 1:
		return kind, kind == "b"
	case parts[1] != "o":
		c.verb = strings.Join(parts[1:], "/")
		return "bucket-" + c.verb, kind == "b"
	case kind == "upload":
		return kind, true
	case len(parts) == 2:
		return "objects", true
	}
	if c.object, err = url.PathUnescape(parts[2]); err != nil || c.object == "" {
		return "", false
	}
	if len(parts) == 4 {
		c.verb = parts[3]
	}
	return "o", true
}

func (c *storageCall) dispatch(kind string) (*response, error) {
	switch kind + " " + c.r.method {
	case "buckets POST":
		return c.insertBucket()
	case "buckets GET":
		return c.listBuckets()
	}
	bucket, ok := c.tx.Get(bucketName(c.bucket))
	if !ok {
		return nil, failure{code: 404, reason: "notFound", message: "The specified bucket does not exist."} // recorded: errors.log
	}
	switch kind + " " + c.r.method {
	case "b GET":
		return replyStorage(bucket.Doc), nil
	case "b PATCH":
		return c.patchBucket(bucket)
	case "b DELETE":
		return c.deleteBucket(bucket)
	case "bucket-iam GET", "bucket-iam PUT":
		return c.bucketPolicy(bucket)
	case "bucket-iam/testPermissions GET":
		return replyStorage(c.testPermissions()), nil
	case "bucket-storageLayout GET":
		return replyStorage(document{
			"kind": "storage#storageLayout", "bucket": c.bucket, "location": bucket.Doc["location"],
			"locationType": bucket.Doc["locationType"], "hierarchicalNamespace": document{"enabled": false},
		}), nil
	case "objects GET":
		return c.listObjects(bucket)
	case "o GET":
		return c.getObject()
	case "o DELETE":
		return c.deleteObject(bucket)
	case "o PATCH":
		return c.patchObject()
	case "o POST":
		return c.rewriteObject(bucket)
	case "upload POST", "upload PUT", "upload DELETE":
		return c.upload(bucket)
	}
	return nil, errOther
}

func replyStorage(v any) *response {
	r := reply(200, v)
	r.header.Set("Server", "UploadServer")
	r.header["Vary"] = []string{"Origin", "X-Origin"}
	return r
}

func (c *storageCall) testPermissions() document {
	var held []any
	for _, p := range c.r.query["permissions"] {
		if !c.em.denied(p) {
			held = append(held, p)
		}
	}
	out := document{"kind": "storage#testIamPermissionsResponse"}
	if len(held) > 0 {
		out["permissions"] = held
	}
	return out
}

func bucketName(b string) string { return storageHost + "/" + b }

// liveName is where the live generation of an object is kept, oldName where an earlier one is.
func liveName(bucket, object string) string {
	return bucketName(bucket) + "/o/" + url.PathEscape(object)
}

func oldName(bucket, object, generation string) string {
	return bucketName(bucket) + "/old/" + url.PathEscape(object) + "@" + generation
}

var errPrecondition = failure{
	code: 412, reason: "conditionNotMet", location: "If-Match",
	message: "At least one of the pre-conditions you specified did not hold.",
}

// preconditions checks the four if… parameters against the live object, nil when there is none.
func (c *storageCall) preconditions(live *world.Object) error {
	generation, metageneration := int64(0), int64(0)
	if live != nil {
		generation, metageneration = num(live.Doc, "generation"), num(live.Doc, "metageneration")
	}
	for _, p := range []struct {
		name string
		have int64
		not  bool
	}{
		{"ifGenerationMatch", generation, false}, {"ifGenerationNotMatch", generation, true},
		{"ifMetagenerationMatch", metageneration, false}, {"ifMetagenerationNotMatch", metageneration, true},
	} {
		if !c.r.query.Has(p.name) {
			continue
		}
		want := num(document{"n": c.r.query.Get(p.name)}, "n")
		if (want == p.have) == p.not {
			if p.not && c.r.method == "GET" {
				return failure{code: 304, reason: "notModified", message: "Not Modified"}
			}
			return errPrecondition
		}
	}
	return nil
}

// changeRate refuses a second change of one object name within a second: Cloud Storage answers 429 then, and deletions count.
// That the limit is exactly one a second and knows no bursts is this emulator's strictness.
func (c *storageCall) changeRate() error {
	name := "rate/" + c.bucket + "/" + url.PathEscape(c.object)
	o, ok := c.tx.Get(name)
	if ok {
		last, err := time.Parse(time.RFC3339Nano, str(o.Note, "last"))
		if err == nil && c.tx.Now().Sub(last) < c.em.scaled(time.Second) {
			return failure{code: 429, reason: "rateLimitExceeded", domain: "usageLimits", message: fmt.Sprintf(
				"The object %s/%s exceeded the rate limit for object mutation operations (create, update, and delete). Please reduce your request rate.",
				c.bucket, c.object)}
		}
	}
	c.tx.Put(&world.Object{Name: name, Note: map[string]any{"last": c.tx.Now().Format(time.RFC3339Nano)}})
	return nil
}
