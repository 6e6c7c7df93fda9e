package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

// testProgram is a program without a terminal, with an environment and an output of its own.
func testProgram(environ ...string) (p *program, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return &program{stdin: strings.NewReader(""), out: newOutput(stdout, stderr), environ: environ, signals: newSignals(func() {})}, stdout, stderr
}

// caught gives a runF that only keeps its options.
func caught[O any](into *any) runF[O] {
	return func(_ context.Context, o O) (outcome, error) { *into = o; return outcome{}, nil }
}

// parse gives the options that an action would be called with.
func parse(t *testing.T, environ []string, args ...string) (any, error) {
	t.Helper()
	p, _, _ := testProgram(environ...)
	var have any
	app := p.app()
	app.Commands = []*cli.Command{
		p.createCommand(caught[createOptions](&have)), p.destroyCommand(caught[destroyOptions](&have)), p.planCommand(caught[planOptions](&have)),
		p.unlockCommand(caught[unlockOptions](&have)), p.graphCommand(caught[graphOptions](&have)), p.emulatorCommand(caught[serveOptions](&have)),
		p.validateCommand(caught[common](&have)), p.statusCommand(caught[common](&have)), p.listCommand(caught[common](&have)), p.debugCommand(caught[common](&have)),
	}
	args, err := withAction(append([]string{"cluster-provision"}, args...), scan(append([]string{"cluster-provision"}, args...), valueFlags(app)), environ, app)
	if err == nil {
		err = app.RunContext(t.Context(), args)
	}
	return have, err
}

