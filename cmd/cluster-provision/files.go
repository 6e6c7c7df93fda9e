package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
)

// mostBytes bounds the files that a user names: a fault plan or a table of latencies is a few kilobytes.
const mostBytes = 4 << 20

// readFile reads a regular file of a bounded size. A device, a pipe or a folder is refused before anything is read, and opening
// never waits: `--faults /dev/zero` must not fill the memory, and a pipe that nobody writes to must not hold the program.
func readFile(flag, path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the user names the file
	if err != nil {
		return nil, usage(flag, path, "cannot be read: "+err.Error(), "give the path of a readable file")
	}
	defer func() { _ = f.Close() }() // it was only read
	switch info, err := f.Stat(); {
	case err != nil:
		return nil, usage(flag, path, "cannot be read: "+err.Error(), "give the path of a readable file")
	case !info.Mode().IsRegular():
		return nil, usage(flag, path, "is "+kindOf(info.Mode()), "give the path of an ordinary file")
	}
	raw, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	switch {
	case err != nil:
		return nil, usage(flag, path, "cannot be read: "+err.Error(), "give the path of a readable file")
	case len(raw) > mostBytes:
		return nil, usage(flag, path, fmt.Sprintf("is larger than %d MB", mostBytes>>20), "is it the right file?")
	}
	return raw, nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "no ordinary file"
}

// openLogFile opens a file to append to. It never waits for a reader, should it be a pipe.
func openLogFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0o600) //nolint:gosec // the user names the file
	if err != nil {
		return nil, usage("--log-file", path, "cannot be written: "+err.Error(), "give a path that you may write to")
	}
	return f, nil
}

// worldLine is how every line of an emulated world begins: a checksum, then an object (pkg/emulator/world, log.go).
var worldLine = regexp.MustCompile(`^[0-9a-f]{8} \{`)

// emulatorDir refuses a folder that is not the emulator's: it would write there, and cut off what it takes for a torn line.
// Absent and empty folders are fine, and so is one that holds an emulated world, whatever else is beside it.
func emulatorDir(flag, dir string) error {
	const hint = "give a new or empty directory, or one that the emulator has made"
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usage(flag, dir, "cannot be used: "+err.Error(), hint)
	}
	for _, e := range entries {
		if e.Name() == "world.jsonl" {
			return emulatedWorld(flag, dir, hint)
		}
	}
	mine := []string{"world.lock", "world.jsonl.new", "calls.jsonl", "blobs"} // of an emulator that died early
	for _, e := range entries {
		if !slices.Contains(mine, e.Name()) {
			return usage(flag, dir, fmt.Sprintf("is not the emulator's: it holds %q", e.Name()), hint)
		}
	}
	return nil
}

func emulatedWorld(flag, dir, hint string) error {
	path := filepath.Join(dir, "world.jsonl")
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the user names the directory
	if err != nil {
		return usage(flag, dir, "cannot be used: "+err.Error(), hint)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return usage(flag, dir, "is not the emulator's: its world.jsonl is no ordinary file", hint)
	}
	begin := make([]byte, 10)
	n, err := io.ReadFull(f, begin)
	if n > 0 && !worldLine.Match(begin[:n]) || n == 0 && !errors.Is(err, io.EOF) {
		return usage(flag, dir, "is not the emulator's: its world.jsonl was not written by it", hint)
	}
	return nil
}
