package instancetemplate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// digest names what a template means: eight digits of the SHA-256 of one line for each field that says something. The order of
// fields, and fields that a later program adds and leaves empty, change nothing, so a newer program does not recreate VMs.
// A field's JSON name and its values are part of the name of every template: they must not change.
func digest(s Spec) string {
	raw, err := json.Marshal(s)
	var tree any
	if err == nil {
		err = json.Unmarshal(raw, &tree)
	}
	if err != nil { // unreachable: a Spec holds nothing that JSON cannot
		panic(err)
	}
	lines := meaning("", tree, nil)
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:4])
}

// meaning lists the leaves that say something, each with its path. Members of a list count by their place in it.
func meaning(path string, v any, out []string) []string {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			out = meaning(path+"."+k, child, out)
		}
	case []any:
		for i, child := range v {
			out = meaning(fmt.Sprintf("%s[%d]", path, i), child, out)
		}
	case nil:
	default:
		if text := fmt.Sprint(v); text != "" && text != "0" && text != "false" {
			raw, _ := json.Marshal(v) // a leaf of JSON is JSON; quotes tell "1" from 1
			out = append(out, path+"="+string(raw))
		}
	}
	return out
}
