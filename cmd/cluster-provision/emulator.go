package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
)

func (p program) emulatorCommand() *cli.Command {
	dir := &cli.StringFlag{Name: "dir", Usage: "keep the state in `DIR`"}
	cmd := &cli.Command{
		Name: "emulator", Usage: "serve the emulator for gcloud, Terraform and others", OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8080", Usage: "loopback `ADDRESS`; port 0 picks one"}, dir,
			&cli.StringFlag{Name: "latency", Value: "typical", Usage: "off, typical, slow or a `FILE`"},
			&cli.Float64Flag{Name: "time-scale", Value: 1, Usage: "everything so many times as fast"},
			&cli.StringFlag{Name: "faults", Usage: "fault plan in a JSON `FILE`"},
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("", c.Args().First(), "is not known to emulator", "see cluster-provision emulator --help")
			}
			return p.serve(c)
		},
		Subcommands: []*cli.Command{
			{Name: "resources", Usage: "list all that exists in a state directory", Flags: []cli.Flag{dir}, OnUsageError: usageError, Action: func(c *cli.Context) error {
				return p.printJSON(needDir(c), func(dir string) (any, error) { return emulator.ReadDir(dir) })
			}},
			{Name: "calls", Usage: "list all API calls recorded in a state directory", Flags: []cli.Flag{dir}, OnUsageError: usageError, Action: func(c *cli.Context) error {
				return p.printJSON(needDir(c), func(dir string) (any, error) { return emulator.ReadCalls(dir) })
			}},
		},
	}
	return cmd
}

// needDir finds --dir before or behind the subcommand; --emulate will do as well.
func needDir(c *cli.Context) string {
	if dir, ok := given(c, "dir"); ok {
		return dir
	}
	dir, _ := given(c, "emulate")
	return dir
}

func (p program) printJSON(dir string, read func(string) (any, error)) error {
	if dir == "" {
		return usage("--dir", "", "is missing", "give the directory that was given to --emulate")
	}
	v, err := read(dir)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(p.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (p program) serve(c *cli.Context) error {
	address := text(c, "listen")
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	if err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usage("--listen", address, "is not a loopback address", "give one like 127.0.0.1:8080: the emulator asks nobody for credentials")
	}
	opt, err := emulatorOptions(c, text(c, "dir"))
	if err != nil {
		return err
	}
	em, err := emulator.New(opt)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(c.Context, "tcp", address)
	if err != nil {
		return errors.Join(fmt.Errorf("the emulator cannot listen on %s: %w", address, err), em.Close())
	}
	fmt.Fprintf(p.stdout, "listening on http://%s\n", l.Addr())
	server := &http.Server{Handler: em, ReadHeaderTimeout: 30 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err = <-done:
	case <-p.signals.stopped():
		err = server.Close()
	case <-c.Context.Done():
		err = server.Close()
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, em.Close())
}
