package config_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

var update = flag.Bool("update", false, "write the reference page and the examples from the table of settings, and fail")

const (
	page    = "../../../docs/settings.md"
	full    = "../../../examples/env.list"
	minimal = "../../../examples/minimal.list"
)

// generated holds a file to what the table of settings gives. With -update it writes the file, and fails as well: a run that
// changes files must not pass for a test.
func generated(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Fatalf("%s is written: look at it, and run the test again without -update", path)
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), want); diff != "" {
		t.Errorf("%s is not what the table of settings gives (-file +table); `make docs` writes it:\n%s", path, diff)
	}
}

func TestReference(t *testing.T) { generated(t, page, reference()) }

var intro = `# Settings

This page is written from the table of settings in the program (` + "`make docs`" + `), and a test holds the two together.

## How settings are read

- There are three sources, and the later wins: the process environment, ` + "`--env-file FILE`" + `, and a flag of the same name. The flag of
  ` + "`PROJECT_ID` is `--project-id`" + `.
- Blanks around a value are dropped. ` + "`KEY=`" + ` with nothing behind it counts as not given: an earlier source or the default stands.
- An env-file is read as Docker reads it: one ` + "`KEY=VALUE`" + ` a line, lines that begin with ` + "`#`" + ` are comments, quotes are part of the
  value, and ` + "`KEY`" + ` alone takes the value of the environment. Lines may end as on Windows. One line can hold up to 64 KB, the file 1 MiB.
  It is text in UTF-8. It may be a pipe, as in ` + "`--env-file <(command)`" + `, for which at most 20 seconds are waited.
- Quotes at the ends of a value are an error, except in ` + "`METADATA`, `LABELS` and `STARTUP_COMMAND`" + `, where they can be meant.
- A key in an env-file that is not a setting is an error; one of the tool that this program replaces names the setting of today. In the
  process environment, a name that looks like a misspelt setting is a warning.
- A problem with a value says where the value comes from: the process environment, ` + "`FILE:LINE`" + `, or the flag.
- Some names are used by other programs as well: ` + generic() + `.
  They are taken from the process environment with a notice, unless ` + "`NAME_PREFIX`" + ` is there too: then the environment was written for this program, as with ` + "`docker run --env-file`" + `.
- Where a value is yes or no, ` + "`true` and `false`" + ` do as well, in any letter case.
- What is marked as not there yet is checked, and then refused when it asks for something other than the default.
- All problems are reported at once, before anything is called that changes anything, and the program ends with exit code 2.
- ` + "`destroy`, `status` and `unlock` need `PROJECT_ID`, `NAME_PREFIX`, `ZONE` and, if one was given, `TERRAFORM_GCS_PATH`" + `; a wrong value
  in any other setting does not stop them. ` + "`list` needs `PROJECT_ID`" + ` only.

## Maps

` + "`METADATA` and `LABELS`" + ` hold a map, in the syntax of HCL or as a JSON object:

` + "```" + `
LABELS={ team = "research", cost-centre = "4711" }
METADATA={"owner": "ann", "serial-port-enable": true}
` + "```" + `

Numbers and booleans become texts. Maps in maps, lists, ` + "`null`" + ` and a key given twice are errors. Nothing is looked up or run: in HCL,
write ` + "`$${` for the characters `${`" + `.
`

// reference renders docs/settings.md.
func reference() string {
	var b strings.Builder
	b.WriteString(intro)
	for _, g := range config.Groups() {
		fmt.Fprintf(&b, "\n## %s\n\n| setting | default | value | meaning |\n|---|---|---|---|\n", g)
		for _, s := range config.Settings() {
			if s.Group == g {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", keys(s), standard(s), cell(s.Syntax), cell(meaning(s)))
			}
		}
	}
	return b.String()
}

func meaning(s config.Setting) string {
	if s.Later != "" {
		return s.Doc + " *" + upper(s.Later) + ".*"
	}
	return s.Doc
}

// generic lists the settings whose names other programs use as well.
func generic() string {
	var out []string
	for _, s := range config.Settings() {
		if s.Generic {
			out = append(out, "`"+s.Key+"`")
		}
	}
	half := len(out) / 2
	return strings.Join(out[:half], ", ") + ",\n  " + strings.Join(out[half:], ", ")
}

func keys(s config.Setting) string {
	text := "`" + s.Key + "`"
	for _, a := range s.Aliases {
		text += " (also `" + a + "`)"
	}
	return text
}

func standard(s config.Setting) string {
	switch {
	case s.Mandatory:
		return "must be given"
	case s.Default == "":
		return "–"
	}
	return "`" + s.Default + "`"
}

// cell keeps a text from ending a cell of a Markdown table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func upper(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
