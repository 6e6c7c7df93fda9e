package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// versions is the result of version.
type versions struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (p *program) versionCommand() *cli.Command {
	read := func(*cli.Context) (struct{}, error) { return struct{}{}, nil }
	return command(p, about{name: "version", usage: "print version, commit and Go version", local: true}, read, func(context.Context, struct{}) (outcome, error) {
		v := versions{toolVersion(), revision(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
		return outcome{value: v, text: fmt.Sprintf("cluster-provision %s commit %s %s %s\n", v.Version, v.Commit, v.Go, v.Platform)}, nil
	})
}

// toolVersion is what the linker was given, or what the Go tool knows.
func toolVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}

func revision() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
