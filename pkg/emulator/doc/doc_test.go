package doc_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

func parse(t *testing.T, s string) doc.Map {
	t.Helper()
	var d doc.Map
	if err := json.Unmarshal([]byte(s), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func text(t *testing.T, d doc.Map) string {
	t.Helper()
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestChanges(t *testing.T) {
	for _, tc := range []struct {
		name       string
		f          func(d, other doc.Map)
		d, by, end string
	}{
		{"a null takes away", doc.Merge, `{"a":1,"b":2}`, `{"a":null}`, `{"b":2}`},
		{"a null inside takes away", doc.Merge, `{"a":{"x":1,"y":2}}`, `{"a":{"x":null}}`, `{"a":{"y":2}}`},
		{"a message is merged", doc.Merge, `{"a":{"x":1}}`, `{"a":{"y":false}}`, `{"a":{"x":1,"y":false}}`},
		{"an empty message changes nothing", doc.Merge, `{"a":{"x":1}}`, `{"a":{}}`, `{"a":{"x":1}}`},
		{"a list replaces as a whole", doc.Merge, `{"a":[1,2]}`, `{"a":[3]}`, `{"a":[3]}`},
		{"an empty list empties", doc.Merge, `{"a":[1,2]}`, `{"a":[]}`, `{"a":[]}`},
		{"nulls in a message that is new are not kept", doc.Merge, `{}`, `{"a":{"x":null,"y":1}}`, `{"a":{"y":1}}`},
		{"a default is filled in where nothing is", doc.Fill, `{"a":null}`, `{"a":1,"b":2}`, `{"a":1,"b":2}`},
		{"what is zero is given", doc.Fill, `{"a":0,"b":false,"c":""}`, `{"a":1,"b":true,"c":"x"}`, `{"a":0,"b":false,"c":""}`},
		{"defaults are filled in deeply", doc.Fill, `{"a":{"x":{"p":1}}}`, `{"a":{"x":{"q":2},"y":3}}`, `{"a":{"x":{"p":1,"q":2},"y":3}}`},
		{"nulls and empty lists do not stay", func(d, _ doc.Map) { doc.Settle(d) }, `{"a":null,"b":[],"c":{"d":[]},"e":[{"f":null,"g":0}],"h":false}`, `{}`,
			`{"c":{},"e":[{"g":0}],"h":false}`},
		{"empty messages do not stay but where they are kept", func(d, _ doc.Map) { doc.Prune(d, "tags") }, `{"a":{"b":{}},"tags":{},"l":[{},{"tags":{},"c":{}}],"z":0}`, `{}`,
			`{"l":[{},{"tags":{}}],"tags":{},"z":0}`},
	} {
		d := parse(t, tc.d)
		tc.f(d, parse(t, tc.by))
		if have := text(t, d); have != tc.end {
			t.Errorf("%s: %s", tc.name, have)
		}
	}
}

func TestSelect(t *testing.T) {
	const d = `{"a":{"x":{"p":1,"q":2},"y":2},"b":[{"x":1,"y":2}],"c":3}`
	for mask, want := range map[string]string{
		"c":           `{"c":3}`,
		"a/x":         `{"a":{"x":{"p":1,"q":2}}}`,
		"a/x/p":       `{"a":{"x":{"p":1}}}`,
		"a/x/p,a/x/q": `{"a":{"x":{"p":1,"q":2}}}`,
		"a/x/p,a/y":   `{"a":{"x":{"p":1},"y":2}}`,
		"a/x,a":       `{"a":{"x":{"p":1,"q":2},"y":2}}`,
		"a,a/x":       `{"a":{"x":{"p":1,"q":2},"y":2}}`,
		"a(x/p,y),c":  `{"a":{"x":{"p":1},"y":2},"c":3}`,
		"a/x(p)":      `{"a":{"x":{"p":1}}}`,
		"b(x)":        `{"b":[{"x":1}]}`,
		"b/x, c":      `{"b":[{"x":1}],"c":3}`,
		"*/x":         `{"a":{"x":{"p":1,"q":2}},"b":[{"x":1}],"c":3}`,
		"missing":     `{}`,
		"":            "",
		"a(":          "",
		"a(x":         "",
		"a)":          "",
		"a,":          "",
		"a//x":        "",
		"a/(x)":       "",
		"a(x)y":       "",
	} {
		cut, err := doc.Select(parse(t, d), mask)
		if (err != nil) != (want == "") {
			t.Errorf("%q: %v", mask, err)
		} else if err == nil && text(t, cut) != want {
			t.Errorf("%q: %s", mask, text(t, cut))
		}
	}
}

func TestPaths(t *testing.T) {
	if have := strings.Join(doc.Paths("items(name,id/x),kind,items/*"), " "); have != "items/* items/id/x items/name kind" {
		t.Error(have)
	}
}
