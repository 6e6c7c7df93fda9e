package faults

import (
	"errors"
	"fmt"
	"strings"
)

// Policy is an organization policy: what it says of one constraint (cloudresourcemanager v1, OrgPolicy). One of the two is set.
type Policy struct {
	Constraint string         `json:"constraint"` // "constraints/compute.requireOsLogin"
	Boolean    *BooleanPolicy `json:"booleanPolicy,omitempty"`
	List       *ListPolicy    `json:"listPolicy,omitempty"`
}

// BooleanPolicy turns a constraint on or off.
type BooleanPolicy struct {
	Enforced bool `json:"enforced"`
}

// ListPolicy says which values a constraint allows. One of the three is set.
type ListPolicy struct {
	AllValues string   `json:"allValues,omitempty"` // "ALLOW" or "DENY"
	Allowed   []string `json:"allowedValues,omitempty"`
	Denied    []string `json:"deniedValues,omitempty"`
}

// boolean says of the constraints that a service heeds whether they are on or off rather than lists of values.
var boolean = map[string]bool{ //nolint:gochecknoglobals // a constant table
	"compute.vmExternalIpAccess":       false,
	"gcp.resourceLocations":            false,
	"compute.requireOsLogin":           true,
	"compute.requireShieldedVm":        true,
	"storage.publicAccessPrevention":   true,
	"storage.uniformBucketLevelAccess": true,
}

// Heeded says of a constraint whether any service here heeds it, and whether it is on or off rather than a list of values.
func Heeded(constraint string) (heeded, isBoolean bool) {
	short, ok := strings.CutPrefix(constraint, "constraints/")
	isBoolean, heeded = boolean[short]
	return heeded && ok, isBoolean
}

// check refuses what would constrain nothing.
func (p Policy) check() error {
	heeded, isBoolean := Heeded(p.Constraint)
	switch {
	case !heeded:
		return fmt.Errorf("constraint %q is not one that the emulator heeds; docs/emulator.md lists them", p.Constraint)
	case isBoolean && (p.Boolean == nil || p.List != nil):
		return fmt.Errorf("%s is on or off: give booleanPolicy", p.Constraint)
	case !isBoolean && (p.List == nil || p.Boolean != nil):
		return fmt.Errorf("%s has values: give listPolicy", p.Constraint)
	case isBoolean:
		return nil
	}
	set := 0
	for _, is := range []bool{p.List.AllValues != "", len(p.List.Allowed) > 0, len(p.List.Denied) > 0} {
		if is {
			set++
		}
	}
	if set != 1 {
		return errors.New("listPolicy must set exactly one of allValues, allowedValues, deniedValues")
	}
	if p.List.AllValues != "" && p.List.AllValues != "ALLOW" && p.List.AllValues != "DENY" {
		return fmt.Errorf("allValues %q is neither ALLOW nor DENY", p.List.AllValues)
	}
	return nil
}
