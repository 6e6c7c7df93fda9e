package provision_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// farSpec is a wanted thing of the kind that is as far as can be from Compute Engine's: it is slow, takes a promise, may have no
// place for a mark, is named by the server, may be made by another thing's call, and is changed one at a time in a group.
type farSpec struct {
	Peer     resources.Ref[string] `json:"peer"`  // address of another one
	Via      resources.Ref[string] `json:"via"`   // name of another one
	Size     int                   `json:"size"`  // changes in place
	Place    string                `json:"place"` // zone
	Named    bool                  `json:"named,omitempty"`
	Unmarked bool                  `json:"unmarked,omitempty"`
	Brings   string                `json:"brings,omitempty"`
	Foreseen bool                  `json:"foreseen,omitempty"`
	Group    string                `json:"group,omitempty"`
}

type farOutputs struct {
	Address string `json:"address"`
	Name    string `json:"name"`
}

type farThing struct {
	spec    farSpec
	owner   string
	name    string // the node's, in the mark
	request string // that made it
	version int    // another one after each change
	address string
	from    time.Time // it is there from then on
	until   time.Time // and until then, unless zero
}

// farWorld is where they live. Its operations take a minute.
type farWorld struct {
	mu       sync.Mutex
	things   map[resources.ID]*farThing
	serial   int
	made     map[string]int // creations accepted, by node name
	asked    int            // calls that create, accepted or not
	reads    []resources.ID
	changing map[string]int
	most     map[string]int // most changes at a time, by group
	spoils   string         // node name of things that somebody changes at once
}

func newFarWorld() *farWorld {
	return &farWorld{things: map[resources.ID]*farThing{}, made: map[string]int{}, changing: map[string]int{}, most: map[string]int{}}
}

const farTakes = time.Minute

func (t *farThing) exists(now time.Time) bool { return t.until.IsZero() || now.Before(t.until) }

func (t *farThing) visible(now time.Time) bool { return t.exists(now) && !now.Before(t.from) }

// left lists what exists or is about to.
func (w *farWorld) left() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []string{}
	for _, id := range slices.Sorted(maps.Keys(w.things)) {
		if w.things[id].exists(time.Now()) {
			out = append(out, string(id))
		}
	}
	return out
}

// with gives the thing of a node; it must be there.
func (w *farWorld) with(name string, f func(resources.ID, *farThing)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, t := range w.things {
		if t.name == name && t.exists(time.Now()) {
			f(id, t)
		}
	}
}

// farDriver is the kind; pass is what a process does calls by.
type farDriver struct {
	w    *farWorld
	pass func(effect bool, what string, do func()) error
}

func (farDriver) Kind() resources.Kind                                             { return "far" }
func (farDriver) Refs(s *farSpec) []resources.Dep                                  { return []resources.Dep{&s.Peer, &s.Via} }
func (farDriver) Check(farSpec) []resources.Problem                                { return nil }
func (farDriver) MayExist(s farSpec) bool                                          { return s.Foreseen }
func (farDriver) Exclusive(_ resources.ID, s farSpec) string                       { return s.Group }
func (farDriver) Estimate(resources.Verb, farSpec, resources.Impact) time.Duration { return farTakes }

func (farDriver) ID(s resources.Scope, name string, spec farSpec) resources.ID {
	return farID(s, spec, name)
}

// farID is the name, or, where the server picks it, a stand-in that holds the mark.
func farID(s resources.Scope, spec farSpec, name string) resources.ID {
	zone := "projects/" + s.Project + "/zones/" + s.Zone + "/things/"
	if spec.Named || spec.Unmarked {
		return resources.NewID("far.test", zone+s.Name(name))
	}
	return resources.NewID("far.test", zone+"-/"+s.Owner+"/"+name)
}

func (farDriver) Compare(want, have farSpec) []resources.Change {
	return resources.Join(
		resources.RefField("peer", want.Peer, have.Peer, resources.Replace),
		resources.RefField("via", want.Via, have.Via, resources.Replace),
		resources.Field("size", want.Size, have.Size, resources.InPlace),
	)
}

// find gives the thing under a name, or with the mark of a stand-in in its zone.
func (w *farWorld) find(id resources.ID) (resources.ID, *farThing) {
	if id.Part("things") != "-" {
		return id, w.things[id]
	}
	owner, name := id.Part("-"), id.Base()
	for real, t := range w.things {
		if t.owner == owner && t.name == name && real.Part("zones") == id.Part("zones") && t.exists(time.Now()) {
			return real, t
		}
	}
	return id, nil
}

func (d farDriver) Read(_ context.Context, id resources.ID) (live resources.Live[farSpec, farOutputs], err error) {
	dead := d.pass(false, "read "+id.Path(), func() {
		d.w.mu.Lock()
		defer d.w.mu.Unlock()
		d.w.reads = append(d.w.reads, id)
		real, t := d.w.find(id)
		if t == nil || !t.visible(time.Now()) {
			err = fmt.Errorf("%s: %w", id, resources.ErrNotFound)
			return
		}
		live = resources.Live[farSpec, farOutputs]{
			ID: real, Spec: t.spec, Owner: t.owner, Unmarked: t.spec.Unmarked, Version: fmt.Sprint(t.version), Outputs: farOutputs{Address: t.address, Name: real.Base()},
		}
	})
	if dead != nil {
		return live, dead
	}
	return live, err
}

// begin and end count what is changed at the same time.
func (w *farWorld) begin(group string) {
	w.changing[group]++
	w.most[group] = max(w.most[group], w.changing[group])
}

