package emulator

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Options say which cloud to be.
type Options struct {
	// Dir keeps the state, shared with other processes; "" keeps it in memory.
	Dir string
	// Latency says how long operations take; the zero value takes no time.
	Latency Profile
	// TimeScale makes everything that takes time so many times as fast; 0 means 1.
	TimeScale float64
	// Seed chooses draws: durations of a spreading profile, shares of fault plans.
	Seed uint64
	// Faults makes chosen calls go wrong; may be nil.
	Faults *FaultPlan
	// Projects are the projects that exist. When empty every well-formed project id exists, but those that begin with
	// "no-such-", so that a project that does not exist can be tried.
	Projects []string
	// NoDefaultNetwork lists projects without the network "default".
	NoDefaultNetwork []string
	// Disabled lists APIs that start out disabled, for example "compute.googleapis.com".
	Disabled []string
	// Denied lists IAM permissions that the caller does not have.
	Denied []string
	// Log gets a line a call, at debug level; may be nil.
	Log *slog.Logger
	// Hook is called before and after the effect of the n-th call, counted from 1. An error drops the connection there:
	// a test can so let its program die at any call. May be nil.
	Hook func(n int64, phase Phase, method, path string) error
}

// Phase is a moment in a call's life.
type Phase string

// The phases.
const (
	Before Phase = "before" // nothing was done yet
	After  Phase = "after"  // all was done, the answer was not sent
)

// Emulator is a Google Cloud in a box.
type Emulator struct {
	opt         Options
	scale       float64
	world       *world.World
	calls       *callLog
	faults      atomic.Pointer[faults]
	collections map[string]*collection // by plural: "networks"
	compute     *computeRouter
	n           atomic.Int64
	blobs       blobs
}

// New makes an emulator, or opens the one in opt.Dir.
func New(opt Options) (*Emulator, error) {
	em := &Emulator{opt: opt, scale: opt.TimeScale, blobs: blobs{dir: opt.Dir}}
	if em.scale <= 0 {
		em.scale = 1
	}
	if em.opt.Log == nil {
		em.opt.Log = slog.New(slog.DiscardHandler)
	}
	if err := em.SetFaults(opt.Faults); err != nil {
		return nil, err
	}
	em.collections = map[string]*collection{}
	for _, c := range em.computeCollections() {
		em.collections[c.plural] = c
	}
	var err error
	if em.compute, err = newComputeRouter(em.computeMethods()); err != nil {
		return nil, err
	}
	if em.world, err = world.Open(opt.Dir, em.eventHandlers()); err != nil {
		return nil, err
	}
	if err = em.world.Compact(); err != nil {
		return nil, err
	}
	em.calls, err = openCallLog(opt.Dir)
	return em, err
}

// Close lets go of the directory.
func (em *Emulator) Close() error {
	if err := em.calls.close(); err != nil {
		return err
	}
	return em.world.Close()
}

// SetFaults replaces the fault plan; nil ends all faults.
func (em *Emulator) SetFaults(plan *FaultPlan) error {
	f, err := newFaults(plan, em.opt.Seed)
	if err != nil {
		return err
	}
	em.faults.Store(f)
	return nil
}

// do carries out one call. An error means that the connection broke.
func (em *Emulator) do(ctx context.Context, r *request) (*response, error) {
	n := em.n.Add(1)
	start := time.Now()
	resp, err := em.perform(ctx, n, r)
	status := 0
	if resp != nil {
		status = resp.status
	}
	em.opt.Log.Debug("emulated call", "method", r.method, "path", r.prefixed(), "status", status)
	em.calls.add(Call{Method: r.method, Path: r.prefixed(), Status: status, Start: start.UTC(), End: time.Now().UTC()})
	return resp, err
}

