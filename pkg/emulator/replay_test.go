package emulator_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// replayed are the emulated services, whose recorded exchanges are held to. One that is replayed by a test of its own stands
// here with false; any other must answer 501.
var replayed = map[string]bool{
	"compute": true, "storage": true, "cloudresourcemanager": true, "cloudbilling": true, "iam": true, "serviceusage": true,
}

// least says how many exchanges of a recording must have been compared, so that nothing is passed over by mistake. A recording
// that is not here has none of an emulated service.
var least = map[string]int{
	"compute-instance-template-and-instances.log": 50, "compute-mig-zonal-get-from-gke.log": 5, "compute-network-custom.log": 9,
	"compute-router-nat-private-with-delete-errors.log": 65, "compute-router.log": 10, "compute-subnetwork-network-project.log": 43,
	"filestore-instance.log": 1, "gke-cluster-minimal-regional.log": 9, "gke-cluster-private.log": 20,
	"gke-cluster-standard-update-labels.log": 19, "gke-nodepool.log": 8, "iam-serviceaccount.log": 6, "storage-bucket.log": 7,
}

// pause is how long the cloud gets between two exchanges, in virtual time: longer than any operation takes, because the
// recordings show operations only when they are done.
const pause = 15 * time.Minute

// TestReplay sends the calls of every recording in their order and holds every answer to the recorded one: status, every
// field, and no field more. See comparison and exceptions for what may differ.
func TestReplay(t *testing.T) {
	logs, err := filepath.Glob(filepath.Join(recordings(t), "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, path := range logs {
		name := filepath.Base(path)
		if name == "errors.log" { // excerpts, see TestReplayExcerpts
			continue
		}
		t.Run(name, func(t *testing.T) {
			list := readRecording(t, name)
			synctest.Test(t, func(t *testing.T) {
				r := newReplayer(t, name, list)
				for i := range list {
					r.one(i)
				}
				t.Logf("%d exchanges, %d compared, passed over: %v", len(list), r.compared, r.passed)
				if r.compared < least[name] {
					t.Errorf("%d exchanges were compared, at least %d must be", r.compared, least[name])
				}
				r.excuses.check(t)
			})
		})
	}
}

// replayer replays one recording.
type replayer struct {
	t        *testing.T
	c        client
	list     []exchange
	names    *names
	excuses  *excuses
	started  []*operation
	seeded   map[string]string // group of VMs that GKE made -> its template
	holder   string            // URL of the firewall rule that holds a network
	compared int
	passed   map[string]int // why -> how many
}

// operation is one that a call of the recording started.
type operation struct {
	service, target, kind, name string
	polled                      bool
}

func newReplayer(t *testing.T, log string, list []exchange) *replayer {
	t.Helper()
	_, c := newEmulator(t, emulator.Options{Latency: typical(t)})
	_, p := c.call("GET", "https://cloudresourcemanager.googleapis.com/v1/projects/replay-project", "")
	return &replayer{
		t: t, c: c, list: list, names: newNames(list, doc.Str(p, "projectNumber")), excuses: excusesOf(log),
		seeded: map[string]string{}, passed: map[string]int{},
	}
}

// one replays one exchange.
func (r *replayer) one(i int) {
	e := r.list[i]
	if held, known := replayed[e.service()]; !held {
		if status, answer := r.c.call(e.method, r.names.filled(e.url), text(r.names.fill(e.sent))); !known && status != 501 {
			r.t.Errorf("exchange %d: %s %s: %d %s: the service is emulated now, replay it", e.n, e.method, e.url, status, text(answer))
		}
		r.passed[e.service()]++
		return
	}
	r.names.choose(e)
	if !r.hurried(i) {
		wait(pause)
	}
	r.hold(i)
	r.seed(e)
	r.send(e)
}

// send makes the call of an exchange and holds the answer to the recorded one.
func (r *replayer) send(e exchange) {
	r.t.Helper()
	url := r.names.filled(e.url)
	if e.poll() {
		op := r.startedFor(e)
		if op == nil {
			r.passed["operation of a call that was passed over"]++
			return
		}
		op.polled = true
		url = strings.Replace(url, "${operationID}", op.name, 1)
	}
	status, answer := r.c.call(e.method, url, r.body(e))
	if status == 501 {
		r.passed["501 "+doc.Str(answer, "error", "message")]++
		return
	}
	r.compare(e, status, answer)
	r.remember(e, answer)
}

// compare holds an answer to the recorded one.
func (r *replayer) compare(e exchange, status int, answer map[string]any) {
	r.t.Helper()
	r.compared++
	if status != e.status {
		r.t.Errorf("exchange %d: %s %s: status %d, recorded %d: %s", e.n, e.method, e.url, status, e.status, text(answer))
		return
	}
	recorded, _ := e.answer.(map[string]any)
	kind, _ := recorded["kind"].(string)
	c := comparison{r.names, func(verdict, path string, recorded, ours any) {
		r.t.Helper()
		if !r.excuses.allow(e.n, kind, verdict, path) {
			r.t.Errorf("exchange %d: %s %s: %s %s: recorded %s, ours %s", e.n, e.method, e.url, verdict, path, text(recorded), text(ours))
		}
	}}
	var ours any
	if answer != nil {
		ours = answer
	}
	if e.changes() {
		c.run("", untimed(e.answer, ours), untimed(ours, e.answer))
		return
	}
	c.run("", e.answer, ours)
}

// untimed is the first answer to a change without what tells how far it was by then: PENDING, RUNNING and DONE are all real.
func untimed(v, other any) any {
	op, ok := v.(map[string]any)
	status, _ := other.(map[string]any)
	if !ok || op["kind"] != "compute#operation" || status["status"] == op["status"] {
		return v
	}
	op = doc.Clone(op)
	for _, field := range []string{"status", "progress", "startTime", "endTime"} {
		delete(op, field)
	}
	return op
}

func (r *replayer) remember(e exchange, answer map[string]any) {
	r.names.remember(e)
	if name, _, ok := operationName(answer); ok && e.changes() {
		link, kind := target(e.answer)
		r.started = append(r.started, &operation{service: e.service(), target: link, kind: kind, name: name})
	}
}

// startedFor is the operation that a recorded poll is about: the newest that was not polled, of the same target and kind where
// that is told.
func (r *replayer) startedFor(e exchange) *operation {
	link, kind := target(e.answer)
	for i := len(r.started) - 1; i >= 0; i-- {
		if op := r.started[i]; op.service == e.service() && op.target == link && op.kind == kind && !op.polled {
			return op
		}
	}
	return nil
}

// hurried says whether a call came at once after the one before: the next change of its thing was refused because of that.
func (r *replayer) hurried(i int) bool {
	for _, e := range r.list[i:] {
		if e.changes() && e.resource() == r.list[i].resource() {
			return e.notReady()
		}
	}
	return false
}

func wait(d time.Duration) { <-time.NewTimer(d).C }
