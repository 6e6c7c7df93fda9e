package gcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// The label on a bucket that this tool has made: only such a bucket is ever removed.
const (
	labelKey   = "aiinfra-cluster-provision"
	labelValue = "state"
)

// place is what is known of the bucket.
type place struct {
	exists bool
	attrs  *storage.BucketAttrs // nil when the caller may not read them
}

func (p place) ours() bool { return p.attrs != nil && p.attrs.Labels[labelKey] == labelValue }

// look finds out, once a run, whether the bucket exists and may be used at all. A missing default bucket is no error; a
// missing one that was named is, and so is a default bucket of another project.
func (s *Store) look(ctx context.Context) (place, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return place{}, resources.Ended(context.Cause(ctx))
	}
	if known := s.seen(); known != nil {
		return *known, nil
	}
	find := s.findNamed
	if s.opt.Default {
		find = s.findDefault
	}
	there, err := find(ctx)
	if err != nil {
		return place{}, err
	}
	if there.attrs != nil && there.attrs.RequesterPays {
		s.pays.Store(true)
	}
	s.learn(&there)
	return there, nil
}

// seen is what look has found out; nil for nothing yet.
func (s *Store) seen() *place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known
}

func (s *Store) learn(p *place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = p
}

// attrs reads the bucket itself.
func (s *Store) attrs(ctx context.Context) (attrs *storage.BucketAttrs, err error) {
	err = s.do(ctx, func(ctx context.Context) error {
		attrs, err = s.bucket().Attrs(ctx)
		if err == nil && attrs.Name != s.opt.Bucket {
			err = &strangeError{fmt.Sprintf("a bucket named %q", attrs.Name)}
		}
		return err
	})
	return attrs, err
}

// findNamed looks at a bucket that the user has named. Who may use objects but not read the bucket may use it all the same.
func (s *Store) findNamed(ctx context.Context) (place, error) {
	attrs, err := s.attrs(ctx)
	switch {
	case absent(err):
		return place{}, wrongSetting(resources.ClassNotFound, err,
			"bucket gs://%s does not exist; make it with: gcloud storage buckets create gs://%s --project=%s, or correct TERRAFORM_GCS_PATH",
			s.opt.Bucket, s.opt.Bucket, s.opt.Project)
	case denied(err):
		return place{exists: true}, nil
	case err != nil:
		return place{}, s.explain(err)
	}
	return place{exists: true, attrs: attrs}, nil
}

// findDefault looks for the bucket among those of the project: its name can be guessed by anybody. That needs no project
// number, and one call where the bucket is there. One that is there and not among them is another project's, unless it is
// among them at the second look: then it was made meanwhile.
func (s *Store) findDefault(ctx context.Context) (place, error) {
	var attrs *storage.BucketAttrs
	var err, listErr error
	for range 2 {
		attrs, listErr = s.inProject(ctx)
		if attrs != nil {
			return place{exists: true, attrs: attrs}, nil
		}
		if listErr != nil && !denied(listErr) {
			return place{}, s.explain(listErr)
		}
		_, err = s.attrs(ctx)
		switch {
		case absent(err):
			return place{}, nil
		case err != nil && !denied(err):
			return place{}, s.explain(err)
		case listErr != nil:
			return place{}, wrongSetting(resources.ClassDenied, listErr,
				"whether bucket gs://%s is project %s's own cannot be seen: %v; storage.buckets.list on the project lets it be seen, or name a bucket that you trust with TERRAFORM_GCS_PATH=gs://BUCKET",
				s.opt.Bucket, s.opt.Project, listErr)
		}
	}
	return place{}, wrongSetting(resources.ClassForeign, err,
		"bucket gs://%s belongs to another project than %s and is not used; give the bucket that the deployment was made with, or one of your own for a new one, with TERRAFORM_GCS_PATH=gs://BUCKET",
		s.opt.Bucket, s.opt.Project)
}

