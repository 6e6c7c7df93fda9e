package gcs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/aiinfra/cluster-provision/pkg/state"
)

const (
	manifestName   = "manifest.json"
	lockName       = "lock.json"
	recoveryPrefix = "recovery-"
)

// written is a kind of name that this program writes into a deployment's folder.
type written struct {
	name   string // the whole name, or how it begins
	end    string // how it ends, when the name only begins so; "/" for all that is below the name
	upload bool   // Upload may write it
}

// table has every name that is written. Nothing else is ever removed.
func table() []written {
	return []written{
		{name: manifestName},
		{name: lockName},
		{name: recoveryPrefix, end: ".json"},
		{name: "logs", end: "/", upload: true},
	}
}

// find gives the row of a name below the deployment's folder. What is in a deployment's folder inside this one is that
// deployment's.
func find(name string) (written, bool) {
	folders := strings.Split(name, "/")
	for _, folder := range folders[:len(folders)-1] {
		if strings.HasSuffix(folder, suffix) {
			return written{}, false
		}
	}
	for _, w := range table() {
		switch w.end {
		case "":
			if name == w.name {
				return w, true
			}
		case "/":
			if strings.HasPrefix(name, w.name+"/") {
				return w, true
			}
		default:
			if len(folders) == 1 && strings.HasPrefix(name, w.name) && strings.HasSuffix(name, w.end) && len(name) > len(w.name)+len(w.end) {
				return w, true
			}
		}
	}
	return written{}, false
}

func ours(name string) bool {
	_, ok := find(name)
	return ok
}

func uploaded(name string) bool {
	w, ok := find(name)
	return ok && w.upload
}

// survey lists the folder once and sorts what is there.
func (s *Store) survey(ctx context.Context) (mine []generation, others []string, err error) {
	if there, err := s.look(ctx); err != nil || !there.exists {
		return nil, nil, err
	}
	all, err := s.generations(ctx, s.folder())
	if err != nil {
		return nil, nil, s.explain(err)
	}
	for _, g := range all {
		if name := strings.TrimPrefix(g.name, s.folder()); ours(name) {
			mine = append(mine, generation{name, g.number, g.live})
		} else {
			others = append(others, "gs://"+s.opt.Bucket+"/"+g.name)
		}
	}
	slices.Sort(others)
	return mine, bound(slices.Compact(others)), nil
}

// bound keeps a list readable.
func bound(names []string) []string {
	const enough = 20
	if len(names) <= enough {
		return names
	}
	return append(names[:enough:enough], fmt.Sprintf("and %d more", len(names)-enough))
}

// Contents lists what the folder holds, older generations too, the lock aside.
func (s *Store) Contents(ctx context.Context) (state.Contents, error) {
	mine, others, err := s.survey(ctx)
	out := state.Contents{Others: others}
	for _, g := range mine {
		if g.name != lockName {
			out.Ours = append(out.Ours, g.name)
		}
	}
	slices.Sort(out.Ours)
	out.Ours = slices.Compact(out.Ours)
	return out, err
}

// Clear removes every generation of what this program has written into the folder, but the lock that is held.
func (s *Store) Clear(ctx context.Context) (kept []string, err error) {
	_, kept, err = s.clear(ctx)
	return kept, err
}

// clear also answers the generations of the lock that it has removed. It names each generation, so it can never remove what
// came after it has listed.
func (s *Store) clear(ctx context.Context) (locks map[int64]bool, kept []string, err error) {
	mine, kept, err := s.survey(ctx)
	if err != nil {
		return nil, nil, err
	}
	locks = map[int64]bool{}
	group, ctx2 := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, g := range mine {
		if g.name == lockName {
			if g.live {
				continue
			}
			locks[g.number] = true
		}
		group.Go(func() error { return s.remove(ctx2, g.name, g.number, g.live) })
	}
	return locks, kept, s.explain(group.Wait())
}

// Dissolve ends a destroy: it clears the folder, gives the lease back without leaving an old generation of the lock, and
// removes the default bucket when this program made it and it is empty. No other run can be harmed by the last: a create that
// has not locked yet makes the bucket again.
func (s *Store) Dissolve(ctx context.Context, l state.Lease) (state.Dissolved, error) {
	mine, ok := l.(*lease)
	if !ok || mine.store != s {
		return state.Dissolved{}, errors.New("this lease is not of this store")
	}
	if mine.Check() != nil {
		return state.Dissolved{}, state.ErrLeaseLost
	}
	held, cancel := both(ctx, mine.Context())
	defer cancel()
	removed, kept, err := s.clear(held)
	if err != nil {
		return state.Dissolved{}, err
	}
	if err := mine.Stop(held); err != nil {
		return state.Dissolved{}, err
	}
	if err := mine.forget(held, removed); err != nil {
		return state.Dissolved{}, err
	}
	if mine.Check() != nil {
		return state.Dissolved{}, state.ErrLeaseLost
	}
	// What was begun is ended, also when ctx is the lease's own or an interrupt comes now.
	ctx, cancelRest := context.WithTimeout(context.WithoutCancel(ctx), s.patience())
	defer cancelRest()
	out := state.Dissolved{Kept: kept}
	if err := mine.Release(ctx); err != nil {
		return out, err
	}
	if s.opt.Default && len(kept) == 0 {
		out.BucketRemoved, out.Why, err = s.removeBucket(ctx)
	}
	return out, err
}
