// Package world is the emulator's memory: objects by name, events that are due at some time, and the log that makes both
// survive the process. It knows nothing of any API.
//
// The world is a discrete-event simulation. Every access first runs all events that are due, in the order of their times, so
// things finish at their time even when no process was running then. Handlers of events are registered by name, because
// events are stored.
//
// With a directory the world is shared between processes: every transaction holds a file lock, reads what other processes
// have appended since, and appends what it changed as one checksummed line. A process killed at any byte leaves at most a
// torn last line, which the next writer cuts off. A log that has grown long is written anew, as one line, so that it stays bounded
// by what exists. Lines are not synced to disk one by one: the log survives the death of the
// process, not of the machine.
//
// Worked example:
//
//	w, err := world.Open(dir, map[string]world.Handler{"done": func(tx *world.Tx, e world.Event) { … }})
//	err = w.Do(time.Now(), func(tx *world.Tx) error {
//		tx.Put(&world.Object{Name: "projects/p/global/networks/n", Kind: "compute#network", Doc: doc})
//		tx.At(tx.Now().Add(14*time.Second), "done", "projects/p/global/networks/n", nil)
//		return nil
//	})
package world
