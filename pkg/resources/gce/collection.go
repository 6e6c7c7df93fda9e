package gce

import (
	"context"
	"slices"
	"strings"
	"time"

	compute "cloud.google.com/go/compute/apiv1"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Resource is what all resources of Compute Engine that carry our mark have.
type Resource interface {
	GetSelfLink() string
	GetDescription() string
}

// Place computes the name of a resource: Global, Regional or Zonal.
type Place func(scope resources.Scope, collection, name string) resources.ID

// Collection has the verbs of a kind that are alike in all collections of Compute Engine. A kind embeds it and adds Refs, Check
// and Compare, and overrides what differs. S and O are the kind's Spec and Outputs, R the API's type. Each function makes one
// call of the API; what is around it, request ids, waiting, owner marks and what is done again, is here.
type Collection[S, O any, R Resource] struct {
	Clients *gcp.Clients
	Noun    resources.Kind
	Plural  string // the collection in paths and permissions: "networks"
	Place   Place

	Fetch  func(context.Context, resources.ID) (R, error)
	Insert func(ctx context.Context, id resources.ID, s S, stamp resources.Stamp, request *string) (*compute.Operation, error)
	Change func(ctx context.Context, id resources.ID, s S, stamp resources.Stamp, request *string) (*compute.Operation, error) // nil: nothing changes in place
	Remove func(ctx context.Context, id resources.ID, request *string) (*compute.Operation, error)
	List   func(ctx context.Context, project string, filter *string) ([]R, error) // in all regions and zones
	Live   func(R) resources.Live[S, O]                                           // all but ID and Owner

	Permissions []string // needed beside create, get, list and delete: a verb, "update", or a whole one, "compute.networks.updatePolicy"
	Quota       string   // the quota of the whole project of which each resource takes one: "NETWORKS"; empty for none
	Takes       Durations
}

// Durations are what the verbs usually take. The kind names the source.
type Durations struct{ Create, Update, Delete time.Duration }

// Kind names the kind.
func (k Collection[S, O, R]) Kind() resources.Kind { return k.Noun }

// ID is the path of PREFIX-name in the collection.
func (k Collection[S, O, R]) ID(scope resources.Scope, name string, _ S) resources.ID {
	return k.Place(scope, k.Plural, scope.Name(name))
}

// Names says whether an id is the name of a resource of this collection.
func (k Collection[S, O, R]) Names(id resources.ID) bool {
	return id.Service() == Service && id.Project() != "" && id.Part(k.Plural) == id.Base()
}

// Read gives the resource as it is; the description carries the mark.
func (k Collection[S, O, R]) Read(ctx context.Context, id resources.ID) (resources.Live[S, O], error) {
	r, err := k.Fetch(ctx, id)
	if err != nil {
		return resources.Live[S, O]{}, gcp.Wrap(id, err)
	}
	live := k.Live(r)
	live.ID, live.Owner = id, OwnerOf(r.GetDescription())
	return live, nil
}

// Create makes the resource.
func (k Collection[S, O, R]) Create(ctx context.Context, id resources.ID, s S, stamp resources.Stamp) error {
	return Do(ctx, k.Clients, id, stamp, "insert", func(ctx context.Context, request *string) (*compute.Operation, error) {
		return k.Insert(ctx, id, s, stamp, request)
	})
}

// Update makes the resource as wanted in one call. Without changes it waits for what is under way.
func (k Collection[S, O, R]) Update(ctx context.Context, live resources.Live[S, O], s S, changes []resources.Change, stamp resources.Stamp) error {
	if len(changes) == 0 || k.Change == nil {
		_, err := k.Settle(ctx, live.ID)
		return err
	}
	return Do(ctx, k.Clients, live.ID, stamp, "update", func(ctx context.Context, request *string) (*compute.Operation, error) {
		return k.Change(ctx, live.ID, s, stamp, request)
	})
}

// Delete removes the resource. What others have put into it is named, never removed.
func (k Collection[S, O, R]) Delete(ctx context.Context, id resources.ID, stamp resources.Stamp) error {
	return remove(ctx, k.Clients, id, stamp, func(ctx context.Context, request *string) (*compute.Operation, error) {
		return k.Remove(ctx, id, request)
	})
}

// Settle waits for operations under way on the resource.
func (k Collection[S, O, R]) Settle(ctx context.Context, id resources.ID) (bool, error) {
	return Settle(ctx, k.Clients, id)
}

// Sweep lists what the owner has, in all regions and zones, sorted.
func (k Collection[S, O, R]) Sweep(ctx context.Context, scope resources.Scope, owner string) ([]resources.ID, error) {
	filter := OwnerFilter(owner)
	list, err := k.List(ctx, scope.Project, &filter)
	var ids []resources.ID
	for _, r := range list {
		if OwnerOf(r.GetDescription()) == owner {
			ids = append(ids, IDOf(r.GetSelfLink()))
		}
	}
	slices.Sort(ids)
	return ids, err
}

// Require is what making, reading and removing a resource needs.
func (k Collection[S, O, R]) Require(resources.Scope, S) resources.Requirements {
	need := resources.Requirements{APIs: []string{Service}}
	for _, p := range append([]string{"create", "get", "list", "delete"}, k.Permissions...) {
		if !strings.Contains(p, ".") {
			p = "compute." + k.Plural + "." + p
		}
		need.Permissions = append(need.Permissions, p)
	}
	if k.Quota != "" {
		need.Quotas = map[resources.Quota]float64{{Metric: k.Quota}: 1}
	}
	return need
}

// Estimate is what the verb usually takes.
func (k Collection[S, O, R]) Estimate(v resources.Verb, _ S, _ resources.Impact) time.Duration {
	return v.Pick(k.Takes.Create, k.Takes.Update, k.Takes.Delete)
}

// Aggregate reads an aggregated list to its end: next is the iterator, items takes what one zone or region holds.
func Aggregate[P, R any](ctx context.Context, next func() (P, error), items func(P) []R) ([]R, error) {
	pairs, err := gcp.Collect(ctx, next)
	var out []R
	for _, pair := range pairs {
		out = append(out, items(pair)...)
	}
	return out, err
}

// Refuse is a problem with a field of a spec when something is wrong with it.
func Refuse(wrong bool, path, message string) []resources.Problem {
	if !wrong {
		return nil
	}
	return []resources.Problem{{Path: path, Message: message}}
}
