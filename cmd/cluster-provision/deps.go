package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/blueprint"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/all"
	"github.com/aiinfra/cluster-provision/pkg/resources/catalog"
	"github.com/aiinfra/cluster-provision/pkg/resources/fleet"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/state/gcs"
)

// run is one action at work: the engine and all that goes with it.
type run struct {
	program
	engine *provision.Engine
	json   bool
	log    *slog.Logger
	steps  *stepNames
	ends   []func() error // what has to be closed, last first
	upload string         // path of a log that goes to the deployment's folder in the end
}

// input is where the settings of an action come from.
func (p program) input(c *cli.Context) config.Input {
	return config.Input{Environ: p.environ, EnvFile: text(c, "env-file"), Flags: settings(c), CopyDir: text(c, "copy-dir")}
}

// start builds what an action on a deployment needs. Nothing is called yet but what finds credentials.
func (p program) start(c *cli.Context, t *config.Target) (*run, error) {
	r := &run{program: p, steps: &stepNames{names: map[string]progress.Step{}}}
	if err := r.openLog(c, t.MinimizeLogging); err != nil {
		return nil, err
	}
	mode := text(c, "output")
	if mode != "text" && mode != "json" {
		return nil, usage("--output", mode, "is neither text nor json", "give --output=text or --output=json")
	}
	r.json = mode == "json"
	clients, pace, err := r.clients(c)
	if err != nil {
		return nil, err
	}
	scope := blueprint.ScopeOf(t.Project, t.Region, t.Zone, t.NamePrefix)
	r.engine = &provision.Engine{
		Registry: all.Registry(clients), Catalog: catalog.New(clients, scope), Fleet: fleet.New(clients, scope), Scope: scope,
		Owner: blueprint.DeploymentID(t.Project, t.NamePrefix), Tool: toolVersion(), Flags: targetFlags(c, t), Rescue: ".", Printer: r.printer(c.Context), Log: r.log, Pace: pace,
		Stop: p.signals.stopped(),
		Store: gcs.New(clients.Storage, gcs.Options{
			Bucket: t.State.Bucket, Folder: t.State.Folder, Prefix: t.NamePrefix, Project: t.Project, Region: t.Region, Default: !t.State.Given, Pace: pace,
		}),
	}
	return r, nil
}

// targetFlags are the flags with which another process finds the same deployment. Checked settings need no quotes.
func targetFlags(c *cli.Context, t *config.Target) string {
	out := fmt.Sprintf("--project-id=%s --name-prefix=%s --zone=%s", t.Project, t.NamePrefix, t.Zone)
	if t.State.Given {
		out += " --terraform-gcs-path=gs://" + strings.TrimSuffix(t.State.Bucket+"/"+t.State.Folder, "/")
	}
	if dir := text(c, "emulate"); dir != "" {
		out += " --emulate " + strconv.Quote(dir)
	}
	return out
}

// clients picks the cloud: the embedded emulator, another endpoint, or the real one.
func (r *run) clients(c *cli.Context) (*gcp.Clients, float64, error) {
	opt := gcp.Options{Endpoint: text(c, "endpoint"), UserAgent: "cluster-provision/" + toolVersion(), Log: r.log, Pace: 1}
	if dir := text(c, "emulate"); dir != "" {
		if opt.Endpoint != "" {
			return nil, 0, usage("--emulate", dir, "and --endpoint exclude each other", "give one of the two")
		}
		em, scale, err := r.emulator(c, dir)
		if err != nil {
			return nil, 0, err
		}
		opt.Transport, opt.Pace = em, scale
	}
	clients, err := gcp.New(c.Context, opt)
	return clients, opt.Pace, err
}

func (r *run) emulator(c *cli.Context, dir string) (http.RoundTripper, float64, error) {
	opt, err := emulatorOptions(c, dir)
	if err != nil {
		return nil, 0, err
	}
	em, err := emulator.New(opt)
	if err != nil {
		return nil, 0, err
	}
	r.ends = append(r.ends, em.Close)
	fmt.Fprintf(r.stderr, "emulating the cloud: nothing here is real, nothing is billed; its state is in %s\n", dir)
	return em.Transport(), opt.TimeScale, nil
}

