package provision

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Catalog answers, reading only, what the project and the zone offer.
type Catalog interface {
	CheckProject(context.Context) error
	CheckServices(ctx context.Context, apis []string) ([]resources.Problem, error)
	CheckPermissions(ctx context.Context, permissions []string) ([]resources.Problem, error)
	CheckMachine(ctx context.Context, machine, gpu string) ([]resources.Problem, error)
	CheckDefaultNetwork(ctx context.Context, externalIP bool) ([]resources.Problem, error)
	Image(ctx context.Context, project, family, name string) (path string, err error)
	Families(ctx context.Context, project string) (newestFirst []string, err error)
	UsedRanges(context.Context) (map[netip.Prefix]string, error)
}

// Fleet lists the VMs that carry an owner's label.
type Fleet interface {
	List(ctx context.Context, owner string) ([]resources.VM, error)
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
}

// What waiting is like at the normal pace.
const (
	writeInterval = time.Second      // least time between two writes of the manifest
	gatherTime    = 5 * time.Second  // how long outcomes wait for more of them
	stepLimit     = 60 * time.Minute // longest time for one step
	grace         = 2 * time.Minute  // how long what runs may go on after an interrupt
	proxyLimit    = 285 * time.Second
)

func (e *Engine) scaled(d time.Duration) time.Duration {
	if e.Pace <= 0 {
		return d
	}
	return time.Duration(float64(d) / e.Pace)
}

func (e *Engine) unscaled(d time.Duration) time.Duration {
	if e.Pace <= 0 {
		return d
	}
	return time.Duration(float64(d) * e.Pace)
}

func (e *Engine) note(level progress.Level, text string) {
	if e.Printer != nil {
		e.Printer.Notice(level, text)
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
