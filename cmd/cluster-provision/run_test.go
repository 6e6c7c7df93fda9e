package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// fakeEngine answers what a test says and keeps what it was asked.
type fakeEngine struct {
	calls   []string
	changed bool

	onCreate, onDestroy func(context.Context) error
	plan                *plan.Plan
	status              *provision.Status
	list                []state.Manifest
	warnings            resources.Problems
	holder              *state.Holder
	err                 error
}

func (f *fakeEngine) call(format string, args ...any) {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeEngine) Create(ctx context.Context, _ *config.Config, o changeOptions, approve provision.Approve) (*provision.Report, error) {
	f.call("create %+v", o)
	report := &provision.Report{Action: "create", State: "gs://b/demo-deployment/"}
	if f.plan != nil {
		if ok, err := approve(f.plan); err != nil || !ok {
			return report, errors.Join(err, provision.ErrDeclined)
		}
	}
	if f.onCreate == nil {
		return report, f.err
	}
	return report, f.onCreate(ctx)
}

func (f *fakeEngine) Plan(_ context.Context, _ *config.Config, o changeOptions) (*plan.Plan, error) {
	f.call("plan %+v", o)
	return f.plan, f.err
}

// removed is a step of a destroy that went well.
func removed(address string) provision.StepReport {
	return provision.StepReport{Step: plan.Step{ID: "delete " + address, Action: plan.Delete}, Status: exec.Done}
}

func (f *fakeEngine) Destroy(ctx context.Context, sweep bool, _ provision.Approve) (*provision.Report, error) {
	f.call("destroy sweep=%v", sweep)
	report := &provision.Report{Action: "destroy", Deployment: "demo-1", Steps: []provision.StepReport{removed("network/net"), removed("mig/mig")}}
	if f.onDestroy == nil {
		return report, f.err
	}
	return report, f.onDestroy(ctx)
}

func (f *fakeEngine) Validate(context.Context, *config.Config) (resources.Problems, error) {
	f.call("validate")
	return f.warnings, f.err
}

func (f *fakeEngine) Nodes(context.Context, *config.Config) ([]*resources.Node, error) {
	f.call("nodes")
	return nil, f.err
}

func (f *fakeEngine) Status(context.Context) (*provision.Status, error) {
	f.call("status")
	return f.status, f.err
}

func (f *fakeEngine) List(context.Context) ([]state.Manifest, error) {
	f.call("list")
	return f.list, f.err
}

func (f *fakeEngine) Unlock(_ context.Context, agree func(state.Holder) (bool, error)) error {
	f.call("unlock")
	if f.holder == nil {
		return f.err
	}
	if ok, err := agree(*f.holder); err != nil || !ok {
		return errors.Join(err, provision.ErrDeclined)
	}
	return f.err
}

func (f *fakeEngine) Upload(_ context.Context, name string, data []byte) error {
	f.call("upload %s %d", name, len(data))
	return nil
}
func (f *fakeEngine) Changed() bool             { return f.changed }
func (f *fakeEngine) About() (id, place string) { return "demo-1", "gs://b/demo-deployment/" }

// fakeDeps are deps around an engine.
func fakeDeps(p *program, e engine) *deps {
	steps := &stepNames{names: map[string]progress.Step{}, pace: 10}
	mode := progress.Plain
	if p.out.json {
		mode = progress.JSON
	}
	return &deps{
		engine: e, out: p.out, stdin: p.stdin, signals: p.signals, steps: steps, log: slog.New(slog.DiscardHandler),
		printer: progress.New(progress.Options{Mode: mode, Out: p.out.stdout, Err: p.out.screen, Lookup: steps.find}),
	}
}

func onePlan() *plan.Plan {
	return &plan.Plan{Steps: []plan.Step{{ID: "create network/net", Address: resources.Address{Kind: "network", Name: "net"}, Action: plan.Create, Why: "it is not there", Expected: 20 * time.Second}}}
}

