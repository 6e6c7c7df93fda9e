package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/docker/cli/pkg/kvfile"
)

const (
	// mostEnvFile bounds an env-file, in bytes: many times what all settings can hold.
	mostEnvFile = 1 << 20
	// mostWrong bounds how many wrong lines of a file are reported: somebody may have named the wrong file.
	mostWrong = 20
	// patience is how long a pipe may keep us waiting: long enough for a command that fetches a secret.
	patience = 20 * time.Second
)

// file reads an env-file as `docker run --env-file` does: KEY=VALUE, no quotes, # comments, KEY alone takes the environment's.
func (r *reader) file(path string, wait time.Duration, environ map[string]given, known map[string]string) map[string]given {
	if path == "" {
		return nil
	}
	if wait == 0 {
		wait = patience
	}
	const hint = "give the path of a readable file of KEY=VALUE lines"
	raw, err := readBounded(path, wait)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.unreadable(path, fmt.Sprintf("is a pipe, and nobody finished writing into it within %s", wait), "start what writes into it first, or give a file")
	case err != nil:
		r.unreadable(path, "cannot be read: "+err.Error(), hint)
	case len(raw) > mostEnvFile:
		r.unreadable(path, fmt.Sprintf("is larger than %d bytes, more than all settings together can need", mostEnvFile), "name the right file, one of KEY=VALUE lines")
	default:
		if message, advice := notText(path, raw); message != "" {
			r.unreadable(path, message, advice)
			return nil
		}
		return r.lines(path, raw, environ, known)
	}
	return nil
}

// unreadable reports an env-file of which nothing can be known.
func (r *reader) unreadable(path, message, hint string) {
	r.fail("--env-file", path, message, hint)
	r.unread = true
}

// readBounded reads a file, or what comes through a pipe, up to one byte more than an env-file may have. It waits for a pipe no
// longer than it is told: os.ErrDeadlineExceeded.
func readBounded(path string, wait time.Duration) ([]byte, error) {
	f, err := open(path, wait)
	if err != nil {
		return nil, err
	}
	defer f.Close()                             //nolint:errcheck // it was only read
	_ = f.SetReadDeadline(time.Now().Add(wait)) // what cannot have a deadline, as a regular file, does not block
	return io.ReadAll(io.LimitReader(f, mostEnvFile+1))
}

// open opens a file for reading. Opening a named pipe blocks until somebody opens its other end, so this is waited for.
func open(path string, wait time.Duration) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%w: it is a directory", syscall.EISDIR)
	}
	if info.Mode()&os.ModeNamedPipe == 0 {
		return os.Open(path) //nolint:gosec // the user names the file
	}
	type opened struct {
		f   *os.File
		err error
	}
	done, gone := make(chan opened), make(chan struct{})
	defer close(gone)
	go func() { // ends when the other end is opened, which is done below when nobody else does; without the right to do so, with the process
		f, err := os.Open(path) //nolint:gosec // the user names the file
		select {
		case done <- opened{f, err}:
		case <-gone:
			_ = f.Close()
		}
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.f, o.err
	case <-timer.C:
		if w, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil { //nolint:gosec // the user names the file
			_ = w.Close()
		}
		return nil, os.ErrDeadlineExceeded
	}
}

