package provision_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/sent.txt anew")

// TestSent holds all that the program sends to the cloud against testdata/sent.txt, one line a distinct request, so that a
// review sees every change of it. After a change that is meant: go test ./pkg/provision -run TestSent -rewrite.
func TestSent(t *testing.T) {
	lines := map[string]bool{}
	for _, runs := range [][][]string{
		{{}, {"INSTANCE_COUNT=2"}, {"DISK_SIZE_GB=200"}},
		{networks(), append(networks(), "LABELS={ team = \"a\" }", "METADATA={ x = \"1\" }")},
		{{"VM_TYPE=n1-standard-8", "GPU_COUNT=2", "ACCELERATOR_TYPE=nvidia-tesla-t4", "MAX_RUN_DURATION=36h", "DISK_TYPE=pd-balanced"}, networks()},
		{{"SERVICE_ACCOUNT=runner@" + project + ".iam.gserviceaccount.com"}},
	} {
		inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
			account, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://iam.googleapis.com/v1/projects/"+project+"/serviceAccounts", strings.NewReader(`{"accountId":"runner"}`))
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := c.em.Transport().RoundTrip(account); err != nil || resp.StatusCode != http.StatusOK || resp.Body.Close() != nil {
				t.Fatal(err, resp)
			}
			w := &witness{next: c.em.Transport()}
			for _, more := range runs {
				if _, err := c.engine(ctx, w, 1).Create(ctx, settings(t, more...), nil); err != nil {
					t.Errorf("create %v: %v", more, err)
				}
			}
			for _, action := range []func(context.Context) error{
				func(ctx context.Context) error { _, err := c.engine(ctx, w, 1).Validate(ctx, settings(t)); return err },
				func(ctx context.Context) error { _, err := c.engine(ctx, w, 1).Destroy(ctx, nil); return err },
			} {
				if err := action(ctx); err != nil {
					t.Error(err)
				}
			}
			for _, line := range w.lines {
				lines[line] = true
			}
		})
	}
	got := make([]string, 0, len(lines))
	for line := range lines {
		got = append(got, line)
	}
	slices.Sort(got)
	const file = "testdata/sent.txt"
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(got, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(raw)), "\n"), got); diff != "" {
		t.Errorf("what goes to the cloud has changed; if that is meant: go test ./pkg/provision -run TestSent -rewrite\n%s", diff)
	}
}

// witness writes down what passes it.
type witness struct {
	next  http.RoundTripper
	mu    sync.Mutex
	lines []string
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	var raw []byte
	if r.Body != nil {
		var err error
		if raw, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
	}
	line := strings.Join(strings.Fields(strings.Join([]string{r.Method, varying.Replace(r.URL.Host + r.URL.EscapedPath()), query(r.URL), body(r, raw)}, " ")), " ")
	w.mu.Lock()
	w.lines = append(w.lines, line)
	w.mu.Unlock()
	return w.next.RoundTrip(r)
}

// replacer takes out what differs from one run to the next.
type replacer []struct {
	at *regexp.Regexp
	by string
}

func (r replacer) Replace(s string) string {
	for _, one := range r {
		s = one.at.ReplaceAllString(s, one.by)
	}
	return s
}

var varying = replacer{
	{regexp.MustCompile(`operations/[^/?]+`), "operations/OPERATION"},
	{regexp.MustCompile(`("[a-zA-Z]*[fF]ingerprint":)"[^"]*"`), `$1"FINGERPRINT"`},
	{regexp.MustCompile(`(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`([gG]eneration[a-zA-Z]*=)[1-9][0-9]*`), "${1}N"},
}

// query is the query, sorted.
func query(u *url.URL) string {
	text, err := url.QueryUnescape(u.Query().Encode())
	if err != nil {
		return u.RawQuery
	}
	return varying.Replace(text)
}

// body is a JSON body on one line, with sorted keys. Of an upload, which holds our own documents, only the metadata counts.
func body(r *http.Request, raw []byte) string {
	if strings.HasPrefix(r.URL.Path, "/upload/") {
		_, rest, _ := strings.Cut(string(raw), "\r\n\r\n")
		head, _, _ := strings.Cut(rest, "\r\n--")
		raw = []byte(head)
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return ""
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return "not JSON"
	}
	flat, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return varying.Replace(string(flat))
}