var errPartial = &provision.PartialError{Err: exec.ErrStopped, Next: "what was made is billed; go on with the same create"}

func TestActions(t *testing.T) {
	held := state.Holder{Owner: "eve\x1b[2J\nroot", Host: "h", Action: "create", PID: 7}
	damaged := errors.New("gs://b/x-deployment/manifest.json is damaged")
	for _, tc := range []struct {
		name   string
		engine fakeEngine
		stdin  string
		run    func(context.Context, *deps) (outcome, error)
		calls  []string
		code   int
		stdout string // a part of it
		stderr string // a part of it
		silent bool   // nothing on stdout
	}{
		{name: "create passes its options on", run: func(ctx context.Context, d *deps) (outcome, error) {
			return runCreate(ctx, createOptions{Change: changeOptions{UpgradeImage: true}}, &config.Config{}, d)
		}, calls: []string{"create {UpgradeImage:true AllowDataLoss:false}"}, stdout: "state: gs://b/demo-deployment/\n"},
		{name: "create asks and hears no", engine: fakeEngine{plan: onePlan()}, stdin: "no\n", run: func(ctx context.Context, d *deps) (outcome, error) {
			return runCreate(ctx, createOptions{Ask: true}, &config.Config{CleanupOnExit: true}, d)
		}, calls: []string{"create {UpgradeImage:false AllowDataLoss:false}"}, code: 1, stderr: "+ create  network/net", silent: true},
		{name: "create asks and nobody is there", engine: fakeEngine{plan: onePlan()}, run: func(ctx context.Context, d *deps) (outcome, error) {
			return runCreate(ctx, createOptions{Ask: true}, &config.Config{}, d)
		}, calls: []string{"create {UpgradeImage:false AllowDataLoss:false}"}, code: 1, stderr: "nobody answered", silent: true},
		{name: "destroy sweeps", run: func(ctx context.Context, d *deps) (outcome, error) {
			return runDestroy(ctx, destroyOptions{Sweep: true}, d)
		}, calls: []string{"destroy sweep=true"}, stdout: "destroyed demo-1: 2 resources\n"},
		{name: "a plan with changes", engine: fakeEngine{plan: onePlan()}, run: func(ctx context.Context, d *deps) (outcome, error) {
			return runPlan(ctx, planOptions{}, nil, d)
		}, calls: []string{"plan {UpgradeImage:false AllowDataLoss:false}"}, stdout: "1 to create"},
		{name: "a plan with changes and --exit-code", engine: fakeEngine{plan: onePlan()}, run: func(ctx context.Context, d *deps) (outcome, error) {
			return runPlan(ctx, planOptions{ExitCode: true, Change: changeOptions{AllowDataLoss: true}}, nil, d)
		}, calls: []string{"plan {UpgradeImage:false AllowDataLoss:true}"}, code: 3, stdout: "1 to create"},
		{name: "a plan without changes and --exit-code", engine: fakeEngine{plan: &plan.Plan{}}, run: func(ctx context.Context, d *deps) (outcome, error) {
			return runPlan(ctx, planOptions{ExitCode: true}, nil, d)
		}, calls: []string{"plan {UpgradeImage:false AllowDataLoss:false}"}, stdout: "nothing to do"},
		{name: "validate shows warnings", engine: fakeEngine{warnings: resources.Problems{{Path: "ZONE", Message: "is far away", Severity: resources.SeverityWarning}}}, run: func(ctx context.Context, d *deps) (outcome, error) {
			return runValidate(ctx, nil, d)
		}, calls: []string{"validate"}, stdout: "the settings are valid", stderr: "warning: ZONE: is far away"},
		{name: "unlock shows the holder without its control characters", engine: fakeEngine{holder: &held}, run: func(ctx context.Context, d *deps) (outcome, error) {
			return runUnlock(ctx, unlockOptions{Yes: true}, d)
		}, calls: []string{"unlock"}, stderr: `create by eve\x1b[2J\nroot on h (pid 7)`, silent: true},
		{name: "unlock asks", engine: fakeEngine{holder: &held}, stdin: "no\n", run: func(ctx context.Context, d *deps) (outcome, error) {
			return runUnlock(ctx, unlockOptions{}, d)
		}, calls: []string{"unlock"}, code: 1, stderr: "remove this lease?", silent: true},
		{name: "status shows the holder without its control characters", engine: fakeEngine{status: &provision.Status{Holder: &held, Known: true}}, run: runStatus,
			calls: []string{"status"}, stdout: `lease: create by eve\x1b[2J\nroot on h`},
		{name: "status that cannot be read", engine: fakeEngine{err: damaged}, run: runStatus, calls: []string{"status"}, code: 1, stderr: "is damaged", silent: true},
		{name: "list of nothing", run: runList, calls: []string{"list"}, stdout: "no deployments\n"},
		{name: "list with a damaged manifest shows the others and the damage", engine: fakeEngine{list: []state.Manifest{{Prefix: "demo"}}, err: damaged}, run: runList,
			calls: []string{"list"}, code: 1, stdout: "\ndemo ", stderr: "is damaged"},
		{name: "list that cannot be read does not say that there is nothing", engine: fakeEngine{err: damaged}, run: runList, calls: []string{"list"}, code: 1, stderr: "is damaged", silent: true},
		{name: "graph of nothing", run: func(ctx context.Context, d *deps) (outcome, error) {
			return runGraph(ctx, graphOptions{Format: "dot"}, nil, d)
		},
			calls: []string{"nodes"}, stdout: "digraph", stderr: "critical path"},
	} {
		for _, format := range []string{"text", "json"} {
			t.Run(tc.name+" in "+format, func(t *testing.T) {
				p, stdout, stderr := testProgram()
				p.stdin, p.out.json = strings.NewReader(tc.stdin), format == "json"
				e := tc.engine
				out, err := tc.run(t.Context(), fakeDeps(p, &e))
				if code := p.out.end(out, err); code != tc.code {
					t.Errorf("exit code %d, want %d: %v", code, tc.code, err)
				}
				if diff := cmp.Diff(tc.calls, e.calls); diff != "" {
					t.Error(diff)
				}
				if format == "json" {
					if have := results(t, stdout.String()); len(have) != 1 || have[0]["exitCode"] != float64(tc.code) {
						t.Errorf("results: %v", have)
					}
					return
				}
				if !strings.Contains(stdout.String(), tc.stdout) || tc.silent && stdout.Len() > 0 || !strings.Contains(stderr.String(), tc.stderr) {
					t.Errorf("stdout: %s\nstderr: %s", stdout, stderr)
				}
				if strings.ContainsAny(stdout.String()+stderr.String(), "\x1b") {
					t.Errorf("control characters: %q %q", stdout, stderr)
				}
			})
		}
	}
}

