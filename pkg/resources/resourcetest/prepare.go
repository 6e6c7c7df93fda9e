package resourcetest

import (
	"context"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Make creates what a kind under test refers to, with the referred kind's own driver.
func Make[S, O any](ctx context.Context, t *testing.T, d resources.Driver[S, O], name string, s S) {
	t.Helper()
	if err := d.Create(ctx, d.ID(Scope, name, s), s, Stamp()); err != nil {
		t.Fatalf("%s/%s, which the test needs: %v", d.Kind(), name, err)
	}
}
