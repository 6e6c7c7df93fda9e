package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// A lease whose holder's name commands terminals is shown as text by every action that meets it.
func TestAHolderCannotCommandTheTerminal(t *testing.T) {
	dir := t.TempDir()
	em, err := emulator.New(emulator.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: em.Transport()}
	now := time.Now().UTC()
	lock, err := json.Marshal(state.Holder{Owner: "eve\x1b]0;owned\x07\u009b2J", Host: "h\x1b[2J", Run: "r\x1b[1m", Action: "create", Since: now, Beat: now, Until: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	const bucket = "aiinfra-terraform-my-gpu-project"
	post(t, client, "https://storage.googleapis.com/storage/v1/b?project=my-gpu-project", `{"name":"`+bucket+`"}`)
	post(t, client, "https://storage.googleapis.com/upload/storage/v1/b/"+bucket+"/o?uploadType=media&name=demo-deployment/lock.json", string(lock))
	if err := em.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		action string
		code   int
	}{{"status", 0}, {"create", 4}, {"destroy", 4}, {"unlock", 1}} {
		p, stdout, stderr := testProgram()
		code := p.main(t.Context(), strings.Fields("cluster-provision --emulate "+dir+" --latency off --time-scale 1000 --project-id my-gpu-project --name-prefix demo --zone us-central1-a "+tc.action))
		text := stdout.String() + stderr.String()
		if code != tc.code || !strings.Contains(text, "owned") || strings.ContainsAny(text, "\x1b\x07\u009b") {
			t.Errorf("%s: exit code %d: %q", tc.action, code, text)
		}
	}
}

// A server that never answers, or a question that nobody answers, ends with the first signal.
func TestTheFirstSignalEndsWhatOnlyReads(t *testing.T) {
	for _, action := range []string{"list", "status", "plan", "validate", "graph", "unlock --yes"} {
		t.Run(action, func(t *testing.T) {
			p, _, stderr := testProgram()
			release := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				p.signals.got(true)
				<-release
			}))
			defer server.Close()
			defer close(release)
			code := p.main(t.Context(), strings.Fields("cluster-provision --endpoint "+server.URL+" --project-id my-gpu-project --name-prefix demo --zone us-central1-a "+action))
			if code != provision.CodeTerminated {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
	t.Run("a question", func(t *testing.T) {
		p, _, _ := testProgram()
		silent, hold := io.Pipe()
		defer hold.Close()
		p.stdin = silent
		p.signals.got(false)
		_, err := runUnlock(t.Context(), unlockOptions{}, fakeDeps(p, &fakeEngine{holder: &state.Holder{}}))
		if code := provision.ExitCode(provision.Interrupted(err, false)); code != provision.CodeInterrupted {
			t.Errorf("exit code %d: %v", code, err)
		}
	})
}

func post(t *testing.T, client *http.Client, url, body string) {
	t.Helper()
	resp, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: %s: %s", url, resp.Status, raw)
	}
}
