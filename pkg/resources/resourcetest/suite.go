package resourcetest

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Suite is what a kind gives to be tested.
type Suite[S, O any] struct {
	New     func(*gcp.Clients) resources.Driver[S, O]
	Name    string                                                  // node name
	Spec    S                                                       // what is created
	Changed []S                                                     // each differs from Spec in at least one managed field
	Ignored []string                                                // exported fields of Spec that Compare leaves out, each for a reason
	Before  func(ctx context.Context, t *testing.T, c *gcp.Clients) // makes what the spec refers to; may be nil
}

// Scope is where the suite works.
var Scope = resources.Scope{Project: "suite-project", Region: "us-central1", Zone: "us-central1-a", Prefix: "demo"} //nolint:gochecknoglobals // a constant

// Owner is whose the suite's resources are.
const Owner = "demo-0a1b2c3d"

// bench is one emulated world with a driver over it.
type bench[S, O any] struct {
	suite  Suite[S, O]
	em     *emulator.Emulator
	driver resources.Driver[S, O]
	id     resources.ID
}

// NewClients gives clients over an emulator.
func NewClients(ctx context.Context, t *testing.T, em *emulator.Emulator) *gcp.Clients {
	t.Helper()
	c, err := gcp.New(ctx, gcp.Options{Transport: em.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Stamp is a stamp of the suite's owner with a request id of its own.
func Stamp() resources.Stamp {
	return resources.Stamp{Owner: Owner, Labels: map[string]string{resources.OwnerLabel: Owner}, RequestID: uuid.NewString()}
}

// Run holds a kind to the contract.
func Run[S, O any](t *testing.T, suite Suite[S, O]) {
	for name, test := range map[string]func(context.Context, *testing.T, *bench[S, O]){
		"reading what is not there is ErrNotFound":                readNothing[S, O],
		"what was created reads back as wanted":                   createAndRead[S, O],
		"creating again with the same request id changes nothing": createAgain[S, O],
		"creating over something else is class exists":            createOver[S, O],
		"each change is made or is a replacement":                 change[S, O],
		"what another owner has is not deleted":                   foreign[S, O],
		"deleting twice is fine":                                  deleteTwice[S, O],
		"the sweep finds it by owner and nothing else":            sweep[S, O],
		"lost answers are survived":                               lostAnswers[S, O],
		"a creation that appears late is deleted too":             late[S, O],
		"passing faults are survived":                             passingFaults[S, O],
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t.Context(), t, newBench(t.Context(), t, suite)) })
		})
	}
	t.Run("every field is compared or ignored for a reason", func(t *testing.T) { fields(t, suite) })
	t.Run("every reference is listed", func(t *testing.T) { refs(t, suite) })
}

func newBench[S, O any](ctx context.Context, t *testing.T, suite Suite[S, O]) *bench[S, O] {
	t.Helper()
	typical, err := emulator.ProfileNamed("typical")
	if err != nil {
		t.Fatal(err)
	}
	em, err := emulator.New(emulator.Options{Latency: typical})
	if err != nil {
		t.Fatal(err)
	}
	c := NewClients(ctx, t, em)
	if suite.Before != nil {
		suite.Before(ctx, t, c)
	}
	b := &bench[S, O]{suite: suite, em: em, driver: suite.New(c)}
	b.id = b.driver.ID(Scope, suite.Name, suite.Spec)
	return b
}

func (b *bench[S, O]) create(ctx context.Context, t *testing.T, s resources.Stamp) {
	t.Helper()
	if err := b.driver.Create(ctx, b.id, b.suite.Spec, s); err != nil {
		t.Fatalf("create: %v", err)
	}
}

func (b *bench[S, O]) read(ctx context.Context, t *testing.T) resources.Live[S, O] {
	t.Helper()
	live, err := b.driver.Read(ctx, b.id)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return live
}

func (b *bench[S, O]) gone(ctx context.Context, t *testing.T) {
	t.Helper()
	if _, err := b.driver.Read(ctx, b.id); !errors.Is(err, resources.ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}
}

