package main

import (
	"log/slog"
	"math"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

// common are the options of every action on a cloud.
type common struct {
	Input    config.Input // where settings come from
	Cloud    cloudOptions
	LogLevel slog.Level
	LogFile  string
}

// cloudOptions say which cloud.
type cloudOptions struct {
	Emulate  string // directory of the embedded emulator; "" for none
	Endpoint string // under which every API is reached; "" for the real ones
	Emulator emulatorOptions
}

// emulatorOptions say how the emulator behaves.
type emulatorOptions struct {
	Latency   string // off, typical, slow, or a file
	TimeScale float64
	Faults    string // file of a fault plan; "" for none
	IAM       string // file of the roles that the caller has; "" for all there are
	Denied    string // permissions that the caller lacks, or a file of them; "" for none
}

// text is a flag's value: as it was given, from the flag's place in the environment, or its default. A served emulator
// behaves as its own command line says: the environment speaks of the embedded one.
func (p *program) text(c *cli.Context, name string) string {
	if v, ok := given(c, name); ok {
		return v
	}
	env := map[string]string{"endpoint": "GCP_ENDPOINT", "latency": "EMULATE_LATENCY", "time-scale": "EMULATE_TIME_SCALE", "faults": "EMULATE_FAULTS",
		"iam": "EMULATE_IAM", "denied": "EMULATE_DENIED"}[name]
	if v, _ := lookupEnv(p.environ, env); env != "" && v != "" && c.Command.Name != "emulator" {
		return v
	}
	v, _ := c.Value(name).(string)
	return v
}

// common reads the flags that every action on a cloud has. Their form is checked here and nowhere else.
func (p *program) common(c *cli.Context) (common, error) {
	o := common{
		Input:   config.Input{Environ: p.environ, EnvFile: p.text(c, "env-file"), Flags: settings(c), CopyDir: p.text(c, "copy-dir")},
		Cloud:   cloudOptions{Emulate: p.text(c, "emulate"), Endpoint: p.text(c, "endpoint")},
		LogFile: p.text(c, "log-file"),
	}
	if err := o.LogLevel.UnmarshalText([]byte(p.text(c, "log-level"))); err != nil {
		return o, usage("--log-level", p.text(c, "log-level"), "is not a level", "give debug, info, warn or error")
	}
	if o.Cloud.Emulate != "" && o.Cloud.Endpoint != "" {
		return o, usage("--emulate", o.Cloud.Emulate, "and --endpoint exclude each other", "give one of the two")
	}
	if err := checkEndpoint(o.Cloud.Endpoint); err != nil {
		return o, err
	}
	var err error
	o.Cloud.Emulator, err = p.emulatorOptions(c)
	return o, err
}

// checkOutput refuses formats that there are not.
func (p *program) checkOutput(c *cli.Context) error {
	if mode := p.text(c, "output"); mode != "text" && mode != "json" {
		return usage("--output", mode, "is neither text nor json", "give --output=text or --output=json")
	}
	return nil
}

// checkEndpoint refuses what cannot be an endpoint, and what would be lost or leak when paths are put behind it.
func checkEndpoint(s string) error {
	if s == "" {
		return nil
	}
	refuse := func(what string) error {
		return usage("--endpoint", "", what, "give one like http://127.0.0.1:8080")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "":
		return usage("--endpoint", s, "is not an http or https URL", "give one like http://127.0.0.1:8080")
	case u.User != nil: // not repeated: it may hold a password
		return refuse("has a user name in it: credentials do not belong into a URL")
	case u.Hostname() == "":
		return usage("--endpoint", s, "has no host", "give one like http://127.0.0.1:8080")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#"):
		return refuse("has a query or a fragment")
	case strings.HasSuffix(u.Host, ":") || u.Port() != "" && !isPort(u.Port(), 1):
		return usage("--endpoint", s, "has no port that can be reached", "give one from 1 to 65535")
	}
	return nil
}

func isPort(s string, least int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= least && n <= 65535
}

// emulatorOptions reads the flags that the embedded emulator and a served one share.
func (p *program) emulatorOptions(c *cli.Context) (emulatorOptions, error) {
	o := emulatorOptions{Latency: p.text(c, "latency"), Faults: p.text(c, "faults"), IAM: p.text(c, "iam"), Denied: p.text(c, "denied")}
	given := p.text(c, "time-scale")
	var err error
	o.TimeScale, err = strconv.ParseFloat(given, 64)
	if err != nil || math.IsNaN(o.TimeScale) || o.TimeScale < 1e-3 || o.TimeScale > 1e6 {
		return o, usage("--time-scale", given, "is not a number from 0.001 to 1000000", "give 1 for the real pace, 10 for ten times as fast")
	}
	return o, nil
}

// emulatorOf gives the emulator's own options: this is where the files that the flags name are read.
func (o emulatorOptions) emulatorOf(dir string) (emulator.Options, error) {
	opt := emulator.Options{Dir: dir, TimeScale: o.TimeScale}
	if o.Latency != "" && o.Latency != "off" && o.Latency != "typical" && o.Latency != "slow" {
		if _, err := readFile("--latency", o.Latency); err != nil {
			return opt, err
		}
	}
	var err error
	if opt.Latency, err = emulator.ProfileNamed(o.Latency); err != nil {
		return opt, usage("--latency", o.Latency, err.Error(), "give off, typical, slow or a file")
	}
	if err := o.permissions(&opt); err != nil {
		return opt, err
	}
	if o.Faults == "" {
		return opt, nil
	}
	raw, err := readFile("--faults", o.Faults)
	if err != nil {
		return opt, err
	}
	if opt.Faults, err = emulator.ParseFaultPlan(raw); err != nil {
		return opt, usage("--faults", o.Faults, err.Error(), "its form is in docs/emulator.md")
	}
	return opt, nil
}

// permissions reads what the caller of an emulator may do.
func (o emulatorOptions) permissions(opt *emulator.Options) error {
	if o.IAM != "" {
		raw, err := readFile("--iam", o.IAM)
		if err != nil {
			return err
		}
		if opt.Granted, err = emulator.ParseRoles(raw); err != nil {
			return usage("--iam", o.IAM, err.Error(), "give what `gcloud iam roles describe ROLE --format=json` prints")
		}
	}
	if o.Denied == "" {
		return nil
	}
	var err error
	if opt.Denied, err = emulator.ParsePermissions(o.Denied); err == nil {
		return nil
	}
	mend := "give permissions with commas between them, or a file of them"
	if _, absent := os.Stat(o.Denied); absent != nil {
		return usage("--denied", o.Denied, err.Error()+"; nor is there such a file", mend)
	}
	raw, err := readFile("--denied", o.Denied)
	if err != nil {
		return err
	}
	if opt.Denied, err = emulator.ParsePermissions(string(raw)); err != nil {
		return usage("--denied", o.Denied, err.Error(), mend)
	}
	return nil
}

// checkListen refuses addresses that others could reach: the emulator asks nobody for credentials. It gives the address to
// listen on, which does not depend on what a resolver makes of localhost.
func checkListen(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip := net.ParseIP(host)
	switch {
	case err != nil || !isPort(port, 0):
		return "", usage("--listen", address, "is not HOST:PORT", "give one like 127.0.0.1:8080; port 0 picks one")
	case ip == nil || !ip.IsLoopback():
		return "", usage("--listen", address, "is not a loopback address", "give one like 127.0.0.1:8080: the emulator asks nobody for credentials")
	}
	return net.JoinHostPort(host, port), nil
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