// simplePath needs no quotes in a shell.
var simplePath = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./-]*$`)

// inCommand is a path as it can stand in a command that is shown.
func inCommand(path string) string {
	if simplePath.MatchString(path) {
		return path
	}
	return "FILE"
}

// notText says what is wrong with a file that is not text in UTF-8 as a whole, and what to do; nothing when it is.
func notText(path string, raw []byte) (message, hint string) {
	encoding := wideEncoding(raw)
	at := bytes.IndexByte(raw, 0)
	switch {
	case encoding != "":
		return "is in " + encoding + ", as PowerShell's > and some editors write it", fmt.Sprintf("save as UTF-8, for example: iconv -f %s -t UTF-8 %s > utf8.list", encoding, inCommand(path))
	case at >= 0:
		return fmt.Sprintf("is not text: it holds a NUL byte at offset %d", at), "give a text file of KEY=VALUE lines"
	}
	return "", ""
}

// wideEncoding names the encoding of a text whose characters have two or four bytes: by its byte order mark, or, without one, by
// where the zero bytes of its ASCII characters stand.
func wideEncoding(raw []byte) string {
	for _, mark := range []struct{ bytes, name string }{
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
	} {
		if bytes.HasPrefix(raw, []byte(mark.bytes)) {
			return mark.name
		}
	}
	var zeros [2]int
	head := raw[:min(len(raw), 1024)&^1]
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch most := len(head) / 4; { // half of the pairs
	case len(head) < 4:
	case zeros[0] == 0 && zeros[1] > most:
		return "UTF-16LE"
	case zeros[1] == 0 && zeros[0] > most:
		return "UTF-16BE"
	}
	return ""
}

const mark = "\ufeff" // byte order mark

// lines reads the lines of an env-file.
func (r *reader) lines(path string, raw []byte, environ map[string]given, known map[string]string) map[string]given {
	out := map[string]given{}
	before := len(r.problems)
	raw = bytes.TrimPrefix(raw, []byte(mark)) // Docker skips one at the start too
	for i, text := range strings.Split(string(raw), "\n") {
		if len(r.problems)-before >= mostWrong {
			r.fail("--env-file", path, fmt.Sprintf("line %d and what follows were not looked at", i+1), "is it the right file? Mend these first")
			return out
		}
		where := fmt.Sprintf("line %d", i+1)
		if strings.Contains(text, mark) {
			r.fail("--env-file", path, where+": holds a byte order mark (U+FEFF), which is not seen", fmt.Sprintf("delete it, for example: sed -i '%ds/\\xef\\xbb\\xbf//g' %s", i+1, inCommand(path)))
			text = strings.ReplaceAll(text, mark, "")
		}
		// one line at a time, so that every wrong line is reported, with its number
		parsed, err := kvfile.ParseFromReader(strings.NewReader(text), func(key string) (string, bool) {
			v, ok := environ[key]
			return v.value, ok
		})
		if err != nil {
			r.fail("--env-file", path, where+": "+lineError(err, text), lineHint(text))
			continue
		}
		place := placeIn(path, i+1)
		key, value, pair := strings.Cut(strings.Join(parsed, ""), "=")
		if !pair { // a comment, or a key whose value the environment would have
			key = strings.TrimSpace(text)
			if key == "" || strings.HasPrefix(key, "#") {
				continue
			}
		} else if !strings.Contains(text, "=") {
			place += ", from the process environment"
		}
		if _, ok := known[key]; !ok {
			r.unknown(key, strings.TrimSpace(value), place, known)
			continue
		}
		if pair {
			out[key] = given{value, fromFile, place}
		}
	}
	return out
}

// lineError words what is wrong with a line without repeating a huge one.
func lineError(err error, text string) string {
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Sprintf("is %d bytes long; Docker's reader, and so this one, takes %d", len(text), bufio.MaxScanTokenSize-1)
	case !utf8.ValidString(text):
		return "is not in UTF-8"
	case len(text) > 200:
		return "is not KEY=VALUE"
	}
	short, _, _ := strings.Cut(err.Error(), " at line") // it counts from its own first line
	return short
}

// spaced is a line that is right but for blanks around its key, or a shell's "export" before it.
var spaced = regexp.MustCompile(`^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=\s*(.*?)\s*$`)

func lineHint(text string) string {
	if !utf8.ValidString(text) {
		return "save as UTF-8"
	}
	if m := spaced.FindStringSubmatch(text); m != nil {
		return "write " + line(m[1], m[2])
	}
	return "write one KEY=VALUE a line"
}
