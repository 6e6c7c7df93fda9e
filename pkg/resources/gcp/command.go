package gcp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Command is a gcloud command line, quoted by construction.
func Command(words ...string) string {
	out := []string{"gcloud"}
	for _, w := range words {
		flag := ""
		if name, value, ok := strings.Cut(w, "="); ok && strings.HasPrefix(name, "--") { // bash would quote the "=" of a flag too
			flag, w = name+"=", value
		}
		quoted, err := syntax.Quote(w, syntax.LangBash)
		if err != nil { // a NUL byte: no name of the cloud's has one
			quoted = "?"
		}
		out = append(out, flag+quoted)
	}
	return strings.Join(out, " ")
}
