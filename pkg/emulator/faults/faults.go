package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
)

// Plan makes chosen calls go wrong. As JSON:
//
//	{"rules": [{
//	  "match": {"method": "POST", "path": "/instanceGroupManagers$"},
//	  "nth": [1, 3],
//	  "fault": {"error": {"status": 503, "reason": "backendError", "message": "Backend Error"}}
//	}]}
//
// match.path is a regular expression (RE2) over the path with its service in front, as /_emulator/calls shows it; match.method
// is a method or empty for any. Of the calls that match, "nth" takes the ones with these numbers, counted from 1 for each
// rule; "from" takes all from that number on; "share" a share of them, chosen by the emulator's seed; none of the three takes
// all. "times" ends a rule after it has struck so often.
//
// A VM that a managed instance group makes is no call of anybody's, but it can fail as one: rules see it as POST
// /compute.googleapis.com/compute/v1/projects/P/zones/Z/instances/NAME. An error ends such an attempt with its reason as the code
// ("quotaExceeded" is QUOTA_EXCEEDED), a broken connection with INTERNAL_ERROR; a lost answer does nothing there. The health check
// of a group looks at each start of a VM as GET …/instances/NAME/healthChecks/CHECK: what breaks that call makes the VM
// unhealthy.
type Plan struct {
	Rules []Rule `json:"rules"`
}

// Rule is one rule of a plan.
type Rule struct {
	Match struct {
		Method string `json:"method,omitempty"`
		Path   string `json:"path"`
	} `json:"match"`
	Nth   []int   `json:"nth,omitempty"`
	From  int     `json:"from,omitempty"`
	Share float64 `json:"share,omitempty"`
	Times int     `json:"times,omitempty"`
	Fault Fault   `json:"fault"`
}

// Fault is what goes wrong. Exactly one field is set, but Delay, which may go with any.
type Fault struct {
	// Error is answered instead of doing anything.
	Error *Error `json:"error,omitempty"`
	// LoseAnswer does the work and then drops the connection.
	LoseAnswer bool `json:"loseAnswer,omitempty"`
	// DropConnection drops the connection before any work is done.
	DropConnection bool `json:"dropConnection,omitempty"`
	// Delay holds the call back first; a Go duration in emulated time, for example "5s".
	Delay string `json:"delay,omitempty"`
	// FailOperation lets the operation that the call starts end with an error.
	FailOperation *OperationError `json:"failOperation,omitempty"`
	// Stockout is FailOperation with the error of a zone without capacity.
	Stockout bool `json:"stockout,omitempty"`
	// Quota is FailOperation with the error of a quota that is used up.
	Quota *Quota `json:"quota,omitempty"`
	// LateBy hides what the call makes from every read until so long after the answer; its operation can be seen.
	LateBy string `json:"lateBy,omitempty"`
	// InUseFor goes with the deletion of a VM or a group: until so long after the VMs are gone, their networks and subnetworks
	// still count as used, as they sometimes do. A deletion of those fails meanwhile and names a VM that is not there any more.
	InUseFor string `json:"inUseFor,omitempty"`
}

