// Package listfilter reads and evaluates the filter expressions of Compute Engine's list methods (compute v1 discovery
// document, parameter "filter"): comparisons with =, !=, >, <, >=, <=, :, eq and ne, joined by AND, OR, NOT, parentheses, and
// AND where nothing stands between two terms; OR binds most tightly (AIP-160). eq and ne match the whole value against a regular
// expression (RE2) and cannot be mixed with the others; ":" asks whether a field has the word; "=" compares exactly, with "*"
// standing for anything. gcloud sends all of these.
//
// Worked example:
//
//	f, err := listfilter.Parse(`(name = "demo-*") (labels.team = ml)`)
//	f.Match(map[string]any{"name": "demo-net", "labels": map[string]any{"team": "ml"}}) // true
package listfilter

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Filter is a parsed expression.
type Filter struct {
	root   node
	fields []string
}

// Match says whether a resource, as decoded JSON, passes. An empty filter passes everything.
func (f Filter) Match(resource map[string]any) bool {
	return f.root == nil || f.root.match(resource)
}

// Fields are the fields that are compared, in the order of the expression: "labels.team".
func (f Filter) Fields() []string { return f.fields }

type node interface{ match(map[string]any) bool }

type (
	both   struct{ a, b node }
	either struct{ a, b node }
	negate struct{ a node }
)

func (n both) match(r map[string]any) bool   { return n.a.match(r) && n.b.match(r) }
func (n either) match(r map[string]any) bool { return n.a.match(r) || n.b.match(r) }
func (n negate) match(r map[string]any) bool { return !n.a.match(r) }

// term is one comparison.
type term struct {
	path  []string
	op    string
	value string
	exp   *regexp.Regexp // for eq, ne, and values with "*"
}

func (t term) match(r map[string]any) bool {
	values := lookup(r, t.path)
	negative := t.op == "!=" || t.op == "ne"
	found := false
	for _, v := range values {
		found = found || t.holds(v)
	}
	return found != negative
}

func (t term) holds(v any) bool {
	have := text(v)
	switch t.op {
	case "eq", "ne":
		return t.exp.MatchString(have)
	case ":":
		if t.value == "*" {
			return true // the field is there
		}
		return strings.Contains(strings.ToLower(have), strings.ToLower(strings.Trim(t.value, "*")))
	case "=", "!=":
		if t.exp != nil {
			return t.exp.MatchString(have)
		}
		return have == t.value
	}
	return compare(t.op, have, t.value)
}

func compare(op, have, want string) bool {
	c := strings.Compare(have, want)
	h, err1 := strconv.ParseFloat(have, 64)
	w, err2 := strconv.ParseFloat(want, 64)
	if err1 == nil && err2 == nil {
		c = 0
		if h < w {
			c = -1
		} else if h > w {
			c = 1
		}
	}
	switch op {
	case "<":
		return c < 0
	case ">":
		return c > 0
	case "<=":
		return c <= 0
	}
	return c >= 0
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// lookup collects the values at a path; lists are looked into, so that disks.boot = true finds any disk.
func lookup(v any, path []string) []any {
	if list, ok := v.([]any); ok {
		var out []any
		for _, one := range list {
			out = append(out, lookup(one, path)...)
		}
		return out
	}
	if len(path) == 0 {
		return []any{v}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	// a label's key may itself hold dots: try the longest key first
	for n := len(path); n > 0; n-- {
		if inner, ok := m[strings.Join(path[:n], ".")]; ok {
			return lookup(inner, path[n:])
		}
	}
	return nil
}
