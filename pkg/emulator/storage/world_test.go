package storage_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/front"
	"github.com/aiinfra/cluster-provision/pkg/emulator/storage"
)

const (
	project = "test-project"
	api     = "https://storage.googleapis.com/storage/v1/"
	up      = "https://storage.googleapis.com/upload/storage/v1/b/"
)

// world is Cloud Storage alone.
type world struct {
	t *testing.T
	f *front.Front
	// token is the bearer token of the next calls; "" for none.
	token string
}

func newWorld(t *testing.T, opt cloud.Options) *world {
	t.Helper()
	c, err := cloud.New(opt, []cloud.Service{storage.Service()})
	if err != nil {
		t.Fatal(err)
	}
	f, err := front.Open(c, "")
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, f: f}
}

// answer is what a call was answered.
type answer struct {
	status int
	header http.Header
	text   string
	doc    map[string]any
}

// says is the message of a refusal, in either dialect.
func (a answer) says() string {
	if e, ok := a.doc["error"].(map[string]any); ok {
		s, _ := e["message"].(string)
		return s
	}
	return a.text
}

func (a answer) str(field string) string {
	s, _ := a.doc[field].(string)
	return s
}

// call carries out a call; headers are "Name: value".
func (w *world) call(method, url, body string, headers ...string) answer {
	w.t.Helper()
	if !strings.HasPrefix(url, "https://") {
		url = api + url
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.f.Transport().RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(raw)}
	_ = json.Unmarshal(raw, &a.doc) // contents of objects are no JSON
	return a
}

// must is call for what must succeed.
func (w *world) must(method, url, body string, headers ...string) answer {
	w.t.Helper()
	a := w.call(method, url, body, headers...)
	if a.status >= 400 {
		w.t.Fatalf("%s %s: %d %s", method, url, a.status, a.text)
	}
	return a
}

// bucket makes a bucket with further settings, such as `"versioning":{"enabled":true}`.
func (w *world) bucket(name, settings string) {
	w.t.Helper()
	if settings != "" {
		settings = "," + settings
	}
	w.must("POST", "b?project="+project, `{"name":"`+name+`"`+settings+`}`)
}

// put writes an object.
func (w *world) put(bucket, object, text string) answer {
	w.t.Helper()
	return w.must("POST", up+bucket+"/o?uploadType=media&name="+object, text, "Content-Type: text/plain")
}

// refused checks that a call is refused in these words.
func (w *world) refused(a answer, status int, words string) {
	w.t.Helper()
	if a.status != status || !strings.Contains(a.says(), words) {
		w.t.Errorf("answered %d %q, not %d %q", a.status, a.says(), status, words)
	}
}

func wait(d time.Duration) { <-time.NewTimer(d).C }

// served is the Go client as it comes, told of an emulator by STORAGE_EMULATOR_HOST: it reads by the XML API.
func served(t *testing.T, opt cloud.Options) (context.Context, *gcs.Client) {
	t.Helper()
	server := httptest.NewServer(newWorld(t, opt).f)
	t.Cleanup(server.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	client, err := gcs.NewClient(t.Context(), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return t.Context(), client
}
