package instancetemplate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// digest names what a template means: eight digits of the SHA-256 of one line for each field that says something. The order of
// fields, and fields that a later program adds and leaves empty, change nothing, so a newer program does not recreate VMs.
// A field's JSON name and its values are part of the name of every template: they must not change. s is a Spec, or for tests a
// later one.
func digest(s any) string {
	raw, err := json.Marshal(s)
	var tree any
	if err == nil {
		err = json.Unmarshal(raw, &tree)
	}
	if err != nil { // unreachable: a Spec holds nothing that JSON cannot
		panic(err)
	}
	var lines []string
	if fields, ok := tree.(map[string]any); ok {
		keyed := keyed(s)
		for name, value := range fields {
			lines = meaning("."+name, value, keyed[name], lines)
		}
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:4])
}

// keyed names the fields that are maps: a key that is there says something also with an empty value.
func keyed(s any) map[string]bool {
	out := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(s)) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out[name] = f.Type.Kind() == reflect.Map
	}
	return out
}

// meaning lists the leaves that say something, each with its path; in a map all do. Members of a list count by their place in it.
func meaning(path string, v any, all bool, out []string) []string {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			out = meaning(path+"."+k, child, all, out)
		}
	case []any:
		for i, child := range v {
			out = meaning(fmt.Sprintf("%s[%d]", path, i), child, all, out)
		}
	case nil:
	default:
		if all || v != "" && v != 0.0 && v != false {
			raw, _ := json.Marshal(v) // a leaf of JSON is JSON; quotes tell "1" from 1
			out = append(out, path+"="+string(raw))
		}
	}
	return out
}