// results are the lines of type result, which must be the last ones; every line must be an object.
func results(t *testing.T, stdout string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(stdout) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Errorf("not an object: %s", line)
		}
		if v["type"] == "result" {
			out = append(out, v)
		} else if len(out) > 0 {
			t.Errorf("behind the result: %s", line)
		}
	}
	return out
}

// CLEANUP_ON_EXIT destroys when create was well and a signal came, when it was interrupted, and when it failed.
func TestCleanupOnExit(t *testing.T) {
	stopped := func(p *program) func(context.Context) error {
		return func(context.Context) error { p.signals.got(true); return errPartial }
	}
	failing := func(text string) func(context.Context) error {
		return func(context.Context) error {
			return &provision.ChangedError{Err: &provision.PartialError{Err: errors.New(text), Next: "what was made is billed"}}
		}
	}
	for _, tc := range []struct {
		name    string
		create  func(*program) func(context.Context) error
		destroy func(*program) func(context.Context) error
		changed bool
		calls   string
		code    int
		says    []string
	}{
		{name: "create was well, then a signal", changed: true, calls: "create destroy", create: func(p *program) func(context.Context) error {
			return func(context.Context) error { go p.signals.got(true); return nil }
		}},
		{name: "create was interrupted", create: stopped, changed: true, calls: "create destroy", code: 143, says: []string{"everything that it made is destroyed"}},
		{name: "create failed", create: func(*program) func(context.Context) error { return failing("no such thing") }, changed: true, calls: "create destroy", code: 5,
			says: []string{"create: no such thing", "everything that it made is destroyed"}},
		{name: "create failed and so did destroy", create: func(*program) func(context.Context) error { return failing("no such thing") },
			destroy: func(*program) func(context.Context) error { return failing("still in use") }, changed: true, calls: "create destroy", code: 5, says: []string{"create: no such thing", "CLEANUP_ON_EXIT: still in use"}},
		{name: "create was interrupted, and a second signal stops destroy", create: stopped, destroy: func(p *program) func(context.Context) error {
			return func(context.Context) error {
				stop := p.signals.stopped()
				<-time.NewTimer(2 * echo).C
				p.signals.got(false)
				<-stop // not aborted: it is a first one again
				return errPartial
			}
		}, changed: true, calls: "create destroy", code: 143, says: []string{"stopped before everything was done"}},
		{name: "create was aborted by two signals, and destroy has a context that lives", create: func(p *program) func(context.Context) error {
			return func(ctx context.Context) error {
				p.signals.got(false)
				<-time.NewTimer(2 * echo).C
				p.signals.got(false)
				<-ctx.Done()
				return ctx.Err()
			}
		}, destroy: func(*program) func(context.Context) error {
			return func(ctx context.Context) error { return ctx.Err() }
		}, changed: true, calls: "create destroy", code: 130},
		{name: "create was refused before it changed anything", create: func(*program) func(context.Context) error {
			return func(context.Context) error { return resources.Problems{{Path: "ZONE", Message: "is wrong"}} }
		}, calls: "create", code: 2, says: []string{"nothing is destroyed"}},
	} {
		for _, format := range []string{"text", "json"} {
			t.Run(tc.name+" in "+format, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					p, stdout, stderr := testProgram()
					p.signals, p.out.json = newSignals(cancel), format == "json"
					<-time.NewTimer(time.Minute).C
					e := &fakeEngine{changed: tc.changed, onCreate: tc.create(p)}
					if tc.destroy != nil {
						e.onDestroy = tc.destroy(p)
					}
					out, err := runCreate(ctx, createOptions{}, &config.Config{CleanupOnExit: true}, fakeDeps(p, e))
					if seen, terminated := p.signals.received(); seen {
						err = provision.Interrupted(err, terminated)
					}
					if code := p.out.end(out, err); code != tc.code {
						t.Errorf("exit code %d, want %d: %v", code, tc.code, err)
					}
					var calls []string
					for _, c := range e.calls {
						calls = append(calls, strings.Fields(c)[0])
					}
					if have := strings.Join(calls, " "); have != tc.calls {
						t.Errorf("called %s, want %s", have, tc.calls)
					}
					if format == "json" {
						if have := results(t, stdout.String()); len(have) != 1 || have[0]["exitCode"] != float64(tc.code) {
							t.Errorf("results: %v", have)
						}
						return
					}
					for _, s := range tc.says {
						if !strings.Contains(stderr.String(), s) {
							t.Errorf("no %q in: %s", s, stderr)
						}
					}
					if tc.destroy == nil && tc.calls != "create" && strings.Contains(stderr.String(), "billed") {
						t.Errorf("what is destroyed is called billed: %s", stderr)
					}
				})
			})
		}
	}
}

