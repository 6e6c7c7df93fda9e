package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
)

// exchange is one recorded call and its answer.
type exchange struct {
	method, url string
	body        string
	status      int
	answer      string
}

// altered are fields that the recorder has changed, or that differ from one run to the next by nature (gcp-facts, section 0).
var altered = []string{
	"id", "targetId", "name of operation", "selfLinkWithId", "insertTime", "startTime", "endTime", "creationTimestamp", "fingerprint",
	"labelFingerprint", "etag", "user", "gatewayAddress", "networkIP", "natIP", "generation", "metageneration", "timeCreated", "updated",
	"internalIpv6Range", "effectiveTime", "lockedTime", "projectNumber", "lastStartTimestamp", "lastAttachTimestamp", "sourceImageId", "sourceImage", "warnings", "toggleTime", "terminalStorageClassUpdateTime",
	"createTime", "uniqueId", "oauth2ClientId",
}

// skipped are exchanges about things that the emulator does not have, by a part of their URL.
var skipped = map[string]string{
	"networkAttachments":   "network attachments are not emulated",
	"networkconnectivity.": "Network Connectivity is not emulated",
	"images/family/":       "which image is newest differs by the day",
	"healthChecks":         "load balancing is not emulated",
	"backendBuckets":       "load balancing is not emulated",
	"osconfig.":            "OS Config is not emulated",
	"container.":           "GKE is not emulated yet",
}

// TestReplay sends recorded calls in their order and holds every answer to the recorded one: status, and every field that the
// recording has and the recorder has not altered.
func TestReplay(t *testing.T) {
	dir := os.Getenv("RECORDINGS")
	if dir == "" {
		t.Skip("RECORDINGS is not set: it names the folder with exchanges recorded from the real cloud")
	}
	for name, tc := range map[string]struct {
		least int // exchanges that must have been compared, so that a wrong skip shows
		last  int // the last exchange to be sent; all when 0
	}{
		"compute-network-custom.log":                  {4, 0},
		"compute-subnetwork-network-project.log":      {34, 0},
		"iam-serviceaccount.log":                      {6, 0},
		"compute-router.log":                          {9, 0},
		"storage-bucket.log":                          {6, 0},
		"compute-instance-template-and-instances.log": {16, 24}, // then comes a second instance under the same placeholder
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { replay(t, parse(t, string(raw)), tc.least, tc.last) })
		})
	}
}

