package emulator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// incomparable are fields whose values cannot be those of the recording: drawn by the server, or altered by the recorder
// (gcp-facts, section 0). They must be there, with the same JSON type; so must every time, and ours must be one.
var incomparable = []string{
	"id", "targetId", "fingerprint", "labelFingerprint", "etag", "user", "gatewayAddress", "networkIP", "natIP",
	"internalIpv6Range", "selfLinkWithId", "projectNumber", "sourceImageId", "uniqueId", "oauth2ClientId", "generation",
}

// removed are fields that the recorder takes out of answers (gcp-facts, section 0): ours may have them.
var removed = []string{"satisfiesPzi", "satisfiesPzs", "sizeGb"}

// comparison holds an answer of ours to a recorded one. What is not as recorded goes to report: differs, missing or extra, with
// the path. The path has no indices, so that it names all elements of a list.
type comparison struct {
	names  *names
	report func(verdict, path string, recorded, ours any)
}

func (c comparison) run(path string, recorded, ours any) {
	switch rec := recorded.(type) {
	case map[string]any:
		if our, ok := ours.(map[string]any); ok {
			c.objects(path, rec, our)
			return
		}
	case []any:
		if our, ok := ours.([]any); ok {
			c.lists(path, rec, our)
			return
		}
	case string:
		if our, ok := ours.(string); ok && (c.names.allows(rec, our) || isTime(rec) && isTime(our)) {
			return
		}
	default:
		if recorded == ours {
			return
		}
	}
	c.report("differs", path, recorded, ours)
}

func (c comparison) objects(path string, recorded, ours map[string]any) {
	theirs := map[string]any{} // labels have placeholders in their keys
	for k, v := range recorded {
		theirs[c.names.filled(k)] = v
	}
	for _, k := range slices.Sorted(maps.Keys(theirs)) {
		rec := theirs[k]
		our, there := ours[k]
		inner := join(path, k)
		switch {
		case !there && slices.Contains(removed, k):
		case !there:
			c.leaves("missing", inner, rec)
		case slices.Contains(incomparable, k):
			if reflect.TypeOf(rec) != reflect.TypeOf(our) {
				c.report("differs", inner, rec, our)
			}
		default:
			c.run(inner, rec, our)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(ours)) {
		if _, there := theirs[k]; !there && !slices.Contains(removed, k) {
			c.leaves("extra", join(path, k), ours[k])
		}
	}
}

// lists compares elements in their order. Texts may be in any: the cloud sorts few of its lists.
func (c comparison) lists(path string, recorded, ours []any) {
	left := slices.Clone(ours)
	for i, rec := range recorded {
		rest := 0
		if s, ok := rec.(string); ok {
			rest = slices.IndexFunc(left, func(v any) bool { our, ok := v.(string); return ok && c.names.allows(s, our) })
		}
		if rest < 0 || len(left) == 0 {
			c.leaves("missing", path+"[]", rec)
			continue
		}
		c.run(path+"[]", recorded[i], left[rest])
		left = slices.Delete(left, rest, rest+1)
	}
	for _, our := range left {
		c.leaves("extra", path+"[]", our)
	}
}

// leaves reports each leaf of what only one side has.
func (c comparison) leaves(verdict, path string, v any) {
	switch inner := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(inner)) {
			c.leaves(verdict, join(path, k), inner[k])
		}
		if len(inner) > 0 {
			return
		}
	case []any:
		for _, x := range inner {
			c.leaves(verdict, path+"[]", x)
		}
		if len(inner) > 0 {
			return
		}
	}
	if verdict == "extra" {
		c.report(verdict, path, nil, v)
		return
	}
	c.report(verdict, path, v, nil)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return fmt.Sprintf("%s.%s", path, key)
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil
}

// The comparison itself must be able to fail.
func TestComparison(t *testing.T) {
	for name, tc := range map[string]struct{ recorded, ours, want string }{
		"the same":                           {`{"a":1,"b":{"c":[{"d":"x"}]}}`, `{"a":1,"b":{"c":[{"d":"x"}]}}`, ""},
		"another value":                      {`{"a":1}`, `{"a":2}`, "differs a"},
		"another type":                       {`{"a":1}`, `{"a":"1"}`, "differs a"},
		"a field that is missing":            {`{"a":{"b":1,"c":{}}}`, `{}`, "missing a.b, missing a.c"},
		"a field more":                       {`{"a":{}}`, `{"a":{"b":[{"c":1}]}}`, "extra a.b[].c"},
		"texts in another order":             {`{"a":["x","y"]}`, `{"a":["y","x"]}`, ""},
		"a text twice":                       {`{"a":["x","y"]}`, `{"a":["x","x"]}`, "missing a[], extra a[]"},
		"things in another order":            {`{"a":[{"b":1},{"b":2}]}`, `{"a":[{"b":2},{"b":1}]}`, "differs a[].b, differs a[].b"},
		"an element more":                    {`{"a":[{"b":1}]}`, `{"a":[{"b":1},{"b":2}]}`, "extra a[].b"},
		"what cannot be compared":            {`{"id":"1"}`, `{"id":"2"}`, ""},
		"what cannot be compared, as number": {`{"id":"1"}`, `{"id":2}`, "differs id"},
		"what cannot be compared, absent":    {`{"id":"1"}`, `{}`, "missing id"},
		"times":                              {`{"at":"2024-04-01T12:34:56.123456Z"}`, `{"at":"2026-01-01T00:00:00.000-08:00"}`, ""},
		"a time that is none":                {`{"at":"2024-04-01T12:34:56.123456Z"}`, `{"at":"soon"}`, "differs at"},
		"a name":                             {`{"n":"x/${networkID}"}`, `{"n":"x/network"}`, ""},
		"another name":                       {`{"n":"x/${networkID}"}`, `{"n":"x/router"}`, "differs n"},
		"a link of another version":          {`{"n":"/compute/beta/a"}`, `{"n":"/compute/v1/a"}`, ""},
		"what the recorder removes":          {`{}`, `{"satisfiesPzi":true}`, ""},
		"nothing against something":          {`null`, `{"a":1}`, "differs "},
	} {
		t.Run(name, func(t *testing.T) {
			var recorded, ours any
			if err := errors.Join(json.Unmarshal([]byte(tc.recorded), &recorded), json.Unmarshal([]byte(tc.ours), &ours)); err != nil {
				t.Fatal(err)
			}
			var found []string
			comparison{newNames(nil, "1"), func(verdict, path string, _, _ any) { found = append(found, verdict+" "+path) }}.run("", recorded, ours)
			if s := strings.Join(found, ", "); s != tc.want {
				t.Errorf("%q, want %q", s, tc.want)
			}
		})
	}
}