// Error is an error answer.
type Error struct {
	Status  int    `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// Quota names a quota that is used up.
type Quota struct {
	Metric string  `json:"metric"`
	Limit  float64 `json:"limit"`
}

// OperationError is the error of an operation: code, message and the HTTP status that goes with it.
type OperationError struct {
	Code       string `json:"code"`
	Message    string `json:"message,omitempty"`
	HTTPStatus int    `json:"httpStatus,omitempty"`
}

// Parse reads a plan. Everything that is wrong with it is an error: a rule that never strikes would make a test lie.
func Parse(raw []byte) (*Plan, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var plan Plan
	if err := dec.Decode(&plan); err != nil {
		return nil, fmt.Errorf("fault plan: %w", err)
	}
	_, err := Activate(&plan, 0)
	return &plan, err
}

// Active is a plan at work.
type Active struct {
	mu    sync.Mutex
	seed  uint64
	rules []activeRule
}

type activeRule struct {
	Rule
	path   *regexp.Regexp
	delay  time.Duration
	late   time.Duration
	inUse  time.Duration
	seen   int
	struck int
}

// Activate sets a plan to work; nil is a plan without rules. seed chooses what shares strike. What is wrong with a rule is an
// error that names its number.
func Activate(plan *Plan, seed uint64) (*Active, error) {
	f := &Active{seed: seed}
	if plan == nil {
		return f, nil
	}
	for i, r := range plan.Rules {
		a, err := r.activate()
		if err != nil {
			return nil, fmt.Errorf("fault plan: rule %d: %w", i+1, err)
		}
		f.rules = append(f.rules, a)
	}
	return f, nil
}

func (r Rule) activate() (activeRule, error) {
	a := activeRule{Rule: r}
	var err error
	if a.path, err = regexp.Compile(r.Match.Path); err != nil {
		return a, fmt.Errorf("match.path: %w", err)
	}
	if r.Share < 0 || r.Share > 1 {
		return a, fmt.Errorf("share %v is not between 0 and 1", r.Share)
	}
	if a.delay, err = parseWait(r.Fault.Delay); err != nil {
		return a, fmt.Errorf("delay: %w", err)
	}
	if a.late, err = parseWait(r.Fault.LateBy); err != nil {
		return a, fmt.Errorf("lateBy: %w", err)
	}
	if a.inUse, err = parseWait(r.Fault.InUseFor); err != nil {
		return a, fmt.Errorf("inUseFor: %w", err)
	}
	kinds := 0
	for _, set := range []bool{r.Fault.Error != nil, r.Fault.LoseAnswer, r.Fault.DropConnection, r.Fault.FailOperation != nil,
		r.Fault.Stockout, r.Fault.Quota != nil, a.late > 0, a.inUse > 0} {
		if set {
			kinds++
		}
	}
	if kinds > 1 || kinds == 0 && a.delay == 0 {
		return a, fmt.Errorf("fault must set exactly one of error, loseAnswer, dropConnection, failOperation, stockout, quota, lateBy, inUseFor, or delay")
	}
	return a, nil
}

func parseWait(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	return time.ParseDuration(s)
}

// Effect is what the rules do to one call.
type Effect struct {
	Fail  *Error        // answer this, do nothing
	Drop  bool          // break the connection, do nothing
	Lose  bool          // do the work, then break the connection
	Delay time.Duration // hold the call back first; emulated time
	Late  time.Duration // hide what the call makes for so long; emulated time
	// InUseFor lets what the call deletes count as a user of others for so long after it is gone; emulated time.
	InUseFor time.Duration
	// At most one of these is set: how the operation that the call starts ends. How a stock-out and a quota are worded is
	// the service's.
	Operation *OperationError
	Stockout  bool
	Quota     *Quota
}

// Strike counts a call in every rule that matches it and gives what they do to it together.
func (f *Active) Strike(method, path string) Effect {
	f.mu.Lock()
	defer f.mu.Unlock()
	var e Effect
	for i := range f.rules {
		r := &f.rules[i]
		if r.Match.Method != "" && r.Match.Method != method || !r.path.MatchString(path) {
			continue
		}
		r.seen++
		if !r.takes(f.seed) {
			continue
		}
		r.struck++
		e.Delay += r.delay
		e.Late = max(e.Late, r.late)
		e.InUseFor = max(e.InUseFor, r.inUse)
		e.Lose = e.Lose || r.Fault.LoseAnswer
		e.Drop = e.Drop || r.Fault.DropConnection
		if r.Fault.Error != nil {
			e.Fail = r.Fault.Error
		}
		if r.Fault.FailOperation != nil || r.Fault.Stockout || r.Fault.Quota != nil { // a later rule wins
			e.Operation, e.Stockout, e.Quota = r.Fault.FailOperation, r.Fault.Stockout, r.Fault.Quota
		}
	}
	return e
}

func (r *activeRule) takes(seed uint64) bool {
	switch {
	case r.Times > 0 && r.struck >= r.Times:
		return false
	case len(r.Nth) > 0:
		return slices.Contains(r.Nth, r.seen)
	case r.From > 0:
		return r.seen >= r.From
	case r.Share > 0:
		return draws.Uniform(seed, r.Match.Path, int64(r.seen)) < r.Share
	}
	return true
}
