package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Options say which bucket and folder, and at what pace.
type Options struct {
	Bucket  string
	Folder  string // above the deployment's own folder; may be empty
	Prefix  string // NAME_PREFIX
	Project string // owns the default bucket
	Region  string // of a default bucket that is made
	Default bool   // the bucket is the default one: it may be made
	// Pace makes all waiting so many times as quick; 0 means 1.
	Pace float64
}

// What waiting is like at the normal pace.
const (
	changeInterval = time.Second // least time between two changes of one object name
	leaseTTL       = 2 * time.Minute
	leaseBeat      = 20 * time.Second
	leaseMargin    = 15 * time.Second // for clocks that differ
)

// Store implements state.Store.
type Store struct {
	opt    Options
	client *storage.Client

	mu      sync.Mutex
	changed map[string]time.Time // last change of each object by this process
}

var _ state.Store = (*Store)(nil)

// New gives the store of a deployment. It calls nothing.
func New(client *storage.Client, opt Options) *Store {
	if opt.Pace <= 0 {
		opt.Pace = 1
	}
	return &Store{opt: opt, client: client, changed: map[string]time.Time{}}
}

func (s *Store) folder() string { return path.Join(s.opt.Folder, s.opt.Prefix+"-deployment") + "/" }

// Location is the deployment's folder as users see it: "gs://bucket/folder/".
func (s *Store) Location() string { return "gs://" + s.opt.Bucket + "/" + s.folder() }

func (s *Store) object(name string) *storage.ObjectHandle {
	return s.client.Bucket(s.opt.Bucket).Object(s.folder() + name)
}

func (s *Store) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.opt.Pace)
}

const (
	manifestName = "manifest.json"
	lockName     = "lock.json"
)

// Load gives the manifest; a zero one and version 0 when there is none, or no bucket yet.
func (s *Store) Load(ctx context.Context) (state.Manifest, state.Version, error) {
	raw, generation, err := s.read(ctx, manifestName)
	if isAbsent(err) {
		return state.Manifest{}, 0, nil
	}
	if err != nil {
		return state.Manifest{}, 0, s.explain(err)
	}
	m, err := state.Decode(raw)
	var damaged *state.DamagedError
	if errors.As(err, &damaged) {
		damaged.Where = fmt.Sprintf("%s%s (generation %d)", s.Location(), manifestName, generation)
		damaged.Mend = s.lastGood(ctx)
	}
	return m, state.Version(generation), err
}

func isAbsent(err error) bool {
	return errors.Is(err, storage.ErrObjectNotExist) || errors.Is(err, storage.ErrBucketNotExist) ||
		resources.ClassOf(gcp.Wrap("", err)) == resources.ClassNotFound
}

func (s *Store) read(ctx context.Context, name string) (data []byte, generation int64, err error) {
	err = s.retry(ctx, func() error {
		r, err := s.object(name).NewReader(ctx)
		if err != nil {
			return err
		}
		defer r.Close() //nolint:errcheck // read only
		generation = r.Attrs.Generation
		data, err = io.ReadAll(r)
		return err
	})
	return data, generation, err
}

// lastGood looks for the newest older generation that can be read and says how to go back to it.
func (s *Store) lastGood(ctx context.Context) string {
	it := s.client.Bucket(s.opt.Bucket).Objects(ctx, &storage.Query{Prefix: s.folder() + manifestName, Versions: true})
	var best int64
	for {
		attrs, err := it.Next()
		if err != nil {
			break
		}
		if attrs.Generation <= best || attrs.Deleted.IsZero() {
			continue
		}
		r, err := s.object(manifestName).Generation(attrs.Generation).NewReader(ctx)
		if err != nil {
			continue
		}
		raw, err := io.ReadAll(r)
		_ = r.Close() // read only
		if _, bad := state.Decode(raw); err == nil && bad == nil {
			best = attrs.Generation
		}
	}
	object := strings.TrimSuffix(s.Location(), "/") + "/" + manifestName
	if best == 0 {
		return "no older generation can be read: look at " + object
	}
	return fmt.Sprintf("go back to the last good generation with: gcloud storage cp %q %q", fmt.Sprintf("%s#%d", object, best), object)
}

// Save replaces one version of the manifest and no other.
func (s *Store) Save(ctx context.Context, m state.Manifest, v state.Version) (state.Version, error) {
	raw, err := state.Encode(m)
	if err != nil {
		return 0, err
	}
	generation, err := s.write(ctx, manifestName, raw, int64(v))
	if resources.ClassOf(gcp.Wrap("", err)) != resources.ClassConflict {
		return state.Version(generation), s.explain(err)
	}
	// Was it our own earlier write, whose answer was lost?
	there, now, readErr := s.Load(ctx)
	if readErr == nil && there.Writer == m.Writer && there.Serial == m.Serial && there.Lineage == m.Lineage {
		return now, nil
	}
	return 0, state.ErrConflict
}

// write changes an object if it has the generation, 0 for one that must not exist. It waits for its turn and tries a 429
// again.
func (s *Store) write(ctx context.Context, name string, data []byte, generation int64) (int64, error) {
	condition := storage.Conditions{GenerationMatch: generation}
	if generation == 0 {
		condition = storage.Conditions{DoesNotExist: true}
	}
	var made int64
	err := s.change(ctx, name, func() error {
		w := s.object(name).If(condition).Retryer(storage.WithPolicy(storage.RetryNever)).NewWriter(ctx)
		w.ContentType = "application/json"
		w.ChunkSize = 0 // one request
		if _, err := w.Write(data); err != nil {
			return errors.Join(err, w.Close())
		}
		if err := w.Close(); err != nil {
			return err
		}
		made = w.Attrs().Generation
		return nil
	})
	return made, err
}

