package storage

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const host = "storage.googleapis.com"

// call is one call of Cloud Storage's JSON API at work.
type call struct {
	svc    *service
	tx     *world.Tx
	r      *wire.Request
	bucket string
	object string
	verb   string // what stands behind the object or bucket: "iam", "rewriteTo/b/B/o/O"
}

// service is Cloud Storage at work.
type service struct {
	cloud *cloud.Cloud
	blobs blobs
}

// Service is Cloud Storage's JSON API, storage.googleapis.com v1.
func Service() cloud.Service {
	paths := []string{"/storage/", "/upload/storage/", "/download/storage/"}
	return cloud.Service{
		Host: host, Title: "Cloud Storage API", Roots: paths, Unprefixed: append(paths, "/batch/storage/"), Refuse: refuse,
		Latency: map[string]latency.Triple{
			"storage_object.write": {Low: 0.1, Typical: 0.2, High: 0.9}, // seconds; from public Terraform logs
		},
		Open: func(c *cloud.Cloud) (*cloud.Server, error) {
			svc := &service{cloud: c, blobs: blobs{dir: c.Dir}}
			return &cloud.Server{Serve: svc.serve}, nil
		},
	}
}

// refuse is the classic dialect behind another server name (recorded: errors.log).
func refuse(r *wire.Request, f wire.APIError) *wire.Response {
	resp := wire.Classic(r, f)
	resp.Header = http.Header{}
	resp.Header.Set("Content-Type", "application/json; charset=UTF-8")
	resp.Header.Set("Server", "UploadServer")
	resp.Header["Vary"] = []string{"Origin", "X-Origin"}
	return resp
}

func (svc *service) serve(ctx context.Context, r *wire.Request, _ faults.Effect) (*wire.Response, error) {
	c := &call{svc: svc, r: r}
	kind, ok := c.parse()
	if !ok {
		return refuse(r, wire.NotEmulated(r)), nil
	}
	if kind == "o" && r.Method != "GET" || kind == "upload" {
		if err := svc.cloud.Wait(ctx, svc.cloud.Takes("storage_object.write", r.N)); err != nil {
			return nil, err
		}
	}
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		c.tx = tx
		return c.dispatch(kind)
	})
}

// parse cuts the path: which collection it is about, the bucket, the object (percent-encoded on the wire) and the rest.
func (c *call) parse() (string, bool) {
	path := c.r.Path
	kind := "b"
	switch {
	case strings.HasPrefix(path, "/upload/storage/v1/b"):
		kind, path = "upload", strings.TrimPrefix(path, "/upload/storage/v1/b")
	case strings.HasPrefix(path, "/resumable/upload/storage/v1/b"):
		kind, path = "upload", strings.TrimPrefix(path, "/resumable/upload/storage/v1/b")
	case strings.HasPrefix(path, "/download/storage/v1/b"):
		kind, path = "o", strings.TrimPrefix(path, "/download/storage/v1/b")
		c.r.Query.Set("alt", "media")
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

func (c *call) dispatch(kind string) (*wire.Response, error) {
	if err := c.constrained(); err != nil {
		return nil, err
	}
	switch kind + " " + c.r.Method {
	case "buckets POST":
		return c.insertBucket()
	case "buckets GET":
		return c.listBuckets()
	}
	bucket, ok := c.tx.Get(bucketName(c.bucket))
	if !ok {
		return nil, wire.APIError{Code: 404, Reason: "notFound", Message: "The specified bucket does not exist."} // recorded: errors.log
	}
	switch kind + " " + c.r.Method {
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
		return replyStorage(doc.Map{
			"kind": "storage#storageLayout", "bucket": c.bucket, "location": bucket.Doc["location"],
			"locationType": bucket.Doc["locationType"], "hierarchicalNamespace": doc.Map{"enabled": false},
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
	return nil, wire.ErrNotEmulated
}

func replyStorage(v any) *wire.Response {
	r := wire.Reply(200, v)
	r.Header.Set("Server", "UploadServer")
	r.Header["Vary"] = []string{"Origin", "X-Origin"}
	return r
}

func hasRegion(name string) bool {
	_, ok := places.Named(name)
	return ok
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (c *call) testPermissions() doc.Map {
	held := c.svc.cloud.Held(c.r.Query["permissions"])
	out := doc.Map{"kind": "storage#testIamPermissionsResponse"}
	if len(held) > 0 {
		out["permissions"] = held
	}
	return out
}

func bucketName(b string) string { return host + "/" + b }

// liveName is where the live generation of an object is kept, oldName where an earlier one is.
func liveName(bucket, object string) string {
	return bucketName(bucket) + "/o/" + url.PathEscape(object)
}

func oldName(bucket, object, generation string) string {
	return bucketName(bucket) + "/old/" + url.PathEscape(object) + "@" + generation
}

var errPrecondition = wire.APIError{
	Code: 412, Reason: "conditionNotMet", Location: "If-Match",
	Message: "At least one of the pre-conditions you specified did not hold.",
}

// preconditions checks the four if… parameters against the live object, nil when there is none.
func (c *call) preconditions(live *world.Object) error {
	generation, metageneration := int64(0), int64(0)
	if live != nil {
		generation, metageneration = doc.Num(live.Doc, "generation"), doc.Num(live.Doc, "metageneration")
	}
	for _, p := range []struct {
		name string
		have int64
		not  bool
	}{
		{"ifGenerationMatch", generation, false}, {"ifGenerationNotMatch", generation, true},
		{"ifMetagenerationMatch", metageneration, false}, {"ifMetagenerationNotMatch", metageneration, true},
	} {
		if !c.r.Query.Has(p.name) {
			continue
		}
		want := doc.Num(doc.Map{"n": c.r.Query.Get(p.name)}, "n")
		if (want == p.have) == p.not {
			if p.not && c.r.Method == "GET" {
				return wire.APIError{Code: 304, Reason: "notModified", Message: "Not Modified"}
			}
			return errPrecondition
		}
	}
	return nil
}

// changeRate refuses a second change of one object name within a second: Cloud Storage answers 429 then, and deletions count.
// That the limit is exactly one a second and knows no bursts is this emulator's strictness.
func (c *call) changeRate() error {
	name := "rate/" + c.bucket + "/" + url.PathEscape(c.object)
	o, ok := c.tx.Get(name)
	if ok {
		last, err := time.Parse(time.RFC3339Nano, doc.Str(o.Note, "last"))
		if err == nil && c.tx.Now().Sub(last) < c.svc.cloud.Scaled(time.Second) {
			return wire.APIError{Code: 429, Reason: "rateLimitExceeded", Domain: "usageLimits", Message: fmt.Sprintf(
				"The object %s/%s exceeded the rate limit for object mutation operations (create, update, and delete). Please reduce your request rate.",
				c.bucket, c.object)}
		}
	}
	c.tx.Put(&world.Object{Name: name, Note: map[string]any{"last": c.tx.Now().Format(time.RFC3339Nano)}})
	return nil
}