func (em *Emulator) perform(ctx context.Context, n int64, r *request) (*response, error) {
	fx := em.faults.Load().strike(r.method, r.prefixed())
	if err := em.hook(n, Before, r); err != nil {
		return nil, err
	}
	if err := em.wait(ctx, em.opt.Latency.duration("rest", em.opt.Seed, n)+fx.delay); err != nil {
		return nil, err
	}
	switch {
	case fx.drop:
		return nil, fmt.Errorf("connection dropped before the call was carried out (fault plan): %w", errDropped)
	case fx.fail != nil:
		f := failure{code: fx.fail.Status, reason: fx.fail.Reason, message: fx.fail.Message}
		if f.message == "" {
			f.message = http.StatusText(f.code)
		}
		return dialectOf(r)(f), nil
	}
	resp, err := em.route(ctx, r, fx)
	if err != nil {
		return nil, err
	}
	if err := em.hook(n, After, r); err != nil {
		return nil, err
	}
	if fx.lose {
		return nil, fmt.Errorf("connection dropped after the call was carried out (fault plan): %w", errDropped)
	}
	return resp, nil
}

func (em *Emulator) hook(n int64, phase Phase, r *request) error {
	if em.opt.Hook == nil {
		return nil
	}
	return em.opt.Hook(n, phase, r.method, r.prefixed())
}

// wait lets emulated time pass, scaled.
func (em *Emulator) wait(ctx context.Context, d time.Duration) error {
	if d = em.scaled(d); d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (em *Emulator) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / em.scale)
}

// draw is how long a thing of this kind takes now, scaled.
func (em *Emulator) draw(tx *world.Tx, kind string) time.Duration {
	return em.scaled(em.opt.Latency.duration(kind, em.opt.Seed, tx.Count()))
}

// route hands the call to its service.
func (em *Emulator) route(ctx context.Context, r *request, fx effect) (*response, error) {
	switch r.service {
	case "compute.googleapis.com":
		if r.path == "/batch/compute/v1" {
			return em.batch(ctx, r)
		}
		return em.serveCompute(ctx, r, fx)
	case "storage.googleapis.com":
		return em.serveStorage(ctx, r)
	case "cloudresourcemanager.googleapis.com":
		return em.serveProjects(r)
	case "serviceusage.googleapis.com":
		return em.serveServices(r)
	}
	return notEmulated(r).rpc(true), nil
}

// dialectOf is how a service writes its refusals.
func dialectOf(r *request) func(failure) *response {
	switch r.service {
	case "compute.googleapis.com":
		return failure.compute
	case "storage.googleapis.com":
		return failure.storage
	}
	classic := classicWanted(r)
	return func(f failure) *response { return f.rpc(classic) }
}

// classicWanted: clients that ask with alt=json or prettyPrint=false get the older errors[] beside the google.rpc form.
func classicWanted(r *request) bool { return r.query.Has("alt") || r.query.Has("prettyPrint") }

// exists says whether a project is one of the world's.
func (em *Emulator) exists(project string) bool {
	if len(em.opt.Projects) > 0 {
		return slices.Contains(em.opt.Projects, project)
	}
	return projectID.MatchString(project) && !strings.HasPrefix(project, "no-such-")
}

// Resource is one line of the inventory.
type Resource struct {
	Name    string    `json:"name"` // full resource name: "//compute.googleapis.com/projects/p/global/networks/n"
	Kind    string    `json:"kind"`
	State   string    `json:"state"`
	Created time.Time `json:"created"`
	Builtin bool      `json:"builtin"`
}

// Resources lists all that exists, sorted by name.
func (em *Emulator) Resources() ([]Resource, error) {
	out := []Resource{}
	err := em.world.Do(time.Now(), func(tx *world.Tx) error {
		for _, o := range tx.All() {
			if o.Kind == "" || o.Kind == operationKind {
				continue // bookkeeping and history, not things
			}
			out = append(out, Resource{
				Name: "//" + o.Name, Kind: o.Kind, State: stateOf(o), Created: o.Created.UTC(), Builtin: o.Builtin,
			})
		}
		return nil
	})
	return out, err
}

func stateOf(o *world.Object) string {
	switch {
	case o.Doomed:
		return "DELETING"
	case !o.Ready:
		return "CREATING"
	case o.State != "":
		return o.State
	}
	if s := str(o.Doc, "status"); s != "" {
		return s
	}
	return "READY"
}

// ReadDir gives the inventory of a directory without an emulator at work: `emulator resources --dir DIR`.
func ReadDir(dir string) ([]Resource, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("emulator directory: %w", err)
	}
	em, err := New(Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	list, err := em.Resources()
	if err != nil {
		return nil, err
	}
	return list, em.Close()
}
