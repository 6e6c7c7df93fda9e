package state

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Schema is the version of the manifest that this build writes. Compatible is the oldest version that can read what this
// build writes and write it back without harm.
const (
	Schema     = 1
	Compatible = 1
)

// Status says how far a record's resource is.
type Status string

// The statuses.
const (
	Intended Status = "intended" // to be created: it may exist or not
	Updating Status = "updating" // being changed into Wanted: it is as before, or as wanted, or between
	Ready    Status = "ready"    // it was seen, as wanted
	Failed   Status = "failed"   // creating or changing it failed: it may exist or not
	Doomed   Status = "doomed"   // to be deleted: it may exist or not
)

// Record is what is remembered of one address: the resource that it stands for now, and those that it stood for before and
// that are not gone yet. So nothing that exists is ever without its name in the manifest.
type Record struct {
	Address   string          // our own stable name: "network/net"
	ID        string          // the cloud's full name, known before it exists; the server's own once it is known
	Computed  string          // what was computed for the resource, when its name is another: something adopted, or named by the server
	Status    Status          //
	Inputs    json.RawMessage // the spec that it was made from, with references as plain values
	Wanted    json.RawMessage // of one that is being changed: the spec that it is to have
	Outputs   json.RawMessage // what it publishes, once ready
	Needs     []string        // addresses that must exist while it does
	RequestID string          // of the last call that makes, changes or removes it; the same on every retry
	Error     string          // of a failed one
	Created   time.Time       // when the intent was stored first
	Updated   time.Time       // when the record changed last
	Former    []Former        // what the address stood for before, until each is gone

	Extra map[string]json.RawMessage // fields that a newer version has added
}

// Former is a resource that an address stood for before: the group in another zone, say. It is to be deleted.
type Former struct {
	ID        string          `json:"id"`
	Inputs    json.RawMessage `json:"inputs,omitempty"`
	Needs     []string        `json:"needs,omitempty"` // addresses that must exist while it does
	RequestID string          `json:"requestId,omitempty"`
	Error     string          `json:"error,omitempty"`
	Created   time.Time       `json:"created,omitzero"`
}

// Supersede makes the record stand for another resource from now on. What it stood for becomes a former one, unless it is the
// same; a former one that is meant again is not former any more.
func (r *Record) Supersede(id string) {
	if r.ID == id {
		return
	}
	if r.ID != "" {
		r.Former = append(slices.Clone(r.Former), Former{ID: r.ID, Inputs: r.Inputs, Needs: r.Needs, Created: r.Created})
	}
	r.Former = slices.DeleteFunc(slices.Clone(r.Former), func(f Former) bool { return f.ID == id })
	*r = Record{Address: r.Address, ID: id, Status: Intended, Former: r.Former, Extra: r.Extra}
}

// Forget removes a resource that is gone from the record, and says whether the record stands for anything else. When the current
// one is gone and a former one is left, that one becomes the doomed current one.
func (r *Record) Forget(id string) (left bool) {
	if r.ID != id {
		r.Former = slices.DeleteFunc(slices.Clone(r.Former), func(f Former) bool { return f.ID == id })
		return true
	}
	if len(r.Former) == 0 {
		return false
	}
	f := r.Former[0]
	*r = Record{
		Address: r.Address, ID: f.ID, Status: Doomed, Inputs: f.Inputs, Needs: f.Needs, RequestID: f.RequestID, Error: f.Error,
		Created: f.Created, Updated: r.Updated, Former: slices.Clone(r.Former[1:]), Extra: r.Extra,
	}
	return true
}

// Kind is the first half of the address.
func (r Record) Kind() string {
	kind, _, _ := strings.Cut(r.Address, "/")
	return kind
}

// Name is the second half of the address.
func (r Record) Name() string {
	_, name, _ := strings.Cut(r.Address, "/")
	return name
}

// Manifest is what is remembered of one deployment.
type Manifest struct {
	Schema     int                        // version that wrote it, or a newer one that it came from
	Compatible int                        // oldest version that can go on with it
	Serial     int64                      // rises by one with every write
	Lineage    string                     // a UUID, drawn once: tells this deployment from a later one of the same name
	Writer     string                     // run that wrote this serial; with it a lost answer to a write is told from a conflict
	Tool       string                     // version of the program that wrote it
	Owner      string                     // deployment id, the owner mark on everything that belongs to it
	Project    string                     //
	Prefix     string                     // NAME_PREFIX
	Zone       string                     // where the cluster is, which with fallback zones may not be where it was asked for
	By         string                     // who ran the last action
	Action     string                     // the last action
	Size       int                        // VMs asked for
	Created    time.Time                  //
	Updated    time.Time                  //
	Expires    time.Time                  // when the cloud ends the VMs by itself; zero for never
	Choices    map[string]json.RawMessage // what a run picked and later runs must keep, such as the address range
	Resources  []Record                   // sorted by address

	Extra map[string]json.RawMessage // fields that a newer version has added
}

// Find gives the record of an address; false when there is none.
func (m *Manifest) Find(address string) (Record, bool) {
	i, ok := m.index(address)
	if !ok {
		return Record{}, false
	}
	return m.Resources[i], true
}

// Put stores a record under its address.
func (m *Manifest) Put(r Record) {
	i, ok := m.index(r.Address)
	if ok {
		m.Resources[i] = r
		return
	}
	m.Resources = slices.Insert(m.Resources, i, r)
}

// Drop removes the record of an address; a missing one is no fault.
func (m *Manifest) Drop(address string) {
	if i, ok := m.index(address); ok {
		m.Resources = slices.Delete(m.Resources, i, i+1)
	}
}

func (m *Manifest) index(address string) (int, bool) {
	return slices.BinarySearchFunc(m.Resources, address, func(r Record, a string) int { return strings.Compare(r.Address, a) })
}

// Clone gives a copy whose records and maps can be changed without changing this one. JSON values are shared: nobody
// changes one in place.
func (m *Manifest) Clone() Manifest {
	out := *m
	out.Resources = slices.Clone(m.Resources)
	out.Choices = cloneMap(m.Choices)
	out.Extra = cloneMap(m.Extra)
	return out
}

func cloneMap(m map[string]json.RawMessage) map[string]json.RawMessage {
	if m == nil {
		return nil
	}
	out := make(map[string]json.RawMessage, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// Summary is the deployment's condition in one word, for lists: "empty", "ready", "destroying" or "partial".
func (m *Manifest) Summary() string {
	doomed, ready, former := 0, 0, 0
	for _, r := range m.Resources {
		former += len(r.Former)
		switch r.Status {
		case Doomed:
			doomed++
		case Ready:
			ready++
		case Intended, Updating, Failed:
		}
	}
	switch {
	case len(m.Resources) == 0:
		return "empty"
	case ready == len(m.Resources) && former == 0:
		return "ready"
	case m.Action == "destroy" && doomed > 0:
		return "destroying"
	}
	return "partial"
}