func emulatorOptions(c *cli.Context, dir string) (emulator.Options, error) {
	opt := emulator.Options{Dir: dir}
	var err error
	if opt.TimeScale, err = strconv.ParseFloat(text(c, "time-scale"), 64); err != nil || opt.TimeScale <= 0 || opt.TimeScale > 1e6 {
		return opt, usage("--time-scale", text(c, "time-scale"), "is not a number above 0", "give 1 for the real pace, 10 for ten times as fast")
	}
	if opt.Latency, err = emulator.ProfileNamed(text(c, "latency")); err != nil {
		return opt, usage("--latency", "", err.Error(), "give off, typical, slow or a file")
	}
	if path := text(c, "faults"); path != "" {
		raw, err := os.ReadFile(path) //nolint:gosec // the user names the file
		if err != nil {
			return opt, usage("--faults", path, "cannot be read: "+err.Error(), "give a JSON file")
		}
		if opt.Faults, err = emulator.ParseFaultPlan(raw); err != nil {
			return opt, usage("--faults", path, err.Error(), "its form is in docs/emulator.md")
		}
	}
	return opt, nil
}

// openLog decides where the log goes. With MINIMIZE_TERRAFORM_LOGGING all of it goes to a file that is uploaded in the end.
func (r *run) openLog(c *cli.Context, minimize bool) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(text(c, "log-level"))); err != nil {
		return usage("--log-level", text(c, "log-level"), "is not a level", "give debug, info, warn or error")
	}
	out, path := r.stderr, text(c, "log-file")
	if minimize && path == "" {
		path, level = fmt.Sprintf("cluster-provision-%s.log", time.Now().UTC().Format("20060102T150405Z")), slog.LevelDebug
		r.upload = path
	}
	if path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the user names the file
		if err != nil {
			return usage("--log-file", path, "cannot be written: "+err.Error(), "give a path that you may write to")
		}
		out = f
		r.ends = append(r.ends, f.Close)
	}
	r.log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: utc}))
	return nil
}

func utc(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.String(slog.TimeKey, a.Value.Time().UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	return a
}

func (r *run) printer(ctx context.Context) progress.Printer {
	mode := progress.Plain
	_, noColor := lookupEnv(r.environ, "NO_COLOR")
	terminal := r.terminal(r.stderr)
	switch {
	case r.json:
		mode = progress.JSON
	case terminal && !r.log.Enabled(ctx, slog.LevelDebug):
		mode = progress.Terminal
	}
	p := progress.New(mode, r.stdout, r.stderr, r.steps.find, terminal && !noColor)
	r.ends = append(r.ends, func() error { p.Close(); return nil })
	return p
}

// close ends what was begun and uploads the log, if it is to be.
func (r *run) close() {
	for i := len(r.ends) - 1; i >= 0; i-- {
		if err := r.ends[i](); err != nil {
			fmt.Fprintln(r.stderr, "warning:", err)
		}
	}
}

func (r *run) uploadLog(ctx context.Context) {
	if r.upload == "" {
		return
	}
	raw, err := os.ReadFile(r.upload)
	if err == nil {
		err = r.engine.Store.Upload(context.WithoutCancel(ctx), "logs/"+r.upload, raw)
	}
	if err != nil {
		r.engine.Printer.Notice(progress.Warning, "the log could not be uploaded: "+err.Error())
	}
}

// result prints how an action ended: text for people, or the last JSON line.
func (r *run) result(v any, text string, err error) {
	if !r.json {
		if err == nil {
			fmt.Fprint(r.stdout, text)
		}
		return
	}
	line := map[string]any{"type": "result", "exitCode": provision.ExitCode(err), "result": v}
	if err != nil {
		line["error"] = err.Error()
		if class := resources.ClassOf(err); class != resources.ClassNone {
			line["class"] = class
		}
		if ps, ok := resources.AsProblems(err); ok {
			line["problems"] = ps
		}
	}
	raw, encodeErr := json.Marshal(line)
	if encodeErr != nil {
		raw = fmt.Appendf(nil, `{"type":"result","exitCode":1,"error":%q}`, encodeErr.Error())
	}
	fmt.Fprintf(r.stdout, "%s\n", raw)
}

// stepNames gives the printers words for the steps of a plan.
type stepNames struct {
	mu    sync.Mutex
	names map[string]progress.Step
}

func (s *stepNames) learn(p *plan.Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, step := range p.Steps {
		s.names[step.ID] = progress.Step{What: fmt.Sprintf("%s %s %s", step.Action, step.Address, step.Target.Base()), Expected: step.Expected}
	}
}

func (s *stepNames) find(id string) progress.Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[id]
}

func lookupEnv(environ []string, name string) (string, bool) {
	for _, kv := range environ {
		if len(kv) > len(name) && kv[:len(name)] == name && kv[len(name)] == '=' {
			return kv[len(name)+1:], true
		}
	}
	return "", false
}
