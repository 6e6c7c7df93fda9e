package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestGcloud runs the scripts in testdata/gcloud. gcloud is the judge that knows nothing of this project: it lists and describes what
// create has made, and makes, changes and removes things of its own. Each script has a served emulator to itself ($URL), and gcloud is
// pointed at it by the very lines of docs/emulator.md. Beside testscript's own commands there is
//
//	gcloud ARGS…     runs it; it has failed also where it shows an error and exits with 0; it must never crash
//
// A call takes more than a second, so lines with [all] run only when GCLOUD_ALL is set.
func TestGcloud(t *testing.T) {
	if testing.Short() {
		t.Skip("every gcloud call takes more than a second")
	}
	if _, err := exec.LookPath("gcloud"); err != nil {
		t.Skip("gcloud is not installed")
	}
	p, err := emulator.ProfileNamed("typical")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	settings := documentedSettings(t)
	testscript.Run(t, testscript.Params{
		Dir:             "testdata/gcloud",
		ContinueOnError: true,
		Setup: func(e *testscript.Env) error {
			em, err := emulator.New(emulator.Options{Latency: p, TimeScale: 100})
			if err != nil {
				return err
			}
			server := httptest.NewServer(em)
			e.Defer(server.Close)
			for _, s := range settings {
				name, value, _ := strings.Cut(s, "=")
				e.Setenv(name, strings.Replace(value, "http://127.0.0.1:8080", server.URL, 1))
			}
			e.Setenv("URL", server.URL)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("EXAMPLES", examples)
			e.Setenv("CLOUDSDK_CONFIG", filepath.Join(e.WorkDir, ".gcloud"))
			e.Setenv("CLOUDSDK_CORE_DISABLE_PROMPTS", "1")
			e.Setenv("CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK", "1")
			return nil
		},
		Condition: func(name string) (bool, error) { return name == "all" && os.Getenv("GCLOUD_ALL") != "", nil },
		Cmds:      map[string]func(*testscript.TestScript, bool, []string){"gcloud": gcloud},
	})
}

func gcloud(ts *testscript.TestScript, fails bool, args []string) {
	err := ts.Exec("gcloud", args...)
	shown := ts.ReadFile("stderr")
	failed := err != nil || strings.Contains(shown, "Some requests did not succeed") || strings.Contains(shown, "ERROR:")
	switch {
	case strings.Contains(shown, "gcloud crashed") || strings.Contains(shown, "Traceback"):
		ts.Fatalf("gcloud crashed")
	case failed != fails:
		ts.Fatalf("gcloud failed: %t (%v), want %t", failed, err, fails)
	}
}

// documentedSettings are the settings of gcloud, NAME=VALUE, that docs/emulator.md tells users to export.
func documentedSettings(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/emulator.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^export (CLOUDSDK_\S+)$`).FindAllStringSubmatch(string(page), -1) {
		out = append(out, m[1])
	}
	if !slices.ContainsFunc(out, func(s string) bool { return strings.HasPrefix(s, "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=") }) {
		t.Fatal("docs/emulator.md does not say how to point gcloud at the emulator")
	}
	return out
}
