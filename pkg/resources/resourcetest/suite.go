package resourcetest

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// Suite is what a kind gives to be tested. New is for kinds that are tried in the emulator, Open for others.
type Suite[S, O any] struct {
	New     func(*gcp.Clients) resources.Driver[S, O]
	Open    func(context.Context, *testing.T) (World, resources.Driver[S, O])
	Name    string                                                  // node name
	Spec    S                                                       // what is created
	Changed []S                                                     // each differs from Spec in at least one managed field
	Found   []S                                                     // what somebody can have made of it by hand and nobody wants: a difference, refused by Check
	Ignored []string                                                // exported fields of Spec that Compare leaves out, each for a reason
	Before  func(ctx context.Context, t *testing.T, c *gcp.Clients) // makes what the spec refers to; may be nil
	// Unmarked: the spec has no place for a mark, so the thing is ours exactly if it is recorded.
	Unmarked bool
}

// Scope is where the suite works.
var Scope = resources.Scope{Project: "suite-project", Region: "us-central1", Zone: "us-central1-a", Prefix: "demo", Owner: Owner} //nolint:gochecknoglobals // a constant

// Owner is whose the suite's resources are.
const Owner = "demo-0a1b2c3d"

// bench is one world with a driver over it.
type bench[S, O any] struct {
	suite  Suite[S, O]
	world  World
	driver resources.Driver[S, O]
	id     resources.ID // as it is computed
}

// NewClients gives clients over an emulator.
func NewClients(ctx context.Context, t *testing.T, em *emulator.Emulator) *gcp.Clients {
	t.Helper()
	return NewClientsOver(ctx, t, em.Transport())
}

// NewClientsOver gives clients over a transport.
func NewClientsOver(ctx context.Context, t *testing.T, rt http.RoundTripper) *gcp.Clients {
	t.Helper()
	c, err := gcp.New(ctx, gcp.Options{Transport: rt})
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
		"reading what is not there is ErrNotFound":              readNothing[S, O],
		"what was created reads back as wanted":                 createAndRead[S, O],
		"creating again with the same request id makes nothing": createAgain[S, O],
		"creating over something else is class exists":          createOver[S, O],
		"each change is made or is a replacement":               change[S, O],
		"what another owner has is neither deleted nor changed": foreign[S, O],
		"deleting twice is fine":                                deleteTwice[S, O],
		"the sweep finds it by owner and nothing else":          sweep[S, O],
		"lost answers are survived":                             lostAnswers[S, O],
		"a creation that appears late is deleted too":           late[S, O],
		"passing faults are survived":                           passingFaults[S, O],
		"reading and sweeping survive passing faults":           struckReads[S, O],
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t.Context(), t, newBench(t.Context(), t, suite)) })
		})
	}
	t.Run("every field is compared under its own path, or ignored for a reason", func(t *testing.T) { fields(t, suite) })
	t.Run("every reference is listed", func(t *testing.T) { refs(t, suite) })
}

func newBench[S, O any](ctx context.Context, t *testing.T, suite Suite[S, O]) *bench[S, O] {
	t.Helper()
	b := &bench[S, O]{suite: suite}
	if suite.Open != nil {
		b.world, b.driver = suite.Open(ctx, t)
		b.id = b.driver.ID(Scope, suite.Name, suite.Spec)
		return b
	}
	em := Emulate(t, "")
	c := NewClients(ctx, t, em)
	if suite.Before != nil {
		suite.Before(ctx, t, c)
	}
	b.driver = suite.New(c)
	b.id = b.driver.ID(Scope, suite.Name, suite.Spec)
	b.world = emulated{em: em, id: b.id}
	return b
}

