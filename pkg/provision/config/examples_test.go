package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

// example holds values for settings that have no default to show.
var example = settings{"PROJECT_ID": "my-gpu-project", "NAME_PREFIX": "demo", "ZONE": "us-central1-a", "LABELS": `{ team = "research" }`, "METADATA": `{ owner = "ann" }`, "MAX_RUN_DURATION": "7d"}

// minimalList renders examples/minimal.list.
func minimalList() string {
	var b strings.Builder
	b.WriteString("# The three settings that must be given.\n")
	for _, s := range config.Settings() {
		if s.Mandatory {
			fmt.Fprintf(&b, "%s=%s\n", s.Key, example[s.Key])
		}
	}
	return b.String()
}

// fullList renders examples/env.list: what works today, as comments, with its default or an example.
func fullList() string {
	var b strings.Builder
	b.WriteString(minimalList())
	b.WriteString("\n# The rest can be left out. Take the # off to set one. All settings: docs/settings.md\n")
	group := config.Group("")
	for _, s := range config.Settings() {
		value, what := s.Default, ""
		if value == "" {
			value, what = example[s.Key], " (Not set by default; this is an example.)"
		}
		if s.Mandatory || s.Later != "" || value == "" {
			continue
		}
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n# --- %s ---\n", group)
		}
		fmt.Fprintf(&b, "\n# %s%s\n# %s=%s\n", s.Doc, what, s.Key, value)
	}
	return b.String()
}

func TestExamples(t *testing.T) {
	t.Run("minimal.list", func(t *testing.T) { generated(t, minimal, minimalList()) })
	t.Run("env.list", func(t *testing.T) {
		if have, err := os.ReadFile(full); err == nil && !*update && !strings.Contains(string(have), "INSTANCE_COUNT") {
			t.Skipf("%s has no optional settings yet: `make docs` writes them", full)
		}
		generated(t, full, fullList())
	})
}

// TestExampleFilesCreateACluster reads the files as they are, whoever wrote them.
func TestExampleFilesCreateACluster(t *testing.T) {
	for _, path := range []string{full, minimal} {
		c := mustLoad(t, config.Input{EnvFile: path})
		got := []any{c.Project, c.NamePrefix, c.Zone, c.VMType, c.GPUCount, c.InstanceCount, c.Network}
		if diff := cmp.Diff([]any{"my-gpu-project", "demo", "us-central1-a", "a2-highgpu-2g", 2, 1, config.DefaultNetwork}, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

// TestExampleLinesWork takes the # off each optional line of the list, one by one and all together.
func TestExampleLinesWork(t *testing.T) {
	var all []string
	for line := range strings.Lines(fullList()) {
		rest, commented := strings.CutPrefix(line, "# ")
		key, _, isPair := strings.Cut(rest, "=")
		if !commented || !isPair || strings.ContainsAny(key, " `") {
			continue
		}
		all = append(all, rest)
		mustLoad(t, config.Input{EnvFile: file(t, minimalList()+rest)})
	}
	if len(all) < 15 {
		t.Errorf("only %d optional lines", len(all))
	}
	mustLoad(t, config.Input{EnvFile: file(t, minimalList()+strings.Join(all, ""))})
}
