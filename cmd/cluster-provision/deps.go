package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/blueprint"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/all"
	"github.com/aiinfra/cluster-provision/pkg/resources/catalog"
	"github.com/aiinfra/cluster-provision/pkg/resources/fleet"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/state/gcs"
)

// deps are what an action works with.
type deps struct {
	engine  engine
	printer progress.Printer
	out     *output
	stdin   io.Reader
	signals *signals
	steps   *stepNames
	log     *slog.Logger
	logPath string // of a log that goes to the deployment's folder in the end; "" for none
	ends    []func() error
}

// withConfig checks all settings and carries an action on them out. Warnings are shown.
func (p *program) withConfig(ctx context.Context, o common, run func(*config.Config, *deps) (outcome, error)) (outcome, error) {
	cfg, problems := config.Load(o.Input)
	if err := problems.Err(); err != nil {
		return outcome{}, err
	}
	return p.on(ctx, o, &cfg.Target, problems.Warnings(), func(d *deps) (outcome, error) { return run(cfg, d) })
}

// withTarget is withConfig for actions that only have to know which deployment is meant.
func (p *program) withTarget(ctx context.Context, o common, load func(config.Input) (*config.Target, resources.Problems), run func(*deps) (outcome, error)) (outcome, error) {
	t, problems := load(o.Input)
	if err := problems.Err(); err != nil {
		return outcome{}, err
	}
	return p.on(ctx, o, t, problems.Warnings(), run)
}

func (p *program) on(ctx context.Context, o common, t *config.Target, warnings resources.Problems, run func(*deps) (outcome, error)) (outcome, error) {
	d, err := p.open(ctx, o, t)
	defer d.close()
	if err != nil {
		return outcome{}, err
	}
	for _, w := range warnings {
		d.printer.Notice(progress.Warning, w.String())
	}
	return run(d)
}

// open builds what an action on a deployment needs. Nothing is called yet but what finds credentials. What it answers is to be
// closed also after an error.
func (p *program) open(ctx context.Context, o common, t *config.Target) (*deps, error) {
	d := &deps{out: p.out, stdin: p.stdin, signals: p.signals}
	d.steps = &stepNames{names: map[string]progress.Step{}, pace: 1}
	if o.Cloud.Emulate != "" {
		d.steps.pace = o.Cloud.Emulator.TimeScale
	}
	d.openPrinter(p, o)
	if err := d.openLog(o, t.MinimizeLogging); err != nil {
		return d, err
	}
	clients, pace, err := d.clients(ctx, o.Cloud)
	if err != nil {
		return d, err
	}
	scope := blueprint.ScopeOf(t.Project, t.Region, t.Zone, t.NamePrefix)
	store := &watchedStore{makesBucket: !t.State.Given, Store: gcs.New(clients.Storage, gcs.Options{
		Bucket: t.State.Bucket, Folder: t.State.Folder, Prefix: t.NamePrefix, Project: t.Project, Region: t.Region, Default: !t.State.Given, Pace: pace,
	})}
	d.engine = &live{store: store, stop: p.signals.stopped, e: &provision.Engine{
		Registry: all.Registry(clients), Catalog: catalog.New(clients, scope), Fleet: fleet.New(clients, scope), Scope: scope, Store: store,
		Owner: blueprint.DeploymentID(t.Project, t.NamePrefix), Tool: toolVersion(), Flags: targetFlags(o.Cloud, t), Rescue: ".",
		Printer: d.printer, Log: d.log, Pace: pace, Stop: p.signals.stopped(),
	}}
	return d, nil
}

// targetFlags are the flags with which another process finds the same deployment. Checked settings need no quotes.
func targetFlags(c cloudOptions, t *config.Target) string {
	out := fmt.Sprintf("--project-id=%s --name-prefix=%s --zone=%s", t.Project, t.NamePrefix, t.Zone)
	if t.State.Given {
		out += " --terraform-gcs-path=gs://" + strings.TrimSuffix(t.State.Bucket+"/"+t.State.Folder, "/")
	}
	if c.Emulate != "" {
		out += " --emulate " + strconv.Quote(c.Emulate)
	}
	if c.Endpoint != "" {
		out += " --endpoint " + c.Endpoint
	}
	return out
}

// clients picks the cloud: the embedded emulator, another endpoint, or the real one. The transport learns when to stop trying
// again, and whom to tell that it does.
func (d *deps) clients(ctx context.Context, o cloudOptions) (*gcp.Clients, float64, error) {
	opt := gcp.Options{Endpoint: o.Endpoint, UserAgent: "cluster-provision/" + toolVersion(), Log: d.log, Pace: 1, Stop: d.signals.stopped}
	opt.Retrying = func(r gcp.Retry) {
		d.printer.Notice(progress.Warning, fmt.Sprintf("%s %s of %s is tried again, since %s: %v", r.Method, r.Name, r.Host, time.Since(r.Since).Round(time.Second/10), r.Err))
	}
	if o.Emulate != "" {
		if err := emulatorDir("--emulate", o.Emulate); err != nil {
			return nil, 0, err
		}
		options, err := o.Emulator.emulatorOf(o.Emulate)
		if err != nil {
			return nil, 0, err
		}
		em, err := emulator.New(options)
		if err != nil {
			return nil, 0, err
		}
		d.ends = append(d.ends, em.Close)
		d.printer.Notice(progress.Info, "emulating the cloud: nothing here is real, nothing is billed; its state is in "+o.Emulate)
		opt.Transport, opt.Pace = em.Transport(), options.TimeScale
	}
	clients, err := gcp.New(ctx, opt)
	return clients, opt.Pace, err
}

