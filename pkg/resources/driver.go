package resources

import (
	"context"
	"encoding/json"
	"time"
)

// Driver is what a kind gives. S is the wanted state of one resource, a plain struct with JSON tags; O is what it
// publishes to other nodes. Kind, Refs, ID, Check and Compare are pure: they call nothing and change nothing.
type Driver[S, O any] interface {
	// Kind names the kind.
	Kind() Kind
	// Refs lists every Ref field of the spec. A field that is forgotten here fails the shared suite.
	Refs(*S) []Dep
	// ID computes the cloud's name before anything exists.
	ID(Scope, string, S) ID
	// Check finds what is wrong with a spec without asking anybody.
	Check(S) []Problem
	// Compare lists the managed fields that differ. Fields that the kind does not manage never show.
	Compare(want, have S) []Change
	// Read brings what is there into the form of a Spec. It answers ErrNotFound (errors.Is) when it is absent.
	Read(context.Context, ID) (Live[S, O], error)
	// Create makes the resource and returns when it is usable. It marks it with the stamp's owner. Asking again with the
	// same request id after a lost answer makes nothing twice. "It exists already" is an error of class ClassExists.
	Create(context.Context, ID, S, Stamp) error
	// Update makes the given changes, none of which has the impact Replace, and returns when they hold.
	Update(context.Context, Live[S, O], S, []Change, Stamp) error
	// Delete returns when the resource is gone. Deleting what is absent is success. What is in use by somebody else's things
	// is a *BlockedError.
	Delete(context.Context, ID, Stamp) error
	// Settle waits for what is under way on the resource, and says whether anything was. An absent resource with a creation
	// under way appears after it: gone is only what is absent with nothing under way.
	Settle(context.Context, ID) (bool, error)
}

// Live is a resource as it is in the cloud.
type Live[S, O any] struct {
	ID      ID
	Spec    S
	Outputs O
	Owner   string // deployment id in its owner mark; empty when it carries none
	Version string // fingerprint or etag, for updates that need one
	Pending bool   // an operation on it is not done: it is there, but not yet usable
}

// Stamp goes with everything that is made or changed.
type Stamp struct {
	Owner     string            // deployment id, written on the thing itself
	Labels    map[string]string // labels for whatever can carry them; includes the owner label
	RequestID string            // UUID decided before the call and recorded; the same on every retry
}

// OwnerLabel is the label that holds the deployment id; billing reports are filtered by it.
const OwnerLabel = "aiinfra-cluster"

// Verb is what is done to a resource.
type Verb string

// The verbs.
const (
	VerbCreate Verb = "create"
	VerbUpdate Verb = "update"
	VerbDelete Verb = "delete"
)

// Requirements is what a spec needs of the project, known without asking anybody.
type Requirements struct {
	APIs        []string          // for example "compute.googleapis.com"
	Permissions []string          // IAM permissions on the project, for example "compute.networks.create"
	Quotas      map[Quota]float64 // how much of which quota creating it takes
}

// Quota names a quota by the cloud's own word for it, for example "NETWORKS".
type Quota struct {
	Metric string
	Region string // empty for a quota of the project as a whole
}

// Requirer is a driver that knows what its specs need. Optional.
type Requirer[S any] interface{ Require(S) Requirements }

// Preflighter is a driver that can check a spec against the cloud, reading only. Optional.
type Preflighter[S any] interface {
	Preflight(context.Context, Scope, S) []Problem
}

// Estimator is a driver that knows how long things usually take. Optional; the source is named in the kind. Impact tells
// a resize from a roll for VerbUpdate.
type Estimator[S any] interface {
	Estimate(Verb, S, Impact) time.Duration
}

// Sweeper is a driver that can list, by owner mark and exactly, what a deployment owns of its kind. Optional: a kind
// without it is one that cannot be found again without the manifest.
type Sweeper interface {
	Sweep(ctx context.Context, scope Scope, owner string) ([]ID, error)
}

// Observation is a Live without its types, for the engine.
type Observation struct {
	ID      ID
	Spec    json.RawMessage
	Outputs json.RawMessage
	Owner   string
	Version string
	Pending bool

	live any // the Live[S, O] itself, for Update
}
