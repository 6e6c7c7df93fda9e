package mig

import (
	"context"
	"sync"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// looks shares what was seen among all groups that are waited for: one list gives all groups of a zone, so the number of
// reads does not grow with the number of groups.
type looks struct {
	clients *gcp.Clients

	mu    sync.Mutex
	zones map[place]*look
}

// place is a zone of a project, and whose groups in it.
type place struct{ project, zone, owner string }

// look is what was seen last in one place.
type look struct {
	turn   chan struct{} // holds one token: who has it may read and list
	at     time.Time     // when the list was asked for
	groups map[string]*computepb.InstanceGroupManager
}

func newLooks(c *gcp.Clients) *looks { return &looks{clients: c, zones: map[place]*look{}} }

func (l *looks) of(p place) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.zones[p] == nil {
		l.zones[p] = &look{turn: make(chan struct{}, 1)}
		l.zones[p].turn <- struct{}{}
	}
	return l.zones[p]
}

// group gives the group as it was seen at a time, or later; nil when it was not there.
func (l *looks) group(ctx context.Context, id resources.ID, owner string, since time.Time) (*computepb.InstanceGroupManager, error) {
	p := place{id.Project(), gce.Zone(id), owner}
	seen := l.of(p)
	select {
	case <-seen.turn:
	case <-ctx.Done():
		return nil, gcp.Wrap(id, ctx.Err())
	}
	defer func() { seen.turn <- struct{}{} }()
	if seen.at.Before(since) || seen.groups == nil {
		at := time.Now()
		list, err := gcp.Collect(ctx, l.clients.Groups.List(ctx, &computepb.ListInstanceGroupManagersRequest{
			Project: p.project, Zone: p.zone, Filter: proto.String(gce.OwnerFilter(owner)),
		}).Next)
		if err != nil {
			return nil, gcp.Wrap(id, err)
		}
		seen.at, seen.groups = at, make(map[string]*computepb.InstanceGroupManager, len(list))
		for _, g := range list {
			seen.groups[g.GetName()] = g
		}
	}
	return seen.groups[id.Base()], nil
}
