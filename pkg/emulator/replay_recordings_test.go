package emulator_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// exchange is one recorded call and its answer, with the recorder's placeholders.
type exchange struct {
	n            int // in its recording, from 1
	method, url  string
	status       int
	sent, answer any
}

// recordings names the folder with exchanges recorded from the real cloud.
func recordings(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("RECORDINGS")
	if dir == "" {
		t.Skip("RECORDINGS is not set: it names the folder with exchanges recorded from the real cloud")
	}
	return dir
}

var (
	requestLine = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (https://\S+)$`)
	statusLine  = regexp.MustCompile(`^\d{3} [A-Z]`)
	parting     = regexp.MustCompile(`(?m)^---[ \t]*$`)
)

// readRecording reads the exchanges of a file. Calls of gRPC are left out: no emulated service is called so.
func readRecording(t *testing.T, name string) []exchange {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(recordings(t), name))
	if err != nil {
		t.Fatal(err)
	}
	var out []exchange
	for _, part := range parting.Split(string(raw), -1) {
		lines := strings.Split(strings.TrimSpace(part), "\n")
		for len(lines) > 1 && (strings.HasPrefix(lines[0], "###") || strings.TrimSpace(lines[0]) == "") { // where an excerpt is from
			lines = lines[1:]
		}
		m := requestLine.FindStringSubmatch(strings.TrimSpace(lines[0]))
		if m == nil {
			if head := lines[0]; head != "" && !strings.HasPrefix(head, "GRPC ") {
				t.Fatalf("%s: %q is no request", name, head)
			}
			continue
		}
		at := slices.IndexFunc(lines, statusLine.MatchString)
		if at < 0 {
			t.Fatalf("%s: no status in %q", name, lines[0])
		}
		status, _ := strconv.Atoi(lines[at][:3])
		out = append(out, exchange{
			n: len(out) + 1, method: m[1], url: m[2], status: status, sent: readBody(t, lines[1:at]), answer: readBody(t, lines[at+1:]),
		})
	}
	return out
}

// readBody reads what follows the headers.
func readBody(t *testing.T, lines []string) any {
	t.Helper()
	at := slices.Index(lines, "")
	if at < 0 {
		return nil
	}
	text := strings.TrimSpace(strings.Join(lines[at:], "\n"))
	if text == "" {
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("recorded body: %v: %s", err, text)
	}
	return v
}

// service is the first part of the host's name.
func (e exchange) service() string {
	host := strings.TrimPrefix(e.url, "https://")
	return host[:strings.Index(host, ".")]
}

// resource is the URL without the query.
func (e exchange) resource() string {
	url, _, _ := strings.Cut(e.url, "?")
	return url
}

func (e exchange) poll() bool {
	return e.method == "GET" && strings.Contains(e.resource(), "/operations/")
}

func (e exchange) reads() bool { return e.method == "GET" && e.status == 200 && !e.poll() }

func (e exchange) changes() bool { return e.method != "GET" }

func (e exchange) good() bool { return e.status < 300 }

// notReady says whether a call was refused because another one was under way.
func (e exchange) notReady() bool {
	return e.status == 400 && strings.Contains(text(e.answer), `"resourceNotReady"`)
}

// text is a value as JSON.
func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// target tells what a recorded operation is about: the thing and what is done to it. Both are "" where that is not told.
func target(answer any) (string, string) {
	op, _ := answer.(map[string]any)
	link, _ := op["targetLink"].(string)
	kind, _ := op["operationType"].(string)
	return link, kind
}

// operationName is the name in an answer that is an operation, and whether it is done.
func operationName(answer any) (name string, done, ok bool) {
	op, _ := answer.(map[string]any)
	name, _ = op["name"].(string)
	if op["kind"] == "compute#operation" {
		return name, op["status"] == "DONE", true
	}
	name, ok = strings.CutPrefix(name, "operations/")
	return name, op["done"] == true, ok
}
