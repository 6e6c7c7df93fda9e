package catalog

import (
	"context"
	"slices"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
)

// machine looks whether the zone has the machine type and the GPU type. A machine type that is there tells that the zone is
// there too, and, of those that come with GPUs, which these are ("accelerators" of MachineType, compute/v1 discovery document):
// one call then says all.
func (l *look) machine(ctx context.Context) error {
	var m offer.Machine
	t, err := l.c.MachineTypes.Get(ctx, &computepb.GetMachineTypeRequest{Project: l.scope.Project, Zone: l.scope.Zone, MachineType: l.q.Machine})
	switch {
	case err == nil:
		m.NoGPU, err = l.gpuAbsent(ctx, t)
	case l.absent(ctx, err), resources.ClassOf(gcp.Wrap("", err)) == resources.ClassInvalid: // an unknown zone is an invalid one in this path
		m, err = l.whereElse(ctx, err)
	}
	if err != nil {
		return err
	}
	l.answer(func() { l.Machine = &m })
	return nil
}

func (l *look) gpuAbsent(ctx context.Context, t *computepb.MachineType) (bool, error) {
	comes := slices.ContainsFunc(t.GetAccelerators(), func(a *computepb.Accelerators) bool { return a.GetGuestAcceleratorType() == l.q.GPU })
	if l.q.GPU == "" || comes {
		return false, nil
	}
	_, err := l.c.AcceleratorTypes.Get(ctx, &computepb.GetAcceleratorTypeRequest{Project: l.scope.Project, Zone: l.scope.Zone, AcceleratorType: l.q.GPU})
	if l.absent(ctx, err) {
		return true, nil
	}
	return false, err
}

// whereElse tells a zone without the machine type from one that is not there.
func (l *look) whereElse(ctx context.Context, said error) (offer.Machine, error) {
	_, err := l.c.Zones.Get(ctx, &computepb.GetZoneRequest{Project: l.scope.Project, Zone: l.scope.Zone})
	switch {
	case l.absent(ctx, err):
		return offer.Machine{NoZone: true}, nil
	case err != nil:
		return offer.Machine{}, err
	case !l.absent(ctx, said):
		return offer.Machine{}, said // the zone is there: something else was invalid
	}
	return offer.Machine{NoMachine: true, Zones: l.zonesWith(ctx)}, nil
}

// zonesWith names the zones in which the machine type is to be had; none when that could not be read: it is a hint only.
func (l *look) zonesWith(ctx context.Context) []string {
	pairs, err := gcp.Collect(ctx, l.c.MachineTypes.AggregatedList(ctx, &computepb.AggregatedListMachineTypesRequest{
		Project: l.scope.Project, Filter: proto.String("name = " + l.q.Machine),
	}).Next)
	if err != nil {
		return nil
	}
	var zones []string
	for _, pair := range pairs {
		if len(pair.Value.GetMachineTypes()) > 0 {
			zones = append(zones, strings.TrimPrefix(pair.Key, "zones/"))
		}
	}
	slices.Sort(zones)
	return zones
}