// change paces the changes of one object name and tries again what is worth it.
func (s *Store) change(ctx context.Context, name string, f func() error) error {
	s.mu.Lock()
	due := s.changed[name].Add(s.scaled(changeInterval))
	s.mu.Unlock()
	if err := pause(ctx, time.Until(due)); err != nil {
		return err
	}
	err := s.retry(ctx, f)
	s.mu.Lock()
	s.changed[name] = time.Now()
	s.mu.Unlock()
	return err
}

// retry repeats on passing faults, rate limits among them, for about a minute.
func (s *Store) retry(ctx context.Context, f func() error) error {
	wait := 300 * time.Millisecond
	for start := time.Now(); ; {
		err := f()
		if resources.ClassOf(gcp.Wrap("", err)) != resources.ClassTransient || time.Since(start) > s.scaled(time.Minute) {
			return err
		}
		if stopped := pause(ctx, s.scaled(wait)); stopped != nil {
			return errors.Join(stopped, err)
		}
		wait = min(wait*2, 5*time.Second)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Rescue stores a manifest that Save could not store, beside it.
func (s *Store) Rescue(ctx context.Context, run string, m state.Manifest) (string, error) {
	raw, err := state.Encode(m)
	if err != nil {
		return "", err
	}
	name := "recovery-" + run + ".json"
	return s.Location() + name, s.Upload(ctx, name, raw)
}

// Upload puts a file into the deployment's folder.
func (s *Store) Upload(ctx context.Context, name string, data []byte) error {
	return s.explain(s.change(ctx, name, func() error {
		w := s.object(name).Retryer(storage.WithPolicy(storage.RetryNever)).NewWriter(ctx)
		if _, err := w.Write(data); err != nil {
			return errors.Join(err, w.Close())
		}
		return w.Close()
	}))
}

// Clear removes every generation of every object of the deployment's folder but the lock that is held.
func (s *Store) Clear(ctx context.Context) error {
	it := s.client.Bucket(s.opt.Bucket).Objects(ctx, &storage.Query{Prefix: s.folder(), Versions: true})
	for {
		attrs, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err != nil {
			if isAbsent(err) {
				return nil
			}
			return s.explain(err)
		}
		name := strings.TrimPrefix(attrs.Name, s.folder())
		if name == lockName && attrs.Deleted.IsZero() {
			continue
		}
		remove := func() error { return s.object(name).Generation(attrs.Generation).Delete(ctx) }
		if attrs.Deleted.IsZero() {
			err = s.change(ctx, name, remove)
		} else {
			err = s.retry(ctx, remove)
		}
		if err != nil && !isAbsent(err) {
			return s.explain(err)
		}
	}
}

// List gives the manifests of all deployments in the bucket, those that can be read; what cannot is an error beside them.
func (s *Store) List(ctx context.Context) ([]state.Manifest, error) {
	prefix := s.opt.Folder
	if prefix != "" {
		prefix += "/"
	}
	it := s.client.Bucket(s.opt.Bucket).Objects(ctx, &storage.Query{Prefix: prefix, Delimiter: "/"})
	var out []state.Manifest
	var errs []error
	for {
		attrs, err := it.Next()
		if errors.Is(err, iterator.Done) || isAbsent(err) {
			return out, errors.Join(errs...)
		}
		if err != nil {
			return out, s.explain(err)
		}
		name, ok := strings.CutSuffix(strings.TrimPrefix(attrs.Prefix, prefix), "-deployment/")
		if !ok {
			continue
		}
		opt := s.opt
		opt.Prefix = name
		m, v, err := New(s.client, opt).Load(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("deployment %s: %w", name, err))
		} else if v != 0 {
			out = append(out, m)
		}
	}
}

// explain puts the bucket into what the cloud said.
func (s *Store) explain(err error) error {
	if err == nil || errors.Is(err, state.ErrConflict) {
		return err
	}
	err = gcp.Wrap("", err)
	switch resources.ClassOf(err) {
	case resources.ClassNotFound:
		return &settingError{bucketError{class: resources.ClassNotFound, err: err, text: fmt.Sprintf(
			"bucket gs://%s does not exist; make it with: gcloud storage buckets create gs://%s --project=%s, or correct TERRAFORM_GCS_PATH",
			s.opt.Bucket, s.opt.Bucket, s.opt.Project)}}
	case resources.ClassDenied:
		return &bucketError{class: resources.ClassDenied, err: err, text: fmt.Sprintf(
			"no access to bucket gs://%s: %v; you need roles/storage.objectAdmin on it: gcloud storage buckets add-iam-policy-binding gs://%s --member=user:YOU --role=roles/storage.objectAdmin",
			s.opt.Bucket, err, s.opt.Bucket)}
	}
	return fmt.Errorf("bucket gs://%s: %w", s.opt.Bucket, err)
}

// bucketError says which bucket, and what to do.
type bucketError struct {
	class resources.Class
	text  string
	err   error
}

func (e *bucketError) Error() string          { return e.text }
func (e *bucketError) Unwrap() error          { return e.err }
func (e *bucketError) Class() resources.Class { return e.class }

// settingError is a bucket that another setting would mend.
type settingError struct{ bucketError }

// Setting is the setting that names the bucket.
func (e *settingError) Setting() string { return "TERRAFORM_GCS_PATH" }

func decodeHolder(raw []byte) (state.Holder, error) {
	var h state.Holder
	err := json.Unmarshal(raw, &h)
	return h, err
}
