package state_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/state"
	"github.com/aiinfra/cluster-provision/pkg/state/statetest"
)

const newer = `{"schemaVersion":7,"compatibleVersion":1,"serial":3,"lineage":"l","owner":"o","project":"p","namePrefix":"n","zone":"z",
"colour":"red","resources":[{"kind":"balloon","name":"b","id":"i","status":"ready","altitude":9}]}`

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

// counting counts and times the writes of a store.
type counting struct {
	state.Store
	times []time.Time
	fail  error
}

func (s *counting) Save(ctx context.Context, m state.Manifest, v state.Version) (state.Version, error) {
	s.times = append(s.times, time.Now())
	if s.fail != nil {
		return 0, s.fail
	}
	return s.Store.Save(ctx, m, v)
}

func put(address string) func(*state.Manifest) {
	return func(m *state.Manifest) { m.Put(state.Record{Address: address, ID: address, Status: state.Ready}) }
}

func TestEditsShareWritesAndWritesAreNeverTooClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counting{Store: statetest.New()}
		j := state.Start(t.Context(), s, state.Manifest{Lineage: "l", Owner: "o", Project: "p", Prefix: "n", Zone: "z"}, 0, time.Second)
		if err := j.Change(t.Context(), put("a/first")); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for i := range 50 {
			j.Post(put("a/" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)))
			if i%10 == 0 {
				<-time.NewTimer(300 * time.Millisecond).C
			}
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("posting waited: %s", took)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		for i := 1; i < len(s.times); i++ {
			if d := s.times[i].Sub(s.times[i-1]); d < time.Second {
				t.Errorf("two writes are %s apart", d)
			}
		}
		if len(s.times) > 4 {
			t.Errorf("%d writes", len(s.times))
		}
		if m, _, err := s.Load(t.Context()); err != nil || len(m.Resources) != 51 {
			t.Errorf("stored are %d records, %v", len(m.Resources), err)
		}
	})
}

func TestAJournalThatCouldNotWriteIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counting{Store: statetest.New(), fail: state.ErrConflict}
		j := state.Start(t.Context(), s, state.Manifest{}, 0, time.Second)
		if err := j.Change(t.Context(), put("a/b")); !errors.Is(err, state.ErrConflict) {
			t.Errorf("first change: %v", err)
		}
		<-j.Failed()
		s.fail = nil
		if err := j.Change(t.Context(), put("a/c")); !errors.Is(err, state.ErrConflict) {
			t.Errorf("a later change: %v", err)
		}
		j.Post(put("a/d")) // must not hang
		if err := j.Close(); !errors.Is(err, state.ErrConflict) || len(s.times) != 1 {
			t.Errorf("close: %v after %d writes", err, len(s.times))
		}
	})
}

func TestDiscardWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counting{Store: statetest.New()}
		j := state.Start(t.Context(), s, state.Manifest{}, 0, time.Hour)
		if err := j.Change(t.Context(), put("a/b")); err != nil {
			t.Fatal(err)
		}
		j.Post(put("a/c"))
		start := time.Now()
		j.Discard()
		if len(s.times) != 1 || time.Since(start) > time.Second {
			t.Errorf("%d writes, %s", len(s.times), time.Since(start))
		}
	})
}

func TestTheStoreInMemory(t *testing.T) {
	statetest.Run(t, func(*testing.T) statetest.Opened { return statetest.Opened{Store: statetest.New()} })
}
