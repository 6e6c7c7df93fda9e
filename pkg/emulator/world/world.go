package world

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Object is one thing that exists.
type Object struct {
	Name    string         `json:"name"`              // "projects/p/global/networks/n"; unique
	Kind    string         `json:"kind"`              // as the API calls it, for example "compute#network"
	Service string         `json:"service"`           // API host, for example "compute.googleapis.com"
	State   string         `json:"state,omitempty"`   // as the inventory shows it
	Created time.Time      `json:"created"`           //
	Builtin bool           `json:"builtin,omitempty"` // was there from the start
	Ready   bool           `json:"ready,omitempty"`   // the operation that makes it is done
	Doomed  bool           `json:"doomed,omitempty"`  // an operation that deletes it is under way
	Visible time.Time      `json:"visible,omitzero"`  // not seen by reads before this time
	Owner   string         `json:"owner,omitempty"`   // name of the object whose creation made it, if any
	Doc     map[string]any `json:"doc"`               // the API's representation
	Note    map[string]any `json:"note,omitempty"`    // what the API does not show
}

// Event is something that happens to a subject at a time.
type Event struct {
	Seq     int64           `json:"seq"`
	At      time.Time       `json:"at"`
	Handler string          `json:"handler"`
	Subject string          `json:"subject"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// Handler runs an event.
type Handler func(tx *Tx, e Event)

// World holds everything. Its methods may be called from many goroutines.
type World struct {
	mu       sync.Mutex
	objects  map[string]*Object
	children map[string]map[string]*Object // by name without its last part
	events   eventHeap
	gone     map[int64]bool // events that were run or dropped but are still in the heap
	seq      int64          // of the last event
	counter  int64          // for ids and draws
	handlers map[string]Handler
	log      *logFile // nil in memory
}

// Open reads the world in dir, or starts an empty one in memory when dir is "".
func Open(dir string, handlers map[string]Handler) (*World, error) {
	w := &World{handlers: handlers}
	w.reset()
	if dir == "" {
		return w, nil
	}
	var err error
	w.log, err = openLog(dir)
	return w, err
}

func (w *World) reset() {
	w.objects = map[string]*Object{}
	w.children = map[string]map[string]*Object{}
	w.events, w.gone = nil, map[int64]bool{}
	w.seq, w.counter = 0, 0
}

// Do runs what is due at now, then f, and stores what changed. What f changed before it answers an error is stored too:
// a request that is refused half-way has had its effects.
func (w *World) Do(now time.Time, f func(*Tx) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.log != nil {
		if err := w.log.lock(); err != nil {
			return err
		}
		defer w.log.unlock()
		if err := w.log.catchUp(w); err != nil {
			return err
		}
	}
	tx := &Tx{w: w, now: now, touched: map[string]bool{}}
	tx.advance()
	err := f(tx)
	if stored := tx.commit(); stored != nil {
		return stored
	}
	if w.log != nil {
		_ = w.log.compact(w) // the log is as good as it was when it cannot be made shorter; the next call tries again
	}
	return err
}

// Close lets go of the log.
func (w *World) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.log == nil {
		return nil
	}
	return w.log.close()
}

func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return ""
	}
	return name[:i]
}

func (w *World) set(o *Object) {
	w.objects[o.Name] = o
	p := parent(o.Name)
	if w.children[p] == nil {
		w.children[p] = map[string]*Object{}
	}
	w.children[p][o.Name] = o
}

func (w *World) remove(name string) {
	delete(w.objects, name)
	p := parent(name)
	delete(w.children[p], name)
	if len(w.children[p]) == 0 {
		delete(w.children, p)
	}
}

// Tx is one look at, and change of, the world.
type Tx struct {
	w       *World
	now     time.Time
	touched map[string]bool // objects put or deleted
	added   []Event
	ended   []int64
}

// Now is the time of the transaction; inside an event's handler it is the event's own time.
func (tx *Tx) Now() time.Time { return tx.now }

// Get finds an object by name, seen or not. The caller may change it and must Put it then.
func (tx *Tx) Get(name string) (*Object, bool) {
	o, ok := tx.w.objects[name]
	return o, ok
}

// Put stores a new or changed object.
func (tx *Tx) Put(o *Object) {
	tx.w.set(o)
	tx.touched[o.Name] = true
}

// Delete removes an object; deleting what is absent is nothing.
func (tx *Tx) Delete(name string) {
	if _, ok := tx.w.objects[name]; ok {
		tx.w.remove(name)
		tx.touched[name] = true
	}
}

// List gives the objects directly below a name, sorted by name.
func (tx *Tx) List(below string) []*Object {
	list := slices.Collect(maps.Values(tx.w.children[below]))
	slices.SortFunc(list, func(a, b *Object) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Below gives the names that have objects directly below them and begin with a prefix, sorted.
func (tx *Tx) Below(prefix string) []string {
	var out []string
	for name := range tx.w.children {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// All gives every object, sorted by name.
func (tx *Tx) All() []*Object {
	list := slices.Collect(maps.Values(tx.w.objects))
	slices.SortFunc(list, func(a, b *Object) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Count is a number that was never given before.
func (tx *Tx) Count() int64 {
	tx.w.counter++
	return tx.w.counter
}

// At plans an event.
func (tx *Tx) At(at time.Time, handler, subject string, data any) {
	tx.w.seq++
	e := Event{Seq: tx.w.seq, At: at, Handler: handler, Subject: subject}
	if data != nil {
		raw, err := json.Marshal(data)
		if err != nil { // unreachable: data is ours and plain
			panic(err)
		}
		e.Data = raw
	}
	tx.w.events.push(e)
	tx.added = append(tx.added, e)
}

// advance runs what is due, each event at its own time.
func (tx *Tx) advance() {
	until := tx.now
	for len(tx.w.events) > 0 && !tx.w.events[0].At.After(until) {
		e := tx.w.events.pop()
		if tx.w.gone[e.Seq] {
			delete(tx.w.gone, e.Seq)
			continue
		}
		tx.ended = append(tx.ended, e.Seq)
		if h, ok := tx.w.handlers[e.Handler]; ok {
			tx.now = e.At
			h(tx, e)
		}
	}
	tx.now = until
}

// Next is the time of the next event; false when nothing is planned.
func (tx *Tx) Next() (time.Time, bool) {
	for len(tx.w.events) > 0 {
		if !tx.w.gone[tx.w.events[0].Seq] {
			return tx.w.events[0].At, true
		}
		delete(tx.w.gone, tx.w.events.pop().Seq)
	}
	return time.Time{}, false
}