// plainly are the options of a command line that gives none.
func plainly(environ []string, change ...func(*common)) common {
	o := common{
		Input: config.Input{Environ: environ, Flags: map[string]string{}}, LogLevel: slog.LevelWarn,
		Cloud: cloudOptions{Emulator: emulatorOptions{Latency: "typical", TimeScale: 10}},
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

func TestFlagsBecomeOptions(t *testing.T) {
	env := []string{"ACTION=Create", "GCP_ENDPOINT=http://127.0.0.1:1", "EMULATE_LATENCY=off", "EMULATE_TIME_SCALE=100", "EMULATE_FAULTS=f.json"}
	for _, tc := range []struct {
		name    string
		environ []string
		args    string
		want    any
	}{
		{"create alone", nil, "create", createOptions{common: plainly(nil)}},
		{"an action in any letter case", nil, "CREATE", createOptions{common: plainly(nil)}},
		{"every flag of create", nil, "create --ask --upgrade-image --allow-data-loss", createOptions{common: plainly(nil), Ask: true, Change: changeOptions{UpgradeImage: true, AllowDataLoss: true}}},
		{"flags before the action", nil, "--emulate em --zone=z --log-file l create --name-prefix n --state-gcs-path gs://b", createOptions{common: plainly(nil, func(o *common) {
			o.Cloud.Emulate, o.LogFile = "em", "l"
			o.Input.Flags = map[string]string{"ZONE": "z", "NAME_PREFIX": "n", "STATE_GCS_PATH": "gs://b"}
		})}},
		{"the flag behind the action wins", nil, "--zone=a create --zone=b", createOptions{common: plainly(nil, func(o *common) { o.Input.Flags = map[string]string{"ZONE": "b"} })}},
		{"a value that is written like an action", nil, "--name-prefix Create --env-file f destroy", destroyOptions{common: plainly(nil, func(o *common) {
			o.Input.Flags, o.Input.EnvFile = map[string]string{"NAME_PREFIX": "Create"}, "f"
		})}},
		{"the environment's place of a flag", env[1:], "list", plainly(env[1:], func(o *common) {
			o.Cloud = cloudOptions{Endpoint: "http://127.0.0.1:1", Emulator: emulatorOptions{Latency: "off", TimeScale: 100, Faults: "f.json"}}
		})},
		{"a flag wins over the environment", env[1:], "list --endpoint https://h/x --latency slow --time-scale 2 --faults g", plainly(env[1:], func(o *common) {
			o.Cloud = cloudOptions{Endpoint: "https://h/x", Emulator: emulatorOptions{Latency: "slow", TimeScale: 2, Faults: "g"}}
		})},
		{"ACTION when there is no action", env[:1], "--zone z --ask", createOptions{common: plainly(env[:1], func(o *common) { o.Input.Flags = map[string]string{"ZONE": "z"} }), Ask: true}},
		{"an action wins over ACTION", env[:1], "status", plainly(env[:1])},
		{"destroy", nil, "destroy --ask --sweep", destroyOptions{common: plainly(nil), Ask: true, Sweep: true}},
		{"plan", nil, "plan --exit-code --upgrade-image --allow-data-loss", planOptions{common: plainly(nil), ExitCode: true, Change: changeOptions{UpgradeImage: true, AllowDataLoss: true}}},
		{"unlock", nil, "unlock --yes", unlockOptions{common: plainly(nil), Yes: true}},
		{"graph", nil, "graph --format mermaid", graphOptions{common: plainly(nil), Format: "mermaid"}},
		{"validate with a log", nil, "validate --log-level info --copy-dir d", plainly(nil, func(o *common) { o.LogLevel, o.Input.CopyDir = slog.LevelInfo, "d" })},
		{"debug logs every call", nil, "debug", plainly(nil, func(o *common) { o.LogLevel = slog.LevelDebug })},
		{"debug with a level of its own", nil, "debug --log-level error", plainly(nil, func(o *common) { o.LogLevel = slog.LevelError })},
		{"emulator", env[1:], "emulator", serveOptions{Listen: "127.0.0.1:8080", Emulator: emulatorOptions{Latency: "typical", TimeScale: 1}}},
		{"every flag of emulator", nil, "emulator --listen localhost:0 --dir d --latency off --time-scale 3 --faults f --iam r --denied a.b.c", serveOptions{
			Listen: "127.0.0.1:0", Dir: "d", Emulator: emulatorOptions{Latency: "off", TimeScale: 3, Faults: "f", IAM: "r", Denied: "a.b.c"},
		}},
		{"emulator with a directory of --emulate", nil, "--emulate d emulator --listen [::1]:0", serveOptions{Listen: "[::1]:0", Dir: "d", Emulator: emulatorOptions{Latency: "typical", TimeScale: 1}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			have, err := parse(t, tc.environ, strings.Fields(tc.args)...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, have, cmp.AllowUnexported(createOptions{}, destroyOptions{}, planOptions{}, unlockOptions{}, graphOptions{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrongUse(t *testing.T) {
	for _, tc := range []struct {
		environ string
		args    string
		want    string
	}{
		{"", "", "no action given"},
		{"ACTION=", "", "no action given"},
		{"", "frobnicate", `"frobnicate" is not an action`},
		{"ACTION=Frob", "", `ACTION="Frob": in the environment is not an action`},
		{"", "create surplus --zone z", "one argument too many"},
		{"", "create --no-such-flag", "-no-such-flag; see cluster-provision create --help"},
		{"", "create --output xml", "neither text nor json"},
		{"", "emulator --output xml", "neither text nor json"},
		{"", "create --log-level loud", "not a level"},
		{"", "graph --format png", "not a format"},
		{"", "--emulate em create --endpoint http://h", "exclude each other"},
		{"", "create --time-scale NaN", "not a number from"},
		{"", "create --time-scale +Inf", "not a number from"},
		{"", "create --time-scale 0", "not a number from"},
		{"", "create --time-scale=-1", "not a number from"},
		{"", "create --time-scale 1e-300", "not a number from"},
		{"", "create --time-scale x", "not a number from"},
		{"EMULATE_TIME_SCALE=NaN", "create", "not a number from"},
		{"", "create --endpoint http://127.0.0.1:0", "no port that can be reached"},
		{"", "create --endpoint http://127.0.0.1:70000", "no port that can be reached"},
		{"", "create --endpoint http://127.0.0.1:", "no port that can be reached"},
		{"", "create --endpoint http://:8080", "no host"},
		{"", "create --endpoint http:///x", "no host"},
		{"", "create --endpoint 127.0.0.1:8080", "not an http or https URL"},
		{"", "create --endpoint ftp://h", "not an http or https URL"},
		{"", "create --endpoint http:h", "not an http or https URL"},
		{"", "create --endpoint http://user:secret@h", "user name"},
		{"", "create --endpoint http://h/?key=1", "a query or a fragment"},
		{"", "create --endpoint http://h/?", "a query or a fragment"},
		{"", "create --endpoint http://h/#x", "a query or a fragment"},
		{"GCP_ENDPOINT=http://h:0", "create", "no port that can be reached"},
		{"", "emulator --listen 0.0.0.0:8080", "not a loopback address"},
		{"", "emulator --listen :8080", "not a loopback address"},
		{"", "emulator --listen example.com:8080", "not a loopback address"},
		{"", "emulator --listen 127.0.0.1", "not HOST:PORT"},
		{"", "emulator --listen 127.0.0.1:99999", "not HOST:PORT"},
		{"", "emulator --listen 127.0.0.1:http", "not HOST:PORT"},
		{"", "emulator resources", "is missing"},
		{"", "emulator resources --dir no/such/dir", "does not exist"},
		{"", "emulator frob", "one argument too many"},
	} {
		t.Run(tc.environ+" "+tc.args, func(t *testing.T) {
			have, err := parse(t, strings.Fields(tc.environ), strings.Fields(tc.args)...)
			if err == nil || !strings.Contains(err.Error(), tc.want) || provision.ExitCode(err) != provision.CodeUsage {
				t.Errorf("%v (%+v), want %q", err, have, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("a password is repeated: %v", err)
			}
		})
	}
}

// Whatever a user names is read within bounds, at once, or refused.
func TestFilesThatAreRead(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("plan"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path("huge"), make([]byte, mostBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ path, want string }{
		{path("plan"), ""}, {path("huge"), "larger than 4 MB"}, {path("pipe"), "is a pipe"}, {dir, "is a directory"}, {"/dev/zero", "is a device"}, {path("none"), "cannot be read"},
	} {
		done := make(chan error, 1)
		go func() { _, err := readFile("--faults", tc.path); done <- err }()
		select {
		case err := <-done:
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%s: %v, want %q", tc.path, err, tc.want)
			}
		case <-time.NewTimer(20 * time.Second).C:
			t.Fatalf("%s: it hangs", tc.path)
		}
	}
	for _, bad := range []string{"/dev/zero", path("pipe"), dir} {
		if _, err := (emulatorOptions{Latency: bad, TimeScale: 1}).emulatorOf(""); provision.ExitCode(err) != provision.CodeUsage {
			t.Errorf("--latency %s: %v", bad, err)
		}
	}
	for _, bad := range []string{path("pipe"), dir} {
		if _, err := openLogFile(bad); provision.ExitCode(err) != provision.CodeUsage {
			t.Errorf("--log-file %s: %v", bad, err)
		}
	}
}

// A folder that is not the emulator's is refused and left as it is.
func TestTheEmulatorsDirectory(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		fine  bool
	}{
		{"an empty one", nil, true},
		{"one that holds a world", map[string]string{"world.jsonl": "0a1b2c3d {\"n\":1}\n", "notes.txt": "mine"}, true},
		{"one whose world is still empty", map[string]string{"world.jsonl": "", "world.lock": ""}, true},
		{"one of an emulator that died early", map[string]string{"world.lock": ""}, true},
		{"somebody's documents", map[string]string{"thesis.txt": "x"}, false},
		{"somebody's file of the same name", map[string]string{"world.jsonl": `{"hello":"world"}`}, false},
		{"somebody's short file of the same name", map[string]string{"world.jsonl": "x"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tc.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p, _, stderr := testProgram()
			code := p.main(t.Context(), []string{"cluster-provision", "--emulate", dir, "--latency", "off", "list", "--project-id", "my-gpu-project"})
			if fine := code != provision.CodeUsage; fine != tc.fine && !strings.Contains(stderr.String(), "damaged") {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			if tc.fine {
				return
			}
			have := map[string]string{}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				raw, _ := os.ReadFile(filepath.Join(dir, e.Name()))
				have[e.Name()] = string(raw)
			}
			if diff := cmp.Diff(tc.files, have); diff != "" {
				t.Error(diff)
			}
		})
	}
	if err := emulatorDir("--emulate", filepath.Join(t.TempDir(), "new")); err != nil {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := emulatorDir("--emulate", file); err == nil {
		t.Error("a file is taken for a directory")
	}
}

// The help of an action begins with what it needs and an example, has all flags, and fits a terminal.
func TestHelp(t *testing.T) {
	p, _, _ := testProgram()
	for _, c := range p.app().Commands {
		p, stdout, stderr := testProgram("ACTION=destroy")
		if code := p.main(t.Context(), []string{"cluster-provision", c.Name, "--help"}); code != 0 || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d: %s", c.Name, code, stderr)
		}
		for line := range strings.Lines(stdout.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > helpWidth {
				t.Errorf("%s: %d characters wide: %s", c.Name, n, line)
			}
		}
		if c.Name == "emulator" || c.Name == "version" || c.Name == "release" {
			continue
		}
		text := stdout.String()
		marks := []string{"Needs (", "--project-id", "Example:\n", "Flags of every action:"}
		if c.Name == "create" {
			marks = []string{"Needs (", "--project-id ", "--name-prefix ", "--zone ", "Example:\n  cluster-provision create --project-id=", "Flags of create:", "--ask", "--upgrade-image",
				"--allow-data-loss", "nothing", "holds data", "Settings, machines:", "Settings, network:", "Settings, capacity:", "Flags of every action:", "--emulate=DIR"}
			for _, s := range config.Settings() {
				if !strings.Contains(text, "--"+s.Flag()+" ") && !strings.Contains(text, "--"+s.Flag()+"\n") {
					t.Errorf("create: no %s", s.Flag())
				}
			}
		}
		at := 0
		for _, m := range marks {
			i := strings.Index(text[at:], m)
			if i < 0 {
				t.Errorf("%s: no %q in its place:\n%s", c.Name, m, text)
				break
			}
			at += i
		}
	}
	q, stdout, _ := testProgram("ACTION=destroy")
	if code := q.main(t.Context(), []string{"cluster-provision", "--help"}); code != 0 || !slices.Equal(strings.SplitN(stdout.String(), ":", 2)[:1], []string{"cluster-provision"}) {
		t.Errorf("exit code %d: %s", code, stdout)
	}
}