func (b *bench[S, O]) faults(t *testing.T, plan string) {
	t.Helper()
	p, err := emulator.ParseFaultPlan([]byte(plan))
	if err == nil {
		err = b.em.SetFaults(p)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func readNothing[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) { b.gone(ctx, t) }

func createAndRead[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.create(ctx, t, Stamp())
	live := b.read(ctx, t)
	if changes := b.driver.Compare(b.suite.Spec, live.Spec); len(changes) > 0 {
		t.Errorf("differs after create: %v", changes)
	}
	if live.Owner != Owner || live.Pending || live.ID != b.id {
		t.Errorf("owner %q, pending %v, id %s", live.Owner, live.Pending, live.ID)
	}
	if problems := b.driver.Check(b.suite.Spec); len(problems) > 0 {
		t.Errorf("check: %v", problems)
	}
}

func createAgain[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	s := Stamp()
	b.create(ctx, t, s)
	first := b.inventory(t)
	b.create(ctx, t, s)
	if diff := cmp.Diff(first, b.inventory(t)); diff != "" {
		t.Errorf("the second create changed the world: %s", diff)
	}
}

// inventory is all that exists, by name.
func (b *bench[S, O]) inventory(t *testing.T) []string {
	t.Helper()
	list, err := b.em.Resources()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range list {
		out = append(out, r.Name)
	}
	return out
}

func createOver[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.create(ctx, t, Stamp())
	err := b.driver.Create(ctx, b.id, b.suite.Spec, Stamp())
	if class := resources.ClassOf(err); class != resources.ClassExists {
		t.Errorf("class %q: %v", class, err)
	}
}

func change[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.create(ctx, t, Stamp())
	for i, want := range b.suite.Changed {
		live := b.read(ctx, t)
		changes := b.driver.Compare(want, live.Spec)
		if len(changes) == 0 {
			t.Errorf("change %d: nothing differs", i)
		}
		if resources.Worst(changes) == resources.Replace {
			continue
		}
		if err := b.driver.Update(ctx, live, want, changes, Stamp()); err != nil {
			t.Errorf("change %d: %v", i, err)
		}
		if left := b.driver.Compare(want, b.read(ctx, t).Spec); len(left) > 0 {
			t.Errorf("change %d: still differs: %v", i, left)
		}
	}
}

func foreign[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	other := Stamp()
	other.Owner = "other-11111111"
	b.create(ctx, t, other)
	err := resources.Erase(b.driver).Delete(ctx, b.id, Stamp())
	var refused *resources.ForeignError
	if !errors.As(err, &refused) || refused.Owner != other.Owner {
		t.Errorf("want a refusal that names the owner, have: %v", err)
	}
	b.read(ctx, t)
}

func deleteTwice[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.create(ctx, t, Stamp())
	for range 2 {
		if err := resources.Erase(b.driver).Delete(ctx, b.id, Stamp()); err != nil {
			t.Errorf("delete: %v", err)
		}
		b.gone(ctx, t)
	}
}

func sweep[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.create(ctx, t, Stamp())
	sweeper, ok := b.driver.(resources.Sweeper)
	if !ok {
		t.Skip("the kind cannot be swept")
	}
	for owner, want := range map[string][]resources.ID{Owner: {b.id}, "demo": nil, Owner + "0": nil, "other-11111111": nil} {
		found, err := sweeper.Sweep(ctx, Scope, owner)
		if diff := cmp.Diff(want, found); err != nil || diff != "" {
			t.Errorf("sweep for %s: %v %s", owner, err, diff)
		}
	}
}

func lostAnswers[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.faults(t, `{"rules":[{"match":{"method":"POST","path":"`+b.collection()+`$"},"nth":[1,2],"fault":{"loseAnswer":true}},
		{"match":{"method":"DELETE","path":""},"nth":[1],"fault":{"loseAnswer":true}},
		{"match":{"method":"POST","path":"/wait$"},"nth":[1],"fault":{"loseAnswer":true}}]}`)
	b.create(ctx, t, Stamp())
	b.read(ctx, t)
	if err := resources.Erase(b.driver).Delete(ctx, b.id, Stamp()); err != nil {
		t.Errorf("delete: %v", err)
	}
	b.gone(ctx, t)
}

// collection is the path of the collection that the resource is in.
func (b *bench[S, O]) collection() string {
	return "/" + string(b.id)[strings.Index(string(b.id), "/")+1:strings.LastIndex(string(b.id), "/")]
}

// late: the process dies right after its creation was accepted; another one deletes.
func late[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.faults(t, `{"rules":[{"match":{"method":"POST","path":"`+b.collection()+`$"},"nth":[1],"fault":{"lateBy":"40s"}}]}`)
	dying, die := context.WithTimeout(ctx, 2*time.Second)
	defer die()
	_ = b.driver.Create(dying, b.id, b.suite.Spec, Stamp()) // cut off on purpose
	b.gone(ctx, t)
	if err := resources.Erase(b.driver).Delete(ctx, b.id, Stamp()); err != nil {
		t.Errorf("delete: %v", err)
	}
	<-time.NewTimer(time.Minute).C // virtual: nothing may appear afterwards
	b.gone(ctx, t)
}

func passingFaults[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.faults(t, `{"rules":[{"match":{"path":""},"nth":[1,4,7],"fault":{"error":{"status":503,"reason":"backendError","message":"Backend Error"}}},
		{"match":{"path":""},"nth":[2],"fault":{"dropConnection":true}}]}`)
	b.create(ctx, t, Stamp())
	b.faults(t, `{"rules":[{"match":{"method":"DELETE","path":""},"nth":[1],"fault":{"error":{"status":503}}}]}`)
	if err := resources.Erase(b.driver).Delete(ctx, b.id, Stamp()); err != nil {
		t.Errorf("delete: %v", err)
	}
	b.gone(ctx, t)
}

// fields sets each exported field to something else and asks Compare.
func fields[S, O any](t *testing.T, suite Suite[S, O]) {
	driver := suite.New(nil)
	typ := reflect.TypeFor[S]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		seen := false
		for _, other := range suite.Changed {
			same := reflect.DeepEqual(reflect.ValueOf(other).Field(i).Interface(), reflect.ValueOf(suite.Spec).Field(i).Interface())
			seen = seen || !same && len(driver.Compare(other, suite.Spec)) > 0
		}
		ignored := false
		for _, name := range suite.Ignored {
			ignored = ignored || name == f.Name
		}
		if seen == ignored {
			t.Errorf("field %s: compared %v, ignored %v: give a Changed spec in which it differs, or name it in Ignored", f.Name, seen, ignored)
		}
	}
}

// refs counts the Ref fields of a spec by reflection.
func refs[S, O any](t *testing.T, suite Suite[S, O]) {
	spec := suite.Spec
	if listed, there := len(suite.New(nil).Refs(&spec)), countRefs(reflect.ValueOf(spec)); listed != there {
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
