package gcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// The pace of trying again. All but the floors are at the normal pace and are divided by Options.Pace.
const (
	shortestPause = 500 * time.Millisecond
	longestPause  = 20 * time.Second
	triesFor      = 150 * time.Second // a try that would begin later is not made
	callLimit     = 30 * time.Second  // one attempt of an ordinary call; of an upload or download: without a byte moved
	waitLimit     = 135 * time.Second // one long poll: the cloud answers after two minutes (discovery document, operations.wait)
	leastLimit    = 10 * time.Second  // real time, at any pace: a server works no faster because the program waits less
	longestAsked  = time.Minute       // the most of a Retry-After that is heeded
	mostNameTries = 3                 // of a host name that does not resolve
	firstWord     = 5 * time.Second   // a call that has failed for so long is told of
	nextWord      = 15 * time.Second  // and then one of all calls every so often
	mostReplayed  = 16 << 20          // a request body up to so many bytes is kept for another try
)

// Retry is a call that is being tried again.
type Retry struct {
	Host   string        // "compute.googleapis.com"
	Method string        // "GET"
	Name   string        // the last part of the path
	Err    error         // what was said last
	Since  time.Time     // when it was first tried
	Tries  int           // how often it has been tried
	Next   time.Duration // how long until it is tried again
}

// TriedError is a call that was tried several times. It hides the answer from errors.As, lest the client libraries, which look
// for a 503, begin to try again on top of us (gax.OnHTTPCodes, storage.ShouldRetry). Wrap reads it.
type TriedError struct {
	Err   error // what was said last
	Tries int
	For   time.Duration
	Ended error // context.Canceled or context.DeadlineExceeded: nobody waited for another try any more; nil when it was given up
}

// Error says what was said last, how often and how long it was tried.
func (e *TriedError) Error() string { return clean(e.Err.Error(), longest) + e.how() }

// Class is the class of what was said last; ClassInterrupted or ClassTimeout when the trying was cut off.
func (e *TriedError) Class() resources.Class {
	if e.Ended != nil {
		return resources.ClassOf(e.Ended)
	}
	return resources.ClassOf(Wrap("", e.Err))
}

// Is makes it the end of a context where that cut the trying off.
func (e *TriedError) Is(target error) bool { return e.Ended != nil && errors.Is(e.Ended, target) }

func (e *TriedError) how() string {
	out := resources.Tries(e.Tries, e.For)
	switch {
	case e.Ended == nil:
	case errors.Is(e.Ended, context.DeadlineExceeded):
		out += " [not tried again: its time was over]"
	default:
		out += " [not tried again: interrupted]"
	}
	return out
}

// retrying is the one place where a call is made again. What only reads, or carries a request id or a precondition, is; of the
// rest only what cannot have arrived.
type retrying struct {
	next   http.RoundTripper
	pace   float64
	stop   func() <-chan struct{}
	tell   func(Retry)
	mu     *sync.Mutex
	spoken *time.Time
}

func newRetrying(next http.RoundTripper, opt Options) retrying {
	pace := opt.Pace
	if pace <= 0 {
		pace = 1
	}
	return retrying{next: next, pace: pace, stop: opt.Stop, tell: opt.Retrying, mu: &sync.Mutex{}, spoken: &time.Time{}}
}

func (t retrying) scaled(d time.Duration) time.Duration { return resources.Pace(t.pace).Scaled(d) }

// RoundTrip tries until there is an answer worth having, the bound is reached, the user stops it, or the context ends.
func (t retrying) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := replayable(r)
	if err != nil {
		return nil, err
	}
	repeatable := repeatable(r, body.head)
	bo := gax.Backoff{Initial: shortestPause, Max: longestPause, Multiplier: 2}
	start := time.Now()
	var last *TriedError // of the try before
	for tries := 1; ; tries++ {
		began := time.Now()
		resp, err := t.next.RoundTrip(body.request(r, tries))
		if ended := r.Context().Err(); ended != nil && err != nil { // and never its cause, which may be what another call was answered
			if last != nil {
				return nil, t.cutOff(r.Context(), last, ended)
			}
			return nil, resources.Ended(ended)
		}
		if err == nil {
			var fault error
			if fault = faultOf(resp); fault == nil {
				return resp, nil
			}
			err = fault
		}
		if tries == 1 && isLong(r) {
			start = began.Add(min(time.Since(began), t.scaled(waitLimit))) // only the time that it failed counts
		}
		harmless := repeatable && body.whole || unsent(err)
		if !harmless || !worth(err, tries) {
			if resp != nil && !isStrange(err) {
				return resp, nil
			}
			return nil, asLink(err)
		}
		pause := t.scaled(max(bo.Pause(), retryAfter(resp)))
		last = &TriedError{Err: err, Tries: tries, For: time.Since(start)}
		if once(r.Context()) || tries > 1 && time.Since(start)+pause > t.scaled(triesFor) {
			return nil, last
		}
		t.say(r, last, start, pause)
		if ended := t.pause(r.Context(), pause); ended != nil { // nobody waits any more: what was said last is worth more than that
			return nil, t.cutOff(r.Context(), last, ended)
		}
	}
}