// openPrinter chooses how the run is shown: JSON; a live table on a terminal that can move its cursor and is not full of a
// detailed log; lines elsewhere.
func (d *deps) openPrinter(p *program, o common) {
	name, _ := lookupEnv(p.environ, "TERM")
	able := p.terminal && name != "" && name != "dumb"
	noColor, _ := lookupEnv(p.environ, "NO_COLOR")
	opt := progress.Options{Mode: progress.Plain, Out: d.out.stdout, Err: d.out.screen, Lookup: d.steps.find, Color: able && noColor == "", Size: p.size}
	switch {
	case d.out.json:
		opt.Mode = progress.JSON
	case able && (o.LogFile != "" || o.LogLevel > slog.LevelDebug):
		opt.Mode = progress.Terminal
	}
	d.printer = progress.New(opt)
	d.ends = append(d.ends, func() error { d.printer.Close(); return nil })
}

// openLog decides where the log goes. With MINIMIZE_TERRAFORM_LOGGING all of it goes to a file that is uploaded in the end.
func (d *deps) openLog(o common, minimize bool) error {
	level, path := o.LogLevel, o.LogFile
	if minimize && path == "" {
		path, level = fmt.Sprintf("cluster-provision-%s.log", time.Now().UTC().Format("20060102T150405Z")), slog.LevelDebug
		d.logPath = path
	}
	out := progress.Above(d.printer, d.out.stderr)
	if path != "" {
		f, err := openLogFile(path)
		if err != nil {
			return err
		}
		d.ends = append(d.ends, f.Close)
		out = progress.CleanWriter(f)
	}
	d.log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: utc}))
	return nil
}

func utc(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.String(slog.TimeKey, a.Value.Time().UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	return a
}

// close ends what was begun, last first.
func (d *deps) close() {
	for i := len(d.ends) - 1; i >= 0; i-- {
		if err := d.ends[i](); err != nil {
			fmt.Fprintln(d.out.stderr, "warning:", err)
		}
	}
	d.ends = nil
}

// uploadLog puts the log beside the manifest, if it is to be there and the run has changed anything: otherwise there may be no
// folder, and a run that changes nothing writes nothing.
func (d *deps) uploadLog(ctx context.Context) {
	if d.logPath == "" || !d.engine.Changed() {
		return
	}
	raw, err := os.ReadFile(d.logPath)
	if err == nil {
		err = d.engine.Upload(context.WithoutCancel(ctx), "logs/"+d.logPath, raw)
	}
	if err != nil {
		d.printer.Notice(progress.Warning, "the log could not be uploaded: "+err.Error())
	}
}

// approve learns the plan for the printers, and asks if it should.
func (d *deps) approve(ask bool) provision.Approve {
	return func(pl *plan.Plan) (bool, error) {
		d.steps.learn(pl)
		if !ask {
			return true, nil
		}
		fmt.Fprint(d.out.stderr, pl.Text())
		return d.confirm("carry this out?")
	}
}

// confirm asks a question that only "yes" agrees to. An interrupt ends the waiting for an answer.
func (d *deps) confirm(question string) (bool, error) {
	fmt.Fprintf(d.out.stderr, "%s (yes/no) ", question)
	type answer struct {
		line string
		err  error
	}
	heard := make(chan answer, 1)
	go func() { // after an interrupt it ends with the process: a read of a terminal cannot be called off
		line, err := bufio.NewReader(io.LimitReader(d.stdin, 1000)).ReadString('\n')
		heard <- answer{line, err}
	}()
	select {
	case <-d.signals.stopped():
		return false, fmt.Errorf("nobody answered: %w", exec.ErrStopped)
	case a := <-heard:
		if a.err != nil && a.line == "" {
			return false, fmt.Errorf("nobody answered: %w", a.err)
		}
		return strings.EqualFold(strings.TrimSpace(a.line), "yes"), nil
	}
}

// stepNames gives the printers words for the steps of a plan, and how long they usually take at the pace of the cloud in use.
type stepNames struct {
	mu    sync.Mutex
	pace  float64
	names map[string]progress.Step
}

func (s *stepNames) learn(p *plan.Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, step := range p.Steps {
		s.names[step.ID] = progress.Step{
			What:     fmt.Sprintf("%s %s %s", step.Action, step.Address, step.Target.Base()),
			Expected: time.Duration(float64(step.Expected) / s.pace),
		}
	}
}

func (s *stepNames) find(id string) progress.Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[id]
}
