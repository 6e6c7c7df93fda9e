package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Input is where settings come from.
type Input struct {
	Environ  []string          // "KEY=VALUE", as os.Environ gives it
	EnvFile  string            // path of a file or pipe; "" for none
	Flags    map[string]string // by key, only those that were given
	CopyDir  string            // local directory of files to stage; "" for the default
	Patience time.Duration     // longest wait for an EnvFile that is a pipe; 0 for 20 s
}

// The sources of a value.
const (
	fromDefault = "default"
	fromEnv     = "environment"
	fromFile    = "env-file"
	fromFlag    = "flag"
)

// given is a value and where it comes from.
type given struct {
	value, source string
	place         string // where it stands, for the user: "env.list:3", "the process environment", "--zone"
}

// reader collects values and problems.
type reader struct {
	values   map[string]given  // by key; what is empty counts as not given
	bad      map[string]bool   // given, but not readable: it has its problem already
	meant    map[string]string // the key that is meant by a wrong name that has a problem
	envFile  string            // its path; "" for none
	unread   bool              // the env-file could not be read: what it would have given is not known
	ours     bool              // the environment was written for this program (see notices)
	problems resources.Problems
}

func (r *reader) fail(key, value, message, hint string) {
	r.problems = append(r.problems, resources.Problem{Path: key, Value: value, Message: message + r.origin(key), Hint: hint})
}

func (r *reader) warn(key, message, hint string) {
	r.problems = append(r.problems, resources.Problem{Path: key, Message: message + r.origin(key), Hint: hint, Severity: resources.SeverityWarning})
}

// origin says where a setting's value comes from, to stand behind a message; nothing for a default.
func (r *reader) origin(key string) string {
	if g, ok := r.values[key]; ok && g.place != "" {
		return " (" + g.place + ")"
	}
	return ""
}

// read puts the three sources together.
func read(in Input) *reader {
	r := &reader{values: map[string]given{}, bad: map[string]bool{}, meant: map[string]string{}, envFile: in.EnvFile}
	known := names()
	environ, flags := map[string]given{}, map[string]given{}
	for _, kv := range in.Environ {
		k, v, _ := strings.Cut(kv, "=")
		environ[k] = given{v, fromEnv, "the process environment"}
	}
	for k, v := range in.Flags {
		flags[k] = given{v, fromFlag, "--" + Setting{Key: k}.Flag()}
	}
	r.ours = strings.TrimSpace(environ["NAME_PREFIX"].value) != ""
	r.take(environ, known)
	r.nearMisses(environ, known)
	r.take(r.file(in.EnvFile, in.Patience, environ, known), known)
	r.take(flags, known)
	r.quotes()
	return r
}

// take lets one source's values win over what is there. A key and its alias in one source must not contradict each other.
func (r *reader) take(from map[string]given, known map[string]string) {
	here := map[string]string{}
	for _, name := range slices.Sorted(mapKeys(from)) {
		key, ok := known[name]
		g := from[name]
		g.value = strings.TrimSpace(g.value)
		if !ok || g.value == "" {
			continue
		}
		if other, twice := here[key]; twice && other != g.value {
			delete(r.values, name)
			r.fail(name, g.value, "contradicts what is given under its other name ("+g.place+")",
				"give one of "+strings.Join(append([]string{key}, settingOf(key).Aliases...), " and "))
		}
		here[key] = g.value
		r.values[key] = g
	}
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// quoteMarks are what shells and word processors put around a value.
const quoteMarks = "\"'“”‘’"

// quotes reports quotes at the ends of values in which they cannot be meant, and goes on with what they enclose: what is wrong
// with that shows in the same run, and nothing is reported that only the quotes make wrong.
func (r *reader) quotes() {
	for _, s := range Settings() {
		g, ok := r.values[s.Key]
		if !ok || s.FreeText || strings.Trim(g.value, quoteMarks) == g.value {
			continue
		}
		bare := strings.TrimSpace(strings.Map(func(c rune) rune {
			if strings.ContainsRune(quoteMarks, c) {
				return -1
			}
			return c
		}, g.value))
		if bare == "" {
			r.fail(s.Key, g.value, "is a pair of quotes with nothing in it, and quotes are part of a value", "drop the quotes, or leave the setting out")
			delete(r.values, s.Key)
			r.bad[s.Key] = true
			continue
		}
		r.fail(s.Key, g.value, "has quotes, which are part of the value, as with docker run --env-file", "drop the quotes: "+line(s.Key, bare))
		g.value = bare
		r.values[s.Key] = g
	}
}

// line is a setting as it would be written. A value that is long, or that a terminal might take for a command, is left to the reader.
func line(key, value string) string {
	if value == "" || len(value) > 120 || !utf8.ValidString(value) || strings.ContainsFunc(value, func(c rune) bool { return !unicode.IsPrint(c) }) {
		value = "…"
	}
	return key + "=" + value
}

// notices warns of values that happen to be in the process environment under a name that many programs use.
//
// `docker run --env-file` puts every setting into the process environment, where nothing needs saying. NAME_PREFIX tells the two
// apart, because nobody else uses that name: where the environment has it, the environment was written for this program. Where it
// comes from a file or a flag instead, the settings are there, and a generic name in the environment may be another program's.
func (r *reader) notices() {
	if prefix, ok := r.values["NAME_PREFIX"]; r.ours || !ok || prefix.source == fromEnv {
		return
	}
	for _, s := range Settings() {
		g, ok := r.values[s.Key]
		has := func(p resources.Problem) bool { return p.Path == s.Key }
		if !ok || !s.Generic || g.source != fromEnv || slices.ContainsFunc(r.problems, has) {
			continue
		}
		hint := "give --" + s.Flag() + " to make it explicit, or unset it if it is another program's"
		if r.envFile != "" {
			hint = "put it into the env-file to make it explicit, or unset it if it is another program's"
		}
		p := resources.Problem{Path: s.Key, Value: g.value, Message: "taken from the process environment", Hint: hint, Severity: resources.SeverityWarning}
		if s.FreeText { // may be long, or secret
			p.Value = ""
		}
		r.problems = append(r.problems, p)
	}
}

// shownPath is a path, fit to stand in a message: no control characters, and its last part when it is long.
func shownPath(path string) string {
	clean := []rune(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, strings.ToValidUTF8(path, "?")))
	if len(clean) > 80 {
		return "…" + string(clean[len(clean)-79:])
	}
	return string(clean)
}

// placeIn is a line of a file, as compilers write it.
func placeIn(path string, number int) string { return fmt.Sprintf("%s:%d", shownPath(path), number) }
