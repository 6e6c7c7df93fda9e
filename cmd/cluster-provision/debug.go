package main

import (
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"
)

// releaseFile ends a debug that holds, as it did in the container that this tool replaces.
const releaseFile = "/tmp/debug_release"

func (p program) debugCommand() *cli.Command {
	return command("debug", "print settings, identity, endpoints and plan, then hold until `cluster-provision release`", nil, func(c *cli.Context) error {
		if _, ok := given(c, "log-level"); !ok {
			if err := c.Set("log-level", slog.LevelDebug.String()); err != nil {
				return err
			}
		}
		_ = os.Remove(releaseFile) // of an earlier debug
		err := p.inspect(c)
		if err != nil {
			fmt.Fprintln(p.stderr, "error:", err) // a container that is being debugged stays up all the same
		}
		fmt.Fprintf(p.stderr, "holding: go on with `cluster-provision release`, with %s, or with a signal\n", releaseFile)
		p.hold(c)
		return err
	})
}

func (p program) inspect(c *cli.Context) error {
	cfg, r, err := p.startConfig(c)
	if err != nil {
		return err
	}
	defer r.close()
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, kv := range cfg.Resolved() {
		fmt.Fprintf(w, "%s\t%s\t(%s)\n", kv.Key, kv.Value, kv.Source)
	}
	fmt.Fprintf(w, "deployment\t%s\t\nstate\t%s\t\nendpoint\t%s\t\nidentity\t%s\t\n", r.engine.Owner, r.engine.Store.Location(), endpoint(c), identity(c, p.environ))
	if err := w.Flush(); err != nil {
		return err
	}
	pl, err := r.engine.Plan(c.Context, cfg)
	if err != nil {
		return err
	}
	fmt.Fprint(p.stdout, pl.Text())
	return nil
}

func endpoint(c *cli.Context) string {
	if dir := text(c, "emulate"); dir != "" {
		return "the embedded emulator, state in " + dir
	}
	return orWord(text(c, "endpoint"), "https://*.googleapis.com")
}

// identity says where credentials come from; who that is the cloud is not asked.
func identity(c *cli.Context, environ []string) string {
	if text(c, "emulate") != "" {
		return "none needed"
	}
	if path, ok := lookupEnv(environ, "GOOGLE_APPLICATION_CREDENTIALS"); ok {
		return "GOOGLE_APPLICATION_CREDENTIALS=" + path
	}
	return "application default credentials"
}

// hold waits for the release file or a signal.
func (p program) hold(c *cli.Context) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.signals.stopped():
			return
		case <-c.Context.Done():
			return
		case <-tick.C:
			if _, err := os.Stat(releaseFile); err == nil {
				_ = os.Remove(releaseFile)
				return
			}
		}
	}
}

func (p program) releaseCommand() *cli.Command {
	return command("release", "let a debug that holds go on", nil, func(*cli.Context) error {
		return os.WriteFile(releaseFile, nil, 0o600)
	})
}
