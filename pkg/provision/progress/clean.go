package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// unsafe says whether a character could command a terminal or turn the order of what is read: control characters but the end
// of a line, and the marks that change the direction of writing.
func unsafe(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029')
}

// Clean makes text from outside safe to print: control characters other than newline, and bytes that are no UTF-8 (a terminal
// may take 0x9b for an escape), show as escapes.
func Clean(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, unsafe) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1, unsafe(r) && r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unsafe(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// OneLine is Clean for what must stay within its line, such as a name that somebody else has written.
func OneLine(s string) string { return strings.ReplaceAll(Clean(s), "\n", `\n`) }

// CleanWriter passes text on through Clean. It is the one place where text leaves the program, so that nothing that comes from
// outside, such as a lock's holder, can command the user's terminal. It may be used from many goroutines.
func CleanWriter(w io.Writer) io.Writer { return &cleanWriter{out: w} }

type cleanWriter struct {
	mu   sync.Mutex
	out  io.Writer
	tail []byte // the beginning of a character whose end is still to come
}

// Write never splits a character: the beginning of one at the end waits for the next write.
func (c *cleanWriter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := append(c.tail, p...)
	whole := len(all)
	for back := 1; back < utf8.UTFMax && back <= len(all); back++ {
		if b := all[len(all)-back]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(all[len(all)-back:]) {
				whole = len(all) - back
			}
			break
		}
	}
	text := Clean(string(all[:whole]))
	c.tail = append([]byte(nil), all[whole:]...)
	if _, err := io.WriteString(c.out, text); err != nil {
		return 0, err
	}
	return len(p), nil
}
