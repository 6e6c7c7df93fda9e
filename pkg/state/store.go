package state

import (
	"context"
	"time"
)

// Version tells one stored manifest from the next. 0 is "there is none yet".
type Version int64

// Store keeps the manifest of one deployment. The suite in statetest holds every store to what is promised here.
type Store interface {
	// Load gives the manifest and its version; a zero manifest and version 0 when there is none. What is stored but cannot
	// be read is a *DamagedError or a *FutureError, never an empty manifest.
	Load(context.Context) (Manifest, Version, error)
	// Save replaces the given version, 0 for the first, and answers the new one. It is ErrConflict when another version is
	// stored. A write whose answer was lost and that did happen is a success.
	Save(context.Context, Manifest, Version) (Version, error)
	// Lock takes the lease. It does not wait: when another run holds it the error is a *HeldError. A lease that has
	// expired, or whose process is known to be gone, is taken over; exactly one of several contenders gets it.
	Lock(context.Context, Holder) (Lease, error)
	// Holder shows who holds the lease, expired or not; ErrNotLocked when nobody does.
	Holder(context.Context) (Holder, Version, error)
	// Unlock removes the lease of the given version and no other: ErrConflict when it has been renewed or taken since,
	// ErrNotLocked when it is gone. The run that held it finds that it has lost it.
	Unlock(context.Context, Version) error
	// Rescue stores a manifest that Save could not store beside it, under the name of the run, and says where. Without the
	// lease nothing is written, and the error is ErrLeaseLost: the folder may have been cleared, or be another's by now.
	Rescue(ctx context.Context, l Lease, run string, m Manifest) (where string, err error)
	// Contents lists what is stored, the lock aside: also without a manifest a destroy must know what is left of dead runs.
	Contents(context.Context) (Contents, error)
	// Clear removes everything that this program has stored for the deployment, older versions too, except a lease that is
	// held. What others have put there stays, and is answered. The caller holds the lease, and gives its context.
	Clear(context.Context) (kept []string, err error)
	// Dissolve ends a destroy: it clears, gives the lease back, and removes the place itself if this program made it and
	// nothing is left in it. The lease is over when it returns without an error; after an error it is still the caller's to
	// release. Without the lease nothing is removed, and the error is ErrLeaseLost.
	Dissolve(context.Context, Lease) (Dissolved, error)
}

// Contents is what a deployment's place holds, sorted.
type Contents struct {
	Ours   []string // names that this program writes, relative to the place
	Others []string // what others have put there: whole names, bounded, the last one then tells how many more
}

// Dissolved says what a destroy has left of the deployment's place.
type Dissolved struct {
	BucketRemoved bool     // the bucket is gone too, removed by this run or by another one's destroy
	Kept          []string // what others have put there: whole names, bounded, the last one then tells how many more
	Why           string   // why a bucket of ours stays, in the cloud's words; empty when it is gone, not ours, or in use
}

// Lease is the right to change the deployment. It renews itself.
type Lease interface {
	// Context ends, with the cause ErrLeaseLost, before anybody else may take the lease over, and on Release.
	Context() context.Context
	// Check is nil while the lease is certainly held. It looks at the wall clock by itself, so that a process that was
	// stopped or a machine that slept finds a lost lease at once on waking, before any timer has gone off.
	Check() error
	// Previous is the holder whose expired lease this one replaced; nil when there was none.
	Previous() *Holder
	// Release gives the lease back. Its context ends first. One that is already lost is nothing to give back, and no error.
	Release(context.Context) error
}

// Holder says who holds a lease.
type Holder struct {
	Owner   string    `json:"owner"`             // user
	Host    string    `json:"host"`              //
	PID     int       `json:"pid"`               //
	Place   string    `json:"place,omitempty"`   // kernel and process space in which the PID means something; empty when unknown
	Born    string    `json:"born,omitempty"`    // when the process started, in the kernel's ticks since boot; tells it from a later one with its PID
	Run     string    `json:"run"`               // drawn for each run
	Action  string    `json:"action"`            //
	Since   time.Time `json:"since"`             //
	Beat    time.Time `json:"heartbeat"`         // last renewal
	Until   time.Time `json:"until"`             // expiry, by the holder's clock
	Version string    `json:"version,omitempty"` // of the program
}

// Expired says that the lease has ended at a time, allowing for clocks that differ by the margin.
func (h Holder) Expired(now time.Time, margin time.Duration) bool {
	return now.After(h.Until.Add(margin))
}

// Printable is the holder with '?' for each character that would steer a terminal: somebody else has written it.
func (h Holder) Printable() Holder {
	h.Owner, h.Host, h.Run, h.Action, h.Version = printable(h.Owner), printable(h.Host), printable(h.Run), printable(h.Action), printable(h.Version)
	return h
}
