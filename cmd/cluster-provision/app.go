package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// program is what main gives to the commands, so that tests can give something else.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	signals        *signals
	terminal       func(io.Writer) bool
}

// isTerminal says whether a writer is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

const description = `Creates, changes, inspects and destroys a GPU cluster on Google Cloud.

Settings come from the environment, from --env-file (KEY=VALUE lines, as docker run reads them) and from flags of the same
names; the later wins. They are listed in docs/settings.md.

Exit codes: 0 done; 1 failed; 2 usage or invalid settings; 3 plan --exit-code: there are changes; 4 another run holds the
lease; 5 partly done, run it again; 6 not signed in or permission denied; 7 no capacity or quota; 130, 143 interrupted.`

func newApp(p program) *cli.App {
	return &cli.App{
		Name: "cluster-provision", Usage: "GPU clusters on Google Cloud", Description: description,
		Writer: p.stdout, ErrWriter: p.stderr, Flags: flags(), HideVersion: true,
		UseShortOptionHandling: false,
		ExitErrHandler:         func(*cli.Context, error) {}, // main decides the exit code
		OnUsageError:           usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("", c.Args().First(), "is not an action", "see cluster-provision --help")
			}
			_ = cli.ShowAppHelp(c)
			return usage("", "", "no action given", "for example: cluster-provision create --env-file env.list")
		},
		Commands: []*cli.Command{
			p.createCommand(), p.destroyCommand(), p.validateCommand(), p.planCommand(), p.statusCommand(), p.listCommand(),
			p.graphCommand(), p.debugCommand(), p.releaseCommand(), p.unlockCommand(), p.emulatorCommand(), p.versionCommand(),
		},
	}
}

// command gives a command the common flags, and refuses surplus arguments: urfave/cli takes a flag behind an argument for
// another argument, silently.
func command(name, help string, more []cli.Flag, run func(*cli.Context) error) *cli.Command {
	return &cli.Command{
		Name: name, Usage: help, Flags: append(flags(), more...), OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("", c.Args().First(), "is one argument too many for "+name, "give settings as flags, like --zone=us-central1-a")
			}
			return run(c)
		},
	}
}

func usageError(_ *cli.Context, err error, _ bool) error {
	return usage("", "", err.Error(), "see cluster-provision --help")
}

func usage(path, value, message, hint string) error {
	if value != "" {
		message = fmt.Sprintf("%q %s", value, message)
	}
	return resources.Problems{{Path: orWord(path, "command line"), Message: message, Hint: hint}}
}

func orWord(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// flags are accepted before and after the action.
func flags() []cli.Flag {
	out := []cli.Flag{
		&cli.StringFlag{Name: "env-file", Usage: "read settings from `FILE`, KEY=VALUE a line"},
		&cli.StringFlag{Name: "copy-dir", Usage: "stage the files of `DIR` on every VM (not there yet)"},
		&cli.StringFlag{Name: "emulate", Usage: "no cloud at all: the embedded emulator, its state kept in `DIR`"},
		&cli.StringFlag{Name: "endpoint", Usage: "reach every API under `URL`", EnvVars: []string{"GCP_ENDPOINT"}},
		&cli.StringFlag{Name: "latency", Value: "typical", Usage: "with --emulate: off, typical, slow or a `FILE`", EnvVars: []string{"EMULATE_LATENCY"}},
		&cli.Float64Flag{Name: "time-scale", Value: 10, Usage: "with --emulate: everything so many times as fast", EnvVars: []string{"EMULATE_TIME_SCALE"}},
		&cli.StringFlag{Name: "faults", Usage: "with --emulate: fault plan in a JSON `FILE`", EnvVars: []string{"EMULATE_FAULTS"}},
		&cli.StringFlag{Name: "output", Value: "text", Usage: "text or json"},
		&cli.StringFlag{Name: "log-level", Value: "warn", Usage: "debug, info, warn or error"},
		&cli.StringFlag{Name: "log-file", Usage: "write the log to `FILE`"},
	}
	for _, s := range config.Settings() {
		for _, key := range append([]string{s.Key}, s.Aliases...) {
			name := config.Setting{Key: key}.Flag()
			out = append(out, &cli.StringFlag{Name: name, Usage: s.Doc, Category: "Settings"})
		}
	}
	return out
}

// given looks a flag up where it was given: behind the action, or before it.
func given(c *cli.Context, name string) (string, bool) {
	for _, level := range c.Lineage() {
		if level != nil && slices.Contains(level.LocalFlagNames(), name) {
			return fmt.Sprint(level.Value(name)), true
		}
	}
	return "", false
}

// text is a flag's value, or its default.
func text(c *cli.Context, name string) string {
	if v, ok := given(c, name); ok {
		return v
	}
	return fmt.Sprint(c.Value(name))
}

// settings are the settings that were given as flags.
func settings(c *cli.Context) map[string]string {
	out := map[string]string{}
	for _, s := range config.Settings() {
		for _, key := range append([]string{s.Key}, s.Aliases...) {
			if v, ok := given(c, config.Setting{Key: key}.Flag()); ok {
				out[key] = v
			}
		}
	}
	return out
}

// lowerAction lets the action be written in any letter case: it is the first argument that is neither a flag nor a flag's value.
func lowerAction(args []string) []string {
	out := slices.Clone(args)
	takesValue := map[string]bool{}
	for _, f := range flags() {
		for _, n := range f.Names() {
			takesValue[n] = true
		}
	}
	for i := 1; i < len(out); i++ {
		if !strings.HasPrefix(out[i], "-") {
			out[i] = strings.ToLower(out[i])
			return out
		}
		if name := strings.TrimLeft(out[i], "-"); takesValue[name] {
			i++
		}
	}
	return out
}
