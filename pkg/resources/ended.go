package resources

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Go's words for the end of a context, and what users read instead.
var endedWords = strings.NewReplacer( //nolint:gochecknoglobals // a table
	"context canceled", "interrupted before there was an answer",
	"context deadline exceeded", "cut off before there was an answer: its time was over",
)

// Ended puts the end of a context, wherever in an error it is told, into words for users: "context canceled" tells them nothing.
// What the error is, and its class, stays. nil stays nil.
func Ended(err error) error {
	if err == nil {
		return nil
	}
	text := endedWords.Replace(err.Error())
	if text == err.Error() {
		return err
	}
	return &endedError{text: text, err: err}
}

type endedError struct {
	text string
	err  error
}

func (e *endedError) Error() string { return e.text }
func (e *endedError) Unwrap() error { return e.err }

// Tries says how often something was tried, as it stands behind what was said in the end. Once is not told.
func Tries(n int, took time.Duration) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" [tried %d times in %s]", n, took.Round(100*time.Millisecond))
}

var manner = regexp.MustCompile(` \[tried \d+ times in [^\]]*\]| \(\d{3}( [a-zA-Z]+)?\)`)

// Cause is a text without how often something was tried, and without status and reason, which Cloud Storage leaves out of what it
// answers for the contents of an object: two errors that differ in nothing else have one cause.
func Cause(text string) string { return manner.ReplaceAllString(text, "") }
