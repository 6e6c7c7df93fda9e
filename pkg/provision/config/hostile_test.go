package config_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// hostile is what no setting but one that takes any value can accept.
var hostile = map[string]string{
	"a command in $()":      "$(rm -rf /)",
	"a command in ticks":    "`id`",
	"a second command":      "a; reboot",
	"a way out of a folder": "../../etc/passwd",
	"letters beyond ASCII":  "日本語",
	"a right-to-left mark":  "demo\u202egpj",
	"a NUL":                 "a\x00b",
	"a terminal's escape":   "a\x1b[31mb",
	"broken UTF-8":          "a\xff\xfeb",
	"a format of printf":    "%s%n%!d(MISSING)",
	"a megabyte":            strings.Repeat("x", 1<<20),
	"a megabyte of digits":  strings.Repeat("9", 1<<20),
	"a megabyte of braces":  strings.Repeat("{", 1<<20),
	"an empty entry":        "a,,",
	"two lines":             "a\nb=c",
}

// TestNoSettingTakesHostileValues tries each value in each setting: each ends as problems of that setting, which can be shown.
func TestNoSettingTakesHostileValues(t *testing.T) {
	for _, s := range config.Settings() {
		if s.Key == "MINIMIZE_TERRAFORM_LOGGING" {
			continue // any value turns it on, and none is used for anything else
		}
		for name, value := range hostile {
			c, problems := config.Load(config.Input{Flags: over(settings{s.Key: value})})
			errs := problems.Errors()
			if c != nil || len(errs) == 0 {
				t.Errorf("%s takes %s", s.Key, name)
			}
			said := map[string]bool{}
			for _, p := range errs {
				if line := p.String(); said[line] {
					t.Errorf("%s in %s is said twice: %s", name, s.Key, p)
				} else {
					said[line] = true
				}
				if p.Path != s.Key && !follows(s.Key, p) {
					t.Errorf("%s in %s: a problem of %s: %s", name, s.Key, p.Path, p)
				}
				showable(t, p)
			}
		}
	}
}

// follows says whether a problem of another setting can come of a wrong one: the default bucket's name holds the project.
func follows(key string, p resources.Problem) bool {
	return key == "PROJECT_ID" && p.Path == "TERRAFORM_GCS_PATH"
}

// showable holds a problem to one short line that no terminal takes for a command.
func showable(t testing.TB, p resources.Problem) {
	t.Helper()
	line := p.String()
	switch {
	case len(line) > 3000:
		t.Errorf("%d bytes to read: %.200s…", len(line), line)
	case !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl):
		t.Errorf("cannot be shown on a terminal: %q", line)
	case p.Message == "":
		t.Errorf("says nothing: %q", line)
	}
}

// TestLongTextsDoNotBuryTheMessage: what a user gave is cut wherever it is repeated.
func TestLongTextsDoNotBuryTheMessage(t *testing.T) {
	long := strings.Repeat("k", 50_000)
	for name, tc := range map[string]struct {
		in     config.Input
		defect string
	}{
		"a long value":                  {config.Input{Flags: over(settings{"VM_TYPE": long})}, ""},
		"a long map":                    {config.Input{Flags: over(settings{"METADATA": long})}, ""},
		"a long label":                  {config.Input{Flags: over(settings{"LABELS": `{ ` + long + ` = "a" }`})}, ""},
		"a long entry of a list":        {config.Input{Flags: over(settings{"GCS_MOUNT_LIST": long})}, ""},
		"a long key given twice":        {config.Input{Flags: over(settings{"METADATA": `{ ` + long + ` = 1, ` + long + ` = 2 }`})}, ""},
		"a long key with a list":        {config.Input{Flags: over(settings{"METADATA": `{"` + long + `":[]}`})}, ""},
		"a long unknown key in a file":  {config.Input{Flags: over(nil), EnvFile: file(t, long+"=1\n")}, ""},
		"a long line with a bad key":    {config.Input{Flags: over(nil), EnvFile: file(t, "a b"+long+"=1\n")}, ""},
		"two values under two names":    {config.Input{Flags: over(settings{"STATE_GCS_PATH": "gs://" + long, "TERRAFORM_GCS_PATH": "gs://x" + long})}, ""},
		"a control character in a file": {config.Input{Flags: over(nil), EnvFile: file(t, "a\x1b[31mb=1\n")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := config.Load(tc.in)
			var faults []string
			if c != nil {
				faults = append(faults, "a Config came back")
			}
			for _, p := range problems {
				if line := p.String(); len(line) > 3000 || strings.ContainsFunc(line, unicode.IsControl) {
					faults = append(faults, "not fit to be shown: "+line[:min(len(line), 200)])
				}
			}
			settle(t, tc.defect, faults)
		})
	}
}

// TestALongListOfMistakesIsCut: a list with the same mistake in every entry must not fill the screen.
func TestALongListOfMistakesIsCut(t *testing.T) {
	_, problems := load(settings{"FALLBACK_ZONES": strings.Repeat("x,", 10_000)})
	var faults []string
	if len(problems) == 0 || len(problems) > 100 {
		faults = append(faults, fmt.Sprintf("%d problems", len(problems)))
	}
	settle(t, "", faults)
}
