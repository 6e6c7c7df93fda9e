package provision

import (
	"context"
	"log/slog"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Catalog answers, reading only, what the project and the zone offer.
type Catalog interface {
	// Look asks all that the query holds, side by side. The answer is never nil; the error joins what could not be read.
	Look(context.Context, offer.Query) (*offer.Answer, error)
	// Missing gives those of the permissions that the caller does not have on the project.
	Missing(ctx context.Context, permissions []string) ([]string, error)
	// MissingOn gives those that the caller does not have on one thing, given by its path.
	MissingOn(ctx context.Context, path string, permissions []string) ([]string, error)
	// Denied is the error that says so; an empty path stands for the project.
	Denied(path string, permissions []string) error
}

// Fleet lists the VMs that carry an owner's label.
type Fleet interface {
	List(ctx context.Context, owner string) ([]resources.VM, error)
	// Proof lists the VMs and disks that carry the owner's label, in all zones, whoever made them from our template.
	Proof(ctx context.Context, owner string) ([]resources.Blocker, error)
}

// Store keeps the manifest, in a bucket that may have to be made first and may be removed in the end.
type Store interface {
	state.Store
	FindBucket(context.Context) (bool, error)
	CheckBucket(context.Context) error
	EnsureBucket(context.Context) error
	Upload(ctx context.Context, name string, data []byte) error
	List(context.Context) ([]state.Manifest, error)
	Location() string
}

// Engine carries actions out on one deployment.
type Engine struct {
	Registry *resources.Registry
	Store    Store
	Catalog  Catalog
	Fleet    Fleet
	Scope    resources.Scope
	Owner    string // deployment id
	Tool     string // version of the program
	Rescue   string // directory in which a manifest is kept that could not be stored
	Flags    string // the flags that name the deployment, for commands that are shown to the user
	Printer  progress.Printer
	Log      *slog.Logger
	// Pace makes all waiting so many times as quick; 0 means 1. It goes with a scaled emulator.
	Pace float64
	// Stop, when closed, keeps anything more from being started; what runs may end. May be nil.
	Stop <-chan struct{}
	// Sweep lets destroy also remove what carries the deployment's mark and is not in the manifest.
	Sweep bool
	// UpgradeImage lets create and plan take the newest image of the family instead of the one that was recorded.
	UpgradeImage bool
}

// What waiting is like at the normal pace.
const (
	writeInterval  = time.Second      // least time between two writes of the manifest
	gatherInterval = 45 * time.Second // how long outcomes wait for more of them: each write is a call
	stepLimit      = 60 * time.Minute // longest time for one step
	grace          = 2 * time.Minute  // how long what runs may go on after an interrupt
	proxyLimit     = 285 * time.Second
	firstWord      = 3 * time.Second // a wait that takes so long is told of
	foresight      = 2 * time.Minute // how long a plan waits for what an interrupted run has left under way
)

func (e *Engine) scaled(d time.Duration) time.Duration   { return resources.Pace(e.Pace).Scaled(d) }
func (e *Engine) unscaled(d time.Duration) time.Duration { return resources.Pace(e.Pace).Unscaled(d) }

func (e *Engine) note(level progress.Level, text string) {
	if e.Printer != nil {
		e.Printer.Notice(level, text)
	}
}

// stopped says whether the user wants nothing more to be started.
func (e *Engine) stopped() bool {
	select {
	case <-e.Stop:
		return e.Stop != nil
	default:
		return false
	}
}

// interruptible is a context that also ends at Stop, for all that comes before the first change.
func (e *Engine) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if e.Stop != nil {
		go func() {
			select {
			case <-e.Stop:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	return ctx, cancel
}
