package mig

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// The pace of looking at groups, which share their looks: rare until its VMs are expected, then quick, then slower again the
// longer it takes.
const (
	quickest = 500 * time.Millisecond
	slowest  = 10 * time.Second
	// firstList is when the list of the VMs is read first, then each time twice as much time has passed: it is long. In the end
	// it is read once a minute.
	firstList  = 2 * time.Second
	rarestList = time.Minute
	// strikes is how often an error of a VM that nobody knows must be seen in a row to be final. The looks that count are so far
	// apart that the group has tried again in between (the emulator's pace of it, 30 s, is an assumption).
	strikes = 3
	apart   = 30 * time.Second
)

// pace is half of what is left until VMs are usually there, and later a thirtieth of what has passed.
func pace(usually, passed time.Duration) time.Duration {
	return min(slowest, max(quickest, max((usually-passed)/2, passed/30)))
}

// settled says that all VMs are up and of the group's template. The flag alone is not believed: the counts must agree with it.
func settled(g *computepb.InstanceGroupManager) bool {
	return g.GetStatus().GetIsStable() && g.GetStatus().GetVersionTarget().GetIsReached() && g.GetCurrentActions().GetNone() == g.GetTargetSize() && busy(g) == 0
}

// busy counts the VMs with which the group is doing something.
func busy(g *computepb.InstanceGroupManager) int32 {
	a := g.GetCurrentActions()
	return a.GetCreating() + a.GetCreatingWithoutRetries() + a.GetRecreating() + a.GetDeleting() + a.GetAbandoning() + a.GetRefreshing() + a.GetRestarting() +
		a.GetResuming() + a.GetStarting() + a.GetStopping() + a.GetSuspending() + a.GetVerifying()
}

// await returns when the group is settled. It looks at all groups of the zone together, and now and then at the list of this
// group's VMs, until an error shows that time will not mend: then the group is told to stop trying. The number of calls does
// not depend on the number of VMs. Errors that show before fresh has passed are taken for those of an earlier try.
func (d Driver) await(ctx context.Context, id resources.ID, stamp resources.Stamp, usually, fresh time.Duration) error {
	start := time.Now()
	next, since, seen := firstList, start, attempts{}
	for {
		g, err := d.looks.group(ctx, id, stamp.Owner, since)
		switch {
		case err != nil:
			return seen.with(err)
		case g == nil:
			return seen.with(fmt.Errorf("%s went away while its VMs were awaited: %w", id.Path(), resources.ErrNotFound))
		case settled(g):
			return nil
		}
		passed := d.Clients.Unscaled(time.Since(start))
		if passed >= max(next, fresh) {
			list, err := d.vms(ctx, id)
			if final := seen.look(id, list, err, passed); final != nil {
				return errors.Join(final, d.stopTrying(ctx, id, stamp, seen))
			}
			next = passed + min(passed, rarestList)
			if len(seen.errs) > 0 {
				next = passed + min(passed, apart)
			}
		}
		resources.Tell(ctx, resources.Progress{Done: int(g.GetCurrentActions().GetNone()), Total: int(g.GetTargetSize()), Waiting: seen.waiting(g)})
		pause := pace(usually, passed)
		if err := d.Clients.Pause(ctx, pause); err != nil {
			return seen.with(fmt.Errorf("%s: waiting for %d VMs: %w", id.Path(), g.GetTargetSize(), err))
		}
		since = time.Now().Add(-d.Clients.Scaled(pause / 2)) // what another group's wait has just seen will do
	}
}

func (d Driver) vms(ctx context.Context, id resources.ID) ([]*computepb.ManagedInstance, error) {
	return gcp.Collect(ctx, d.Clients.Groups.ListManagedInstances(ctx, &computepb.ListManagedInstancesInstanceGroupManagersRequest{
		Project: id.Project(), Zone: gce.Zone(id), InstanceGroupManager: id.Base(),
	}).Next)
}

