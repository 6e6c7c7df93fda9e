package resourcetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
)

type driver = resources.Driver[resourcetest.FarSpec, resourcetest.FarOutputs]

func open(ctx context.Context, t *testing.T) (*resourcetest.FarCloud, resourcetest.Far) {
	t.Helper()
	far := resourcetest.NewFarCloud()
	c, err := gcp.New(ctx, gcp.Options{Transport: far})
	if err != nil {
		t.Fatal(err)
	}
	return far, resourcetest.NewFar(c)
}

func world(ctx context.Context, t *testing.T) (resourcetest.World, driver) {
	t.Helper()
	far, d := open(ctx, t)
	return far, d
}

var peer = resources.Known("10.77.9.9")

func TestTheKindThatIsFarAway(t *testing.T) {
	for name, unmarked := range map[string]bool{"named by the server, found by its mark": false, "without a place for a mark": true} {
		t.Run(name, func(t *testing.T) {
			resourcetest.Run(t, resourcetest.Suite[resourcetest.FarSpec, resourcetest.FarOutputs]{
				Open: world, Name: "thing", Unmarked: unmarked,
				Spec: resourcetest.FarSpec{Peer: peer, Size: 3, Unmarked: unmarked, Group: "g"},
				Changed: []resourcetest.FarSpec{
					{Peer: peer, Size: 5, Unmarked: unmarked, Group: "g"},
					{Peer: resources.Known("10.77.9.8"), Size: 3, Unmarked: unmarked, Group: "g"},
					{Peer: peer, Size: 3, Unmarked: !unmarked, Group: "g"},
					{Peer: peer, Size: 3, Unmarked: unmarked, Group: "g", Brings: "side"},
				},
				Ignored: []string{"Foreseen", "Group"}, // they are about the node, not about the thing
			})
		})
	}
}

func TestOperationsThatBreakAreDoneAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, d := open(t.Context(), t)
		s := resourcetest.FarSpec{Peer: peer, Size: 1}
		if err := far.Strike(resourcetest.Fault{On: resourcetest.Creations, Nth: []int{1}, Harm: resourcetest.Breaks}, resourcetest.Fault{On: resourcetest.Deletions, Nth: []int{1}, Harm: resourcetest.Breaks}); err != nil {
			t.Fatal(err)
		}
		id := d.ID(resourcetest.Scope, "thing", s)
		if err := d.Create(t.Context(), id, s, resourcetest.Stamp()); err != nil {
			t.Fatal(err)
		}
		if n, _ := far.Made(); n != 2 {
			t.Errorf("%d creations were accepted, want one that broke and another", n)
		}
		if err := resources.Erase[resourcetest.FarSpec, resourcetest.FarOutputs](d).Delete(t.Context(), id, resourcetest.Stamp()); err != nil {
			t.Error(err)
		}
		if left, _ := far.Things(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestOneChangeAtATimeInAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, d := open(t.Context(), t)
		s := resourcetest.FarSpec{Peer: peer, Size: 1, Group: "g"}
		a, b := d.ID(resourcetest.Scope, "a", s), d.ID(resourcetest.Scope, "b", s)
		if d.Exclusive(a, s) == "" || d.Exclusive(a, s) != d.Exclusive(b, s) {
			t.Error("they are not of one group")
		}
		var wait sync.WaitGroup
		for _, id := range []resources.ID{a, b} {
			wait.Go(func() {
				if err := d.Create(t.Context(), id, s, resourcetest.Stamp()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if far.Collisions() == 0 {
			t.Error("the cloud took two changes at once")
		}
	})
}

func TestWhatAnotherThingBrings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, d := open(t.Context(), t)
		s := resourcetest.FarSpec{Peer: peer, Size: 1, Brings: "demo-side"}
		side := resourcetest.FarSpec{Size: 1, Unmarked: true, Foreseen: true}
		id := d.ID(resourcetest.Scope, "thing", s)
		if err := d.Create(t.Context(), id, s, resourcetest.Stamp()); err != nil {
			t.Fatal(err)
		}
		live, err := d.Read(t.Context(), d.ID(resourcetest.Scope, "side", side))
		if err != nil || !live.Unmarked || !d.MayExist(side) || len(d.Compare(side, live.Spec)) > 0 {
			t.Errorf("%+v %v", live, err)
		}
		if err := resources.Erase[resourcetest.FarSpec, resourcetest.FarOutputs](d).Delete(t.Context(), id, resourcetest.Stamp()); err != nil {
			t.Fatal(err)
		}
		if left, _ := far.Things(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestProgressIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, d := open(t.Context(), t)
		s := resourcetest.FarSpec{Peer: peer, Size: 1}
		var told []int
		ctx := resources.WithProgress(t.Context(), func(p resources.Progress) {
			if p.Total != 4 {
				t.Errorf("%+v", p)
			}
			told = append(told, p.Done)
		})
		start := time.Now()
		if err := d.Create(ctx, d.ID(resourcetest.Scope, "thing", s), s, resourcetest.Stamp()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < resourcetest.FarCreates || took > resourcetest.FarCreates+5*time.Second {
			t.Errorf("it took %s", took)
		}
		for want := range 5 {
			if !slices.Contains(told, want) {
				t.Errorf("%d of 4 was never told: %v", want, told)
			}
		}
	})
}

// A promise is resolved from what the other thing publishes; a move to another zone is another name.
func TestPromisesAndMoves(t *testing.T) {
	scope := resourcetest.Scope
	set := resources.NewSet(scope)
	first := resourcetest.AddFar(set, "first", resourcetest.FarSpec{Size: 1})
	resourcetest.AddFar(set, "second", resourcetest.FarSpec{Size: 1, Peer: first.Address()})
	nodes, err := resources.NewRegistry(resources.Erase[resourcetest.FarSpec, resourcetest.FarOutputs](resourcetest.Far{})).Nodes(set)
	if err != nil || len(nodes) != 2 || !slices.Contains(nodes[1].Refs, first.Node()) {
		t.Fatalf("%v %v", nodes, err)
	}
	var open *resources.UnresolvedError
	if err := nodes[1].Resolve(func(resources.Address) (json.RawMessage, bool) { return nil, false }); !errors.As(err, &open) {
		t.Errorf("a promise was resolved from nothing: %v", err)
	}
	scope.Zone = "us-central1-b"
	if (resourcetest.Far{}).ID(scope, "first", resourcetest.FarSpec{}) == nodes[0].ID {
		t.Error("it has the same name in another zone")
	}
}

// The hook lets a process die before and after each effect.
func TestTheHookIsCalledAroundEachEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, d := open(t.Context(), t)
		s := resourcetest.FarSpec{Peer: peer, Size: 1}
		id := d.ID(resourcetest.Scope, "thing", s)
		ctx, die := context.WithCancel(t.Context())
		far.Hook = func(_ int64, phase emulator.Phase, _, _ string) error {
			if phase == emulator.After {
				die()
				return errors.New("the process is dead")
			}
			return nil
		}
		if err := d.Create(ctx, id, s, resourcetest.Stamp()); err == nil {
			t.Error("a dead process has ended well")
		}
		far.Hook = nil
		if n, _ := far.Made(); n != 1 {
			t.Errorf("%d creations", n)
		}
		if err := resources.Erase[resourcetest.FarSpec, resourcetest.FarOutputs](d).Delete(t.Context(), id, resourcetest.Stamp()); err != nil {
			t.Error(err)
		}
		if left, _ := far.Things(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}
