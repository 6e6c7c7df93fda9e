package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

func (p program) versionCommand() *cli.Command {
	return command("version", "print version, commit and Go version", nil, func(*cli.Context) error {
		fmt.Fprintf(p.stdout, "cluster-provision %s commit %s %s %s/%s\n", toolVersion(), revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return nil
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
