package compute_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write output_only.txt again from the discovery document")

// schema is a message of a discovery document.
type schema struct {
	Properties map[string]struct {
		Description string
		ReadOnly    bool
	}
}

func TestOutputOnlyFieldsAreThoseOfTheDiscoveryDocument(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Skip("the module with the discovery document is not here: ", err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "compute", "v1", "compute-api.json"))
	if err != nil {
		t.Skip("the discovery document is not here: ", err)
	}
	var all struct {
		Schemas   map[string]json.RawMessage
		Resources json.RawMessage
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	sent := map[string]bool{} // the messages of request bodies and all below
	var follow func([]string)
	ref := regexp.MustCompile(`"\$ref":\s*"([^"]+)"`)
	follow = func(names []string) {
		for _, name := range names {
			if sent[name] {
				continue
			}
			sent[name] = true
			var below []string
			for _, m := range ref.FindAllStringSubmatch(string(all.Schemas[name]), -1) {
				below = append(below, m[1])
			}
			follow(below)
		}
	}
	for _, m := range regexp.MustCompile(`"request":\s*\{\s*"\$ref":\s*"([^"]+)"`).FindAllStringSubmatch(string(all.Resources), -1) {
		follow([]string{m[1]})
	}
	marked := regexp.MustCompile(`(?i)^\s*\[?output[ -]?only\]?`)
	var table strings.Builder
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		var s schema
		if err := json.Unmarshal(all.Schemas[name], &s); err != nil {
			t.Fatal(err)
		}
		line := name
		for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
			p := s.Properties[field]
			if name+"."+field != "InstanceGroupManager.namedPorts" && (p.ReadOnly || marked.MatchString(p.Description)) {
				line += " " + field
			}
		}
		if line != name {
			table.WriteString(line + "\n")
		}
	}
	if *update {
		if err := os.WriteFile("output_only.txt", []byte(table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("output_only.txt")
	if err != nil || string(have) != table.String() {
		t.Error("output_only.txt is not what the discovery document says: run this test with -update")
	}
}
