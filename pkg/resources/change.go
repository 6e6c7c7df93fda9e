package resources

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Impact says what it costs to make a field true.
type Impact int

const (
	// InPlace changes the resource while it works on.
	InPlace Impact = iota
	// Restart recreates or restarts the VMs behind the resource.
	Restart
	// Replace deletes the resource and creates it again.
	Replace
)

// String names the impact as plans show it.
func (i Impact) String() string {
	switch i {
	case Restart:
		return "restarts VMs"
	case Replace:
		return "replaces"
	case InPlace:
		return "in place"
	}
	return "unknown"
}

// MarshalText names the impact in JSON.
func (i Impact) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// Change is one managed field that differs.
type Change struct {
	Path   string `json:"path"`   // JSON path inside the Spec, for example "targetSize"
	Have   any    `json:"have"`   // what is there
	Want   any    `json:"want"`   // what is wanted
	Impact Impact `json:"impact"` // what making it true costs
}

// String renders "path: have -> want (impact)".
func (c Change) String() string {
	return fmt.Sprintf("%s: %s -> %s (%s)", c.Path, show(c.Have), show(c.Want), c.Impact)
}

func show(v any) string {
	if open, ok := v.(interface{ After() (Address, bool) }); ok {
		if node, unknown := open.After(); unknown {
			return "(known after " + node.String() + ")"
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return clip(string(raw))
}

// Worst is the greatest impact among the changes.
func Worst(changes []Change) Impact {
	worst := InPlace
	for _, c := range changes {
		worst = max(worst, c.Impact)
	}
	return worst
}

// Field compares one value.
func Field[T comparable](path string, want, have T, on Impact) []Change {
	if want == have {
		return nil
	}
	return []Change{{Path: path, Have: have, Want: want, Impact: on}}
}

// RefField compares two references by value. A wanted value that is not known yet is a difference.
func RefField[T comparable](path string, want, have Ref[T], on Impact) []Change {
	w, ok := want.Value()
	h, _ := have.Value()
	if ok && w == h {
		return nil
	}
	return []Change{{Path: path, Have: have, Want: want, Impact: on}}
}

// List compares two lists in order; an absent list equals an empty one.
func List[T comparable](path string, want, have []T, on Impact) []Change {
	if slices.Equal(want, have) {
		return nil
	}
	return []Change{{Path: path, Have: have, Want: want, Impact: on}}
}

// Map compares two maps key by key, so that a plan names the keys that differ.
func Map[V comparable](path string, want, have map[string]V, on Impact) []Change {
	keys := slices.Sorted(maps.Keys(want))
	for k := range have {
		if _, ok := want[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var out []Change
	for _, k := range keys {
		w, inWant := want[k]
		h, inHave := have[k]
		if inWant == inHave && w == h {
			continue
		}
		c := Change{Path: path + "." + k, Impact: on}
		if inWant {
			c.Want = w
		}
		if inHave {
			c.Have = h
		}
		out = append(out, c)
	}
	return out
}

// Join puts the results of several comparisons together.
func Join(parts ...[]Change) []Change { return slices.Concat(parts...) }
