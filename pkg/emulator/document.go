package emulator

import (
	"encoding/json"
	"maps"
	"strconv"
)

// document is an API resource as decoded JSON: numbers are float64, 64-bit integers are strings, as on the wire.
type document = map[string]any

// at walks down objects.
func at(d document, path ...string) any {
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

func str(d document, path ...string) string {
	s, _ := at(d, path...).(string)
	return s
}

func boolean(d document, path ...string) bool {
	b, _ := at(d, path...).(bool)
	return b
}

// num reads a number however it is written.
func num(d document, path ...string) int64 {
	switch v := at(d, path...).(type) {
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

func list(d document, path ...string) []any {
	l, _ := at(d, path...).([]any)
	return l
}

func object(d document, path ...string) document {
	m, _ := at(d, path...).(map[string]any)
	return m
}

// objects gives the elements of a list that are objects.
func objects(d document, path ...string) []document {
	var out []document
	for _, v := range list(d, path...) {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func words(d document, path ...string) []string {
	var out []string
	for _, v := range list(d, path...) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// fill sets fields that are absent.
func fill(d document, defaults document) {
	for k, v := range defaults {
		if _, ok := d[k]; !ok {
			d[k] = v
		}
	}
}

// clone copies deeply.
func clone(d document) document {
	raw, err := json.Marshal(d)
	if err != nil {
		return maps.Clone(d)
	}
	var out document
	if json.Unmarshal(raw, &out) != nil {
		return maps.Clone(d)
	}
	return out
}

func anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}
