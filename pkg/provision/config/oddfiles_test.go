package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
)

// wide encodes a text in two bytes a character, the low byte first if so wanted.
func wide(text string, lowFirst bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		high, low := byte(u>>8), byte(u)
		if lowFirst {
			high, low = low, high
		}
		b.WriteByte(high)
		b.WriteByte(low)
	}
	return b.String()
}

// TestFilesThatAreNotText: such a file is one problem for every action, and nothing is said about what it may hold.
func TestFilesThatAreNotText(t *testing.T) {
	comments := strings.Repeat("# a comment that says nothing\n", 20<<20/30)
	for name, tc := range map[string]struct{ text, says string }{
		"UTF-16, low byte first, marked":    {"\xff\xfe" + wide(mandatoryLines, true), "save as UTF-8"},
		"UTF-16, high byte first, marked":   {"\xfe\xff" + wide(mandatoryLines, false), "save as UTF-8"},
		"UTF-16, low byte first, unmarked":  {wide(mandatoryLines, true), "iconv -f UTF-16LE -t UTF-8"},
		"UTF-16, high byte first, unmarked": {wide(mandatoryLines, false), "iconv -f UTF-16BE -t UTF-8"},
		"UTF-16 as Windows ends lines":      {"\xff\xfe" + wide("ZONE=us-central1-a\r\n", true), "UTF-16"},
		"UTF-32":                            {"\xff\xfe\x00\x00Z\x00\x00\x00", "save as UTF-8"},
		"a program":                         {"\x7fELF\x02\x01\x01\x00\x00\x00\x00", "is not text"},
		"a NUL in a line":                   {mandatoryLines + "INSTANCE_COUNT=\x003\n", "NUL byte"},
		"20 MB of comments":                 {comments, "larger than 1048576 bytes"},
		"20 MB of comments after settings":  {mandatoryLines + comments, "larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			in := config.Input{EnvFile: file(t, tc.text)}
			c, problems := config.Load(in)
			if c != nil || len(problems.Errors()) != 1 || problems.Errors()[0].Path != "--env-file" || !strings.Contains(problems.Error(), tc.says) {
				t.Errorf("want one error of the file that says %q: %v", tc.says, problems)
			}
			target, problems := config.LoadTarget(in)
			if target != nil || len(problems) != 1 || !strings.Contains(problems.Error(), tc.says) {
				t.Errorf("target: %v", problems)
			}
		})
	}
}

func TestMarksAndLineEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string // what the problems say; none: it works
	}{
		"a byte order mark at the start":             {"\ufeff" + mandatoryLines, nil},
		"line ends of Windows":                       {strings.ReplaceAll(mandatoryLines, "\n", "\r\n"), nil},
		"both":                                       {"\ufeff" + strings.ReplaceAll(mandatoryLines, "\n", "\r\n"), nil},
		"a file of 1 MiB":                            {mandatoryLines + strings.Repeat("#\n", (1<<20-len(mandatoryLines))/2), nil},
		"a comment with a byte that is no UTF-8":     {mandatoryLines + "# caf\xe9\n", []string{"line 5", "save as UTF-8"}},
		"a mark where two files were joined":         {mandatoryLines + "\ufeffINSTANCE_COUNT=2\n", []string{"line 5", "byte order mark"}},
		"two marks at the start":                     {"\ufeff\ufeff" + mandatoryLines, []string{"line 1", "byte order mark"}},
		"a mark in a value":                          {mandatoryLines + "IMAGE_NAME=a-\ufeff1\n", []string{"line 5", "byte order mark"}},
		"a mark does not hide what else is wrong":    {mandatoryLines + "\ufeffINSTANCE_CONT=2\n", []string{"byte order mark", "did you mean INSTANCE_COUNT?"}},
		"a wrong file does not fill the screen":      {strings.Repeat("root:x:0:0\n", 5000), []string{"line 21 and what follows"}},
		"a line that is longer than Docker's reader": {mandatoryLines + "LABELS=" + strings.Repeat("x", 1<<16) + "\n", []string{"line 5", "65543 bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := config.Load(config.Input{EnvFile: file(t, tc.text)})
			if (len(tc.want) == 0) != (c != nil) || len(problems) > 25 {
				t.Errorf("%d problems: %v", len(problems), problems)
			}
			for _, s := range tc.want {
				if !strings.Contains(problems.Error(), s) {
					t.Errorf("nothing says %q: %v", s, problems)
				}
			}
		})
	}
}

func TestDevicesAndDirectories(t *testing.T) {
	for path, says := range map[string]string{"/dev/zero": "larger than 1048576 bytes", t.TempDir(): "is a directory"} {
		_, problems := config.Load(config.Input{EnvFile: path, Flags: over(nil)})
		if errs := problems.Errors(); len(errs) != 1 || errs[0].Path != "--env-file" || !strings.Contains(errs[0].Message, says) {
			t.Errorf("%s: %v", path, problems)
		}
	}
	mustLoad(t, config.Input{EnvFile: os.DevNull, Flags: over(nil)})
}

// named makes a named pipe.
func named(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	return path
}

func TestPipes(t *testing.T) {
	t.Run("the shell's <(command) works", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		go func() {
			_, _ = w.WriteString(mandatoryLines)
			_ = w.Close()
		}()
		mustLoad(t, config.Input{EnvFile: fmt.Sprintf("/dev/fd/%d", r.Fd())})
	})
	t.Run("a named pipe that somebody writes into works", func(t *testing.T) {
		path := named(t)
		go func() { _ = os.WriteFile(path, []byte(mandatoryLines), 0o600) }()
		mustLoad(t, config.Input{EnvFile: path})
	})
	t.Run("a named pipe into which nobody writes ends", func(t *testing.T) {
		silent(t, config.Input{EnvFile: named(t), Patience: time.Millisecond})
	})
	t.Run("a pipe that stays open and silent ends", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		silent(t, config.Input{EnvFile: fmt.Sprintf("/dev/fd/%d", r.Fd()), Patience: time.Millisecond})
	})
	t.Run("a pipe that never ends is cut", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer w.Close()
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}()
		_, problems := config.Load(config.Input{EnvFile: fmt.Sprintf("/dev/fd/%d", r.Fd()), Flags: over(nil)})
		_ = r.Close() // ends the writer
		if !strings.Contains(problems.Error(), "larger than") {
			t.Error(problems)
		}
	})
}

func silent(t *testing.T, in config.Input) {
	t.Helper()
	c, problems := config.Load(in)
	if errs := problems.Errors(); c != nil || len(errs) != 1 || !strings.Contains(errs[0].Message, "is a pipe, and nobody finished writing") {
		t.Errorf("%v", problems)
	}
}