// Usage errors, wrong settings and faults of the program itself end a JSON run with one result, and help is no result.
func TestEveryJSONRunEndsWithAResult(t *testing.T) {
	for _, args := range []string{
		"--output json", "--output json frobnicate", "--output=json --no-such-flag", "create --output json", "create surplus --output json", "create --no-such-flag --output json",
		"list --output json", "emulator --output json --listen nowhere", "emulator resources --output json", "--output json emulator calls --dir /no/such", "version --output json",
		"create --help --output json", "--help --output json", "graph --format x --output=json", "--output json debug --log-level loud", "unlock --output json", "destroy --env-file /no/such --output json",
	} {
		t.Run(args, func(t *testing.T) {
			p, stdout, _ := testProgram()
			code := p.main(t.Context(), append([]string{"cluster-provision"}, strings.Fields(args)...))
			if have := results(t, stdout.String()); len(have) != 1 || have[0]["exitCode"] != float64(code) {
				t.Errorf("exit code %d, stdout: %s", code, stdout)
			}
		})
	}
	t.Run("a panic", func(t *testing.T) {
		p, stdout, stderr := testProgram()
		signals := p.signals
		p.signals = nil // the fault: nobody listens
		err := p.guarded(t.Context(), strings.Fields("cluster-provision list --project-id my-gpu-project --output json --latency off --emulate "+t.TempDir()))
		p.signals = signals
		code := p.out.end(outcome{}, err)
		if !strings.Contains(stderr.String(), "a fault in cluster-provision") {
			t.Errorf("stderr: %s", stderr)
		}
		if have := results(t, stdout.String()); len(have) != 1 || code != provision.CodeFailed {
			t.Errorf("exit code %d, stdout: %s", code, stdout)
		}
	})
}

