package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Event is the name of the world's event that ends operations.
const Event = "operation"

// Effect is what the end of an operation does to its target.
type Effect string

// The effects.
const (
	Ready  Effect = "ready"  // the target can be used
	Delete Effect = "delete" // the target goes, unless something still uses it
	Keep   Effect = "keep"   // nothing more
	undo   Effect = "undo"   // the target was never made
)

// Work is what an operation does.
type Work struct {
	Target *world.Object
	Takes  time.Duration // scaled already
	Effect Effect
	Fail   *faults.OperationError // how it ends, when it fails whatever the target says
}

// Life is what happens to things of one kind when their operations end. Each function may be nil.
type Life struct {
	Ready   func(*world.Tx, *world.Object) // it can be used
	Removed func(*world.Tx, *world.Object) // it is about to go
	Kept    func(*world.Tx, *world.Object) // its deletion has failed
	// InUse refuses a deletion when it should be done.
	InUse func(*world.Tx, *world.Object) *faults.OperationError
}

// Closer writes the end of an operation into its document; failed is nil when it has succeeded.
type Closer func(op *world.Object, at time.Time, failed *faults.OperationError)

// Ledger knows the lives of all kinds and the dialects of all operations.
type Ledger struct {
	lives   map[string]Life
	closers map[string]Closer
}

// NewLedger gives one that knows nothing yet.
func NewLedger() *Ledger { return &Ledger{lives: map[string]Life{}, closers: map[string]Closer{}} }

// Live tells the life of a kind of things. That it was told already is an error.
func (l *Ledger) Live(kind string, life Life) error {
	if _, known := l.lives[kind]; known {
		return fmt.Errorf("emulator: two services have things of kind %s", kind)
	}
	l.lives[kind] = life
	return nil
}

// Speak tells how operations of a kind end. That it was told already is an error.
func (l *Ledger) Speak(kind string, c Closer) error {
	if _, known := l.closers[kind]; known {
		return fmt.Errorf("emulator: two services have operations of kind %s", kind)
	}
	l.closers[kind] = c
	return nil
}

// IsOperation says whether a kind is one of operations.
func (l *Ledger) IsOperation(kind string) bool { return l.closers[kind] != nil }

// end is the data of the event that ends an operation.
type end struct {
	Effect Effect                 `json:"effect"`
	Target string                 `json:"target"`
	Error  *faults.OperationError `json:"error,omitempty"`
}

// Start stores an operation, whose document says that it runs, and plans its end.
func (l *Ledger) Start(tx *world.Tx, op *world.Object, w Work) {
	at := tx.Now().Add(w.Takes)
	if w.Target.Visible.After(at) {
		at = w.Target.Visible // what appears late is not done before it appears
	}
	if w.Fail != nil && w.Effect == Ready {
		w.Effect = undo
	}
	if op.Note == nil {
		op.Note = map[string]any{}
	}
	op.Note["end"] = at.Format(time.RFC3339Nano)
	tx.Put(op)
	tx.At(at, Event, op.Name, end{Effect: w.Effect, Target: w.Target.Name, Error: w.Fail})
}

// Finish is the handler of Event.
func (l *Ledger) Finish(tx *world.Tx, e world.Event) {
	var what end
	op, ok := tx.Get(e.Subject)
	if !ok || json.Unmarshal(e.Data, &what) != nil {
		return
	}
	failed := what.Error
	if target, ok := tx.Get(what.Target); ok {
		if refused := l.finish(tx, target, what); refused != nil {
			failed = refused
		}
	}
	if c := l.closers[op.Kind]; c != nil {
		c(op, tx.Now(), failed)
	}
	delete(op.Note, "end")
	tx.Put(op)
}

// finish does to the target what the end of its operation means.
func (l *Ledger) finish(tx *world.Tx, target *world.Object, what end) *faults.OperationError {
	life := l.lives[target.Kind]
	tell := func(f func(*world.Tx, *world.Object)) {
		if f != nil {
			f(tx, target)
		}
	}
	switch what.Effect {
	case Ready:
		target.Ready = true
		tx.Put(target)
		tell(life.Ready)
	case undo:
		tell(life.Removed)
		tx.Delete(target.Name)
	case Delete:
		refused := what.Error
		if refused == nil && life.InUse != nil {
			refused = life.InUse(tx, target)
		}
		if refused != nil {
			target.Doomed = false
			tx.Put(target)
			tell(life.Kept)
			return refused
		}
		tell(life.Removed)
		tx.Delete(target.Name)
	case Keep:
		tx.Put(target)
	}
	return nil
}

// Wait holds a call until the operation of a name is done, for at most so long. It does not matter whether there is one.
func (l *Ledger) Wait(ctx context.Context, w *world.World, name string, longest time.Duration) error {
	limit := time.Now().Add(longest)
	for {
		var until time.Time
		err := w.Do(time.Now(), func(tx *world.Tx) error {
			if op, ok := tx.Get(name); ok {
				until, _ = time.Parse(time.RFC3339Nano, doc.Str(op.Note, "end")) // done: there is no end to wait for
			}
			return nil
		})
		if err != nil || until.IsZero() || !limit.After(time.Now()) {
			return err
		}
		if until.After(limit) {
			until = limit
		}
		t := time.NewTimer(time.Until(until))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}
