package resources

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Severity says whether a Problem stops the run.
type Severity int

const (
	// SeverityError stops the run before anything is changed.
	SeverityError Severity = iota
	// SeverityWarning is shown and does not stop the run.
	SeverityWarning
)

// Problem is one thing that is wrong with what the user asked for or with the cloud that it was asked of.
// It speaks to the user: what is wrong, where, and what to do about it.
type Problem struct {
	// Path says where: a setting ("GPU_COUNT"), or the address of a resource ("subnetwork/main").
	Path string `json:"path"`
	// Value is the offending value as it was given; empty when there is none to show.
	Value string `json:"value,omitempty"`
	// Message says what is wrong, in lower case and without a full stop.
	Message string `json:"message"`
	// Hint says what would be right, with the exact command where there is one.
	Hint string `json:"hint,omitempty"`
	// Severity is an error unless said otherwise.
	Severity Severity `json:"severity,omitempty"`
}

// String renders the problem on one line: `PATH="value": message; hint`.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(printable(clip(p.Path)))
	if p.Value != "" {
		fmt.Fprintf(&b, "=%q", clip(p.Value))
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// printable writes control characters as escapes: a key of a file can hold anything.
func printable(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	return strings.Trim(strconv.Quote(s), `"`)
}

// maxShown bounds how much of a value is repeated to the user: a huge value must not bury the message.
const maxShown = 80

func clip(s string) string {
	r := []rune(s)
	if len(r) <= maxShown {
		return s
	}
	return string(r[:maxShown]) + fmt.Sprintf("… (%d characters)", len(r))
}

// Problems is an error that holds every problem found, so that all of them are reported at once.
type Problems []Problem //nolint:errname // it reads as what it is: a list of problems

// Error lists all problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors gives the problems that stop a run.
func (ps Problems) Errors() Problems { return ps.of(SeverityError) }

// Warnings gives the problems that do not stop a run.
func (ps Problems) Warnings() Problems { return ps.of(SeverityWarning) }

// Err is nil when no problem stops the run, and all that do otherwise.
func (ps Problems) Err() error {
	if errs := ps.Errors(); len(errs) > 0 {
		return errs
	}
	return nil
}

func (ps Problems) of(s Severity) Problems {
	var out Problems
	for _, p := range ps {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

// AsProblems finds the Problems in an error chain.
func AsProblems(err error) (Problems, bool) {
	var ps Problems
	ok := errors.As(err, &ps)
	return ps, ok
}
