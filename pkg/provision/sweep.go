package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// stray is something that carries the mark.
type stray struct {
	kind    resources.Kind // empty for what no kind makes: VMs and their disks
	id      resources.ID
	command string // what removes it, when no kind does
}

// sweep lists, by mark and exactly, what the deployment owns of every kind, and VMs and disks by label, whoever made them.
func (e *Engine) sweep(ctx context.Context, report *Report) ([]stray, error) {
	defer report.phase("proof")()
	kinds := e.Registry.Kinds()
	found := make([][]stray, len(kinds)+1)
	errs := make([]error, len(kinds)+1)
	var wait sync.WaitGroup
	for i, k := range kinds {
		h, _ := e.Registry.Handler(k)
		wait.Go(func() {
			ids, err := h.Sweep(ctx, e.Scope, e.Owner)
			errs[i] = err
			for _, id := range ids {
				found[i] = append(found[i], stray{kind: k, id: id})
			}
		})
	}
	wait.Go(func() {
		vms, err := e.Fleet.Proof(ctx, e.Owner)
		errs[len(kinds)] = err
		for _, v := range vms {
			found[len(kinds)] = append(found[len(kinds)], stray{id: v.ID, command: v.Command})
		}
	})
	wait.Wait()
	left := slices.Concat(found...)
	slices.SortFunc(left, func(a, b stray) int { return cmp.Compare(a.id, b.id) })
	errs = slices.DeleteFunc(errs, func(err error) bool {
		return resources.ClassOf(err) == resources.ClassDisabled // a disabled API holds nothing
	})
	return left, once(errs...)
}

func leftovers(left []stray) error {
	lines := make([]string, len(left))
	for i, l := range left {
		lines[i] = "  " + l.id.Path()
		if l.command != "" {
			lines[i] += "\n    remove it with: " + l.command
		}
	}
	return fmt.Errorf("these carry the deployment's mark and are still there:\n%s", strings.Join(lines, "\n"))
}

// removeStrays deletes what carries the mark and is of a kind, in rounds: what is still in use goes in a later one.
func (e *Engine) removeStrays(ctx context.Context, report *Report, left []stray) error {
	defer report.phase("sweep")()
	left = slices.DeleteFunc(slices.Clone(left), func(l stray) bool { return l.kind == "" }) // they go with their group, or are named
	var errs []error
	for round := 0; len(left) > 0 && round < 6; round++ {
		errs = nil
		var again []stray
		for _, l := range left {
			h, _ := e.Registry.Handler(l.kind)
			if err := h.Delete(ctx, l.id, resources.Stamp{Owner: e.Owner, RequestID: newID()}); err != nil {
				again, errs = append(again, l), append(errs, err)
				continue
			}
			report.Swept = append(report.Swept, string(l.id))
		}
		left = again
	}
	return errors.Join(errs...)
}
