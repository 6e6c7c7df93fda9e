package resourcetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// fields compares specs that differ in known fields: each difference must be told under the name of a field that differs, and
// every field must be told once.
func fields[S, O any](t *testing.T, suite Suite[S, O]) {
	driver := pure(t, suite)
	told := map[string]bool{}
	for i, other := range slices.Concat(suite.Changed, suite.Found) {
		differ := differing(t, suite.Spec, other)
		if len(differ) == 0 {
			t.Errorf("changed spec %d is no different", i)
		}
		for _, c := range slices.Concat(driver.Compare(other, suite.Spec), driver.Compare(suite.Spec, other)) {
			name, _, _ := strings.Cut(c.Path, ".")
			name, _, _ = strings.Cut(name, "[")
			if !differ[name] {
				t.Errorf("changed spec %d: a difference under %q, but it is %v that differs", i, c.Path, differ)
			}
			told[name] = true
		}
	}
	for i, found := range suite.Found {
		if len(driver.Check(found)) == 0 {
			t.Errorf("found spec %d could be wanted", i)
		}
	}
	typ := reflect.TypeFor[S]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if seen, ignored := told[name], slices.Contains(suite.Ignored, f.Name); seen == ignored {
			t.Errorf("field %s: compared %v, ignored %v: give a Changed spec in which it differs, or name it in Ignored", f.Name, seen, ignored)
		}
	}
}

// differing names the fields in which two specs differ, as JSON has them.
func differing[S any](t *testing.T, a, b S) map[string]bool {
	t.Helper()
	trees := make([]map[string]json.RawMessage, 2)
	for i, s := range []S{a, b} {
		raw, err := json.Marshal(s)
		if err = errors.Join(err, json.Unmarshal(raw, &trees[i])); err != nil {
			t.Fatal(err)
		}
	}
	out := map[string]bool{}
	for i, tree := range trees {
		for name, value := range tree {
			if other, there := trees[1-i][name]; !there || !bytes.Equal(value, other) {
				out[name] = true
			}
		}
	}
	return out
}

// refs counts the Ref fields of a spec by reflection.
func refs[S, O any](t *testing.T, suite Suite[S, O]) {
	spec := suite.Spec
	if listed, there := len(pure(t, suite).Refs(&spec)), countRefs(reflect.ValueOf(spec)); listed != there {
		t.Errorf("the spec holds %d references, Refs lists %d", there, listed)
	}
}

func countRefs(v reflect.Value) int {
	switch v.Kind() {
	case reflect.Struct:
		if strings.HasPrefix(v.Type().Name(), "Ref[") {
			return 1
		}
		n := 0
		for i := range v.NumField() {
			n += countRefs(v.Field(i))
		}
		return n
	case reflect.Slice:
		n := 0
		for i := range v.Len() {
			n += countRefs(v.Index(i))
		}
		return n
	}
	return 0
}
