package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// names maps every key and alias to its key.
func names() map[string]string {
	out := map[string]string{}
	for _, s := range Settings() {
		out[s.Key] = s.Key
		for _, a := range s.Aliases {
			out[a] = s.Key
		}
	}
	return out
}

func settingOf(key string) Setting {
	all := Settings()
	i := slices.IndexFunc(all, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return Setting{Key: key}
	}
	return all[i]
}

// unknown reports a key of the env-file that is not a setting, with the setting that is meant.
func (r *reader) unknown(key, value, place string, known map[string]string) {
	if f, ok := formerKeys()[key]; ok {
		r.meant[key] = f.today
		if key == formerAction {
			r.warn(key, "is not read from an env-file ("+place+")", f.hint(value))
			return
		}
		r.fail(key, value, "is a setting of another version of the tool that this program replaces ("+place+")", f.hint(value))
		return
	}
	hint := "the settings are listed in docs/settings.md"
	if near, distance := nearest(key, known); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
		if distance <= closeBy {
			r.meant[key] = known[near]
		}
	}
	r.fail(key, "", "is not a setting ("+place+")", hint)
}

// closeBy is how many wrong letters leave no doubt about which setting is meant.
const closeBy = 3

// nearMisses warns of names in the process environment that look like a misspelt setting, or are one of the replaced tool. The
// environment is full of names that are none of ours, so only names with one wrong letter, two in long ones, count.
func (r *reader) nearMisses(environ map[string]given, known map[string]string) {
	former := formerKeys()
	for _, name := range slices.Sorted(mapKeys(environ)) {
		if f, ok := former[name]; ok && (r.ours || !f.generic) && f.today != "" && strings.TrimSpace(environ[name].value) != "" {
			r.meant[name] = f.today
			r.warn(name, "in the environment is a setting of another version of the tool that this program replaces, and is ignored", f.hint(environ[name].value))
			continue
		}
		if _, ok := known[name]; ok || len(name) < 6 {
			continue
		}
		for _, key := range slices.Sorted(mapKeys(known)) {
			// the first letter is hardly ever the wrong one (CPU_COUNT is not GPU_COUNT), and single words are everybody's
			if d := levenshtein.Distance(name, key, nil); strings.Contains(key, "_") && name[0] == key[0] && d <= min(2, max(1, len(key)/6)) && environ[key].value == "" {
				r.meant[name] = known[key]
				r.warn(name, "in the environment is not a setting, and is ignored", fmt.Sprintf("did you mean %s?", key))
				break
			}
		}
	}
}

// nearest is the known name that is most like a name, and in how many letters it differs; "" when none is like it.
func nearest(name string, known map[string]string) (string, int) {
	if len(name) > 64 {
		return "", 0
	}
	best, distance := "", 1+max(3, len(name)/2)
	for _, key := range slices.Sorted(mapKeys(known)) {
		if d := levenshtein.Distance(strings.ToUpper(name), key, nil); d < distance {
			best, distance = key, d
		}
	}
	return best, distance
}
