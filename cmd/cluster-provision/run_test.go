package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
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

// The usual time is that of the emulated cloud when there is one.
func TestTheUsualTimeIsScaled(t *testing.T) {
	s := &stepNames{names: map[string]progress.Step{}, pace: 10}
	s.learn(onePlan())
	if have := s.find("create network/net").Expected; have != 2*time.Second {
		t.Errorf("%s", have)
	}
}
