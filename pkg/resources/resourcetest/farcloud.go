package resourcetest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
)

// FarHost is the made-up API that FarCloud is.
const FarHost = "far.example.com"

// How long its operations take, and of how many parts each is.
const (
	FarCreates = 4 * time.Minute
	FarUpdates = 2 * time.Minute
	FarDeletes = 3 * time.Minute
	farParts   = 4
)

// FarCloud is a made-up API, in memory, that has everything that a Google API can have and Compute Engine has not: operations
// that take minutes, in the dialect of google.longrunning; names that the server picks; things without a place for a mark; things
// that another thing's creation makes; one change at a time in a group. It is a transport, for its own host; time is the time of
// the process, so tests run it in a synctest bubble.
type FarCloud struct {
	// Hook is called before and after each effect, counted from 1. An error breaks the connection there. May be nil.
	Hook func(n int64, phase emulator.Phase, method, path string) error

	mu         sync.Mutex
	things     map[string]*farThing // by path
	operations map[string]*farOperation
	requests   map[string]string // request id → operation
	serial     int
	effects    int64
	creations  map[string]int // accepted, by mark or path
	changes    int
	collisions int
	faults     []Fault
	seen       []int // by fault
}

type farThing struct {
	Name    string            `json:"name"` // "projects/p/zones/z/things/t-000001"
	Labels  map[string]string `json:"labels,omitempty"`
	Peer    string            `json:"peer,omitempty"`
	Size    int               `json:"size,omitempty"`
	Group   string            `json:"group,omitempty"`
	Brings  string            `json:"brings,omitempty"`
	Address string            `json:"address,omitempty"`
	State   string            `json:"state"` // CREATING, READY, DELETING

	visible time.Time
}

// NewFarCloud is an empty one.
func NewFarCloud() *FarCloud {
	return &FarCloud{things: map[string]*farThing{}, operations: map[string]*farOperation{}, requests: map[string]string{}, creations: map[string]int{}}
}

// Beside gives the transport of a process that reaches this cloud and, for every other host, another one.
func (c *FarCloud) Beside(next http.RoundTripper) http.RoundTripper { return beside{c, next} }

type beside struct {
	far  *FarCloud
	next http.RoundTripper
}

func (b beside) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == FarHost {
		return b.far.RoundTrip(r)
	}
	return b.next.RoundTrip(r)
}

// Things lists the full names of all that exists, sorted, seen or not.
func (c *FarCloud) Things() ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance()
	out := []string{}
	for _, path := range slices.Sorted(maps.Keys(c.things)) {
		out = append(out, "//"+FarHost+"/"+path)
	}
	return out, nil
}

// Made counts the creations that were accepted, of everything.
func (c *FarCloud) Made() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, one := range c.creations {
		n += one
	}
	return n, nil
}

// Changes counts the changes that were accepted.
func (c *FarCloud) Changes() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes, nil
}

// Collisions counts the changes that were refused because another one ran in their group.
func (c *FarCloud) Collisions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.collisions
}

// Strike replaces the faults.
func (c *FarCloud) Strike(faults ...Fault) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults, c.seen = faults, make([]int, len(faults))
	return nil
}

// harm is what the faults do to a call.
func (c *FarCloud) harm(kind Calls) map[Harm]bool {
	out := map[Harm]bool{}
	for i, f := range c.faults {
		if f.On != Every && f.On != kind {
			continue
		}
		c.seen[i]++
		if slices.Contains(f.Nth, c.seen[i]) {
			out[f.Harm] = true
		}
	}
	return out
}

func kindOf(r *http.Request) Calls {
	switch {
	case r.Method == http.MethodPost:
		return Creations
	case r.Method == http.MethodDelete:
		return Deletions
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/operations/"):
		return Waits
	case r.Method == http.MethodGet:
		return Reads
	}
	return Every
}

