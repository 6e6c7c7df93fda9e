package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
)

// serveOptions are the options of emulator.
type serveOptions struct {
	Listen   string // loopback address
	Dir      string // "" keeps the state in memory
	Emulator emulatorOptions
}

func dirFlag() cli.Flag { return &cli.StringFlag{Name: "dir", Usage: "keep the state in `DIR`"} }

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Value: "text", Usage: "`FORMAT` of results: text or json"}
}

func (p *program) emulatorCommand(run runF[serveOptions]) *cli.Command {
	own := []cli.Flag{
		&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8080", Usage: "loopback `ADDRESS`; port 0 picks one"}, dirFlag(),
		&cli.StringFlag{Name: "latency", Value: "typical", Usage: "`PROFILE` off, typical, slow or a file"},
		&cli.StringFlag{Name: "time-scale", Value: "1", Usage: "everything `N` times as fast"},
		&cli.StringFlag{Name: "faults", Usage: "fault plan in a JSON `FILE`"},
		&cli.StringFlag{Name: "iam", Usage: "callers have the roles in a JSON `FILE` only"},
		&cli.StringFlag{Name: "denied", Usage: "callers lack these `PERMISSIONS`, or those in a file"}, outputFlag(),
	}
	a := about{
		name: "emulator", usage: "serve the emulator for gcloud, Terraform and others", own: own, local: true,
		example: []string{"cluster-provision emulator --listen=127.0.0.1:8080 --dir=DIR", "cluster-provision emulator resources --dir=DIR", "cluster-provision emulator calls --dir=DIR"},
		notes:   "It runs until a signal. `emulator resources` lists all that exists in a directory, `emulator calls` all API calls so far.",
	}
	cmd := command(p, a, p.serveOptions, run)
	cmd.Flags = own
	cmd.Subcommands = []*cli.Command{
		p.emulatorReader("resources", "list all that exists in a state directory", func(dir string) (any, error) { return emulator.ReadDir(dir) }),
		p.emulatorReader("calls", "list all API calls recorded in a state directory", func(dir string) (any, error) { return emulator.ReadCalls(dir) }),
	}
	return cmd
}

func (p *program) serveOptions(c *cli.Context) (serveOptions, error) {
	o := serveOptions{Dir: p.text(c, "dir")}
	if o.Dir == "" {
		o.Dir, _ = given(c, "emulate")
	}
	var err error
	if o.Listen, err = checkListen(p.text(c, "listen")); err != nil {
		return o, err
	}
	o.Emulator, err = p.emulatorOptions(c)
	return o, err
}

// emulatorReader is a command that shows what is in an emulator's directory.
func (p *program) emulatorReader(name, help string, read func(string) (any, error)) *cli.Command {
	a := about{name: "emulator " + name, usage: help, own: []cli.Flag{dirFlag(), outputFlag()}, local: true, example: []string{"cluster-provision emulator " + name + " --dir=DIR"}}
	cmd := command(p, a, func(c *cli.Context) (string, error) {
		dir, ok := given(c, "dir") // before or behind the subcommand; --emulate will do as well
		if !ok {
			dir, _ = given(c, "emulate")
		}
		if dir == "" {
			return "", usage("--dir", "", "is missing", "give the directory that was given to --emulate")
		}
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return "", usage("--dir", dir, "does not exist", "give the directory that was given to --emulate")
		}
		return dir, emulatorDir("--dir", dir)
	}, func(_ context.Context, dir string) (outcome, error) {
		v, err := read(dir)
		if err != nil {
			return outcome{}, err
		}
		raw, err := json.MarshalIndent(v, "", "  ")
		return outcome{value: v, text: string(raw) + "\n"}, err
	})
	cmd.Name, cmd.Flags = name, a.own
	return cmd
}

func (p *program) serve(ctx context.Context, o serveOptions) (outcome, error) {
	if o.Dir != "" {
		if err := emulatorDir("--dir", o.Dir); err != nil {
			return outcome{}, err
		}
	}
	opt, err := o.Emulator.emulatorOf(o.Dir)
	if err != nil {
		return outcome{}, err
	}
	em, err := emulator.New(opt)
	if err != nil {
		return outcome{}, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return outcome{}, errors.Join(fmt.Errorf("the emulator cannot listen on %s: %w", o.Listen, err), em.Close())
	}
	url := "http://" + l.Addr().String()
	p.out.interim("listening", outcome{value: url, text: "listening on " + url + "\n"}, nil)
	server := &http.Server{Handler: em, ReadHeaderTimeout: 30 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err = <-done:
	case <-p.signals.stopped():
		err = server.Close()
	case <-ctx.Done():
		err = server.Close()
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return outcome{}, errors.Join(err, em.Close())
}
