package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// read gives an object's live generation; 0 when the object, or its bucket, is absent.
func (s *Store) read(ctx context.Context, name string) (data []byte, generation int64, err error) {
	err = s.do(ctx, func(ctx context.Context) error {
		data, generation, err = readAll(ctx, s.object(name))
		return err
	})
	if absent(err) {
		return nil, 0, nil
	}
	return data, generation, err
}

func (s *Store) readGeneration(ctx context.Context, name string, generation int64) (data []byte, err error) {
	err = s.do(ctx, func(ctx context.Context) error {
		data, _, err = readAll(ctx, s.object(name).Generation(generation))
		return err
	})
	return data, err
}

func readAll(ctx context.Context, o *storage.ObjectHandle) ([]byte, int64, error) {
	r, err := o.NewReader(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close() //nolint:errcheck // read only
	data, err := io.ReadAll(r)
	if err == nil && r.Attrs.Generation <= 0 { // Cloud Storage always tells it, in the header X-Goog-Generation
		return nil, 0, &strangeError{fmt.Sprintf("an object without a generation: %.200q", data)}
	}
	return data, r.Attrs.Generation, err
}

// most is how often a default bucket that vanishes is made again for one write: each time is another run's destroy that ended
// in this moment.
const most = 20

// write changes an object if it has the generation, 0 for one that must not exist, and answers the new generation. It waits
// for its turn. A default bucket that is missing, because another deployment's destroy has just removed it, is made.
func (s *Store) write(ctx context.Context, name string, data []byte, generation int64) (made int64, err error) {
	for range most {
		if there := s.seen(); generation == 0 && s.opt.Default && there != nil && !there.exists {
			if err := s.makeBucket(ctx); err != nil {
				return 0, err
			}
		}
		made, err = s.put(ctx, name, data, generation)
		if !absentBucket(err) {
			break
		}
		s.learn(&place{})
		if !s.opt.Default || generation != 0 {
			break
		}
	}
	return made, err
}

func (s *Store) put(ctx context.Context, name string, data []byte, generation int64) (made int64, err error) {
	condition := storage.Conditions{GenerationMatch: generation}
	if generation == 0 {
		condition = storage.Conditions{DoesNotExist: true}
	}
	err = s.change(ctx, name, func(ctx context.Context) error {
		w := s.object(name).If(condition).NewWriter(ctx)
		w.ContentType = "application/json"
		if !strings.HasSuffix(name, ".json") {
			w.ContentType = "text/plain; charset=utf-8"
		}
		w.ChunkSize = 0 // one request
		if _, err := w.Write(data); err != nil {
			return errors.Join(err, w.Close())
		}
		if err := w.Close(); err != nil {
			return err
		}
		if made = w.Attrs().Generation; made <= 0 {
			return &strangeError{"an object was written and has no generation"}
		}
		return nil
	})
	return made, err
}

// generation is one of an object's.
type generation struct {
	name   string // the whole one
	number int64
	live   bool
}

// generations lists every generation of every object whose name begins with a prefix; none when the bucket is absent.
func (s *Store) generations(ctx context.Context, prefix string) (all []generation, err error) {
	err = s.do(ctx, func(ctx context.Context) error {
		all = nil
		it := s.bucket().Objects(ctx, &storage.Query{Prefix: prefix, Versions: true})
		for {
			attrs, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return nil
			}
			if err != nil {
				return err
			}
			all = append(all, generation{attrs.Name, attrs.Generation, attrs.Deleted.IsZero()})
		}
	})
	if absent(err) {
		return nil, nil
	}
	return all, err
}

// remove deletes one generation for good, in one call: "Cloud Storage retains a noncurrent object version each time you
// replace or delete a live object version, as long as you do not specify the generation number of the live version"
// (https://cloud.google.com/storage/docs/object-versioning). What came after it stays. Absent is as good as removed.
func (s *Store) remove(ctx context.Context, name string, g int64, live bool) error {
	f := func(ctx context.Context) error { return s.object(name).Generation(g).Delete(ctx) }
	do := s.do
	if live {
		do = func(ctx context.Context, f func(context.Context) error) error { return s.change(ctx, name, f) }
	}
	if err := do(ctx, f); !absent(err) {
		return err
	}
	return nil
}

// change paces the changes of one object name: about one a second, deletions included
// (https://cloud.google.com/storage/quotas, "Maximum rate of writes to the same object name").
func (s *Store) change(ctx context.Context, name string, f func(context.Context) error) error {
	s.mu.Lock()
	due := s.changed[name].Add(s.scaled(changeInterval))
	s.mu.Unlock()
	if err := pause(ctx, time.Until(due)); err != nil {
		return err
	}
	err := s.do(ctx, f)
	s.mu.Lock()
	s.changed[name] = time.Now()
	s.mu.Unlock()
	return err
}

// do makes a call, and makes it again for the caller's project when the bucket's owner does not pay. What fails in passing the
// transport tries again, once as long as it is worth: while a bucket stays down nothing else is waited for.
func (s *Store) do(ctx context.Context, f func(context.Context) error) error {
	if s.down.Load() {
		ctx = gcp.Once(ctx)
	}
	err := gcp.LastWords(ctx, f)
	if unpaid(err) && !s.pays.Swap(true) {
		err = gcp.LastWords(ctx, f)
	}
	if ctx.Err() == nil {
		s.down.Store(gcp.GaveUp(err))
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return resources.Ended(context.Cause(ctx))
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return resources.Ended(context.Cause(ctx))
	}
}
