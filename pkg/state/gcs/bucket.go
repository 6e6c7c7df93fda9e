package gcs

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// The label on a bucket that this tool has made: only such a bucket is ever removed.
const (
	labelKey   = "aiinfra-cluster-provision"
	labelValue = "state"
)

// EnsureBucket makes the default bucket if it is missing, and refuses one that belongs to another project: its name can be
// guessed by anybody. A bucket that the user named must exist.
func (s *Store) EnsureBucket(ctx context.Context) error {
	bucket := s.client.Bucket(s.opt.Bucket)
	err := s.retry(ctx, func() error {
		_, err := bucket.Attrs(ctx)
		return err
	})
	if isAbsent(err) && s.opt.Default {
		err = s.retry(ctx, func() error { return s.makeBucket(ctx) })
		if resources.ClassOf(gcp.Wrap("", err)) == resources.ClassConflict {
			err = nil // somebody, perhaps ourselves with a lost answer, was quicker: whose it is is looked at next
		}
	}
	if err != nil {
		return s.explain(err)
	}
	if !s.opt.Default {
		return nil
	}
	return s.checkOwner(ctx)
}

func (s *Store) makeBucket(ctx context.Context) error {
	return s.client.Bucket(s.opt.Bucket).Retryer(storage.WithPolicy(storage.RetryNever)).Create(ctx, s.opt.Project, &storage.BucketAttrs{
		Location:                 s.opt.Region,
		UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true},
		PublicAccessPrevention:   storage.PublicAccessPreventionEnforced,
		VersioningEnabled:        true,
		Labels:                   map[string]string{labelKey: labelValue},
	})
}

// CheckBucket says, reading only, whether EnsureBucket would succeed; a default bucket that is missing is fine.
func (s *Store) CheckBucket(ctx context.Context) error {
	_, err := s.client.Bucket(s.opt.Bucket).Attrs(ctx)
	switch {
	case isAbsent(err) && s.opt.Default:
		return nil
	case err != nil:
		return s.explain(err)
	case !s.opt.Default:
		return nil
	}
	return s.checkOwner(ctx)
}

// checkOwner looks for the bucket among those of the project. That needs no project number.
func (s *Store) checkOwner(ctx context.Context) error {
	it := s.client.Buckets(ctx, s.opt.Project)
	it.Prefix = s.opt.Bucket
	for {
		attrs, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return &settingError{bucketError{class: resources.ClassForeign, text: fmt.Sprintf(
				"bucket gs://%s belongs to another project than %s and is not used; give one of your own with TERRAFORM_GCS_PATH=gs://BUCKET",
				s.opt.Bucket, s.opt.Project)}}
		}
		if err != nil {
			return s.explain(err)
		}
		if attrs.Name == s.opt.Bucket {
			return nil
		}
	}
}

// RemoveBucketIfOurs removes the default bucket when this tool made it and nothing is left in it.
func (s *Store) RemoveBucketIfOurs(ctx context.Context) (bool, error) {
	if !s.opt.Default {
		return false, nil
	}
	bucket := s.client.Bucket(s.opt.Bucket)
	attrs, err := bucket.Attrs(ctx)
	if isAbsent(err) {
		return false, nil
	}
	if err != nil {
		return false, s.explain(err)
	}
	if attrs.Labels[labelKey] != labelValue {
		return false, nil
	}
	it := bucket.Objects(ctx, &storage.Query{Versions: true})
	for {
		left, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return false, s.explain(err)
		}
		if left.Name != s.folder()+lockName || left.Deleted.IsZero() {
			return false, nil
		}
		// an old generation of our own lock, left by its release
		if err := bucket.Object(left.Name).Generation(left.Generation).Delete(ctx); err != nil && !isAbsent(err) {
			return false, s.explain(err)
		}
	}
	err = bucket.Delete(ctx)
	if resources.ClassOf(gcp.Wrap("", err)) == resources.ClassConflict {
		return false, nil // somebody has put something into it meanwhile
	}
	return err == nil, s.explain(err)
}
