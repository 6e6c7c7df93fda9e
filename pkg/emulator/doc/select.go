package doc

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Select cuts a document down to a field mask: "items(name,id),nextPageToken", "items/name", "*".
func Select(d Map, mask string) (Map, error) {
	tree, rest, err := parseMask(mask)
	if err != nil || rest != "" {
		return nil, fmt.Errorf("field mask %q is malformed", mask)
	}
	cut, _ := tree.apply(d).(Map)
	return cut, nil
}

// Paths gives the paths that a field mask takes, sorted: "items/name". Those of a malformed mask are none.
func Paths(mask string) []string {
	tree, rest, err := parseMask(mask)
	if err != nil || rest != "" {
		return nil
	}
	return tree.paths("")
}

func (t maskTree) paths(above string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if len(t[name]) == 0 {
			out = append(out, above+name)
		}
		out = append(out, t[name].paths(above+name+"/")...)
	}
	return out
}

// maskTree is a mask by name; an empty tree takes everything below.
type maskTree map[string]maskTree

var errMask = errors.New("malformed field mask")

// parseMask reads fields that are parted by commas, and gives what stands behind them.
func parseMask(s string) (maskTree, string, error) {
	tree := maskTree{}
	for {
		name, inner, rest, err := parseField(s)
		if err != nil {
			return nil, "", err
		}
		tree.merge(name, inner)
		if !strings.HasPrefix(rest, ",") {
			return tree, rest, nil
		}
		s = rest[1:]
	}
}

// parseField reads one field: a name, perhaps with one field behind a slash or several in parentheses.
func parseField(s string) (name string, inner maskTree, rest string, err error) {
	n := strings.IndexAny(s, ",()/")
	if n < 0 {
		n = len(s)
	}
	name, rest = strings.TrimSpace(s[:n]), s[n:]
	switch {
	case name == "":
		return "", nil, "", errMask
	case strings.HasPrefix(rest, "/"):
		below, deeper, after, err := parseField(rest[1:])
		return name, maskTree{below: deeper}, after, err
	case strings.HasPrefix(rest, "("):
		inner, rest, err = parseMask(rest[1:])
		if err != nil || !strings.HasPrefix(rest, ")") {
			return "", nil, "", errMask
		}
		rest = rest[1:]
	}
	return name, inner, rest, nil
}

// merge adds what a mask says of a name: "a/b,a/c" takes both, and "a" alone takes all below it.
func (t maskTree) merge(name string, inner maskTree) {
	have, ok := t[name]
	switch {
	case !ok:
		t[name] = inner
	case len(have) == 0 || len(inner) == 0:
		t[name] = nil
	default:
		for k, v := range inner {
			have.merge(k, v)
		}
	}
}

func (t maskTree) apply(v any) any {
	if len(t) == 0 {
		return v
	}
	switch x := v.(type) {
	case Map:
		out := Map{}
		for k, inner := range x {
			if sub, ok := t[k]; ok {
				out[k] = sub.apply(inner)
			} else if sub, ok := t["*"]; ok {
				out[k] = sub.apply(inner)
			}
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, one := range x {
			out[i] = t.apply(one)
		}
		return out
	}
	return v
}
