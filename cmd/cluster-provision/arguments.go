package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// arguments are what has to be known of a command line before it is parsed.
type arguments struct {
	action int  // index of the action; 0 when there is none
	help   bool // help is asked for
	json   bool // JSON results are asked for: also what cannot be parsed then ends with a result
}

// scan walks along the arguments as the parser will: the action is the first one that is neither a flag nor a flag's value.
func scan(args []string, takesValue map[string]bool) arguments {
	var out arguments
	for i := 1; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			break
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			if out.action == 0 {
				out.action = i
			}
			continue
		}
		name, value, inside := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !inside && takesValue[name] && i+1 < len(args) {
			i++
			value = args[i]
		}
		switch name {
		case "help", "h":
			out.help = true
		case "output":
			out.json = value == "json"
		}
	}
	return out
}

// valueFlags names every flag of the program that is followed by a value.
func valueFlags(app *cli.App) map[string]bool {
	out := map[string]bool{}
	add := func(flags []cli.Flag) {
		for _, f := range flags {
			if _, isBool := f.(*cli.BoolFlag); isBool {
				continue
			}
			for _, n := range f.Names() {
				out[n] = true
			}
		}
	}
	add(app.Flags)
	for _, c := range app.Commands {
		add(c.Flags)
		for _, sub := range c.Subcommands {
			add(sub.Flags)
		}
	}
	return out
}

// withAction lets the action be written in any letter case, and takes it from ACTION in the environment when none is given, as
// the container of the tool that this one replaces did.
func withAction(args []string, found arguments, environ []string, app *cli.App) ([]string, error) {
	out := slices.Clone(args)
	if found.action > 0 {
		out[found.action] = strings.ToLower(out[found.action])
		return out, nil
	}
	given, _ := lookupEnv(environ, "ACTION")
	given = strings.TrimSpace(given)
	if given == "" || found.help {
		return out, nil
	}
	if app.Command(strings.ToLower(given)) == nil {
		return nil, usage("ACTION", given, "in the environment is not an action", "set it to one of "+strings.Join(actionNames(app), ", ")+", or give the action as an argument")
	}
	return slices.Insert(out, min(1, len(out)), strings.ToLower(given)), nil
}

func actionNames(app *cli.App) []string {
	var out []string
	for _, c := range app.Commands {
		out = append(out, c.Name)
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

func lookupEnv(environ []string, name string) (string, bool) {
	for i := len(environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(environ[i], name+"="); ok {
			return v, true
		}
	}
	return "", false
}
