package emulator

import (
	"fmt"
	"net/http"
	"os"

	"github.com/aiinfra/cluster-provision/pkg/emulator/calls"
	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/front"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
)

// What users of the emulator need, under one name.
type (
	// Options say which cloud to be.
	Options = cloud.Options
	// Phase is a moment in a call's life.
	Phase = cloud.Phase
	// Resource is one line of the inventory.
	Resource = cloud.Resource
	// Call is one API call that was made.
	Call = calls.Call
	// Profile tells how long each kind of operation takes. The zero value takes no time.
	Profile = latency.Profile
	// Triple is how long something takes, in seconds: about the 5th percentile, the usual, about the 95th.
	Triple = latency.Triple
	// FaultPlan makes chosen calls go wrong.
	FaultPlan = faults.Plan
	// FaultRule is one rule of a plan.
	FaultRule = faults.Rule
	// Fault is what goes wrong.
	Fault = faults.Fault
	// FaultError is an error answer.
	FaultError = faults.Error
	// OperationError is how an operation fails.
	OperationError = faults.OperationError
)

// The phases.
const (
	Before = cloud.Before // nothing was done yet
	After  = cloud.After  // all was done, the answer was not sent
)

// Emulator is a Google Cloud in a box.
type Emulator struct {
	cloud *cloud.Cloud
	front *front.Front
}

// New makes an emulator, or opens the one in opt.Dir.
func New(opt Options) (*Emulator, error) {
	c, err := cloud.New(opt, services())
	if err != nil {
		return nil, err
	}
	f, err := front.Open(c, opt.Dir)
	return &Emulator{cloud: c, front: f}, err
}

// Close lets go of the directory.
func (em *Emulator) Close() error {
	if err := em.front.Close(); err != nil {
		return err
	}
	return em.cloud.Close()
}

// Transport gives the emulator as a client's transport, by the host of each request. It opens no connection.
func (em *Emulator) Transport() http.RoundTripper { return em.front.Transport() }

// ServeHTTP serves every API under its host's name as the first part of the path, storage also at the root, and the
// emulator's own pages under /_emulator/.
func (em *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { em.front.ServeHTTP(w, r) }

// SetFaults replaces the fault plan; nil ends all faults.
func (em *Emulator) SetFaults(plan *FaultPlan) error { return em.cloud.SetFaults(plan) }

// Resources lists all that exists, sorted by name.
func (em *Emulator) Resources() ([]Resource, error) { return em.cloud.Resources() }

// Calls gives all calls so far, in the order in which they ended; with a directory those of every process that used it.
func (em *Emulator) Calls() ([]Call, error) { return em.front.Calls() }

// ParseFaultPlan reads a plan. Everything that is wrong with it is an error: a rule that never strikes would make a test lie.
func ParseFaultPlan(raw []byte) (*FaultPlan, error) { return faults.Parse(raw) }

// ParsePermissions reads a list of IAM permissions, for Options.Denied: with commas or white space between them, lines that
// begin with "#" left out, or as a JSON list.
func ParsePermissions(raw string) ([]string, error) { return cloud.ParsePermissions(raw) }

// ParseRoles gives the permissions of a role, or of a list of roles, as gcloud prints them in JSON, for Options.Granted.
func ParseRoles(raw []byte) ([]string, error) { return cloud.ParseRoles(raw) }

// ProfileNamed gives "off", "typical" (every operation takes its usual time), "slow" (the high estimate and 30 % on top), or the
// profile in a JSON file of that name, in the form of Profile.
func ProfileNamed(name string) (Profile, error) {
	typical := map[string]Triple{"rest": {Low: 0.1, Typical: 0.2, High: 0.6}} // every call, of whatever service
	for _, s := range services() {
		for kind, t := range s.Latency {
			typical[kind] = t
		}
	}
	return latency.Named(name, typical)
}

// ReadCalls gives the calls recorded in a directory: `emulator calls --dir DIR`.
func ReadCalls(dir string) ([]Call, error) { return calls.Read(dir) }

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
