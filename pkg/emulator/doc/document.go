package doc

import (
	"encoding/json"
	"maps"
	"strconv"
)

// Map is an API resource as decoded JSON: numbers are float64, 64-bit integers are strings, as on the wire.
type Map = map[string]any

// At walks down objects.
func At(d Map, path ...string) any {
	var v any = d
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// Str reads a string; "" when there is none.
func Str(d Map, path ...string) string {
	s, _ := At(d, path...).(string)
	return s
}

// Bool reads a truth value; false when there is none.
func Bool(d Map, path ...string) bool {
	b, _ := At(d, path...).(bool)
	return b
}

// Num reads a number however it is written.
func Num(d Map, path ...string) int64 {
	switch v := At(d, path...).(type) {
	case float64:
		return int64(v)
	case int:
		return int64(v)
	case int64:
		return v
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err == nil {
			return n
		}
	}
	return 0
}

// List reads a list; nil when there is none.
func List(d Map, path ...string) []any {
	l, _ := At(d, path...).([]any)
	return l
}

// Object reads an object; nil when there is none. It is the one inside d: changing it changes d.
func Object(d Map, path ...string) Map {
	m, _ := At(d, path...).(map[string]any)
	return m
}

// Objects gives the elements of a list that are objects.
func Objects(d Map, path ...string) []Map {
	var out []Map
	for _, v := range List(d, path...) {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// Words gives the elements of a list that are strings.
func Words(d Map, path ...string) []string {
	var out []string
	for _, v := range List(d, path...) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Clone copies deeply, as reading back what was written would.
func Clone(d Map) Map {
	raw, err := json.Marshal(d)
	if err != nil {
		return maps.Clone(d)
	}
	var out Map
	if json.Unmarshal(raw, &out) != nil {
		return maps.Clone(d)
	}
	return out
}

// Anys gives a list as it stands in a document.
func Anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}
