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
	Ready    Status = "ready"    // it was seen, as wanted
	Failed   Status = "failed"   // creating or changing it failed: it may exist or not
	Doomed   Status = "doomed"   // to be deleted: it may exist or not
)

// Record is what is remembered of one resource.
type Record struct {
	Address   string          // our own stable name: "network/net"
	ID        string          // the cloud's name, known before it exists
	Status    Status          //
	Inputs    json.RawMessage // the wanted spec, with references as plain values
	Outputs   json.RawMessage // what it publishes, once ready
	Needs     []string        // addresses that must exist while it does
	RequestID string          // of the last call that makes, changes or removes it; the same on every retry
	Error     string          // of a failed one
	Created   time.Time       // when the intent was stored first
	Updated   time.Time       // when the record changed last

	Extra map[string]json.RawMessage // fields that a newer version has added
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
	doomed, ready := 0, 0
	for _, r := range m.Resources {
		switch r.Status {
		case Doomed:
			doomed++
		case Ready:
			ready++
		case Intended, Failed:
		}
	}
	switch {
	case len(m.Resources) == 0:
		return "empty"
	case ready == len(m.Resources):
		return "ready"
	case m.Action == "destroy" && doomed > 0:
		return "destroying"
	}
	return "partial"
}
