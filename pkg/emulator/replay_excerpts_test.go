package emulator_test

import (
	"testing"
	"testing/synctest"
)

// excerpt is one exchange of errors.log: each is from another recording, and what came before is not in the file.
type excerpt struct {
	about  string
	before func(r *replayer, e exchange) // brings about what the exchange found
	left   string                        // why it is not sent
}

const (
	recordedNetwork = computeBase + "projects/${projectId}/global/networks"
	recordedBuckets = "https://storage.googleapis.com/storage/v1/b"
	recordedIAM     = "https://iam.googleapis.com/v1/projects/${projectId}/serviceAccounts"
)

var excerpts = []excerpt{
	{about: "a network whose deletion runs is deleted again", before: func(r *replayer, e exchange) {
		r.prepare("POST", recordedNetwork, map[string]any{"name": "${networkID}", "autoCreateSubnetworks": false})
		r.c.call("DELETE", r.names.filled(e.url), "")
	}},
	{about: "a network that a firewall rule holds was deleted", before: func(r *replayer, e exchange) {
		r.prepare("POST", recordedNetwork, map[string]any{"name": "${networkID}", "autoCreateSubnetworks": false})
		r.prepare("POST", computeBase+"projects/${projectId}/global/firewalls", map[string]any{
			"name": r.holding(), "network": "global/networks/${networkID}", "allowed": []any{map[string]any{"IPProtocol": "tcp"}},
		})
		_, op := r.c.call("DELETE", r.names.filled(recordedNetwork+"/${networkID}"), "")
		name, _, _ := operationName(op)
		link, kind := target(e.answer)
		r.started = append(r.started, &operation{service: "compute", target: link, kind: kind, name: name})
		wait(pause)
	}},
	{about: "a network that does not exist"},
	{left: "backend services, which held the health check, are not emulated"},
	{left: "backend buckets are not emulated"},
	{left: "GKE is not replayed"},
	{left: "GKE is not replayed"},
	{left: "GKE is not replayed"},
	{left: "the quota of calls is not emulated: fault plans answer 429"},
	{about: "a project that does not exist"},
	{about: "a service account that exists", before: func(r *replayer, _ exchange) {
		r.prepare("POST", recordedIAM, map[string]any{"accountId": "sa-${uniqueId}"})
	}},
	{about: "a service account that does not exist"},
	{about: "a bucket that is not empty", before: func(r *replayer, _ exchange) {
		r.prepare("POST", recordedBuckets+"?project=${projectId}", map[string]any{"name": "bucket-${uniqueId}"})
		r.prepare("POST", "https://storage.googleapis.com/upload/storage/v1/b/bucket-${uniqueId}/o?uploadType=media&name=object", map[string]any{})
	}},
	{about: "a bucket that does not exist"},
}

// prepare is must with placeholders.
func (r *replayer) prepare(method, url string, body map[string]any) {
	r.t.Helper()
	sent, _ := r.names.fill(body).(map[string]any)
	r.must(method, r.names.filled(url), sent)
}

// TestReplayExcerpts brings about what each recorded refusal found, and holds the answer to it.
func TestReplayExcerpts(t *testing.T) {
	list := readRecording(t, "errors.log")
	if len(list) != len(excerpts) {
		t.Fatalf("errors.log has %d exchanges, the table %d", len(list), len(excerpts))
	}
	for i, tc := range excerpts {
		if tc.left != "" {
			t.Logf("exchange %d is left out: %s", i+1, tc.left)
			continue
		}
		t.Run(tc.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReplayer(t, "errors.log", list)
				r.excuses = chosen(func(x exception) bool { return x.log == "errors.log" && x.n == list[i].n })
				if tc.before != nil {
					tc.before(r, list[i])
				}
				r.send(list[i])
				if r.compared != 1 {
					t.Errorf("passed over: %v", r.passed)
				}
				r.excuses.check(t)
			})
		})
	}
}
