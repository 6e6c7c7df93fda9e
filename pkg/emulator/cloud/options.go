package cloud

import (
	"log/slog"

	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
)

// Options say which cloud to be.
type Options struct {
	// Dir keeps the state, shared with other processes; "" keeps it in memory.
	Dir string
	// Latency says how long operations take; the zero value takes no time.
	Latency latency.Profile
	// TimeScale makes everything that takes time so many times as fast; 0 means 1.
	TimeScale float64
	// Seed chooses draws: durations of a spreading profile, shares of fault plans.
	Seed uint64
	// Faults makes chosen calls go wrong; may be nil.
	Faults *faults.Plan
	// Projects are the projects that exist from the start. When empty every well-formed project id exists, but those that
	// begin with "no-such-" or "project-", so that a project that does not exist can be tried, and made: see Exists.
	Projects []string
	// NoDefaultNetwork lists projects without the network "default".
	NoDefaultNetwork []string
	// Disabled lists APIs that start out disabled, for example "compute.googleapis.com".
	Disabled []string
	// Granted lists the only IAM permissions that the caller has; nil grants all. A star at the end stands for any rest.
	Granted []string
	// Denied lists IAM permissions that the caller does not have, also when they are granted. A star as above.
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
