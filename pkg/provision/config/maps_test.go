package config_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

func TestMapsAreRead(t *testing.T) {
	type m = map[string]string
	for name, tc := range map[string]struct {
		text   string
		want   m
		defect string
	}{
		"HCL on one line":                      {`{ key1 = "val", key2 = "val2" }`, m{"key1": "val", "key2": "val2"}, ""},
		"HCL on several lines":                 {"{\n  a = \"1\"\n  b = \"2\",\n}", m{"a": "1", "b": "2"}, ""},
		"keys in quotes":                       {`{ "a-b" = "1" }`, m{"a-b": "1"}, ""},
		"keys with hyphens and no quotes":      {`{ a-b = "1" }`, m{"a-b": "1"}, ""},
		"colons between key and value":         {`{ a : "1" }`, m{"a": "1"}, ""},
		"a trailing comma":                     {`{ a = "1", }`, m{"a": "1"}, ""},
		"numbers and booleans become texts":    {`{ a = 42, b = true, c = false }`, m{"a": "42", "b": "true", "c": "false"}, ""},
		"an empty map":                         {`{}`, m{}, ""},
		"an escaped quote":                     {`{ a = "say \"hi\"" }`, m{"a": `say "hi"`}, ""},
		"an escaped template":                  {`{ a = "$${HOME}" }`, m{"a": "${HOME}"}, ""},
		"a dollar alone is data":               {`{ a = "$HOME $(id)" }`, m{"a": "$HOME $(id)"}, ""},
		"a value that is not ASCII":            {`{ a = "grün 日本" }`, m{"a": "grün 日本"}, ""},
		"several lines in a value":             {"{ a = <<E\necho hi\nE\n}", m{"a": "echo hi\n"}, ""},
		"JSON":                                 {`{"a":"1","b":2,"c":true}`, m{"a": "1", "b": "2", "c": "true"}, ""},
		"JSON keeps a number as it is written": {`{"a":1.10,"b":1e400000}`, m{"a": "1.10", "b": "1e400000"}, ""},
		"JSON takes ${ as data":                {`{"a":"${HOME}"}`, m{"a": "${HOME}"}, ""},
		"a colon after the first key of HCL":   {`{ "a": "1", b = "2" }`, m{"a": "1", "b": "2"}, ""},
		"a script with many brackets":          {`{ a = "` + strings.Repeat("if (x) { y }; ", 150) + `" }`, m{"a": strings.Repeat("if (x) { y }; ", 150)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var faults []string
			if c, problems := load(settings{"METADATA": tc.text}); c == nil {
				faults = append(faults, problems.Error())
			} else if diff := cmp.Diff(tc.want, c.Metadata); diff != "" {
				faults = append(faults, diff)
			}
			settle(t, tc.defect, faults)
		})
	}
}

func TestMapsAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		text, says, defect string
	}{
		"no map":                        {`hello`, "map", ""},
		"a list":                        {`["a"]`, "map", ""},
		"pairs without braces":          {`a = "1"`, "map", ""},
		"a map without its end":         {`{ a = "1"`, "map", ""},
		"JSON without its end":          {`{"a":"1"`, "map", ""},
		"something after the map":       {`{ a = "1" } b`, "map", ""},
		"something after JSON":          {`{"a":"1"} {}`, "goes on after", ""},
		"a missing comma":               {`{ a = "1" b = "2" }`, "comma", ""},
		"a key twice":                   {`{ a = "1", a = "2" }`, `"a" twice`, ""},
		"a key twice in JSON":           {`{"a":"1","a":"2"}`, `"a" twice`, ""},
		"nested":                        {`{ a = { b = 1 } }`, "not a text", ""},
		"nested JSON":                   {`{"a":{"b":1}}`, `under "a"`, ""},
		"a list as value":               {`{ a = [1] }`, "not a text", ""},
		"null":                          {`{ a = null }`, "not a text", ""},
		"null in JSON":                  {`{"a":null}`, "not a text", ""},
		"a variable":                    {`{ a = "${HOME}" }`, `$${`, ""},
		"a name without quotes":         {`{ a = b }`, "quotes", ""},
		"a function":                    {`{ a = upper("b") }`, "not a text", ""},
		"a shell command":               {`{ a = $(id) }`, "map", ""},
		"single quotes":                 {`{ 'a' = '1' }`, "map", ""},
		"an empty key":                  {`{ "" = "1" }`, "not a metadata key", ""},
		"a key with a blank":            {`{ "a b" = "1" }`, "not a metadata key", ""},
		"a key that is not ASCII":       {`{ "ä" = "1" }`, "not a metadata key", ""},
		"a key of 129 characters":       {`{ ` + strings.Repeat("k", 129) + ` = "1" }`, "not a metadata key", ""},
		"a value too large":             {`{ a = "` + strings.Repeat("v", 262145) + `" }`, "262144", ""},
		"values too large together":     {`{ a = "` + strings.Repeat("v", 262143) + `", b = "` + strings.Repeat("v", 262143) + `" }`, "524288", ""},
		"more than a megabyte":          {strings.Repeat("{", 1<<20+1), "longer", ""},
		"brackets without end":          {strings.Repeat("{a=", 10000), "map", ""},
		"a number with a huge exponent": {`{ a = 1e200000 }`, "map", ""},
	} {
		t.Run(name, refusal{set: settings{"METADATA": tc.text}, errors: []string{"METADATA"}, says: []string{tc.says}, defect: tc.defect}.check)
	}
}