// attempts is what the group's attempts at its VMs have shown so far.
type attempts struct {
	all, there, failing int               // there: those that exist, running or on their way up
	errs                map[string]error  // the last look's, by code
	strikes             map[string]strike // by code
}

// strike is in how many looks in a row an error was seen, and when that was counted last.
type strike struct {
	n  int
	at time.Duration
}

// look takes in the list of the VMs. The answer is the error that ends the wait, if there is one: a reason that only a person
// can mend at once, a reason that nobody knows when it stays. A look that failed says nothing.
func (a *attempts) look(id resources.ID, vms []*computepb.ManagedInstance, err error, passed time.Duration) error {
	if err != nil {
		return nil //nolint:nilerr // the transport has tried again; the next look may see more
	}
	before := a.strikes
	*a = attempts{all: len(vms), errs: map[string]error{}, strikes: map[string]strike{}}
	for _, vm := range vms {
		if vm.GetInstanceStatus() != "" {
			a.there++
		}
		failed := vm.GetLastAttempt().GetErrors().GetErrors()
		if vm.GetCurrentAction() == "NONE" || len(failed) == 0 {
			continue
		}
		a.failing++
		for _, e := range failed {
			a.errs[e.GetCode()] = gcp.FromCode(id, e.GetCode(), e.GetMessage())
		}
	}
	var final []error
	for _, code := range slices.Sorted(maps.Keys(a.errs)) {
		err := a.errs[code]
		if gcp.Passing(err) {
			continue // the group tries again, and so does our wait
		}
		seen := before[code]
		if seen.n == 0 || passed-seen.at >= apart {
			seen = strike{seen.n + 1, passed}
		}
		a.strikes[code] = seen
		if known(err) || seen.n >= strikes {
			final = append(final, err)
		}
	}
	if len(final) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d VMs could not be made: %w", a.failing, a.all, errors.Join(final...))
}

// known says that the reason is one that time does not mend.
func known(err error) bool {
	switch resources.ClassOf(err) {
	case resources.ClassStockout, resources.ClassQuota, resources.ClassDenied, resources.ClassPolicy:
		return true
	}
	return false
}

// with puts what the VMs' attempts have shown beside an error of the wait: a time-out without its cause helps nobody.
func (a *attempts) with(err error) error {
	errs := []error{err}
	for _, code := range slices.Sorted(maps.Keys(a.errs)) {
		errs = append(errs, fmt.Errorf("last seen: %w", a.errs[code]))
	}
	return errors.Join(errs...)
}

// waiting says what is waited for, with the last error while there is one.
func (a *attempts) waiting(g *computepb.InstanceGroupManager) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(a.errs)) {
		parts = append(parts, fmt.Sprintf("%d failing with %s", a.failing, code))
	}
	if n := g.GetCurrentActions().GetCreating() + g.GetCurrentActions().GetRecreating(); n > 0 && len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("%d are being made", n))
	}
	return strings.Join(parts, ", ")
}

// stopTrying sets the group's size to the VMs that exist: it would try for ever, and VMs that nobody waits for any more would
// appear and be billed. A smaller group gives up attempts without a VM first (an assumption: the reference of resize says only
// that status counts).
func (d Driver) stopTrying(ctx context.Context, id resources.ID, stamp resources.Stamp, seen attempts) error {
	err := d.patch(ctx, id, stamp, "stop trying", &computepb.InstanceGroupManager{TargetSize: proto.Int32(int32(seen.there))}) //nolint:gosec // at most 1000
	if err != nil {
		return fmt.Errorf("%s still tries to make VMs, which are billed when they appear; its size could not be set to %d: %w", id.Path(), seen.there, err)
	}
	return &StoppedError{Group: id, Running: seen.there}
}

// StoppedError says that a group was told to stop trying, beside the error that says why.
type StoppedError struct {
	Group   resources.ID
	Running int // VMs that run, or are on their way up
}

// Error says what is there, and so what is billed.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("%s was told to stop trying: its size is set to the %d VMs that it has", e.Group.Base(), e.Running)
}
