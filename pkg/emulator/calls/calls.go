package calls

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Call is one API call that was made.
type Call struct {
	Method string    `json:"method"`
	Path   string    `json:"path"`   // with the service in front
	Status int       `json:"status"` // 0 when the connection broke
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	// Ignored are names in the body that the API does not know and ignores.
	Ignored []string `json:"ignored,omitempty"`
}

// Log remembers calls; with a directory all processes' calls.
type Log struct {
	mu   sync.Mutex
	mine []Call
	path string
	file *os.File
}

const fileName = "calls.jsonl"

// Open starts a log in memory for "", or goes on with the one in dir.
func Open(dir string) (*Log, error) {
	l := &Log{}
	if dir == "" {
		return l, nil
	}
	l.path = filepath.Join(dir, fileName)
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // a play world holds no secrets
	if err != nil {
		return nil, fmt.Errorf("emulator directory is not usable: %w", err)
	}
	l.file = f
	return l, nil
}

// Add remembers a call.
func (l *Log) Add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		l.mine = append(l.mine, c)
		return
	}
	line, err := json.Marshal(c)
	if err == nil {
		_, _ = l.file.Write(append(line, '\n')) // one write appends whole, also beside other processes
	}
}

// Close lets go of the directory.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// Calls gives all calls so far, in the order in which they ended; with a directory those of every process that used it.
func (l *Log) Calls() ([]Call, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return append([]Call{}, l.mine...), nil
	}
	return read(l.path)
}

func read(path string) ([]Call, error) {
	f, err := os.Open(path) //nolint:gosec // the emulator's own file
	if errors.Is(err, os.ErrNotExist) {
		return []Call{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	out := []Call{}
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadBytes('\n')
		var c Call
		if len(line) > 0 && json.Unmarshal(line, &c) == nil { // a killed process may leave a torn last line
			out = append(out, c)
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
}

// Read gives the calls recorded in a directory: `emulator calls --dir DIR`.
func Read(dir string) ([]Call, error) { return read(filepath.Join(dir, fileName)) }
