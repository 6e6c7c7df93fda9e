package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// KeyValue is a setting as it was resolved.
type KeyValue struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// derived is the source of a value that follows from VM_TYPE.
const derived = "derived"

// secretKey is what names of secrets look like.
var secretKey = regexp.MustCompile(`(?i)(token|passw|secret|credential|api[-_]?key|private[-_]?key)`)

// Resolved lists every setting with its value and where it comes from, in the order of the reference. What may be a secret
// is not shown.
func (c *Config) Resolved() []KeyValue {
	var out []KeyValue
	for _, s := range Settings() {
		g, ok := c.values[s.Key]
		if !ok {
			g = given{value: s.Default, source: fromDefault}
			if _, chosen := c.values["VM_TYPE"]; chosen && (s.Key == "GPU_COUNT" || s.Key == "ACCELERATOR_TYPE" || s.Key == "DISK_TYPE") {
				g.source = derived
			}
		}
		out = append(out, KeyValue{Key: s.Key, Value: c.shown(s.Key, g), Source: g.source})
	}
	return out
}

func (c *Config) shown(key string, g given) string {
	switch key {
	case "GPU_COUNT":
		return fmt.Sprint(c.GPUCount)
	case "ACCELERATOR_TYPE":
		return c.AcceleratorType
	case "DISK_TYPE":
		return c.DiskType
	case "STARTUP_COMMAND":
		if g.value != "" {
			return "(not shown)"
		}
	case "METADATA":
		return redacted(c.Metadata)
	case "LABELS":
		return redacted(c.Labels)
	}
	return g.value
}

func redacted(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(mapKeys(m)) {
		v := fmt.Sprintf("%q", m[k])
		if secretKey.MatchString(k) {
			v = "(not shown)"
		}
		parts = append(parts, k+" = "+v)
	}
	if len(parts) == 0 {
		return ""
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}
