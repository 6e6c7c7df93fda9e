package mig

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// The pace of looking at a group: quick where its VMs are expected, slower the longer it takes.
const (
	quickest = 250 * time.Millisecond
	slowest  = 10 * time.Second
	// firstLook is when the list of the VMs is read first; then each time twice as much time has passed: it is long.
	firstLook = 2 * time.Second
)

// await returns when the group is settled: every VM up and of the group's template. It looks at the group, and now and
// then at the list of its VMs, until an error shows that time will not mend. The number of calls does not depend on the
// number of VMs. Errors that show before fresh has passed are taken for those of an earlier try.
func (d Driver) await(ctx context.Context, id resources.ID, usually, fresh time.Duration) error {
	start := time.Now()
	next := firstLook
	for {
		var g *computepb.InstanceGroupManager
		err := d.c.Retry(ctx, func(ctx context.Context) error {
			var err error
			g, err = d.get(ctx, id)
			return err
		})
		if err != nil || settled(g) {
			return err
		}
		passed := d.c.Unscaled(time.Since(start))
		if passed >= max(next, fresh) {
			if err := d.stuck(ctx, id); err != nil {
				return err
			}
			next = passed * 2
		}
		if err := d.c.Pause(ctx, pace(usually, passed)); err != nil {
			return fmt.Errorf("%s: waiting for %d VMs: %w", id, g.GetTargetSize(), err)
		}
	}
}

// pace is a 25th of what is left until the usual time, and later a 25th of what has passed.
func pace(usually, passed time.Duration) time.Duration {
	return min(slowest, max(quickest, max(usually-passed, passed)/25))
}

// stuck finds VMs that cannot be made for a reason that only a person can mend.
func (d Driver) stuck(ctx context.Context, id resources.ID) error {
	vms, err := d.managed(ctx, id)
	if err != nil {
		return nil //nolint:nilerr // a look that failed says nothing; the next one may
	}
	failures := map[string]error{}
	waiting := 0
	for _, vm := range vms {
		if vm.GetCurrentAction() == "NONE" {
			continue
		}
		waiting++
		for _, e := range vm.GetLastAttempt().GetErrors().GetErrors() {
			failures[e.GetCode()] = gcp.FromCode(id, e.GetCode(), e.GetMessage())
		}
	}
	var final []error
	for _, err := range failures {
		switch resources.ClassOf(err) {
		case resources.ClassStockout, resources.ClassQuota, resources.ClassDenied:
			final = append(final, err)
		default: // the group tries again, and so does our wait
		}
	}
	if len(final) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d VMs could not be made: %w", waiting, len(vms), errors.Join(final...))
}

func (d Driver) managed(ctx context.Context, id resources.ID) ([]*computepb.ManagedInstance, error) {
	return gcp.Collect(id, d.c.Groups.ListManagedInstances(ctx, &computepb.ListManagedInstancesInstanceGroupManagersRequest{
		Project: gcp.Project(id), Zone: gcp.Zone(id), InstanceGroupManager: id.Base(),
	}).Next)
}