var requestLine = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (https://\S+)$`)

func parse(t *testing.T, log string) []exchange {
	t.Helper()
	var out []exchange
	for _, part := range strings.Split(log, "\n---\n") {
		lines := strings.Split(strings.TrimSpace(part), "\n")
		m := requestLine.FindStringSubmatch(strings.TrimSpace(lines[0]))
		if m == nil {
			continue
		}
		e := exchange{method: m[1], url: fixed(m[2])}
		status := slices.IndexFunc(lines, func(l string) bool { return regexp.MustCompile(`^\d{3} [A-Z]`).MatchString(l) })
		if status < 0 {
			t.Fatalf("no status in %q", lines[0])
		}
		e.status, _ = strconv.Atoi(lines[status][:3])
		e.body, e.answer = fixed(behindBlank(lines[1:status])), fixed(behindBlank(lines[status+1:]))
		out = append(out, e)
	}
	return out
}

func behindBlank(lines []string) string {
	if i := slices.Index(lines, ""); i >= 0 {
		return strings.TrimSpace(strings.Join(lines[i:], "\n"))
	}
	return ""
}

// fixed puts names in place of the recorder's placeholders.
func fixed(s string) string {
	s = strings.NewReplacer(
		"${projectId}", "replay-project", "${networkID}", "net-1", "${subnetworkID}", "sub-1", "${routerID}", "router-1",
		"${instanceTemplateID}", "template-1", "${instanceID}", "vm-1", "${uniqueId}", "u1", "${projectNumber}", "123", "${organizationID}", "987654321",
	).Replace(s)
	return s
}

func replay(t *testing.T, list []exchange, least, last int) {
	profile, err := emulator.ProfileNamed("typical")
	if err != nil {
		t.Fatal(err)
	}
	em, err := emulator.New(emulator.Options{Latency: profile})
	if err != nil {
		t.Fatal(err)
	}
	r := &replayer{t: t, em: em, foreign: slices.ContainsFunc(list, func(e exchange) bool {
		return e.method == http.MethodGet && strings.Contains(e.answer, `"autoCreateSubnetworks": true`)
	})}
	for i, e := range list {
		if reason := skip(e); reason != "" {
			t.Logf("exchange %d left out, %s: %s %s", i+1, reason, e.method, e.url)
			continue
		}
		if last > 0 && i >= last {
			break
		}
		r.one(i+1, e)
	}
	if r.compared < least {
		t.Errorf("only %d exchanges were compared, at least %d should be", r.compared, least)
	}
}

func skip(e exchange) string {
	if e.method == http.MethodGet && strings.Contains(e.answer, `"autoCreateSubnetworks": true`) {
		return "the network was not made by the recording, and has the recorded project's own past"
	}
	for part, reason := range skipped {
		if strings.Contains(e.url, part) || part == "networkAttachments" && strings.Contains(e.answer, part) {
			return reason
		}
	}
	return ""
}

type replayer struct {
	t        *testing.T
	em       *emulator.Emulator
	last     string // name of the last operation that was started
	etag     string // that was answered last
	foreign  bool   // the network of the recording was there before
	made     bool
	compared int
}

func (r *replayer) one(n int, e exchange) {
	url := strings.ReplaceAll(e.url, "${operationID}", r.last)
	if strings.Contains(url, "/operations/") || strings.Contains(e.answer, `"subnetworks"`) {
		<-time.NewTimer(3 * time.Minute).C // the recording shows operations only when they are done
	}
	r.prepare()
	status, answer := r.send(e.method, url, strings.ReplaceAll(e.body, `"etag": "abcdef0123A="`, `"etag": "`+r.etag+`"`)) // the recorder's
	if status != e.status {
		r.t.Errorf("exchange %d: %s %s: status %d, recorded %d: %s", n, e.method, url, status, e.status, answer)
		return
	}
	var have, want any
	if e.answer != "" {
		if err := json.Unmarshal([]byte(e.answer), &want); err != nil {
			r.t.Fatalf("exchange %d: recorded body: %v", n, err)
		}
		if err := json.Unmarshal([]byte(answer), &have); err != nil {
			r.t.Fatalf("exchange %d: body: %v", n, err)
		}
	}
	if m, ok := have.(map[string]any); ok && m["kind"] == "compute#operation" {
		if name, ok := m["name"].(string); ok && m["status"] != "DONE" {
			r.last = name
		}
	}
	if m, ok := have.(map[string]any); ok {
		if etag, ok := m["etag"].(string); ok {
			r.etag = etag
		}
		if name, ok := m["name"].(string); ok && strings.HasPrefix(name, "operations/") {
			r.last = strings.TrimPrefix(name, "operations/")
		}
	}
	r.compared++
	for _, d := range differences("", want, have) {
		r.t.Errorf("exchange %d: %s %s: %s", n, e.method, url, d)
	}
}

// prepare makes the network that some recordings have from elsewhere.
func (r *replayer) prepare() {
	if !r.foreign || r.made {
		return
	}
	r.made = true
	r.send(http.MethodPost, "https://compute.googleapis.com/compute/v1/projects/replay-project/global/networks", `{"name":"net-1","autoCreateSubnetworks":true}`)
	<-time.NewTimer(3 * time.Minute).C
}

func (r *replayer) send(method, url, body string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := r.em.Transport().RoundTrip(req)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, url, err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// differences lists where have lacks what want has.
func differences(path string, want, have any) []string {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: recorded an object, have %v", path, have)}
		}
		var out []string
		for k, v := range w {
			if slices.Contains(altered, k) {
				if _, there := h[k]; !there && k != "etag" && k != "user" && k != "warnings" {
					out = append(out, fmt.Sprintf("%s.%s: is missing", path, k))
				}
				continue
			}
			out = append(out, differences(path+"."+k, v, h[k])...)
		}
		return out
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return []string{fmt.Sprintf("%s: recorded %v, have %v", path, want, have)}
		}
		var out []string
		for i := range w {
			out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), w[i], h[i])...)
		}
		return out
	case string:
		h, ok := have.(string)
		if ok && strings.Contains(w, "${operationID}") {
			return nil
		}
		if !ok || sameLink(w) != sameLink(h) {
			return []string{fmt.Sprintf("%s: recorded %q, have %v", path, w, have)}
		}
		return nil
	}
	if want != have {
		return []string{fmt.Sprintf("%s: recorded %v, have %v", path, want, have)}
	}
	return nil
}

// sameLink: references may carry the version of the API that the writer used (gcp-facts, section 1).
func sameLink(s string) string { return strings.Replace(s, "/compute/beta/", "/compute/v1/", 1) }