// TestDeepExpressionsDoNotEndTheProcess runs itself in a process of its own, because a Go program cannot recover from a stack
// that is full. The child has a smaller stack, so that it fails in no time; the real limit is reached with a megabyte of text.
func TestDeepExpressionsDoNotEndTheProcess(t *testing.T) {
	const variable = "CONFIG_TEST_DEEP"
	if unit := os.Getenv(variable); unit != "" {
		debug.SetMaxStack(32 << 20)
		config.Load(config.Input{Flags: over(settings{"METADATA": "{ a = " + strings.Repeat(unit, 1_000_000/len(unit)) + "1 }"})})
		return
	}
	for name, tc := range map[string]struct{ unit, defect string }{
		"signs":        {"-", ""},
		"negations":    {"!", ""},
		"sums":         {"1+", ""},
		"open braces":  {"{a=", ""},
		"parentheses":  {"(", ""},
		"nested lists": {"[", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestDeepExpressionsDoNotEndTheProcess$")
			cmd.Env = append(os.Environ(), variable+"="+tc.unit)
			var faults []string
			if out, err := cmd.CombinedOutput(); err != nil {
				first, _, _ := strings.Cut(string(out), "\n\n")
				faults = append(faults, fmt.Sprintf("%v: %.300s", err, first))
			}
			settle(t, tc.defect, faults)
		})
	}
}

func TestLabels(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "k%d = \"v\"\n", i)
		}
		return "{\n" + b.String() + "}"
	}
	if c := mustLoad(t, config.Input{Flags: over(settings{"LABELS": many(63)})}); len(c.Labels) != 63 {
		t.Errorf("63 labels become %d", len(c.Labels))
	}
	mustLoad(t, config.Input{Flags: over(settings{"LABELS": `{ team = "", grün_1 = "größe-2", ` + strings.Repeat("k", 63) + ` = "` + strings.Repeat("9", 63) + `" }`})})
	for name, tc := range map[string]struct{ text, says string }{
		"64 labels":                 {many(64), "has 64 labels"},
		"our own label":             {`{ aiinfra-cluster = "mine" }`, "knows its own"},
		"a key in capitals":         {`{ Team = "a" }`, "lower-case"},
		"a value in capitals":       {`{ team = "A" }`, "lower-case"},
		"a key that begins with 1":  {`{ "1a" = "a" }`, "begin with a letter"},
		"a value with a blank":      {`{ team = "a b" }`, "lower-case"},
		"a value with a dot":        {`{ team = "a.b" }`, "lower-case"},
		"a key of 64 characters":    {`{ ` + strings.Repeat("k", 64) + ` = "a" }`, "at most 63"},
		"a value of 64 characters":  {`{ team = "` + strings.Repeat("v", 64) + `" }`, "at most 63"},
		"an empty key":              {`{ "" = "a" }`, "not a label"},
		"a value that looks like a": {`{ team = "$(id)" }`, "not a label"},
	} {
		t.Run(name, refusal{set: settings{"LABELS": tc.text}, errors: []string{"LABELS"}, says: []string{tc.says}}.check)
	}
}

// TestMapsOfEndlessPartsAreRefused: the parser's time would grow with the square of the number of parts of a text.
func TestMapsOfEndlessPartsAreRefused(t *testing.T) {
	for name, value := range map[string]string{
		"escapes in one text": `{ a = "` + strings.Repeat("$${", 1<<16) + `" }`,
		"pairs":               `{ ` + strings.Repeat("a = 1, ", 1<<14) + `}`,
	} {
		c, problems := load(settings{"METADATA": value})
		if errs := problems.Errors(); c != nil || len(errs) != 1 || !strings.Contains(errs[0].Message, "more than 16384 parts") {
			t.Errorf("%s: %v", name, problems)
		}
	}
	mustLoad(t, config.Input{Flags: over(settings{"METADATA": `{ a = "` + strings.Repeat("$${x} ", 1000) + `" }`})})
}
