package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// text is the value of a setting, or its default. Control characters and broken UTF-8 are problems in every setting.
func (r *reader) text(key string) string {
	g, ok := r.values[key]
	if !ok {
		return settingOf(key).Default
	}
	if !utf8.ValidString(g.value) || strings.ContainsFunc(g.value, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' || c == 0x7f }) {
		r.fail(key, strings.ToValidUTF8(g.value, "?"), "holds control characters or broken UTF-8", "write plain text")
		delete(r.values, key)
		r.bad[key] = true
		return settingOf(key).Default
	}
	return g.value
}

func (r *reader) has(key string) bool {
	_, ok := r.values[key]
	return ok
}

// whole reads a plain decimal number between two limits.
func (r *reader) whole(key string, least, most int) int {
	s := r.text(key)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil || !digits.MatchString(s) || n < least || n > most {
		r.fail(key, s, "is not a whole number that is possible here", fmt.Sprintf("give a number from %d to %d", least, most))
		return least
	}
	return n
}

var digits = regexp.MustCompile(`^[0-9]{1,9}$`)

// boolean reads yes, no, true or false in any letter case.
func (r *reader) boolean(key string) bool {
	s := r.text(key)
	switch strings.ToLower(s) {
	case "yes", "true":
		return true
	case "no", "false", "":
		return false
	}
	r.fail(key, s, "is neither yes nor no", "give yes or no")
	return false
}

// oneOf reads one of several words in any letter case; "" when it is none of them.
func (r *reader) oneOf(key string, words ...string) string {
	s := r.text(key)
	if w := strings.ToLower(s); slices.Contains(words, w) {
		return w
	}
	r.fail(key, s, "is not known", "give one of "+strings.Join(words, ", "))
	return ""
}

// match reads a value of a form.
func (r *reader) match(key string, form *regexp.Regexp, hint string) string {
	s := r.text(key)
	if s != "" && !form.MatchString(s) {
		r.fail(key, s, "has not the form that it needs", hint)
		return ""
	}
	return s
}

// duration reads a Go duration, or days as in "7d", between two limits; 0 when it is not given.
func (r *reader) duration(key string, least, most time.Duration) time.Duration {
	s := r.text(key)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok && digits.MatchString(days) {
		n, convErr := strconv.Atoi(days)
		d, err = time.Duration(min(n, 10000))*24*time.Hour, convErr
	}
	if err != nil || d < least || d > most {
		r.fail(key, s, "is not a duration that is possible here", fmt.Sprintf("give one from %s to %s, like 36h or 7d", least, most))
		return 0
	}
	return d
}

// means is one spelling for all that mean the same: yes and true, 30m and 1800s.
func means(value string) string {
	switch v := strings.ToLower(value); v {
	case "true":
		return "yes"
	case "false":
		return "no"
	default:
		if d, err := time.ParseDuration(v); err == nil {
			return d.String()
		}
		return v
	}
}

// later refuses settings whose feature is not there yet when they ask for it.
func (r *reader) later() {
	for _, s := range Settings() {
		g, ok := r.values[s.Key]
		if s.Later == "" || !ok || means(g.value) == means(s.Default) {
			continue
		}
		r.fail(s.Key, g.value, s.Later, "leave it out")
	}
	if mode, ok := r.values["NETWORK_CONFIG"]; ok && strings.EqualFold(mode.value, string(MultiNIC)) {
		r.fail("NETWORK_CONFIG", mode.value, "networks with several NICs are not there yet", "use default_network or new_network")
	}
}
