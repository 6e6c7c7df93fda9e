package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// program is what main gives to the commands, so that tests can give something else.
type program struct {
	stdin    io.Reader
	out      *output
	environ  []string
	signals  *signals
	terminal bool                       // standard error is one
	size     func() (width, height int) // of the terminal; may be nil
	outcome  outcome                    // of the action that was run
}

// main runs a command line and gives its exit code. Whatever happens, a run that was asked for JSON ends with one result.
func (p *program) main(ctx context.Context, args []string) int {
	err := p.guarded(ctx, args)
	if seen, terminated := p.signals.received(); seen {
		err = provision.Interrupted(err, terminated)
	}
	return p.out.end(p.outcome, err)
}

// guarded turns a panic into an error, so that deferred ends are kept and the result is still printed.
func (p *program) guarded(ctx context.Context, args []string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(p.out.stderr, "%s\n", debug.Stack())
			err = fmt.Errorf("a fault in cluster-provision %s: %v; what was made is recorded: run the same action again, and please report this with the lines above", toolVersion(), r)
		}
	}()
	app := p.app()
	found := scan(args, valueFlags(app))
	p.out.json = found.json
	app.Writer, app.ErrWriter = p.out.text, p.out.stderr
	if p.out.json {
		app.Writer = p.out.stderr // help is for people
	}
	if args, err = withAction(args, found, p.environ, app); err != nil {
		return err
	}
	return app.RunContext(ctx, args)
}

func (p *program) app() *cli.App {
	app := &cli.App{
		Name: "cluster-provision", Usage: "GPU clusters on Google Cloud", HideVersion: true,
		Flags:                  append(cloudFlags(), settingFlags()...),
		UseShortOptionHandling: false,
		ExitErrHandler:         func(*cli.Context, error) {}, // main decides the exit code
		OnUsageError:           usageError,
		Commands: []*cli.Command{
			p.createCommand(p.create), p.destroyCommand(p.destroy), p.validateCommand(p.validate), p.planCommand(p.plan),
			p.statusCommand(p.status), p.listCommand(p.list), p.graphCommand(p.graph), p.debugCommand(p.debug), p.releaseCommand(),
			p.unlockCommand(p.unlock), p.emulatorCommand(p.serve), p.versionCommand(),
		},
	}
	app.CustomAppHelpTemplate = verbatim(appHelp(app.Commands))
	app.Action = func(c *cli.Context) error {
		hint := "give one of " + strings.Join(actionNames(app), ", ")
		if c.Args().Present() {
			return usage("", c.Args().First(), "is not an action", hint)
		}
		return usage("", "", "no action given", hint+", for example: cluster-provision create --env-file env.list")
	}
	return app
}

// runF carries out an action with its options.
type runF[O any] func(context.Context, O) (outcome, error)

// command makes a command: flags become options in one place, and options are all that the action gets. Surplus arguments are
// refused: urfave/cli takes a flag behind an argument for another argument, silently.
func command[O any](p *program, a about, read func(*cli.Context) (O, error), run runF[O]) *cli.Command {
	return &cli.Command{
		Name: a.name, Usage: a.usage, Flags: a.flags(), OnUsageError: usageError, CustomHelpTemplate: verbatim(a.help()), HideHelpCommand: true,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("", c.Args().First(), "is one argument too many for "+a.name, "give settings as flags, like --zone=us-central1-a")
			}
			if err := p.checkOutput(c); err != nil {
				return err
			}
			o, err := read(c)
			if err != nil {
				return err
			}
			p.outcome, err = run(c.Context, o)
			return err
		},
	}
}

func usageError(c *cli.Context, err error, _ bool) error {
	name := ""
	if c != nil && c.Command != nil && c.Command.Name != "" && c.Command.Name != "cluster-provision" {
		name = c.Command.Name + " "
	}
	return usage("", "", err.Error(), "see cluster-provision "+name+"--help")
}

func usage(path, value, message, hint string) error {
	p := resources.Problem{Path: path, Message: message, Hint: hint, Value: value}
	if path == "" {
		p.Path = "command line"
		if value != "" {
			p.Value, p.Message = "", fmt.Sprintf("%q %s", value, message)
		}
	}
	return resources.Problems{p}
}

// cloudFlags are accepted before and after every action.
func cloudFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "env-file", Usage: "read settings from `FILE`, KEY=VALUE a line, as docker run reads it"},
		&cli.StringFlag{Name: "copy-dir", Usage: "stage the files of `DIR` on every VM (not there yet)"},
		&cli.StringFlag{Name: "output", Value: "text", Usage: "`FORMAT` of results: text or json"},
		&cli.StringFlag{Name: "log-level", Value: "warn", Usage: "`LEVEL`: debug, info, warn or error"},
		&cli.StringFlag{Name: "log-file", Usage: "write the log to `FILE`"},
		&cli.StringFlag{Name: "emulate", Usage: "no cloud at all: the embedded emulator, its state kept in `DIR`"},
		&cli.StringFlag{Name: "endpoint", Usage: "reach every API under `URL` (environment: GCP_ENDPOINT)"},
		&cli.StringFlag{Name: "latency", Value: "typical", Usage: "with --emulate: `PROFILE` off, typical, slow or a file (EMULATE_LATENCY)"},
		&cli.StringFlag{Name: "time-scale", Value: "10", Usage: "with --emulate: everything `N` times as fast (EMULATE_TIME_SCALE)"},
		&cli.StringFlag{Name: "faults", Usage: "with --emulate: fault plan in a JSON `FILE` (EMULATE_FAULTS)"},
		&cli.StringFlag{Name: "iam", Usage: "with --emulate: be somebody with the roles in a JSON `FILE` only (EMULATE_IAM)"},
		&cli.StringFlag{Name: "denied", Usage: "with --emulate: be somebody without these `PERMISSIONS`, or those in a file (EMULATE_DENIED)"},
	}
}

func settingFlags() []cli.Flag {
	var out []cli.Flag
	for _, s := range config.Settings() {
		for _, key := range append([]string{s.Key}, s.Aliases...) {
			out = append(out, &cli.StringFlag{Name: config.Setting{Key: key}.Flag(), Usage: s.Doc})
		}
	}
	return out
}
