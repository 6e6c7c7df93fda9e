package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Encode gives what a store keeps: indented, so that a person can read it, and the same for the same manifest. It keeps the
// schema version of a newer program, whose fields are still in it.
func Encode(m Manifest) ([]byte, error) {
	m.Schema = max(m.Schema, Schema)
	m.Compatible = max(m.Compatible, Compatible)
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return append(raw, '\n'), nil
}

// Decode reads what a store keeps. What is not a whole manifest is a *DamagedError; one that only a newer program can go on
// with is a *FutureError.
func Decode(raw []byte) (Manifest, error) {
	var head struct { // before anything else: a newer schema may have changed the rest
		Schema     *int   `json:"schemaVersion"`
		Compatible int    `json:"compatibleVersion"`
		Tool       string `json:"toolVersion"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return Manifest{}, &DamagedError{Why: err}
	}
	if head.Schema == nil || *head.Schema < 1 {
		return Manifest{}, &DamagedError{Why: errors.New("it has no schemaVersion")}
	}
	if *head.Schema > Schema && (head.Compatible < 1 || head.Compatible > Schema) {
		return Manifest{}, &FutureError{Schema: *head.Schema, Compatible: head.Compatible, Tool: head.Tool}
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return Manifest{}, &DamagedError{Why: err}
	}
	if err := m.check(); err != nil {
		return Manifest{}, &DamagedError{Why: err}
	}
	slices.SortFunc(m.Resources, func(a, b Record) int { return strings.Compare(a.Address, b.Address) })
	return m, nil
}

// fullName is the form of a full resource name (AIP-122). What is not of it never reaches a path or a terminal.
var fullName = regexp.MustCompile(`^//[a-z0-9.-]+(/[A-Za-z0-9._~%:@+-]+)+$`)

// ids are the names of everything that the record stands for.
func (r Record) ids() []string {
	out := []string{r.ID}
	for _, f := range r.Former {
		out = append(out, f.ID)
	}
	if r.Computed != "" {
		out = append(out, r.Computed)
	}
	return out
}

// check finds what no run of any version would have written.
func (m *Manifest) check() error {
	var errs []error
	if m.Serial < 1 {
		errs = append(errs, fmt.Errorf("serial is %d", m.Serial))
	}
	if m.Lineage == "" {
		errs = append(errs, errors.New("lineage is missing"))
	}
	if m.Owner == "" {
		errs = append(errs, errors.New("owner is missing"))
	}
	seen := map[string]bool{}
	for i, r := range m.Resources {
		switch {
		case r.Kind() == "" || r.Name() == "" || r.ID == "" || r.Status == "":
			errs = append(errs, fmt.Errorf("resources[%d] lacks its kind, name, id or status", i))
		case seen[r.Address]:
			errs = append(errs, fmt.Errorf("%s is recorded twice", r.Address))
		}
		for _, id := range r.ids() {
			if !fullName.MatchString(id) {
				errs = append(errs, fmt.Errorf("%s: %q is no full resource name", r.Address, id))
			}
		}
		seen[r.Address] = true
	}
	return errors.Join(errs...)
}
