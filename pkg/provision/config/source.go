package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/docker/cli/pkg/kvfile"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Input is where settings come from.
type Input struct {
	Environ []string          // "KEY=VALUE", as os.Environ gives it
	EnvFile string            // path; "" for none
	Flags   map[string]string // by key, only those that were given
	CopyDir string            // local directory of files to stage; "" for the default
}

// The sources of a value.
const (
	fromDefault = "default"
	fromEnv     = "environment"
	fromFile    = "env-file"
	fromFlag    = "flag"
)

// given is a value and where it comes from.
type given struct{ value, source string }

// reader collects values and problems.
type reader struct {
	values   map[string]given // by key; what is empty counts as not given
	bad      map[string]bool  // given, but not readable: it has its problem already
	problems resources.Problems
}

func (r *reader) fail(key, value, message, hint string) {
	r.problems = append(r.problems, resources.Problem{Path: key, Value: value, Message: message, Hint: hint})
}

func (r *reader) warn(key, message, hint string) {
	r.problems = append(r.problems, resources.Problem{Path: key, Message: message, Hint: hint, Severity: resources.SeverityWarning})
}

// read puts the three sources together.
func read(in Input) *reader {
	r := &reader{values: map[string]given{}, bad: map[string]bool{}}
	known := names()
	environ := map[string]string{}
	for _, kv := range in.Environ {
		k, v, _ := strings.Cut(kv, "=")
		environ[k] = v
	}
	r.take(fromEnv, environ, known)
	r.nearMisses(environ, known)
	r.take(fromFile, r.file(in.EnvFile, environ, known), known)
	r.take(fromFlag, in.Flags, known)
	return r
}

// take lets one source's values win over what is there. A key and its alias in one source must not contradict each other.
func (r *reader) take(source string, from map[string]string, known map[string]string) {
	here := map[string]string{}
	for _, name := range slices.Sorted(mapKeys(from)) {
		key, ok := known[name]
		value := strings.TrimSpace(from[name])
		if !ok || value == "" {
			continue
		}
		if other, twice := here[key]; twice && other != value {
			r.fail(name, value, "contradicts what is given under its other name", "give one of "+strings.Join(append([]string{key}, settingOf(key).Aliases...), " and "))
		}
		here[key] = value
		r.values[key] = given{value, source}
	}
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// file reads an env-file as `docker run --env-file` does: KEY=VALUE, no quotes, # comments, KEY alone takes the environment's.
func (r *reader) file(path string, environ, known map[string]string) map[string]string {
	if path == "" {
		return nil
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil {
		r.fail("--env-file", path, "cannot be read: "+err.Error(), "give the path of a readable file of KEY=VALUE lines")
		return nil
	}
	return r.parseFile(path, raw, environ, known)
}

func (r *reader) parseFile(path string, raw []byte, environ, known map[string]string) map[string]string {
	out := map[string]string{}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // Docker skips a byte order mark too
	for i, line := range strings.Split(string(raw), "\n") {
		where := fmt.Sprintf("line %d", i+1)
		// one line at a time, so that every wrong line is reported, with its number
		parsed, err := kvfile.ParseFromReader(strings.NewReader(line), func(key string) (string, bool) {
			v, ok := environ[key]
			return v, ok
		})
		if err != nil {
			r.fail("--env-file", path, where+": "+lineError(err, line), "write one KEY=VALUE a line")
			continue
		}
		key, value, _ := strings.Cut(strings.Join(parsed, ""), "=")
		if len(parsed) == 0 { // a comment, or a key whose value the environment would have
			key = strings.TrimSpace(line)
			if key == "" || strings.HasPrefix(key, "#") {
				continue
			}
		}
		if _, ok := known[key]; !ok {
			hint := "the settings are listed in docs/settings.md"
			if near := nearest(key, known); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			r.fail(key, "", fmt.Sprintf("is not a setting (%s of %s)", where, path), hint)
			continue
		}
		if len(parsed) > 0 {
			out[key] = value
		}
	}
	return out
}

// lineError words what is wrong with a line without repeating a huge one.
func lineError(err error, line string) string {
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Sprintf("is %d bytes long; Docker's reader, and so this one, takes %d", len(line), bufio.MaxScanTokenSize-1)
	}
	if len(line) > 200 {
		return "is not KEY=VALUE in UTF-8"
	}
	text, _, _ := strings.Cut(err.Error(), " at line") // it counts from its own first line
	return text
}

// nearMisses warns of names in the process environment that look like a misspelt setting. The environment is full of names
// that are none of ours, so only names with one wrong letter, two in long ones, count.
func (r *reader) nearMisses(environ, known map[string]string) {
	for _, name := range slices.Sorted(mapKeys(environ)) {
		if _, ok := known[name]; ok || len(name) < 6 {
			continue
		}
		for _, key := range slices.Sorted(mapKeys(known)) {
			// the first letter is hardly ever the wrong one (CPU_COUNT is not GPU_COUNT), and single words are everybody's
			if d := levenshtein.Distance(name, key, nil); strings.Contains(key, "_") && name[0] == key[0] && d <= min(2, max(1, len(key)/6)) && environ[key] == "" {
				r.warn(name, "in the environment is not a setting, and is ignored", fmt.Sprintf("did you mean %s?", key))
				break
			}
		}
	}
}

// nearest is the known name that is most like a name; "" when none is like it.
func nearest(name string, known map[string]string) string {
	if len(name) > 64 {
		return ""
	}
	best, distance := "", 1+max(3, len(name)/2)
	for _, key := range slices.Sorted(mapKeys(known)) {
		if d := levenshtein.Distance(strings.ToUpper(name), key, nil); d < distance {
			best, distance = key, d
		}
	}
	return best
}
