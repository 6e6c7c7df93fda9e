package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

// about is what a command says of itself.
type about struct {
	name, usage string
	example     []string
	needs       []string // keys of the settings without which it cannot work
	settings    bool     // it reads all other settings too
	own         []cli.Flag
	local       bool // it has nothing to do with a cloud: no flags but its own and --output
	notes       string
}

// flags are all that the command accepts. Every command takes every flag of the cloud and every setting, so that one command
// line with another action works.
func (a about) flags() []cli.Flag {
	return slices.Concat(a.own, cloudFlags(), settingFlags())
}

const (
	helpWidth  = 80
	helpIndent = 28 // where texts begin
)

// help is what `cluster-provision ACTION --help` prints: first what the action needs, with an example to copy.
func (a about) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster-provision %s: %s\n", a.name, a.usage)
	if a.notes != "" {
		fmt.Fprintf(&b, "\n%s\n", wordwrap.WrapString(a.notes, helpWidth))
	}
	if len(a.needs) > 0 {
		b.WriteString("\nNeeds (flags, or the names in capitals in --env-file or in the environment):\n")
		for _, s := range settingsOf(a.needs) {
			row(&b, "--"+s.Flag(), fmt.Sprintf("%s: %s", s.Key, s.Doc))
		}
	}
	if len(a.example) > 0 {
		b.WriteString("\nExample:\n")
		for _, line := range a.example {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	if len(a.own) > 0 {
		fmt.Fprintf(&b, "\nFlags of %s:\n", a.name)
		flagRows(&b, a.own)
	}
	if a.settings {
		for _, g := range config.Groups() {
			found := slices.DeleteFunc(config.Settings(), func(s config.Setting) bool { return s.Group != g || slices.Contains(a.needs, s.Key) })
			if len(found) > 0 {
				fmt.Fprintf(&b, "\nSettings, %s:\n", strings.ToLower(string(g)))
				settingRows(&b, found)
			}
		}
	} else if len(a.needs) > 0 {
		b.WriteString("\nOther settings, which are accepted; all but these are not looked at:\n")
		settingRows(&b, settingsOf([]string{"TERRAFORM_GCS_PATH", "MINIMIZE_TERRAFORM_LOGGING"}))
	}
	if !a.local {
		b.WriteString("\nFlags of every action:\n")
		flagRows(&b, cloudFlags())
	}
	return b.String()
}

// appHelp is what `cluster-provision --help` prints.
func appHelp(commands []*cli.Command) string {
	var b strings.Builder
	b.WriteString(`cluster-provision: creates, changes, inspects and destroys a GPU cluster on Google Cloud

Use:
  cluster-provision ACTION [flags]
  cluster-provision ACTION --help

Example:
  cluster-provision create --project-id=my-project --name-prefix=demo \
    --zone=us-central1-a

Actions, in any letter case; without one, ACTION in the environment is taken:
`)
	for _, c := range commands {
		row(&b, c.Name, c.Usage)
	}
	b.WriteString("\n" + wordwrap.WrapString("Settings come from the environment, from --env-file and from flags of the same names; the later wins. "+
		"`cluster-provision create --help` lists them, docs/settings.md explains them.", helpWidth) + "\n\nFlags of every action:\n")
	flagRows(&b, cloudFlags())
	b.WriteString("\nExit codes:\n")
	for _, code := range [][2]string{
		{"0", "done: what was asked for holds"}, {"1", "failed"}, {"2", "usage or invalid settings; nothing was called that changes anything"},
		{"3", "plan --exit-code: there are changes"}, {"4", "another run holds the lease"}, {"5", "partly done: run the same action again"},
		{"6", "not signed in, or permission denied"}, {"7", "no capacity or quota"}, {"130, 143", "interrupted: run the same action again"},
	} {
		row(&b, code[0], code[1])
	}
	return b.String()
}

func settingsOf(keys []string) []config.Setting {
	var out []config.Setting
	all := config.Settings()
	for _, k := range keys {
		if i := slices.IndexFunc(all, func(s config.Setting) bool { return s.Key == k }); i >= 0 {
			out = append(out, all[i])
		}
	}
	return out
}

func settingRows(b *strings.Builder, list []config.Setting) {
	for _, s := range list {
		facts := s.Syntax
		if s.Default != "" {
			facts += "; default " + s.Default
		}
		for _, a := range s.Aliases {
			facts += "; also --" + config.Setting{Key: a}.Flag()
		}
		text := fmt.Sprintf("%s (%s)", s.Doc, facts)
		if s.Later != "" {
			text = fmt.Sprintf("Refused so far: %s.", s.Later)
		}
		row(b, "--"+s.Flag(), text)
	}
}

func flagRows(b *strings.Builder, flags []cli.Flag) {
	for _, f := range flags {
		doc, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		placeholder, text := placeholder(doc.GetUsage())
		left := "--" + f.Names()[0]
		if doc.TakesValue() {
			left += "=" + placeholder
		}
		if v := strings.Trim(doc.GetDefaultText(), `"`); v != "" && doc.TakesValue() {
			text += ", default " + v
		}
		row(b, left, text)
	}
}

// placeholder finds the word in back quotes, as urfave/cli does.
func placeholder(text string) (word, clean string) {
	before, rest, _ := strings.Cut(text, "`")
	word, after, found := strings.Cut(rest, "`")
	if !found {
		return "VALUE", text
	}
	return word, before + word + after
}

// row is a name and its text, wrapped.
func row(b *strings.Builder, left, text string) {
	pad := strings.Repeat(" ", helpIndent)
	lines := strings.Split(wordwrap.WrapString(text, helpWidth-helpIndent), "\n")
	first := "  " + left
	if len(first) > helpIndent-2 {
		fmt.Fprintf(b, "%s\n", first)
		first = ""
	}
	for i, line := range lines {
		if i > 0 {
			first = ""
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-*s%s", len(pad), first, line), " ") + "\n")
	}
}

// verbatim makes a template that gives a text as it is.
func verbatim(text string) string { return strings.ReplaceAll(text, "{{", "{{`{{`}}") }
