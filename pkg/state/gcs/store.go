package gcs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cloud.google.com/go/storage"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/iterator"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Options say which bucket and folder, and at what pace.
type Options struct {
	Bucket  string
	Folder  string // above the deployment's own folder; may be empty
	Prefix  string // NAME_PREFIX
	Project string // owns the default bucket; pays for calls where the bucket's owner does not
	Region  string // of a default bucket that is made
	Default bool   // the bucket is the default one: it may be made and removed
	// Pace makes all waiting so many times as quick; 0 means 1.
	Pace float64
	// Now is the wall clock that the lease goes by; nil means time.Now.
	Now func() time.Time
}

// What waiting is like at the normal pace.
const (
	changeInterval = time.Second // least time between two changes of one object name
	leaseTTL       = 2 * time.Minute
	leaseBeat      = 40 * time.Second // each costs a call, and one more when it is cleared; what is left of the TTL is enough for six tries
	leaseMargin    = 15 * time.Second // for clocks that differ
	leaseTry       = 10 * time.Second // limit of one try to renew
	mostPace       = 20               // no pace makes the lease quicker than this: processes are real even where the cloud is not
	parallel       = 16               // most calls of one step of work at once
)

// Store implements state.Store.
type Store struct {
	opt    Options
	client *storage.Client
	timing state.Timing
	pays   atomic.Bool   // the bucket's owner lets the caller's project pay
	down   *atomic.Bool  // the last call was given up after all its tries
	turn   chan struct{} // held by who looks at the bucket

	mu      sync.Mutex
	known   *place               // what was seen of the bucket; nil for nothing yet
	changed map[string]time.Time // last change of each object by this process
}

var _ state.Store = (*Store)(nil)

// New gives the store of a deployment. It calls nothing. The client's own retries are turned off: they would multiply with
// those of the transport below it and of the store.
func New(client *storage.Client, opt Options) *Store {
	if opt.Pace <= 0 {
		opt.Pace = 1
	}
	client.SetRetry(storage.WithPolicy(storage.RetryNever))
	return open(client, opt)
}

func open(client *storage.Client, opt Options) *Store {
	lease := func(d time.Duration) time.Duration { return time.Duration(float64(d) / min(opt.Pace, mostPace)) }
	return &Store{
		opt: opt, client: client, down: &atomic.Bool{}, turn: make(chan struct{}, 1), changed: map[string]time.Time{},
		timing: state.Timing{TTL: lease(leaseTTL), Beat: lease(leaseBeat), Margin: lease(leaseMargin), Try: lease(leaseTry), Now: opt.Now},
	}
}

// suffix ends the name of every deployment's folder.
const suffix = "-deployment"

func (s *Store) folder() string { return path.Join(s.opt.Folder, s.opt.Prefix+suffix) + "/" }

// Location is the deployment's folder as users see it: "gs://bucket/folder/".
func (s *Store) Location() string { return "gs://" + s.opt.Bucket + "/" + s.folder() }

// bucket is the handle for one call. The user project may become known with any answer, so none is kept.
func (s *Store) bucket() *storage.BucketHandle {
	b := s.client.Bucket(s.opt.Bucket)
	if s.pays.Load() {
		b = b.UserProject(s.opt.Project)
	}
	return b
}

func (s *Store) object(name string) *storage.ObjectHandle {
	return s.bucket().Object(s.folder() + name)
}

// patience is the longest time for one call with all its tries.
func (s *Store) patience() time.Duration {
	return time.Duration(float64(2*time.Minute) / min(s.opt.Pace, mostPace))
}

func (s *Store) scaled(d time.Duration) time.Duration { return resources.Pace(s.opt.Pace).Scaled(d) }

// Load gives the manifest; a zero one and version 0 when there is none, or no default bucket yet. A bucket that was named and
// is missing, and a default bucket that is another project's, are errors.
func (s *Store) Load(ctx context.Context) (state.Manifest, state.Version, error) {
	raw, generation, err := s.fetch(ctx, manifestName)
	if err != nil || generation == 0 {
		return state.Manifest{}, 0, err
	}
	m, err := state.Decode(raw)
	var damaged *state.DamagedError
	if errors.As(err, &damaged) {
		damaged.Where = fmt.Sprintf("%s%s (generation %d)", s.Location(), manifestName, generation)
		damaged.Mend = s.lastGood(ctx)
	}
	return m, state.Version(generation), err
}

// fetch reads an object; generation 0 when it is absent. Whose bucket it is is looked at meanwhile, once a run, and speaks first:
// what another project's bucket answers, and what would mend that, is of no use.
func (s *Store) fetch(ctx context.Context, name string) (data []byte, generation int64, err error) {
	reading, end := context.WithCancel(ctx)
	defer end()
	looked := make(chan error, 1)
	go func() {
		_, err := s.look(ctx)
		if err != nil {
			end()
		}
		looked <- err
	}()
	data, generation, err = s.read(reading, name)
	if unusable := <-looked; unusable != nil {
		return nil, 0, unusable
	}
	if err != nil {
		return nil, 0, s.explain(err)
	}
	return data, generation, nil
}

