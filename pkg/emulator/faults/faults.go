package faults

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
)

// Active is a plan at work.
type Active struct {
	mu       sync.Mutex
	seed     uint64
	rules    []activeRule
	policies []Policy
}

// Policies are those of the organization. They are not the caller's to change.
func (f *Active) Policies() []Policy { return f.policies }

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
	for i, p := range plan.Policies {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("fault plan: policy %d: %w", i+1, err)
		}
	}
	f.policies = plan.Policies
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
		r.Fault.Stockout, r.Fault.Quota != nil, a.late > 0, a.inUse > 0, r.Fault.Answer != nil, r.Fault.CutAnswer, len(r.Fault.WarnOperation) > 0} {
		if set {
			kinds++
		}
	}
	if kinds > 1 || kinds == 0 && a.delay == 0 {
		return a, fmt.Errorf("fault must set exactly one of error, answer, loseAnswer, cutAnswer, dropConnection, failOperation, warnOperation, stockout, quota, lateBy, inUseFor, or delay")
	}
	if e := r.Fault.Error; e != nil && (e.Status < 300 || e.Status > 599) {
		return a, fmt.Errorf("error.status %d is no HTTP status of an error", e.Status)
	}
	if w := r.Fault.Answer; w != nil && (w.Status < 200 || w.Status > 599) {
		return a, fmt.Errorf("answer.status %d is no HTTP status", w.Status)
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
	Raw   *Answer       // answer this as it stands, do nothing
	Cut   bool          // do the work, then break the connection within the answer
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
	// Warnings are those with which the operation succeeds.
	Warnings []Warning
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
		e.Cut = e.Cut || r.Fault.CutAnswer
		if r.Fault.Error != nil || r.Fault.Answer != nil { // a later rule wins
			e.Fail, e.Raw = r.Fault.Error, r.Fault.Answer
		}
		e.Warnings = append(e.Warnings, r.Fault.WarnOperation...)
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
