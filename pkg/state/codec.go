package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

type recordJSON struct {
	Kind      string          `json:"kind"`
	Name      string          `json:"name"`
	ID        string          `json:"id"`
	Computed  string          `json:"computedId,omitempty"`
	Status    Status          `json:"status"`
	Inputs    json.RawMessage `json:"inputs,omitempty"`
	Wanted    json.RawMessage `json:"wanted,omitempty"`
	Outputs   json.RawMessage `json:"outputs,omitempty"`
	Needs     []string        `json:"needs,omitempty"`
	RequestID string          `json:"requestId,omitempty"`
	Error     string          `json:"error,omitempty"`
	Created   time.Time       `json:"created,omitzero"`
	Updated   time.Time       `json:"updated,omitzero"`
	Former    []Former        `json:"former,omitempty"`
}

type manifestJSON struct {
	Schema     int                        `json:"schemaVersion"`
	Compatible int                        `json:"compatibleVersion,omitempty"`
	Serial     int64                      `json:"serial"`
	Lineage    string                     `json:"lineage"`
	Writer     string                     `json:"writer,omitempty"`
	Tool       string                     `json:"toolVersion,omitempty"`
	Owner      string                     `json:"owner"`
	Project    string                     `json:"project"`
	Prefix     string                     `json:"namePrefix"`
	Zone       string                     `json:"zone"`
	By         string                     `json:"by,omitempty"`
	Action     string                     `json:"action,omitempty"`
	Size       int                        `json:"size,omitempty"`
	Created    time.Time                  `json:"created,omitzero"`
	Updated    time.Time                  `json:"updated,omitzero"`
	Expires    time.Time                  `json:"expires,omitzero"`
	Choices    map[string]json.RawMessage `json:"choices,omitempty"`
	Resources  []Record                   `json:"resources"`
}

// MarshalJSON gives the stored form: kind and name instead of the address, and what a newer version has added.
func (r Record) MarshalJSON() ([]byte, error) {
	return join(recordJSON{
		Kind: r.Kind(), Name: r.Name(), ID: r.ID, Computed: r.Computed, Status: r.Status, Inputs: r.Inputs, Wanted: r.Wanted, Outputs: r.Outputs, Needs: r.Needs,
		RequestID: r.RequestID, Error: r.Error, Created: r.Created, Updated: r.Updated, Former: r.Former,
	}, r.Extra)
}

// UnmarshalJSON reads the stored form.
func (r *Record) UnmarshalJSON(raw []byte) error {
	var j recordJSON
	extra, err := split(raw, &j, recordFields())
	if err != nil {
		return err
	}
	*r = Record{
		Address: j.Kind + "/" + j.Name, ID: j.ID, Computed: j.Computed, Status: j.Status, Inputs: j.Inputs, Wanted: j.Wanted, Outputs: j.Outputs, Needs: j.Needs,
		RequestID: j.RequestID, Error: j.Error, Created: j.Created, Updated: j.Updated, Former: j.Former, Extra: extra,
	}
	return nil
}

// MarshalJSON gives the stored form, with what a newer version has added.
func (m Manifest) MarshalJSON() ([]byte, error) {
	resources := m.Resources
	if resources == nil {
		resources = []Record{}
	}
	return join(manifestJSON{
		Schema: m.Schema, Compatible: m.Compatible, Serial: m.Serial, Lineage: m.Lineage, Writer: m.Writer, Tool: m.Tool,
		Owner: m.Owner, Project: m.Project, Prefix: m.Prefix, Zone: m.Zone, By: m.By, Action: m.Action, Size: m.Size,
		Created: m.Created, Updated: m.Updated, Expires: m.Expires, Choices: m.Choices, Resources: resources,
	}, m.Extra)
}

// UnmarshalJSON reads the stored form. Decode also checks it.
func (m *Manifest) UnmarshalJSON(raw []byte) error {
	var j manifestJSON
	extra, err := split(raw, &j, manifestFields())
	if err != nil {
		return err
	}
	*m = Manifest{
		Schema: j.Schema, Compatible: j.Compatible, Serial: j.Serial, Lineage: j.Lineage, Writer: j.Writer, Tool: j.Tool,
		Owner: j.Owner, Project: j.Project, Prefix: j.Prefix, Zone: j.Zone, By: j.By, Action: j.Action, Size: j.Size,
		Created: j.Created, Updated: j.Updated, Expires: j.Expires, Choices: j.Choices, Resources: j.Resources, Extra: extra,
	}
	return nil
}

// recordFields and manifestFields name the fields that this version knows; a test holds them to the types.
func recordFields() []string {
	return []string{"kind", "name", "id", "computedId", "status", "inputs", "wanted", "outputs", "needs", "requestId", "error", "created", "updated", "former"}
}

func manifestFields() []string {
	return []string{
		"schemaVersion", "compatibleVersion", "serial", "lineage", "writer", "toolVersion", "owner", "project", "namePrefix",
		"zone", "by", "action", "size", "created", "updated", "expires", "choices", "resources",
	}
}

// split reads the known fields into v and gives the others.
func split(raw []byte, v any, known []string) (map[string]json.RawMessage, error) {
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, err
	}
	var extra map[string]json.RawMessage
	if err := json.Unmarshal(raw, &extra); err != nil {
		return nil, err
	}
	for _, name := range known {
		delete(extra, name)
	}
	if len(extra) == 0 {
		extra = nil
	}
	return extra, nil
}

// join writes the known fields, then the others in the order of their names.
func join(v any, extra map[string]json.RawMessage) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return raw, err
	}
	var b bytes.Buffer
	b.Write(bytes.TrimSuffix(raw, []byte("}")))
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, ",%s:%s", key, extra[name])
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