// pause waits, or answers what has ended the waiting: the user's signal is as good as an end of the context.
func (t retrying) pause(ctx context.Context, d time.Duration) error {
	var stop <-chan struct{}
	if t.stop != nil {
		stop = t.stop()
	}
	select {
	case <-stop:
		return context.Canceled
	default:
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-stop:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t retrying) say(r *http.Request, e *TriedError, start time.Time, pause time.Duration) {
	if t.tell == nil || time.Since(start)+pause < t.scaled(firstWord) {
		return
	}
	t.mu.Lock()
	due := t.spoken.IsZero() || time.Since(*t.spoken) >= t.scaled(nextWord)
	if due {
		*t.spoken = time.Now()
	}
	t.mu.Unlock()
	if due {
		t.tell(Retry{Host: r.URL.Host, Method: r.Method, Name: Base(r.URL.Path), Err: Wrap("", e.Err), Since: start, Tries: e.Tries, Next: pause})
	}
}

// worth says whether another try can mend it.
func worth(err error, tries int) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound && tries >= mostNameTries {
		return false
	}
	return resources.ClassOf(Wrap("", err)) == resources.ClassTransient
}

// asLink gives an error of the connection its class and advice.
func asLink(err error) error {
	var classed resources.Classed
	if errors.As(err, &classed) {
		return err
	}
	class, hint := classifyLink(err)
	if class == resources.ClassTransient && hint == dnsHint {
		class = resources.ClassFatal // after the tries that it was worth
	}
	return &linkError{err: err, class: class, hint: hint}
}

func isStrange(err error) bool {
	var strange *AnswerError
	return errors.As(err, &strange)
}

// faultOf is what is wrong with an answer that was read whole; nil when nothing is, or when it is final and the caller's affair.
func faultOf(resp *http.Response) error {
	whole, ok := resp.Body.(*wholeBody)
	if !ok {
		return nil
	}
	r := resp.Request
	if resp.StatusCode >= 400 {
		said := &googleapi.Error{}
		if !errors.As(googleapi.CheckResponseWithBody(resp, whole.data), &said) {
			return nil
		}
		a := answerOf(said)
		if !a.own && !passingStatus(resp.StatusCode) && (r == nil || r.Method != http.MethodHead) {
			return strange(resp, whole.data, "which is no error of the API")
		}
		return said
	}
	if resp.StatusCode != http.StatusOK || r == nil || r.Method == http.MethodDelete || r.Method == http.MethodHead || isMedia(r) || isUpload(r) {
		return nil
	}
	if !json.Valid(whole.data) {
		return strange(resp, whole.data, "which is not the JSON that is due")
	}
	return nil
}

func strange(resp *http.Response, data []byte, why string) error {
	host := ""
	if resp.Request != nil {
		host = resp.Request.URL.Host
	}
	return &AnswerError{Host: host, Status: resp.StatusCode, Start: clean(string(data[:min(len(data), 400)]), 100), Why: why}
}

// retryAfter is how long the server asks to wait, bounded; seconds or a date (RFC 9110, 10.2.3).
func retryAfter(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	text := resp.Header.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil {
		return min(max(0, time.Duration(n)*time.Second), longestAsked)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, time.Until(at)), longestAsked)
	}
	return 0
}

// repeatable says whether a call may be made again although it may have arrived.
func repeatable(r *http.Request, body []byte) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	q := r.URL.Query()
	if q.Get("requestId") != "" || q.Get("ifGenerationMatch") != "" || q.Get("ifMetagenerationMatch") != "" ||
		r.Header.Get("If-Match") != "" || r.Method == http.MethodDelete && q.Get("generation") != "" {
		return true
	}
	if r.Method != http.MethodPost {
		return false
	}
	if strings.HasSuffix(r.URL.Path, "/storage/v1/b") && q.Get("project") != "" {
		return true // a bucket's name is unique in the world, so making it again is answered with 409 (buckets.insert), which is looked at
	}
	last := r.URL.Path[strings.LastIndexAny(r.URL.Path, "/:")+1:]
	switch last { // methods that are POSTs and only read (discovery documents)
	case "wait", "listManagedInstances", "listPerInstanceConfigs", "listErrors", "listInstances", "testIamPermissions", "getIamPolicy":
		return true
	}
	var with struct {
		RequestID  string `json:"requestId"`
		RequestID2 string `json:"request_id"`
	}
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") && len(body) < 1<<20 &&
		json.Unmarshal(body, &with) == nil && with.RequestID+with.RequestID2 != ""
}

func isLong(r *http.Request) bool   { return strings.HasSuffix(r.URL.Path, "/wait") }
func isMedia(r *http.Request) bool  { return r.URL.Query().Get("alt") == "media" }
func isUpload(r *http.Request) bool { return r.URL.Query().Get("uploadType") != "" }

// replay is a request body that can be sent again.
type replay struct {
	head  []byte // what was read of it
	rest  io.ReadCloser
	whole bool // head is all
	none  bool
}

// replayable keeps a body, up to a bound: uploads come through a pipe, which can be read once.
func replayable(r *http.Request) (*replay, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return &replay{whole: true, none: true}, nil
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, mostReplayed+1))
	if err != nil {
		return nil, errors.Join(err, r.Body.Close())
	}
	if len(head) > mostReplayed {
		return &replay{head: head, rest: r.Body}, nil
	}
	return &replay{head: head, whole: true}, r.Body.Close()
}

func (b *replay) request(r *http.Request, try int) *http.Request {
	out := r.Clone(r.Context())
	switch {
	case b.none:
	case b.whole:
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(b.head)), int64(len(b.head))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.head)), nil }
	case try == 1:
		out.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(b.head), b.rest), b.rest}
		out.GetBody = nil
	}
	return out
}