// inProject finds the bucket among the project's; nil when it is not there.
func (s *Store) inProject(ctx context.Context) (found *storage.BucketAttrs, err error) {
	err = s.do(ctx, func(ctx context.Context) error {
		found = nil
		it := s.client.Buckets(ctx, s.opt.Project)
		it.Prefix = s.opt.Bucket
		for {
			attrs, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return nil
			}
			if err != nil {
				return err
			}
			if attrs.Name == s.opt.Bucket {
				found = attrs
				return nil
			}
		}
	})
	return found, err
}

// FindBucket says whether the bucket is there. It is what status, list, destroy and unlock need to know; it changes nothing and
// is one call a run at most, or two where a default bucket is not there. Errors are those of look.
func (s *Store) FindBucket(ctx context.Context) (bool, error) {
	there, err := s.look(ctx)
	return there.exists, err
}

// CheckBucket says, reading only, whether a create could use the bucket: whether it may be a deployment's place at all, and
// whether the caller has the permissions that the lease and the manifest need. A default bucket that is missing is fine.
func (s *Store) CheckBucket(ctx context.Context) error {
	there, err := s.look(ctx)
	if err != nil {
		return err
	}
	if err := s.suitable(there); err != nil || !there.exists {
		return err
	}
	need := []string{"storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list"}
	var have []string
	err = s.do(ctx, func(ctx context.Context) error {
		have, err = s.bucket().IAM().TestPermissions(ctx, need) // needs no permission itself: docs/json_api/v1/buckets/testIamPermissions
		return err
	})
	if absent(err) && s.opt.Default {
		s.learn(&place{}) // it went meanwhile, with another deployment's destroy
		return nil
	}
	if err != nil {
		return s.explain(err)
	}
	missing := slices.DeleteFunc(need, func(p string) bool { return slices.Contains(have, p) })
	if len(missing) > 0 {
		return &bucketError{class: resources.ClassDenied, text: fmt.Sprintf(
			"no permission %s on bucket gs://%s; %s", strings.Join(missing, ", "), s.opt.Bucket, s.role())}
	}
	return nil
}

// EnsureBucket makes the default bucket if it is missing, and refuses a place that a deployment cannot have.
func (s *Store) EnsureBucket(ctx context.Context) error {
	there, err := s.look(ctx)
	if err != nil {
		return err
	}
	if err := s.suitable(there); err != nil || there.exists {
		return err
	}
	return s.makeBucket(ctx)
}

// suitable refuses, without a call, where a new deployment must not be.
func (s *Store) suitable(there place) error {
	for folder := path.Clean("/" + s.opt.Folder); folder != "/"; folder = path.Dir(folder) {
		if name := path.Base(folder); len(name) > len(suffix) && strings.HasSuffix(name, suffix) {
			return wrongSetting(resources.ClassInvalid, nil,
				"gs://%s%s is a deployment's own folder, and no deployment can be inside another one's; give TERRAFORM_GCS_PATH another folder",
				s.opt.Bucket, folder)
		}
	}
	if there.attrs == nil {
		return nil
	}
	if p := there.attrs.RetentionPolicy; p != nil && p.RetentionPeriod > 0 {
		if p.IsLocked {
			return wrongSetting(resources.ClassInvalid, nil,
				"bucket gs://%s has a locked retention policy of %s, so that the lease and the manifest could not be written again; name another bucket with TERRAFORM_GCS_PATH=gs://BUCKET",
				s.opt.Bucket, p.RetentionPeriod)
		}
		return wrongSetting(resources.ClassInvalid, nil, "bucket gs://%s has a retention policy of %s: %s", s.opt.Bucket, p.RetentionPeriod, s.unretained())
	}
	if there.attrs.DefaultEventBasedHold {
		return wrongSetting(resources.ClassInvalid, nil,
			"bucket gs://%s puts an event-based hold on every object, so that the lease and the manifest could not be written again; "+
				"turn it off with: gcloud storage buckets update gs://%s --no-default-event-based-hold, or name another bucket with TERRAFORM_GCS_PATH=gs://BUCKET",
			s.opt.Bucket, s.opt.Bucket)
	}
	return nil
}

