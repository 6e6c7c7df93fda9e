package gcs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/storage"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/state"
	"github.com/aiinfra/cluster-provision/pkg/state/gcs"
	"github.com/aiinfra/cluster-provision/pkg/state/statetest"
)

const (
	project = "my-project"
	bucket  = "aiinfra-terraform-my-project"
)

// wire is a way to the cloud on which things can go wrong.
type wire struct {
	next http.RoundTripper

	mu    sync.Mutex
	hang  int
	lose  int
	calls []string // "GET /b/B/o/NAME?query"
	skew  time.Duration
	// answer, when it gives something, is answered instead of the cloud.
	answer func(*http.Request) *http.Response
	// before is called with every call. May be nil.
	before func(*http.Request)
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.calls = append(w.calls, r.Method+" "+r.URL.RequestURI())
	changes := r.Method != http.MethodGet
	hangs := changes && w.hang > 0
	if hangs {
		w.hang--
	}
	before, answer := w.before, w.answer
	w.mu.Unlock()
	if before != nil {
		before(r)
	}
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if answer != nil {
		if resp := answer(r); resp != nil {
			if r.Body != nil { // as every transport must
				_, _ = io.Copy(io.Discard, r.Body)
				_ = r.Body.Close()
			}
			return resp, nil
		}
	}
	resp, err := w.next.RoundTrip(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && changes && resp.StatusCode < 300 && w.lose > 0 {
		w.lose--
		return nil, errors.Join(io.ErrUnexpectedEOF, resp.Body.Close())
	}
	return resp, err
}

func (w *wire) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *wire) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

// since gives the calls from the n-th on.
func (w *wire) since(n int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls[n:])
}

// reply is an answer that is made up.
func reply(r *http.Request, status int, kind, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// refusal is an error of Cloud Storage.
func refusal(r *http.Request, status int, reason, message string) *http.Response {
	return reply(r, status, "application/json", fmt.Sprintf(
		`{"error":{"code":%d,"message":%q,"errors":[{"domain":"global","reason":%q,"message":%q}]}}`, status, message, reason, message))
}

// cloud is an emulated world for one test, reached over a wire.
type cloud struct {
	t *testing.T
	*wire
	em *emulator.Emulator
}

func world(t *testing.T) *cloud {
	t.Helper()
	em, err := emulator.New(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &cloud{t, &wire{next: em.Transport()}, em}
}

// store is a fresh process's view of a deployment, "demo" in the default bucket if nothing else is said.
func (c *cloud) store(opt gcs.Options) *gcs.Store {
	c.t.Helper()
	if opt.Bucket == "" {
		opt.Bucket, opt.Default = bucket, true
	}
	if opt.Project == "" {
		opt.Project = project
	}
	if opt.Prefix == "" {
		opt.Prefix = "demo"
	}
	opt.Region, opt.Now = "us-central1", c.now
	return gcs.New(c.client(), opt)
}

func (c *cloud) client() *storage.Client {
	c.t.Helper()
	clients, err := gcp.New(c.t.Context(), gcp.Options{Transport: c.wire})
	if err != nil {
		c.t.Fatal(err)
	}
	return clients.Storage
}

// ready is a store whose bucket is there.
func (c *cloud) ready(opt gcs.Options) *gcs.Store {
	c.t.Helper()
	s := c.store(opt)
	if err := s.EnsureBucket(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// bucketOf makes a bucket as somebody else would.
func (c *cloud) bucketOf(owner, name string, attrs *storage.BucketAttrs) {
	c.t.Helper()
	if err := c.client().Bucket(name).Create(c.t.Context(), owner, attrs); err != nil {
		c.t.Fatal(err)
	}
}

// plant writes an object as somebody else would.
func (c *cloud) plant(name, text string) {
	c.t.Helper()
	w := c.client().Bucket(bucket).Object(name).NewWriter(c.t.Context())
	if _, err := io.WriteString(w, text); err != nil {
		c.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// left lists every generation that there is in the world, and the buckets.
func (c *cloud) left() []string {
	c.t.Helper()
	all, err := c.em.Resources()
	if err != nil {
		c.t.Fatal(err)
	}
	var out []string
	for _, r := range all {
		if !r.Builtin && strings.Contains(r.Name, "storage") {
			out = append(out, r.Name)
		}
	}
	return out
}

func (c *cloud) opened() statetest.Opened {
	return statetest.Opened{
		Store:   c.ready(gcs.Options{}),
		Another: func() state.Store { return c.store(gcs.Options{}) },
		Sleep:   func(d time.Duration) { c.set(func() { c.skew += d }) },
		Hang:    func(n int) { c.set(func() { c.hang = n }) },
		Lose:    func(n int) { c.set(func() { c.lose = n }) },
		Plant:   func(name string) { c.plant("demo-deployment/"+name, "x") },
	}
}

func TestTheSuite(t *testing.T) {
	statetest.Run(t, func(t *testing.T) statetest.Opened { return world(t).opened() })
}

func wait(d time.Duration) { <-time.NewTimer(d).C }

func manifest(serial int64) state.Manifest {
	return state.Manifest{Lineage: "l", Serial: serial, Writer: "me", Owner: "o", Project: project, Prefix: "demo"}
}

func lock(ctx context.Context, t *testing.T, s *gcs.Store, run string) state.Lease {
	t.Helper()
	l, err := s.Lock(ctx, state.Holder{Owner: "somebody", Host: "here", Run: run, Action: "create"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (c *cloud) faults(raw string) {
	c.t.Helper()
	plan, err := emulator.ParseFaultPlan([]byte(raw))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.em.SetFaults(plan); err != nil {
		c.t.Fatal(err)
	}
}

// lock locks a bucket's retention policy for good, as somebody else would.
func (c *cloud) lock(name string) {
	c.t.Helper()
	b := c.client().Bucket(name)
	attrs, err := b.Attrs(c.t.Context())
	if err == nil {
		err = b.If(storage.BucketConditions{MetagenerationMatch: attrs.MetaGeneration}).LockRetentionPolicy(c.t.Context())
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// patch changes a bucket's settings as somebody else would.
func (c *cloud) patch(name, body string) {
	c.t.Helper()
	if body == "" {
		return
	}
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPatch, "https://storage.googleapis.com/storage/v1/b/"+name, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.next.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatal(resp, err)
	}
	_ = resp.Body.Close() // read by nobody
}