// RoundTrip carries out a call.
func (c *FarCloud) RoundTrip(r *http.Request) (*http.Response, error) {
	var body farThing
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if closed := r.Body.Close(); err == nil {
			err = closed
		}
		if err == nil && len(raw) > 0 {
			err = json.Unmarshal(raw, &body)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	effect := r.Method != http.MethodGet
	if effect {
		c.effects++
		if err := c.hook(emulator.Before, r); err != nil {
			return nil, err
		}
	}
	harm := c.harm(kindOf(r))
	switch {
	case harm[Dropped]:
		return nil, io.ErrUnexpectedEOF
	case harm[Failing]:
		return refuse(r, http.StatusServiceUnavailable, "UNAVAILABLE", "Backend Error"), nil
	case harm[Limited]:
		return refuse(r, http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Rate limit exceeded"), nil
	}
	c.advance()
	resp := c.serve(r, body, harm)
	if effect {
		if err := c.hook(emulator.After, r); err != nil {
			return nil, err
		}
	}
	if harm[Lost] {
		return nil, io.ErrUnexpectedEOF
	}
	return resp, nil
}

func (c *FarCloud) hook(phase emulator.Phase, r *http.Request) error {
	if c.Hook == nil {
		return nil
	}
	return c.Hook(c.effects, phase, r.Method, r.URL.Path)
}

// advance ends the operations that are due.
func (c *FarCloud) advance() {
	now := time.Now()
	for _, name := range slices.Sorted(maps.Keys(c.operations)) {
		if op := c.operations[name]; !op.done && !op.end.After(now) {
			op.done = true
			op.effect()
		}
	}
}

func (c *FarCloud) serve(r *http.Request, body farThing, harm map[Harm]bool) *http.Response {
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	parent, last := path[:strings.LastIndexByte(path, '/')], path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case r.Method == http.MethodGet && last == "operations":
		return c.listOperations(r, path)
	case r.Method == http.MethodGet && last == "things":
		return c.listThings(r, path)
	case r.Method == http.MethodGet && strings.HasSuffix(parent, "/operations"):
		if op := c.operations[path]; op != nil {
			return reply(r, op.shown())
		}
		return refuse(r, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("The resource '%s' was not found", path))
	case r.Method == http.MethodPost && last == "things":
		return c.create(r, path, body, harm)
	}
	t := c.things[path]
	if t == nil || t.visible.After(time.Now()) {
		return refuse(r, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("The resource '%s' was not found", path))
	}
	switch r.Method {
	case http.MethodGet:
		return replyJSON(r, t)
	case http.MethodPatch:
		return c.change(r, t, FarUpdates, harm, func() { t.Size = body.Size })
	case http.MethodDelete:
		return c.change(r, t, FarDeletes, harm, func() { c.remove(t) })
	}
	return refuse(r, http.StatusNotImplemented, "UNIMPLEMENTED", r.Method+" "+path)
}

// remove takes a thing away, and what came with it.
func (c *FarCloud) remove(t *farThing) {
	delete(c.things, t.Name)
	if t.Brings != "" {
		delete(c.things, t.Name[:strings.LastIndexByte(t.Name, '/')+1]+t.Brings)
	}
}

func (c *FarCloud) create(r *http.Request, collection string, t farThing, harm map[Harm]bool) *http.Response {
	if op := c.repeated(r); op != nil {
		return reply(r, op.shown())
	}
	c.serial++
	last := t.Name
	if len(t.Labels) > 0 {
		last = fmt.Sprintf("t-%06d", c.serial)
	}
	t.Name, t.Address, t.State = collection+"/"+last, fmt.Sprintf("10.77.%d.%d", c.serial/256, c.serial%256), "CREATING"
	if c.things[t.Name] != nil {
		return refuse(r, http.StatusConflict, "ALREADY_EXISTS", fmt.Sprintf("The resource '%s' already exists", t.Name))
	}
	made := &t
	takes := FarCreates
	if harm[Late] {
		made.visible = time.Now().Add(LateBy)
	}
	op, refused := c.start(r, made, takes, harm, func() {
		made.State = "READY"
		if made.Brings != "" {
			side := collection + "/" + made.Brings
			c.things[side] = &farThing{Name: side, Size: 1, Address: "10.78.0.1", State: "READY"}
		}
	})
	if refused != nil {
		return refused
	}
	if op.code != 0 {
		op.effect = func() { delete(c.things, made.Name) }
	}
	c.things[made.Name] = made
	c.creations[made.Name]++
	return reply(r, op.shown())
}

func (c *FarCloud) change(r *http.Request, t *farThing, takes time.Duration, harm map[Harm]bool, effect func()) *http.Response {
	if op := c.repeated(r); op != nil {
		return reply(r, op.shown())
	}
	op, refused := c.start(r, t, takes, harm, effect)
	if refused != nil {
		return refused
	}
	if op.code != 0 {
		op.effect = func() {}
	}
	return reply(r, op.shown())
}

func (c *FarCloud) listThings(r *http.Request, path string) *http.Response {
	q := r.URL.Query()
	list := []*farThing{}
	for _, name := range slices.Sorted(maps.Keys(c.things)) {
		t := c.things[name]
		marked := t.Labels["owner"] == q.Get("owner") && (q.Get("name") == "" || t.Labels["name"] == q.Get("name"))
		if marked && within(name, path) && !t.visible.After(time.Now()) {
			list = append(list, t)
		}
	}
	return replyJSON(r, map[string]any{"things": list})
}

// within says whether a path is in a collection, in whose zone "-" stands for all.
func within(path, collection string) bool {
	have, want := strings.Split(path, "/"), strings.Split(collection, "/")
	if len(have) != len(want)+1 {
		return false
	}
	for i, w := range want {
		if w != "-" && have[i] != w {
			return false
		}
	}
	return true
}

func reply(r *http.Request, op *longrunningpb.Operation) *http.Response {
	raw, err := protojson.Marshal(op)
	if err != nil {
		return refuse(r, http.StatusInternalServerError, "INTERNAL", err.Error())
	}
	return JSON(r, http.StatusOK, string(raw))
}

func replyJSON(r *http.Request, v any) *http.Response {
	raw, err := json.Marshal(v)
	if err != nil {
		return refuse(r, http.StatusInternalServerError, "INTERNAL", err.Error())
	}
	return JSON(r, http.StatusOK, string(raw))
}

func refuse(r *http.Request, code int, status, message string) *http.Response {
	return JSON(r, code, fmt.Sprintf(`{"error":{"code":%d,"status":%q,"message":%q}}`, code, status, message))
}