// makeBucket makes the default bucket. Somebody may be quicker, perhaps ourselves with a lost answer: whose it is is looked at
// then.
func (s *Store) makeBucket(ctx context.Context) error {
	attrs := &storage.BucketAttrs{
		Location:                 s.opt.Region,
		UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true},
		PublicAccessPrevention:   storage.PublicAccessPreventionEnforced,
		VersioningEnabled:        true,
		Labels:                   map[string]string{labelKey: labelValue},
		// Old generations of locks are of no use; removing each by a call would cost one with every renewal.
		Lifecycle: storage.Lifecycle{Rules: []storage.LifecycleRule{{
			Action:    storage.LifecycleAction{Type: storage.DeleteAction},
			Condition: storage.LifecycleCondition{Liveness: storage.Archived, DaysSinceNoncurrentTime: 1, MatchesSuffix: []string{"/" + lockName}},
		}}},
	}
	var err error
	for range most {
		err = s.do(ctx, func(ctx context.Context) error {
			return s.client.Bucket(s.opt.Bucket).Create(ctx, s.opt.Project, attrs)
		})
		switch {
		case err == nil:
			made := *attrs
			made.Name, made.MetaGeneration = s.opt.Bucket, 1 // as every new bucket has (recorded: storage-bucket.log)
			s.learn(&place{exists: true, attrs: &made})
			return nil
		case status(err) != http.StatusConflict:
			return s.refused(err)
		}
		s.learn(nil)
		if there, err := s.look(ctx); err != nil || there.exists {
			return err
		} // it went again meanwhile
	}
	return s.explain(err)
}

// refused explains why the default bucket could not be made. Nothing was changed, and another bucket would do.
func (s *Store) refused(err error) error {
	explained := s.explain(err)
	if e, ok := api(err); ok && strings.Contains(e.Message, "constraints/") { // 412, "'LOCATION' violates constraint 'constraints/gcp.resourceLocations'"
		return wrongSetting(resources.ClassInvalid, nil,
			"the default bucket gs://%s cannot be made: an organization policy refuses it: %s; name a bucket that exists with TERRAFORM_GCS_PATH=gs://BUCKET",
			s.opt.Bucket, e.Message)
	}
	if denied(err) {
		return wrongSetting(resources.ClassDenied, err,
			"the default bucket cannot be made: %v; with a bucket that exists it need not be: TERRAFORM_GCS_PATH=gs://BUCKET", explained)
	}
	return explained
}

// removeBucket removes the default bucket when this tool made it. The cloud itself refuses when anything is in it (409,
// recorded: errors.log), so nothing is listed before.
func (s *Store) removeBucket(ctx context.Context) (gone bool, why string, err error) {
	for range 3 {
		there, err := s.look(ctx)
		if err != nil {
			return false, err.Error(), nil //nolint:nilerr // the bucket was removed and its name taken by another: not ours to remove
		}
		if !there.exists {
			return true, "", nil
		}
		if !there.ours() {
			return false, "", nil
		}
		err = s.do(ctx, func(ctx context.Context) error {
			return s.bucket().If(storage.BucketConditions{MetagenerationMatch: there.attrs.MetaGeneration}).Delete(ctx)
		})
		switch {
		case err == nil, absent(err): // the latter: another destroy was quicker, or ours whose answer was lost
			s.learn(&place{})
			return true, "", nil
		case status(err) == http.StatusConflict:
			return false, "", nil
		case denied(err):
			return false, s.explain(err).Error(), nil
		case !conflict(err):
			return false, "", s.explain(err)
		}
		s.learn(nil) // its settings were changed, or it is another one by now
	}
	return false, "its settings change all the time", nil
}