// fullWriter is a full disk, or a pipe whose reader is gone.
type fullWriter struct{ err error }

func (f fullWriter) Write([]byte) (int, error) { return 0, f.err }

func TestResultsThatCannotBeWritten(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{{nil, 1}, {provision.ErrChanges, 1}, {errPartial, 5}, {resources.Problems{{Path: "ZONE", Message: "is missing"}}, 2}} {
		for _, asJSON := range []bool{false, true} {
			var stderr bytes.Buffer
			o := newOutput(fullWriter{syscall.ENOSPC}, &stderr)
			o.json = asJSON
			if code := o.end(outcome{text: "x\n"}, tc.err); code != tc.want {
				t.Errorf("%v: exit code %d, want %d", tc.err, code, tc.want)
			}
			if !strings.Contains(stderr.String(), "results could not be written to standard output: no space left on device") {
				t.Errorf("%v: %s", tc.err, &stderr)
			}
		}
	}
	o := newOutput(io.Discard, fullWriter{syscall.EPIPE})
	if code := o.end(outcome{text: "x\n"}, nil); code != 0 {
		t.Errorf("a dead standard error ends with %d", code)
	}
}

// The usual time is that of the emulated cloud when there is one.
func TestTheUsualTimeIsScaled(t *testing.T) {
	s := &stepNames{names: map[string]progress.Step{}, pace: 10}
	s.learn(onePlan())
	if have := s.find("create network/net").Expected; have != 2*time.Second {
		t.Errorf("%s", have)
	}
}

// What an address stood for before is told from what it stands for now by its place.
func TestStatusTellsFormerThingsByTheirPlace(t *testing.T) {
	const zones = "//compute.googleapis.com/projects/p/zones/"
	text := statusText(&provision.Status{Known: true, Resources: []provision.ResourceStatus{
		{Address: "mig/mig", ID: zones + "us-central1-a/instanceGroupManagers/demo-mig", Recorded: state.Ready, Live: "as recorded"},
		{Address: "mig/mig", ID: zones + "us-central1-c/instanceGroupManagers/demo-mig", Recorded: state.Doomed, Live: "of an earlier run, still to be deleted", Former: true},
	}})
	if !strings.Contains(text, "mig/mig  zones/us-central1-c/instanceGroupManagers/demo-mig  doomed") || strings.Contains(text, "us-central1-a") {
		t.Error(text)
	}
}
