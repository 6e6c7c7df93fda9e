package doc

import (
	"fmt"
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

// maskTree is a mask by name; an empty tree takes everything below.
type maskTree map[string]maskTree

func parseMask(s string) (maskTree, string, error) {
	tree := maskTree{}
	for {
		n := strings.IndexAny(s, ",()/")
		if n < 0 {
			n = len(s)
		}
		name := strings.TrimSpace(s[:n])
		if name == "" {
			return nil, "", fmt.Errorf("empty name")
		}
		s = s[n:]
		var inner maskTree
		var err error
		switch {
		case strings.HasPrefix(s, "("):
			inner, s, err = parseMask(s[1:])
			if err != nil || !strings.HasPrefix(s, ")") {
				return nil, "", fmt.Errorf("missing parenthesis")
			}
			s = s[1:]
		case strings.HasPrefix(s, "/"):
			one, rest, err := parseOne(s[1:])
			if err != nil {
				return nil, "", err
			}
			inner, s = one, rest
		}
		tree.merge(name, inner)
		if !strings.HasPrefix(s, ",") {
			return tree, s, nil
		}
		s = s[1:]
	}
}

// parseOne reads what stands behind a slash: a single name, itself perhaps with a slash or parentheses.
func parseOne(s string) (maskTree, string, error) {
	n := strings.IndexAny(s, ",()/")
	if n < 0 {
		n = len(s)
	}
	name := strings.TrimSpace(s[:n])
	if name == "" {
		return nil, "", fmt.Errorf("empty name")
	}
	s = s[n:]
	var inner maskTree
	var err error
	if strings.HasPrefix(s, "/") {
		inner, s, err = parseOne(s[1:])
	} else if strings.HasPrefix(s, "(") {
		inner, s, err = parseMask(s[1:])
		if err == nil && !strings.HasPrefix(s, ")") {
			err = fmt.Errorf("missing parenthesis")
		}
		s = strings.TrimPrefix(s, ")")
	}
	return maskTree{name: inner}, s, err
}

func (t maskTree) merge(name string, inner maskTree) {
	have, ok := t[name]
	if !ok || len(inner) == 0 {
		t[name] = inner
		return
	}
	for k, v := range inner {
		have[k] = v
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
