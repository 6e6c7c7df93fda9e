package storage

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const (
	host  = "storage.googleapis.com"
	links = "https://www.googleapis.com/storage/v1/"
	zulu  = "2006-01-02T15:04:05.000Z"
)

// call is one call of Cloud Storage at work.
type call struct {
	svc    *service
	tx     *world.Tx
	r      *wire.Request
	email  string // the service account that calls; "" for the owner of all projects
	bucket string
	object string
	vars   map[string]string // the other variables of the path
}

// service is Cloud Storage at work.
type service struct {
	cloud   *cloud.Cloud
	blobs   blobs
	methods []method
}

// Service is Cloud Storage, storage.googleapis.com: the JSON API v1, and reading objects by the XML API.
func Service() cloud.Service {
	paths := []string{"/storage/", "/upload/storage/", "/download/storage/", "/resumable/upload/storage/", "/batch/storage/"}
	return cloud.Service{
		Host: host, Title: "Cloud Storage API", Roots: paths, Unprefixed: paths, Rest: true, Batch: "/batch/storage/v1", Refuse: refuse,
		Latency: map[string]latency.Triple{
			"storage_object.write": {Low: 0.1, Typical: 0.2, High: 0.9}, // seconds; from public Terraform logs
		},
		Open: func(c *cloud.Cloud) (*cloud.Server, error) {
			svc := &service{cloud: c, blobs: blobs{dir: c.Dir}, methods: methods()}
			return &cloud.Server{Serve: svc.serve, Events: map[string]world.Handler{hardDelete: forget}}, nil
		},
	}
}

func (svc *service) serve(ctx context.Context, r *wire.Request, _ faults.Effect) (*wire.Response, error) {
	c := &call{svc: svc, r: r, email: cloud.Account(r)}
	m := c.find()
	if m == nil || encrypted(r.Header) {
		return refuse(r, wire.NotEmulated(r)), nil
	}
	if m.write {
		if err := svc.cloud.Wait(ctx, svc.cloud.Takes("storage_object.write", r.N)); err != nil {
			return nil, err
		}
	}
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		c.tx = tx
		return c.carryOut(m)
	})
}

// encrypted tells a call with a key of the customer's own: such keys are not emulated.
func encrypted(h http.Header) bool {
	for name := range h {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-goog-encryption-") || strings.HasPrefix(name, "x-goog-copy-source-encryption-") {
			return true
		}
	}
	return false
}

// carryOut checks what all methods check, in this order: the organization, the bucket, who pays, the permission.
func (c *call) carryOut(m *method) (*wire.Response, error) {
	if err := c.constrained(); err != nil {
		return nil, err
	}
	var bucket *world.Object
	if m.hasBucket() {
		var ok bool
		if bucket, ok = c.tx.Get(bucketName(c.bucket)); !ok && !m.gone {
			return nil, errNoBucket
		}
	}
	if err := c.payer(bucket); err != nil {
		return nil, err
	}
	if m.needs != "" {
		if err := c.need(m.needs, bucket); err != nil {
			return nil, err
		}
	}
	return m.do(c, bucket)
}

var errNoBucket = wire.APIError{Code: 404, Reason: "notFound", Message: "The specified bucket does not exist."} // recorded: errors.log

// invalid is a refusal of a body or a parameter.
func invalid(format string, args ...any) wire.APIError {
	return wire.APIError{Code: 400, Reason: "invalid", Message: fmt.Sprintf(format, args...)}
}

// reply renders an answer. The front cuts it down to the fields that were asked for.
func (c *call) reply(d doc.Map) (*wire.Response, error) {
	r := wire.Reply(200, d)
	decorate(r.Header)
	return r, nil
}

// empty is an answer without a body (recorded for deletions: storage-bucket.log).
func empty(status int) *wire.Response {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	decorate(h)
	return &wire.Response{Status: status, Header: h}
}

// decorate sets the headers of all answers (recorded: storage-bucket.log).
func decorate(h http.Header) {
	h.Set("Server", "UploadServer")
	h["Vary"] = []string{"Origin", "X-Origin"}
}

func bucketName(b string) string { return host + "/" + b }

// Where the generations of an object are kept: the live one, those that are noncurrent, and those that are soft-deleted.
func liveName(bucket, object string) string {
	return bucketName(bucket) + "/o/" + url.PathEscape(object)
}

func oldName(bucket, object, generation string) string {
	return bucketName(bucket) + "/old/" + url.PathEscape(object) + "@" + generation
}

func softName(bucket, object, generation string) string {
	return bucketName(bucket) + "/soft/" + url.PathEscape(object) + "@" + generation
}

// uploader is the id that Cloud Storage's front gives each call of media (reported with headers in firebase-tools#3647).
func uploader(n int64) string { return "AEmu" + draws.ID(n) }