// lastGood looks for the newest older generation that can be read and says how to go back to it.
func (s *Store) lastGood(ctx context.Context) string {
	object := s.Location() + manifestName
	all, err := s.generations(ctx, s.folder()+manifestName)
	if err != nil {
		return fmt.Sprintf("older generations could not be listed (%v): look at %s", err, object)
	}
	slices.SortFunc(all, func(a, b generation) int { return cmp.Compare(b.number, a.number) })
	for _, g := range all[:min(len(all), 20)] {
		if g.live || g.name != s.folder()+manifestName {
			continue
		}
		raw, err := s.readGeneration(ctx, manifestName, g.number)
		if _, bad := state.Decode(raw); err == nil && bad == nil {
			return fmt.Sprintf("go back to the last good generation with: gcloud storage cp %q %q", fmt.Sprintf("%s#%d", object, g.number), object)
		}
	}
	return "no older generation can be read: look at " + object
}

// Save replaces one version of the manifest and no other.
func (s *Store) Save(ctx context.Context, m state.Manifest, v state.Version) (state.Version, error) {
	raw, err := state.Encode(m)
	if err != nil {
		return 0, err
	}
	generation, err := s.write(ctx, manifestName, raw, int64(v))
	if !conflict(err) {
		return state.Version(generation), s.explain(err)
	}
	// Was it our own earlier write, whose answer was lost?
	there, now, readErr := s.Load(ctx)
	if readErr == nil && there.Writer == m.Writer && there.Serial == m.Serial && there.Lineage == m.Lineage {
		return now, nil
	}
	return 0, state.ErrConflict
}

// Rescue stores a manifest that Save could not store, beside it, while the lease is held.
func (s *Store) Rescue(ctx context.Context, l state.Lease, run string, m state.Manifest) (string, error) {
	if l.Check() != nil {
		return "", state.ErrLeaseLost
	}
	raw, err := state.Encode(m)
	if err != nil {
		return "", err
	}
	ctx, cancel := both(ctx, l.Context())
	defer cancel()
	name := recoveryPrefix + run + ".json"
	if !ours(name) {
		return "", fmt.Errorf("%q is no name for a run", run)
	}
	return s.Location() + name, s.explain(s.replace(ctx, name, raw))
}

// both is a context that also ends, with its cause, when another one does.
func both(ctx, other context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	return ctx, func() { stop(); cancel(context.Canceled) }
}

// Upload puts a file into the deployment's folder: "logs/NAME". It needs no lease, and goes only beside a manifest: after a
// destroy the error is state.ErrNoManifest, and nothing is written. A destroy that clears in the same moment can leave the
// file behind; the next one finds and removes it.
func (s *Store) Upload(ctx context.Context, name string, data []byte) error {
	if !uploaded(name) {
		return fmt.Errorf("%q is no name of an upload", name)
	}
	if _, err := s.look(ctx); err != nil {
		return err
	}
	err := s.do(ctx, func(ctx context.Context) error {
		attrs, err := s.object(manifestName).Attrs(ctx)
		if err == nil && attrs.Generation <= 0 {
			err = &strangeError{"an object without a generation"}
		}
		return err
	})
	if absent(err) {
		return fmt.Errorf("%s: %w", s.Location(), state.ErrNoManifest)
	}
	if err != nil {
		return s.explain(err)
	}
	return s.explain(s.replace(ctx, name, data))
}

// replace writes an object whatever is there, but never over what came after it has looked.
func (s *Store) replace(ctx context.Context, name string, data []byte) error {
	_, err := s.put(ctx, name, data, 0)
	if !conflict(err) {
		return err
	}
	there, generation, err := s.read(ctx, name)
	if err != nil || generation != 0 && bytes.Equal(there, data) { // the latter: our own write, whose answer was lost
		return err
	}
	_, err = s.put(ctx, name, data, generation)
	return err
}

// List gives the manifests of all deployments beside this one's place, by prefix. One that cannot be read is a
// *state.DeploymentError in the error; the others are answered with it. No default bucket means no deployments; a bucket that
// was named and is missing is an error.
func (s *Store) List(ctx context.Context) ([]state.Manifest, error) {
	there, err := s.look(ctx)
	if err != nil || !there.exists {
		return nil, err
	}
	names, err := s.deployments(ctx)
	if err != nil {
		return nil, s.explain(err)
	}
	manifests := make([]state.Manifest, len(names))
	versions := make([]state.Version, len(names))
	errs := make([]error, len(names))
	var loads errgroup.Group
	loads.SetLimit(parallel)
	for i, name := range names {
		opt := s.opt
		opt.Prefix = name
		one := open(s.client, opt)
		one.known, one.down = &there, s.down
		one.pays.Store(s.pays.Load())
		loads.Go(func() error {
			var err error
			if manifests[i], versions[i], err = one.Load(ctx); err != nil {
				errs[i] = &state.DeploymentError{Prefix: name, Err: err}
			}
			return nil
		})
	}
	_ = loads.Wait() // none answers an error
	var out []state.Manifest
	for i, m := range manifests {
		if errs[i] == nil && versions[i] != 0 {
			out = append(out, m)
		}
	}
	return out, errors.Join(errs...)
}

// deployments lists the prefixes that have a folder, sorted.
func (s *Store) deployments(ctx context.Context) (names []string, err error) {
	above := ""
	if s.opt.Folder != "" {
		above = s.opt.Folder + "/"
	}
	err = s.do(ctx, func(ctx context.Context) error {
		names = nil
		it := s.bucket().Objects(ctx, &storage.Query{Prefix: above, Delimiter: "/"})
		for {
			attrs, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return nil
			}
			if err != nil {
				return err
			}
			if name, ok := strings.CutSuffix(strings.TrimPrefix(attrs.Prefix, above), suffix+"/"); ok {
				names = append(names, name)
			}
		}
	})
	if absent(err) && s.opt.Default {
		return nil, nil // it went since it was looked at
	}
	slices.Sort(names)
	return names, err
}