func (d farDriver) wait(ctx context.Context, group string, until time.Time) error {
	defer func() {
		d.w.mu.Lock()
		defer d.w.mu.Unlock()
		d.w.changing[group]--
	}()
	for part := 1; ; part++ {
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		resources.Tell(ctx, resources.Progress{Done: part, Total: 4, Waiting: "the server"})
		t := time.NewTimer(min(left, farTakes/4))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
	}
}

func (d farDriver) Create(ctx context.Context, id resources.ID, s farSpec, stamp resources.Stamp) error {
	if !s.Named && !s.Unmarked && id.Part("things") != "-" {
		return fmt.Errorf("%s: the server picks the names of such things", id)
	}
	if _, err := d.Settle(ctx, id); err != nil {
		return err
	}
	var until time.Time
	var exists bool
	dead := d.pass(true, "create "+id.Path(), func() {
		d.w.mu.Lock()
		defer d.w.mu.Unlock()
		d.w.begin(s.Group)
		d.w.asked++
		until = time.Now().Add(farTakes)
		if _, t := d.w.find(id); t != nil && t.exists(time.Now()) {
			exists, until = t.request != stamp.RequestID, t.from
			return
		}
		d.w.serial++
		t := &farThing{spec: s, owner: stamp.Owner, name: strings.TrimPrefix(id.Base(), "demo-"), request: stamp.RequestID, address: fmt.Sprintf("10.77.0.%d", d.w.serial), from: until}
		t.spec.Peer, t.spec.Via = resources.Known(s.Peer.Get()), resources.Known(s.Via.Get())
		if s.Unmarked {
			t.owner = ""
		}
		real := id
		if id.Part("things") == "-" {
			path, _, _ := strings.Cut(id.Path(), "/-/")
			real = resources.NewID("far.test", fmt.Sprintf("%s/t-%06d", path, d.w.serial))
		}
		if t.name == d.w.spoils {
			t.spec.Peer = resources.Known("10.66.66.66")
		}
		d.w.things[real] = t
		d.w.made[t.name]++
		if s.Brings != "" {
			path, _, _ := strings.Cut(real.Path(), "/things/")
			d.w.things[resources.NewID("far.test", path+"/things/"+s.Brings)] = &farThing{
				spec: farSpec{Size: 1, Unmarked: true}, name: strings.TrimPrefix(s.Brings, "demo-"), address: "10.78.0.1", from: until,
			}
		}
	})
	if dead != nil {
		return dead
	}
	if err := d.wait(ctx, s.Group, until); err != nil {
		return err
	}
	if exists {
		return existsError{}
	}
	return nil
}

type conflictError struct{}

func (conflictError) Error() string          { return "it has moved on" }
func (conflictError) Class() resources.Class { return resources.ClassConflict }

type existsError struct{}

func (existsError) Error() string          { return "it exists already" }
func (existsError) Class() resources.Class { return resources.ClassExists }

func (d farDriver) Update(ctx context.Context, live resources.Live[farSpec, farOutputs], s farSpec, changes []resources.Change, _ resources.Stamp) error {
	moved := false
	dead := d.pass(len(changes) > 0, "update "+live.ID.Path(), func() {
		d.w.mu.Lock()
		defer d.w.mu.Unlock()
		t := d.w.things[live.ID]
		if moved = t == nil || fmt.Sprint(t.version) != live.Version; moved {
			return
		}
		d.w.begin(s.Group)
		t.spec.Size = s.Size
		t.version++
	})
	switch {
	case dead != nil:
		return dead
	case moved:
		return conflictError{}
	}
	return d.wait(ctx, s.Group, time.Now().Add(farTakes))
}

func (d farDriver) Delete(ctx context.Context, id resources.ID, _ resources.Stamp) error {
	var until time.Time
	group := ""
	dead := d.pass(true, "delete "+id.Path(), func() {
		d.w.mu.Lock()
		defer d.w.mu.Unlock()
		_, t := d.w.find(id)
		if t == nil || !t.exists(time.Now()) {
			d.w.begin("")
			return
		}
		group = t.spec.Group
		d.w.begin(group)
		if t.until.IsZero() {
			t.until = time.Now().Add(farTakes)
		}
		until = t.until
		path, _, _ := strings.Cut(id.Path(), "/things/")
		if side := d.w.things[resources.NewID("far.test", path+"/things/"+t.spec.Brings)]; t.spec.Brings != "" && side != nil {
			side.until = until
		}
	})
	if dead != nil {
		return dead
	}
	return d.wait(ctx, group, until)
}

func (d farDriver) Settle(ctx context.Context, id resources.ID) (busy bool, err error) {
	var until time.Time
	dead := d.pass(false, "settle "+id.Path(), func() {
		d.w.mu.Lock()
		defer d.w.mu.Unlock()
		d.w.begin("")
		if _, t := d.w.find(id); t != nil && t.exists(time.Now()) {
			until = t.from
			if !t.until.IsZero() {
				until = t.until
			}
		}
		busy = time.Now().Before(until)
	})
	if dead != nil {
		return false, dead
	}
	return busy, d.wait(ctx, "", until)
}

func (d farDriver) Sweep(_ context.Context, _ resources.Scope, owner string) (ids []resources.ID, err error) {
	dead := d.pass(false, "sweep", func() {
		d.w.mu.Lock()
		defer d.w.mu.Unlock()
		for id, t := range d.w.things {
			if t.owner == owner && t.visible(time.Now()) {
				ids = append(ids, id)
			}
		}
	})
	return ids, dead
}
