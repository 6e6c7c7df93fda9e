package resourcetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// World is the cloud in which a kind is tried: the emulator, or one that a kind's test brings along.
type World interface {
	// Things lists the full names of all that exists, sorted, seen by reads or not.
	Things() ([]string, error)
	// Made counts the creations of the thing under test that were accepted so far, whether or not an answer arrived.
	Made() (int, error)
	// Changes counts the calls so far that were answered well and could change something.
	Changes() (int, error)
	// Strike replaces the faults that lie in wait; without any it ends them. Calls are counted from here.
	Strike(...Fault) error
}

// Calls chooses calls.
type Calls string

// The calls that a fault can strike.
const (
	Every     Calls = "every"     // any call
	Creations Calls = "creations" // of the thing under test
	Deletions Calls = "deletions" //
	Reads     Calls = "reads"     // of things and lists
	Waits     Calls = "waits"     // for operations
)

// Harm is what a fault does.
type Harm string

// What goes wrong.
const (
	Lost    Harm = "lost"    // it is done, the answer does not arrive
	Dropped Harm = "dropped" // nothing is done, the connection breaks
	Failing Harm = "failing" // 503
	Limited Harm = "limited" // 429
	Late    Harm = "late"    // what is created is not seen for LateBy
	Breaks  Harm = "breaks"  // the operation that is started fails inside, in passing
)

// LateBy is how long a creation that is late stays unseen.
const LateBy = 40 * time.Second

// Fault lets some calls go wrong.
type Fault struct {
	On   Calls
	Nth  []int // counted from 1
	Harm Harm
}

// emulated is the emulator as a World.
type emulated struct {
	em *emulator.Emulator
	id resources.ID // of the thing under test
}

// Things lists the inventory.
func (w emulated) Things() ([]string, error) {
	list, err := w.em.Resources()
	out := make([]string, 0, len(list))
	for _, r := range list {
		out = append(out, r.Name)
	}
	return out, err
}

// Made counts the operations that inserted the thing: the call log alone cannot tell an answer that was given again from one to
// a second creation.
func (w emulated) Made() (int, error) {
	path := w.id.Path()
	scope := strings.Join(strings.Split(path, "/")[:len(strings.Split(path, "/"))-2], "/")
	target := "https://www.googleapis.com/compute/v1/" + path
	u := url.URL{Scheme: "https", Host: w.id.Service(), Path: "/compute/v1/" + scope + "/operations", RawQuery: url.Values{"filter": {fmt.Sprintf("targetLink = %q", target)}}.Encode()}
	req := &http.Request{Method: http.MethodGet, URL: &u, Header: http.Header{}}
	resp, err := w.em.Transport().RoundTrip(req)
	if err != nil {
		return 0, err
	}
	raw, err := io.ReadAll(resp.Body)
	var list struct {
		Items []struct{ OperationType string }
	}
	if err = errors.Join(err, resp.Body.Close(), json.Unmarshal(raw, &list)); err != nil {
		return 0, err
	}
	n := 0
	for _, op := range list.Items {
		if strings.HasSuffix(op.OperationType, "insert") {
			n++
		}
	}
	return n, nil
}

// Changes counts what the call log has of calls that change something.
func (w emulated) Changes() (int, error) {
	calls, err := w.em.Calls()
	n := 0
	for _, c := range calls {
		if c.Method != http.MethodGet && !strings.HasSuffix(c.Path, "/wait") && !strings.HasSuffix(c.Path, "/listManagedInstances") && c.Status == http.StatusOK {
			n++
		}
	}
	return n, err
}

// Strike makes a fault plan.
func (w emulated) Strike(list ...Fault) error {
	plan := &emulator.FaultPlan{}
	for _, f := range list {
		r := emulator.FaultRule{Nth: f.Nth}
		switch f.On {
		case Creations:
			path := w.id.Path()
			r.Match.Method, r.Match.Path = http.MethodPost, "/"+path[:strings.LastIndex(path, "/")]+"$"
		case Deletions:
			r.Match.Method = http.MethodDelete
		case Reads:
			r.Match.Method = http.MethodGet
		case Waits:
			r.Match.Method, r.Match.Path = http.MethodPost, "/wait$"
		case Every:
		}
		switch f.Harm {
		case Lost:
			r.Fault.LoseAnswer = true
		case Dropped:
			r.Fault.DropConnection = true
		case Failing:
			r.Fault.Error = &emulator.FaultError{Status: http.StatusServiceUnavailable, Reason: "backendError", Message: "Backend Error"}
		case Limited:
			r.Fault.Error = &emulator.FaultError{Status: http.StatusTooManyRequests, Reason: "rateLimitExceeded", Message: "Rate Limit Exceeded"}
		case Breaks:
			r.Fault.FailOperation = &emulator.OperationError{Code: "INTERNAL_ERROR", Message: "Internal error", HTTPStatus: http.StatusInternalServerError}
		case Late:
			r.Fault.LateBy = LateBy.String()
		}
		plan.Rules = append(plan.Rules, r)
	}
	return w.em.SetFaults(plan)
}

// Tape is a transport that keeps what was asked, for tests that look at request ids and bodies, which the emulator's log of
// calls does not have.
type Tape struct {
	Next http.RoundTripper
	// Answer, when given, may answer in the place of Next; nil leaves a call to Next.
	Answer func(*http.Request) *http.Response

	mu     sync.Mutex
	played []Played
}

// Played is one call.
type Played struct {
	Method, Path, RequestID string
	Status                  int // 0 when the connection broke
	At                      time.Time
}

// NewTape records what goes to next.
func NewTape(next http.RoundTripper) *Tape { return &Tape{Next: next} }

// RoundTrip hands a call on.
func (t *Tape) RoundTrip(r *http.Request) (*http.Response, error) {
	p := Played{Method: r.Method, Path: r.URL.Path, RequestID: r.URL.Query().Get("requestId"), At: time.Now()}
	var resp *http.Response
	var err error
	if t.Answer != nil {
		resp = t.Answer(r)
	}
	if resp == nil {
		resp, err = t.Next.RoundTrip(r)
	}
	if resp != nil {
		p.Status = resp.StatusCode
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.played = append(t.played, p)
	return resp, err
}

// Played gives the calls of a method whose path ends in a suffix.
func (t *Tape) Played(method, suffix string) []Played {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Played
	for _, p := range t.played {
		if p.Method == method && strings.HasSuffix(p.Path, suffix) {
			out = append(out, p)
		}
	}
	return out
}

// JSON is an answer of an API.
func JSON(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}
}

// Emulate gives an emulator at the usual pace.
func Emulate(t *testing.T, plan string) *emulator.Emulator {
	t.Helper()
	typical, err := emulator.ProfileNamed("typical")
	if err != nil {
		t.Fatal(err)
	}
	opt := emulator.Options{Latency: typical}
	if plan != "" {
		if opt.Faults, err = emulator.ParseFaultPlan([]byte(plan)); err != nil {
			t.Fatal(err)
		}
	}
	em, err := emulator.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return em
}
