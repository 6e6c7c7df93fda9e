package resources

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Driver is what a kind gives. S is the wanted state of one resource, a plain struct with JSON tags; O is what it
// publishes to other nodes. Kind, Refs, ID, Check and Compare are pure: they call nothing and change nothing.
// A driver never repeats a call that failed in passing: the transport does.
type Driver[S, O any] interface {
	// Kind names the kind.
	Kind() Kind
	// Refs lists every Ref field of the spec. A field that is forgotten here fails the shared suite.
	Refs(*S) []Dep
	// ID computes the cloud's name before anything exists. Where the server picks names it is a stand-in (ID.StandIn)
	// that holds what Read needs to find the thing by its mark.
	ID(Scope, string, S) ID
	// Check finds what is wrong with a spec without asking anybody.
	Check(S) []Problem
	// Compare lists the managed fields that differ, each under its own path. Fields that the kind does not manage never show.
	Compare(want, have S) []Change
	// Read brings what is there into the form of a Spec. It answers ErrNotFound (errors.Is) when it is absent. Live.ID is the
	// real name, also when the thing was found by its mark.
	Read(context.Context, ID) (Live[S, O], error)
	// Create makes the resource and returns when it is usable. It marks it with the stamp's owner, if there is a place for a
	// mark. Asking again with the same request id after a lost answer makes nothing twice. "It exists already" is an error of
	// class ClassExists.
	Create(context.Context, ID, S, Stamp) error
	// Update makes the given changes, none of which has the impact Replace, and returns when they hold. Without changes it
	// waits until the resource is usable.
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
	ID       ID
	Spec     S
	Outputs  O
	Owner    string // deployment id in its owner mark; empty when it carries none
	Unmarked bool   // there is no place for a mark: it is ours exactly if our manifest has it
	Version  string // fingerprint or etag, for updates that need one
	Pending  bool   // an operation on it is not done: it is there, but not yet usable
}

// Stamp goes with everything that is made or changed.
type Stamp struct {
	Owner     string            // deployment id, written on the thing itself
	Labels    map[string]string // labels for whatever can carry them; includes the owner label
	RequestID string            // UUID decided before the step and recorded; the same when a later run goes on with the step
}

// Request is the request id of one call of the step: a request id belongs to one call, so each call, and each further try
// after an operation that has failed, gets one of its own. It depends on nothing but the stamp and the part.
func (s Stamp) Request(part string) string {
	id, err := uuid.Parse(s.RequestID)
	if err != nil {
		return s.RequestID
	}
	return uuid.NewSHA1(id, []byte(part)).String()
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

// Pick gives what belongs to the verb.
func (v Verb) Pick(create, update, del time.Duration) time.Duration {
	switch v {
	case VerbCreate:
		return create
	case VerbUpdate:
		return update
	case VerbDelete:
		return del
	}
	return 0
}

// Quota names a quota of Compute Engine.
type Quota struct {
	Metric string // for example "NVIDIA_A100_GPUS"
	Region string // empty for one of the whole project
}

// Requirements is what a spec needs of the project, known without asking anybody.
type Requirements struct {
	APIs        []string          // for example "compute.googleapis.com"
	Permissions []string          // IAM permissions on the project, for example "compute.networks.create"
	Quotas      map[Quota]float64 // what it uses of quotas, in the quota's own unit
}

// Requirer is a driver that knows what its specs need. Optional.
type Requirer[S any] interface {
	Require(Scope, S) Requirements
}

// Preflighter is a driver that can check a spec against the cloud, reading only. Optional.
type Preflighter[S any] interface {
	Preflight(context.Context, Scope, S) []Problem
}

// Estimator is a driver that knows how long things usually take. Optional; the source is named in the kind. Impact tells
// a resize from a roll for VerbUpdate.
type Estimator[S any] interface {
	Estimate(Verb, S, Impact) time.Duration
}

// Excluder is a driver whose resources cannot all be changed at the same time, such as the node pools of one cluster or the
// bindings of one policy. Steps with the same non-empty group run one after another. Optional.
type Excluder[S any] interface {
	Exclusive(ID, S) string
}

// Foreseer is a driver whose resources may be there before their own step, because another resource's call has made them:
// such a step reads first and makes no call when it finds what is wanted. Optional.
type Foreseer[S any] interface {
	MayExist(S) bool
}

// Namer is a driver that knows what its names look like. Nothing is called by a recorded name that is of another form: a damaged
// manifest must not reach another API, or another collection. Optional.
type Namer interface {
	Names(ID) bool
}

// Sweeper is a driver that can list, by owner mark and exactly, what a deployment owns of its kind. Optional: a kind
// without it is one that cannot be found again without the manifest.
type Sweeper interface {
	Sweep(ctx context.Context, scope Scope, owner string) ([]ID, error)
}

// Observation is a Live without its types, for the engine.
type Observation struct {
	ID       ID
	Spec     json.RawMessage
	Outputs  json.RawMessage
	Owner    string
	Unmarked bool
	Version  string
	Pending  bool

	live any // the Live[S, O] itself, for Update
}

// Ours says whether an observed thing belongs to an owner. One without a place for a mark does exactly if it is recorded.
func (o *Observation) Ours(owner string, recorded bool) bool {
	if o.Unmarked {
		return recorded
	}
	return o.Owner == owner
}