// pure gives the driver for what calls nothing.
func pure[S, O any](t *testing.T, suite Suite[S, O]) resources.Driver[S, O] {
	t.Helper()
	if suite.Open == nil {
		return suite.New(nil)
	}
	_, d := suite.Open(t.Context(), t)
	return d
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

func (b *bench[S, O]) strike(t *testing.T, faults ...Fault) {
	t.Helper()
	if err := b.world.Strike(faults...); err != nil {
		t.Fatal(err)
	}
}

// made asserts how many creations were accepted.
func (b *bench[S, O]) made(t *testing.T, want int) {
	t.Helper()
	if n, err := b.world.Made(); err != nil || n != want {
		t.Errorf("%d creations were accepted, want %d (%v)", n, want, err)
	}
}

func readNothing[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) { b.gone(ctx, t) }

func createAndRead[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.create(ctx, t, Stamp())
	live := b.read(ctx, t)
	if changes := b.driver.Compare(b.suite.Spec, live.Spec); len(changes) > 0 {
		t.Errorf("differs after create: %v", changes)
	}
	if live.Unmarked != b.suite.Unmarked || !live.Unmarked && live.Owner != Owner || live.Pending {
		t.Errorf("owner %q, unmarked %v, pending %v", live.Owner, live.Unmarked, live.Pending)
	}
	again, err := b.driver.Read(ctx, live.ID)
	if err != nil || again.ID != live.ID {
		t.Errorf("reading by the name that a read gave: %s, %v", again.ID, err)
	}
	b.made(t, 1)
	if problems := b.driver.Check(b.suite.Spec); len(problems) > 0 {
		t.Errorf("check: %v", problems)
	}
}

func createAgain[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	s := Stamp()
	b.create(ctx, t, s)
	first := b.things(t)
	b.create(ctx, t, s)
	if diff := cmp.Diff(first, b.things(t)); diff != "" {
		t.Errorf("the second create changed the world: %s", diff)
	}
	b.made(t, 1)
}

// things is all that exists, by name.
func (b *bench[S, O]) things(t *testing.T) []string {
	t.Helper()
	out, err := b.world.Things()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func createOver[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.create(ctx, t, Stamp())
	err := b.driver.Create(ctx, b.id, b.suite.Spec, Stamp())
	if class := resources.ClassOf(err); class != resources.ClassExists {
		t.Errorf("class %q: %v", class, err)
	}
	b.made(t, 1)
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
	if b.suite.Unmarked {
		t.Skip("nobody can tell whose it is")
	}
	other, theirs := Stamp(), Scope
	other.Owner, theirs.Owner = "other-11111111", "other-11111111"
	ours := b.id
	b.id = b.driver.ID(theirs, b.suite.Name, b.suite.Spec)
	b.create(ctx, t, other)
	before, things, changes := b.read(ctx, t), b.things(t), b.changes(t)
	err := resources.Erase(b.driver).Delete(ctx, before.ID, Stamp())
	var refused *resources.ForeignError
	if !errors.As(err, &refused) || refused.Owner != other.Owner {
		t.Errorf("want a refusal that names the owner, have: %v", err)
	}
	if before.ID == ours { // a name that the server picks cannot be taken
		if err := b.driver.Create(ctx, ours, b.suite.Spec, Stamp()); resources.ClassOf(err) != resources.ClassExists {
			t.Errorf("creating over it: %v", err)
		}
	}
	if b.changes(t) != changes || !reflect.DeepEqual(before, b.read(ctx, t)) || !reflect.DeepEqual(things, b.things(t)) {
		t.Error("it was touched")
	}
}

func (b *bench[S, O]) changes(t *testing.T) int {
	t.Helper()
	n, err := b.world.Changes()
	if err != nil {
		t.Fatal(err)
	}
	return n
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
	mine := []resources.ID{b.read(ctx, t).ID}
	if b.suite.Unmarked {
		mine = nil
	}
	for owner, want := range map[string][]resources.ID{Owner: mine, "demo": nil, Owner + "0": nil, "other-11111111": nil} {
		found, err := sweeper.Sweep(ctx, Scope, owner)
		if diff := cmp.Diff(want, found); err != nil || diff != "" {
			t.Errorf("sweep for %s: %v %s", owner, err, diff)
		}
	}
}
