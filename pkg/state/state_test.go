package state_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/state"
)

const newer = `{"schemaVersion":7,"compatibleVersion":1,"serial":3,"lineage":"l","owner":"o","project":"p","namePrefix":"n","zone":"z",
"colour":"red","resources":[{"kind":"balloon","name":"b","id":"//b/i","status":"ready","altitude":9}]}`

// What a newer program has added is kept when this one writes the manifest back.
func TestWhatANewerProgramAddedIsKept(t *testing.T) {
	m, err := state.Decode([]byte(newer))
	if err != nil {
		t.Fatal(err)
	}
	m.Serial++
	raw, err := state.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Schema    int              `json:"schemaVersion"`
		Colour    string           `json:"colour"`
		Resources []map[string]any `json:"resources"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if v.Schema != 7 || v.Colour != "red" || v.Resources[0]["altitude"] != 9.0 || v.Resources[0]["kind"] != "balloon" {
		t.Errorf("lost something: %s", raw)
	}
}

// Every field of a manifest and of a record survives a write and a read: one that the codec forgets would be lost.
func TestEveryFieldIsStored(t *testing.T) {
	var m state.Manifest
	fillIn(reflect.ValueOf(&m).Elem())
	m.Schema, m.Compatible, m.Extra = state.Schema, state.Compatible, nil
	m.Resources = []state.Record{{}}
	fillIn(reflect.ValueOf(&m.Resources[0]).Elem())
	m.Resources[0].Address, m.Resources[0].Status, m.Resources[0].Extra = "network/net", state.Ready, nil
	m.Resources[0].ID, m.Resources[0].Computed = "//s/a", "//s/b"
	raw, err := state.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	again, err := state.Decode(raw)
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	compact := cmp.Transformer("compact", func(r json.RawMessage) string {
		var v any
		_ = json.Unmarshal(r, &v)
		b, _ := json.Marshal(v)
		return string(b)
	})
	again.Extra, again.Resources[0].Extra = nil, nil
	if diff := cmp.Diff(m, again, compact); diff != "" {
		t.Error(diff)
	}
}

// fillIn gives every field a value that is not zero.
func fillIn(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch x := f.Addr().Interface().(type) {
		case *time.Time:
			*x = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		case *json.RawMessage:
			*x = json.RawMessage(`{"a":1}`)
		case *[]string:
			*x = []string{"a"}
		case *map[string]json.RawMessage:
			*x = map[string]json.RawMessage{"k": json.RawMessage(`"v"`)}
		default:
			switch f.Kind() {
			case reflect.String:
				f.SetString("text")
			case reflect.Int, reflect.Int64:
				f.SetInt(5)
			}
		}
	}
}

func TestWhatCannotBeGoneOnWith(t *testing.T) {
	var future *state.FutureError
	if _, err := state.Decode([]byte(`{"schemaVersion":9,"toolVersion":"v9"}`)); !errors.As(err, &future) || !strings.Contains(err.Error(), "v9") {
		t.Errorf("a manifest from the future: %v", err)
	}
	for name, raw := range map[string]string{
		"no JSON":                 "{",
		"no schema":               "{}",
		"another shape":           `{"schemaVersion":1,"resources":7}`,
		"the same resource twice": `{"schemaVersion":1,"lineage":"l","serial":1,"resources":[{"kind":"a","name":"b","id":"c","status":"ready"},{"kind":"a","name":"b","id":"c","status":"ready"}]}`,
	} {
		var damaged *state.DamagedError
		if _, err := state.Decode([]byte(raw)); !errors.As(err, &damaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What an address has stood for is never without its name in the record until it is gone.
func TestARecordKeepsItsFormerOnes(t *testing.T) {
	r := state.Record{Address: "mig/mig", ID: "//c/a", Status: state.Ready, Needs: []string{"net/n"}, Inputs: json.RawMessage(`1`)}
	r.Supersede("//c/b")
	r.Supersede("//c/b")
	if r.ID != "//c/b" || r.Status != state.Intended || len(r.Former) != 1 || r.Former[0].ID != "//c/a" || r.Former[0].Needs[0] != "net/n" {
		t.Fatalf("after a move: %+v", r)
	}
	r.Supersede("//c/c")
	r.Supersede("//c/a") // and back
	if r.ID != "//c/a" || len(r.Former) != 2 {
		t.Fatalf("there and back: %+v", r)
	}
	for _, f := range r.Former {
		if f.ID == "//c/a" {
			t.Errorf("the current one is also a former one: %+v", r)
		}
	}
	if !r.Forget("//c/b") || !r.Forget("//c/a") || r.ID != "//c/c" || r.Status != state.Doomed || len(r.Former) != 0 {
		t.Errorf("after the current one went: %+v", r)
	}
	if r.Forget("//c/c") {
		t.Errorf("something is left: %+v", r)
	}
}
