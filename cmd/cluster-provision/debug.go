package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
)

// releaseFile ends a debug that holds, as it did in the container that this tool replaces.
const releaseFile = "/tmp/debug_release"

func (p *program) debugCommand(run runF[common]) *cli.Command {
	return command(p, about{
		name: "debug", usage: "print settings, identity, endpoints and plan, then hold", needs: mandatory(), settings: true, example: exampleOf("debug"),
		notes: "Every API call is logged. It holds, so that a container stays up, until `cluster-provision release`, until " + releaseFile + " appears, or until a signal.",
	}, func(c *cli.Context) (common, error) {
		o, err := p.common(c)
		if _, ok := given(c, "log-level"); !ok {
			o.LogLevel = slog.LevelDebug
		}
		return o, err
	}, run)
}

// inspection is the result of debug.
type inspection struct {
	Settings   map[string]string `json:"settings"`
	Deployment string            `json:"deployment"`
	State      string            `json:"state"`
	Endpoint   string            `json:"endpoint"`
	Identity   string            `json:"identity"`
	Plan       *plan.Plan        `json:"plan,omitempty"`
}

// debug shows what it finds, holds whatever that was, and ends with it.
func (p *program) debug(ctx context.Context, o common) (outcome, error) {
	_ = os.Remove(releaseFile) // of an earlier debug
	out, err := p.withConfig(ctx, o, func(cfg *config.Config, d *deps) (outcome, error) { return runDebug(ctx, o, cfg, d) })
	p.out.interim("debug", out, err)
	if err != nil {
		fmt.Fprintln(p.out.stderr, "error:", err) // a container that is being debugged stays up all the same
	}
	fmt.Fprintf(p.out.stderr, "holding: go on with `cluster-provision release`, with %s, or with a signal\n", releaseFile)
	p.hold(ctx)
	return outcome{value: out.value, told: true}, err
}

func runDebug(ctx context.Context, o common, cfg *config.Config, d *deps) (outcome, error) {
	v := inspection{Settings: map[string]string{}, Endpoint: endpointOf(o.Cloud), Identity: identityOf(o)}
	v.Deployment, v.State = d.engine.About()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, kv := range cfg.Resolved() {
		v.Settings[kv.Key] = kv.Value
		cells(w, kv.Key, kv.Value, "("+kv.Source+")")
	}
	for _, kv := range [][2]string{{"deployment", v.Deployment}, {"state", v.State}, {"endpoint", v.Endpoint}, {"identity", v.Identity}} {
		cells(w, kv[0], kv[1])
	}
	_ = w.Flush() // a strings.Builder takes everything
	var err error
	if v.Plan, err = d.engine.Plan(ctx, cfg, changeOptions{}); err == nil {
		b.WriteString(v.Plan.Text())
	}
	return outcome{value: v, text: b.String()}, err
}

func endpointOf(c cloudOptions) string {
	switch {
	case c.Emulate != "":
		return "the embedded emulator, state in " + c.Emulate
	case c.Endpoint != "":
		return c.Endpoint
	}
	return "https://*.googleapis.com"
}

// identityOf says where credentials come from; who that is the cloud is not asked.
func identityOf(o common) string {
	if o.Cloud.Emulate != "" {
		return "none needed"
	}
	if path, ok := lookupEnv(o.Input.Environ, "GOOGLE_APPLICATION_CREDENTIALS"); ok {
		return "GOOGLE_APPLICATION_CREDENTIALS=" + path
	}
	return "application default credentials"
}

// hold waits for the release file or a signal.
func (p *program) hold(ctx context.Context) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.signals.stopped():
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := os.Stat(releaseFile); err == nil {
				_ = os.Remove(releaseFile)
				return
			}
		}
	}
}

func (p *program) releaseCommand() *cli.Command {
	read := func(*cli.Context) (struct{}, error) { return struct{}{}, nil }
	return command(p, about{name: "release", usage: "let a debug that holds go on", local: true}, read, func(context.Context, struct{}) (outcome, error) {
		return outcome{}, os.WriteFile(releaseFile, nil, 0o600)
	})
}
