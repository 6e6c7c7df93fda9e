package resourcetest

import (
	"context"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/google/go-cmp/cmp"
)

func lostAnswers[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.strike(t, Fault{Creations, []int{1, 2}, Lost}, Fault{Deletions, []int{1}, Lost}, Fault{Waits, []int{1}, Lost})
	b.create(ctx, t, Stamp())
	b.read(ctx, t)
	b.made(t, 1)
	if err := resources.Erase(b.driver).Delete(ctx, b.id, Stamp()); err != nil {
		t.Errorf("delete: %v", err)
	}
	b.gone(ctx, t)
}

// late: the process dies right after its creation was accepted; another one deletes.
func late[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	b.strike(t, Fault{Creations, []int{1}, Late})
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
	b.strike(t, Fault{Every, []int{1, 4, 7}, Failing}, Fault{Every, []int{2}, Dropped}, Fault{Every, []int{9}, Limited})
	b.create(ctx, t, Stamp())
	b.made(t, 1)
	b.strike(t, Fault{Deletions, []int{1}, Failing}, Fault{Reads, []int{2}, Limited})
	if err := resources.Erase(b.driver).Delete(ctx, b.id, Stamp()); err != nil {
		t.Errorf("delete: %v", err)
	}
	b.gone(ctx, t)
}

// struckReads: what only reads is asked again, and never says "absent" because of a fault.
func struckReads[S, O any](ctx context.Context, t *testing.T, b *bench[S, O]) {
	passing := []Fault{{Reads, []int{1}, Failing}, {Reads, []int{2}, Limited}, {Reads, []int{3}, Dropped}, {Reads, []int{4}, Lost}}
	b.create(ctx, t, Stamp())
	b.strike(t, passing...)
	live := b.read(ctx, t)
	if sweeper, ok := b.driver.(resources.Sweeper); ok && !b.suite.Unmarked {
		b.strike(t, passing...)
		found, err := sweeper.Sweep(ctx, Scope, Owner)
		if diff := cmp.Diff([]resources.ID{live.ID}, found); err != nil || diff != "" {
			t.Errorf("sweep: %v %s", err, diff)
		}
	}
	b.strike(t, passing...)
	if err := resources.Erase(b.driver).Delete(ctx, live.ID, Stamp()); err != nil {
		t.Errorf("delete: %v", err)
	}
	b.strike(t, passing...)
	b.gone(ctx, t)
}
