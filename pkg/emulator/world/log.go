package world

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gofrs/flock"
)

// entry is what one transaction changed: one line of the log.
type entry struct {
	Put     []*Object `json:"put,omitempty"`
	Delete  []string  `json:"del,omitempty"`
	Events  []Event   `json:"at,omitempty"`
	Ended   []int64   `json:"end,omitempty"`
	Counter int64     `json:"n,omitempty"`
}

// commit appends what changed.
func (tx *Tx) commit() error {
	if tx.w.log == nil || len(tx.touched)+len(tx.added)+len(tx.ended) == 0 {
		return nil
	}
	e := entry{Ended: tx.ended, Counter: tx.w.counter}
	for name := range tx.touched {
		if o, ok := tx.w.objects[name]; ok {
			e.Put = append(e.Put, o)
		} else {
			e.Delete = append(e.Delete, name)
		}
	}
	for _, ev := range tx.added {
		if !slices.Contains(tx.ended, ev.Seq) {
			e.Events = append(e.Events, ev)
		}
	}
	return tx.w.log.append(e)
}

// apply does to the world what a line says.
func (w *World) apply(e entry) {
	for _, o := range e.Put {
		w.set(o)
	}
	for _, name := range e.Delete {
		w.remove(name)
	}
	for _, ev := range e.Events {
		w.events.push(ev)
		w.seq = max(w.seq, ev.Seq)
	}
	for _, seq := range e.Ended {
		w.gone[seq] = true
		w.seq = max(w.seq, seq)
	}
	w.counter = max(w.counter, e.Counter)
}

// logFile is the append-only log of a directory.
type logFile struct {
	path   string
	guard  *flock.Flock
	file   *os.File
	offset int64 // up to where this process has read or written
	first  int64 // length of the first line, which after a compaction is all there was then
}

const (
	logName  = "world.jsonl"
	lockName = "world.lock"
	// The log is written anew, as one line, when it is longer than shortLog bytes and than growth times its first line. So it is
	// never much longer than growth times what exists, and writing it anew costs little beside what was appended.
	shortLog = 2 << 20
	growth   = 4
)

func openLog(dir string) (*logFile, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // holds nothing secret: it is a play world
		return nil, fmt.Errorf("emulator directory: %w", err)
	}
	return &logFile{path: filepath.Join(dir, logName), guard: flock.New(filepath.Join(dir, lockName))}, nil
}

func (l *logFile) lock() error {
	if err := l.guard.Lock(); err != nil {
		return fmt.Errorf("emulator directory is not usable: %w", err)
	}
	return nil
}

func (l *logFile) unlock() { _ = l.guard.Unlock() } // the lock also ends with the process

func (l *logFile) close() error {
	if l.file == nil {
		return l.guard.Close()
	}
	return errors.Join(l.file.Close(), l.guard.Close())
}

// catchUp reads what other processes have appended; everything, when the log was compacted meanwhile or is new to us.
func (l *logFile) catchUp(w *World) error {
	if l.file != nil {
		mine, err1 := l.file.Stat()
		there, err2 := os.Stat(l.path)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) {
			if there.Size() == l.offset {
				return nil
			}
			return l.read(w)
		}
		_ = l.file.Close() // it is another file now; nothing was written to it that matters
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o644) //nolint:gosec // as above
	if err != nil {
		return fmt.Errorf("emulator directory is not usable: %w", err)
	}
	l.file, l.offset, l.first = f, 0, 0
	w.reset()
	return l.read(w)
}

// read applies whole lines from the offset on. A line without an end, or the last one with a wrong checksum, is what a killed
// process left: it is cut off. A wrong checksum before the end is damage.
func (l *logFile) read(w *World) error {
	if _, err := l.file.Seek(l.offset, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(l.file, 1<<20)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return l.truncate(len(line) > 0)
		}
		if err != nil {
			return err
		}
		e, ok := decode(line)
		if !ok {
			if _, peek := r.Peek(1); errors.Is(peek, io.EOF) {
				return l.truncate(true)
			}
			return fmt.Errorf("%s is damaged at byte %d: remove the directory and start anew", l.path, l.offset)
		}
		w.apply(e)
		l.advance(len(line))
	}
}

func (l *logFile) truncate(torn bool) error {
	if !torn {
		return nil
	}
	return l.file.Truncate(l.offset)
}

// A line is 8 hex digits of a checksum, a space, JSON, a newline.
func encode(e entry) ([]byte, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(raw), raw), nil
}

func decode(line []byte) (entry, bool) {
	var e entry
	sum, raw, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	if !ok {
		return e, false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || uint32(want) != crc32.ChecksumIEEE(raw) {
		return e, false
	}
	return e, json.Unmarshal(raw, &e) == nil
}

func (l *logFile) append(e entry) error {
	line, err := encode(e)
	if err != nil {
		return err
	}
	n, err := l.file.WriteAt(line, l.offset)
	if err != nil {
		_ = l.file.Truncate(l.offset) // a torn line is cut off by the next reader anyway
		return fmt.Errorf("emulator state could not be written: %w", err)
	}
	l.advance(n)
	return nil
}

// advance goes on by a line.
func (l *logFile) advance(n int) {
	if l.offset == 0 {
		l.first = int64(n)
	}
	l.offset += int64(n)
}

// compact writes the log anew when it has grown long. Who holds the lock calls it. Other processes see that it is another file; one
// that is killed meanwhile leaves the old one.
func (l *logFile) compact(w *World) error {
	if l.offset <= shortLog || l.offset <= growth*l.first {
		return nil
	}
	e := entry{Counter: w.counter}
	for _, o := range w.objects {
		e.Put = append(e.Put, o)
	}
	for _, ev := range w.events {
		if !w.gone[ev.Seq] {
			e.Events = append(e.Events, ev)
		}
	}
	line, err := encode(e)
	if err != nil {
		return err
	}
	fresh := l.path + ".new"
	if err := os.WriteFile(fresh, line, fs.FileMode(0o644)); err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	f, err := os.OpenFile(fresh, os.O_RDWR, 0o644) //nolint:gosec // as above
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, l.path); err != nil {
		return errors.Join(err, f.Close())
	}
	_ = l.file.Close() // nothing is written to it any more
	l.file, l.offset, l.first = f, int64(len(line)), int64(len(line))
	return nil
}
