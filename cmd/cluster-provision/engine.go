package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// engine is what the actions ask of provision.Engine, so that they are tested without a cloud.
type engine interface {
	Create(context.Context, *config.Config, changeOptions, provision.Approve) (*provision.Report, error)
	Plan(context.Context, *config.Config, changeOptions) (*plan.Plan, error)
	Destroy(ctx context.Context, sweep bool, approve provision.Approve) (*provision.Report, error)
	Validate(context.Context, *config.Config) (resources.Problems, error)
	Nodes(context.Context, *config.Config) ([]*resources.Node, error)
	Status(context.Context) (*provision.Status, error)
	List(context.Context) ([]state.Manifest, error)
	Unlock(context.Context, func(state.Holder) (bool, error)) error
	// Upload puts a file into the deployment's folder.
	Upload(ctx context.Context, name string, data []byte) error
	// Changed says whether anything was called so far that changes something.
	Changed() bool
	// About gives the deployment's id and where its state is.
	About() (deployment, location string)
}

// changeOptions allow create what it does not do by itself.
type changeOptions struct {
	UpgradeImage  bool // take the newest image of the family
	AllowDataLoss bool // delete or replace what holds a user's data
}

// live is the engine. All calls of provision.Engine are in this file.
type live struct {
	e     *provision.Engine
	store *watchedStore
	stop  func() <-chan struct{} // the interrupt that is the first one now
}

func (l *live) Create(ctx context.Context, cfg *config.Config, o changeOptions, approve provision.Approve) (*provision.Report, error) {
	l.e.Stop, l.e.UpgradeImage = l.stop(), o.UpgradeImage
	report, err := l.e.Create(ctx, cfg, approve)
	return report, l.marked(err)
}

func (l *live) Plan(ctx context.Context, cfg *config.Config, o changeOptions) (*plan.Plan, error) {
	l.e.UpgradeImage = o.UpgradeImage
	ctx, cancel := l.reading(ctx)
	defer cancel()
	return l.e.Plan(ctx, cfg)
}

func (l *live) Destroy(ctx context.Context, sweep bool, approve provision.Approve) (*provision.Report, error) {
	l.e.Stop, l.e.Sweep = l.stop(), sweep
	report, err := l.e.Destroy(ctx, approve)
	return report, l.marked(err)
}

func (l *live) Validate(ctx context.Context, cfg *config.Config) (resources.Problems, error) {
	ctx, cancel := l.reading(ctx)
	defer cancel()
	return l.e.Validate(ctx, cfg)
}

func (l *live) Nodes(ctx context.Context, cfg *config.Config) ([]*resources.Node, error) {
	ctx, cancel := l.reading(ctx)
	defer cancel()
	return l.e.Nodes(ctx, cfg)
}

func (l *live) Status(ctx context.Context) (*provision.Status, error) {
	ctx, cancel := l.reading(ctx)
	defer cancel()
	return l.e.Status(ctx)
}

func (l *live) List(ctx context.Context) ([]state.Manifest, error) {
	ctx, cancel := l.reading(ctx)
	defer cancel()
	return l.e.List(ctx)
}

func (l *live) Unlock(ctx context.Context, agree func(state.Holder) (bool, error)) error {
	ctx, cancel := l.reading(ctx)
	defer cancel()
	return l.marked(l.e.Unlock(ctx, agree))
}

// reading is the context of what changes nothing that could be left half done: the first interrupt ends it. Create and destroy
// have Engine.Stop instead.
func (l *live) reading(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := l.stop()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func (l *live) Upload(ctx context.Context, name string, data []byte) error {
	return l.e.Store.Upload(ctx, name, data)
}

func (l *live) Changed() bool             { return l.store.changed.Load() }
func (l *live) About() (id, place string) { return l.e.Owner, l.e.Store.Location() }

// marked marks an error that came after something was called that changes something: exit code 2 would be a lie.
func (l *live) marked(err error) error {
	if err == nil || !l.Changed() {
		return err
	}
	return &provision.ChangedError{Err: err}
}

// watchedStore notices the first call that changes something. That no other place has to is because every change needs the
// lease, and the lease is taken from the store. A lease that another run holds was not changed.
type watchedStore struct {
	provision.Store
	makesBucket bool // the default bucket: EnsureBucket may make it
	changed     atomic.Bool
}

// EnsureBucket counts as a change when the bucket may have been made.
func (s *watchedStore) EnsureBucket(ctx context.Context) error {
	err := s.Store.EnsureBucket(ctx)
	if s.makesBucket && err == nil {
		s.changed.Store(true)
	}
	return err
}

// Lock writes the lease.
func (s *watchedStore) Lock(ctx context.Context, who state.Holder) (state.Lease, error) {
	lease, err := s.Store.Lock(ctx, who)
	if held := (*state.HeldError)(nil); !errors.As(err, &held) {
		s.changed.Store(true)
	}
	return lease, err
}

// Unlock removes a lease.
func (s *watchedStore) Unlock(ctx context.Context, v state.Version) error {
	s.changed.Store(true)
	return s.Store.Unlock(ctx, v)
}
