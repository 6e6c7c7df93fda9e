package gcp_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/storage"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// roundTripper is a cloud in a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

func clientsOf(t *testing.T, opt gcp.Options) *gcp.Clients {
	t.Helper()
	c, err := gcp.New(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func getNetwork(ctx context.Context, c *gcp.Clients) error {
	_, err := c.Networks.Get(ctx, &computepb.GetNetworkRequest{Project: "p", Network: "n"})
	return gcp.Wrap("projects/p/global/networks/n", err)
}

// What fails a number of times and then goes well is tried again; what is final is not.
func TestReadsAreTriedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		err    error
		again  bool
	}{
		"a rate limit, 403":            {403, classic("403", "rateLimitExceeded", "Quota exceeded for quota metric"), nil, true},
		"a rate limit, 429":            {429, classic("429", "rateLimitExceeded", "slow"), nil, true},
		"503 with a page":              {503, "<html>", nil, true},
		"502 with nothing":             {502, "", nil, true},
		"a request time-out":           {408, classic("408", "x", "y"), nil, true},
		"a reset connection":           {0, "", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		"a refused connection":         {0, "", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		"an answer cut off":            {0, "", io.ErrUnexpectedEOF, true},
		"a proxy's 404 page":           {404, "<html>", nil, true},
		"an empty 200":                 {200, "", nil, true},
		"half of the JSON":             {200, `{"name": "n"`, nil, true},
		"absent":                       {404, classic("404", "notFound", "The resource 'projects/p/global/networks/n' was not found"), nil, false},
		"a quota":                      {403, classic("403", "quotaExceeded", "Quota 'NETWORKS' exceeded.  Limit: 5.0 globally."), nil, false},
		"a 429 that is a quota":        {429, classic("429", "rateLimitExceeded", "Quota limit 'X' has been exceeded. Limit: 3 in region r."), nil, false},
		"an unknown authority":         {0, "", x509.UnknownAuthorityError{}, false},
		"an expired certificate":       {0, "", x509.CertificateInvalidError{Reason: x509.Expired}, false},
		"the certificate of another":   {0, "", x509.HostnameError{Host: "h", Certificate: &x509.Certificate{}}, false},
		"a proxy that is no URL":       {0, "", errors.New(`invalid proxy address "::"`), false},
		"a scheme that nobody speaks":  {0, "", errors.New(`unsupported protocol scheme "ftp"`), false},
		"a method that does not exist": {501, classic("501", "x", "y"), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				c := clientsOf(t, gcp.Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if tries++; tries > 3 {
						return reply(r, 200, `{"name":"n"}`), nil
					}
					if tc.err != nil {
						return nil, tc.err
					}
					return reply(r, tc.status, tc.body), nil
				})})
				err := getNetwork(t.Context(), c)
				if tc.again && (err != nil || tries != 4) || !tc.again && (err == nil || tries != 1) {
					t.Errorf("%d tries: %v", tries, err)
				}
			})
		})
	}
}

// A write is made again only if it carries what makes that harmless, or if nothing of it can have arrived.
func TestWhatMayBeSentTwice(t *testing.T) {
	refused := error(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})
	for name, tc := range map[string]struct {
		err   error
		call  func(context.Context, *gcp.Clients) error
		tries int
	}{
		"an insert with a request id": {io.ErrUnexpectedEOF, func(ctx context.Context, c *gcp.Clients) error {
			_, err := c.Networks.Insert(ctx, &computepb.InsertNetworkRequest{Project: "p", RequestId: proto.String("r"), NetworkResource: &computepb.Network{Name: proto.String("n")}})
			return err
		}, 2},
		"an insert without one": {io.ErrUnexpectedEOF, func(ctx context.Context, c *gcp.Clients) error {
			_, err := c.Networks.Insert(ctx, &computepb.InsertNetworkRequest{Project: "p", NetworkResource: &computepb.Network{Name: proto.String("n")}})
			return err
		}, 1},
		"an insert without one that found nobody": {refused, func(ctx context.Context, c *gcp.Clients) error {
			_, err := c.Networks.Insert(ctx, &computepb.InsertNetworkRequest{Project: "p", NetworkResource: &computepb.Network{Name: proto.String("n")}})
			return err
		}, 2},
		"a long poll": {io.ErrUnexpectedEOF, func(ctx context.Context, c *gcp.Clients) error {
			_, err := c.GlobalOperations.Wait(ctx, &computepb.WaitGlobalOperationRequest{Project: "p", Operation: "o"})
			return err
		}, 2},
		"an upload with a precondition": {io.ErrUnexpectedEOF, func(ctx context.Context, c *gcp.Clients) error {
			w := c.Storage.Bucket("b").Object("o").If(storage.Conditions{GenerationMatch: 7}).NewWriter(ctx)
			w.ChunkSize = 0
			_, _ = w.Write([]byte("content"))
			return w.Close()
		}, 2},
		"an upload without one": {io.ErrUnexpectedEOF, func(ctx context.Context, c *gcp.Clients) error {
			w := c.Storage.Bucket("b").Object("o").NewWriter(ctx)
			w.ChunkSize = 0
			_, _ = w.Write([]byte("content"))
			return w.Close()
		}, 1},
		"a deletion of one generation": {io.ErrUnexpectedEOF, func(ctx context.Context, c *gcp.Clients) error {
			return c.Storage.Bucket("b").Object("o").Generation(7).Delete(ctx)
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var bodies []string
				c := clientsOf(t, gcp.Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					var body []byte
					if r.Body != nil {
						body, _ = io.ReadAll(r.Body)
					}
					if bodies = append(bodies, string(body)); len(bodies) == 1 {
						return nil, tc.err
					}
					return reply(r, 200, `{"name":"o","crc32c":"Ya91Mw=="}`), nil // the client compares the checksum
				})})
				err := tc.call(t.Context(), c)
				if len(bodies) != tc.tries || (err == nil) != (tc.tries == 2) {
					t.Fatalf("%d tries: %v", len(bodies), err)
				}
				if tc.tries == 2 && bodies[0] != bodies[1] {
					t.Errorf("another body the second time: %q, %q", bodies[0], bodies[1])
				}
			})
		})
	}
}

// One bound holds for all tries together; the client libraries add none of their own. The cloud's words stay.
func TestTryingHasAnEnd(t *testing.T) {
	for name, call := range map[string]func(context.Context, *gcp.Clients) error{
		"compute": getNetwork,
		"storage": func(ctx context.Context, c *gcp.Clients) error {
			_, err := c.Storage.Bucket("b").Attrs(ctx)
			return gcp.Wrap("", err)
		},
	} {
		for _, pace := range []float64{1, 10} {
			t.Run(fmt.Sprintf("%s at pace %v", name, pace), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tries, told, start := 0, 0, time.Now()
					c := clientsOf(t, gcp.Options{Pace: pace, Retrying: func(r gcp.Retry) {
						if told++; r.Host == "" || r.Err == nil || r.Tries < 2 {
							t.Errorf("told %+v", r)
						}
					}, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						tries++
						return reply(r, 503, classic("503", "backendError", "Backend Error")), nil
					})})
					err := call(t.Context(), c)
					took := time.Duration(float64(time.Since(start)) * pace)
					if tries < 8 || took < 90*time.Second || took > 155*time.Second || told < 3 || told > 11 {
						t.Errorf("%d tries in %s, %d words", tries, took, told)
					}
					if resources.ClassOf(err) != resources.ClassTransient || !strings.Contains(err.Error(), "Backend Error") || !strings.Contains(err.Error(), fmt.Sprintf("tried %d times in ", tries)) {
						t.Errorf("%v", err)
					}
				})
			})
		}
	}
}

// A server that says nothing is noticed; that is no deadline of the caller's.
func TestASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := clientsOf(t, gcp.Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		err := getNetwork(t.Context(), c)
		if took := time.Since(start); took > 4*time.Minute || resources.ClassOf(err) != resources.ClassTransient || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within 30s") {
			t.Errorf("%s: %v", took, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := getNetwork(ctx, c); resources.ClassOf(err) != resources.ClassTimeout {
			t.Errorf("the caller's own deadline: %v", err)
		}
	})
}

// A server that falls silent in the middle of an answer is noticed too.
func TestASilentServerInTheMiddleOfAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		c := clientsOf(t, gcp.Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if tries++; tries > 1 {
				return reply(r, 200, `{"name":"n"}`), nil
			}
			pr, pw := io.Pipe()
			go func() {
				_, _ = pw.Write([]byte(`{"na`))
				<-r.Context().Done()
				_ = pw.CloseWithError(r.Context().Err())
			}()
			resp := reply(r, 200, "")
			resp.Body = pr
			return resp, nil
		})})
		if err := getNetwork(t.Context(), c); err != nil || tries != 2 {
			t.Errorf("%d tries: %v", tries, err)
		}
	})
}

// Calls that wait for another try hold no place: others go on.
func TestAPauseHoldsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clientsOf(t, gcp.Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/n") {
				resp := reply(r, 503, "")
				resp.Header.Set("Retry-After", "30")
				return resp, nil
			}
			return reply(r, 200, `{"name":"z"}`), nil
		})})
		ctx, cancel := context.WithCancel(t.Context())
		for range 100 {
			go func() { _ = getNetwork(ctx, c) }()
		}
		synctest.Wait()
		start := time.Now()
		if _, err := c.Zones.Get(ctx, &computepb.GetZoneRequest{Project: "p", Zone: "z"}); err != nil || time.Since(start) != 0 {
			t.Errorf("%s: %v", time.Since(start), err)
		}
		cancel()
	})
}

// The user's first signal ends a pause at once, and lets no try follow.
func TestASignalEndsTheTrying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		var tries atomic.Int32
		c := clientsOf(t, gcp.Options{Stop: func() <-chan struct{} { return stop }, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			tries.Add(1)
			return reply(r, 503, classic("503", "backendError", "Backend Error")), nil
		})})
		start := time.Now()
		time.AfterFunc(40*time.Second, func() { close(stop) })
		err := getNetwork(t.Context(), c)
		if time.Since(start) != 40*time.Second || resources.ClassOf(err) != resources.ClassInterrupted || !strings.Contains(err.Error(), "Backend Error") {
			t.Errorf("%s: %v", time.Since(start), err)
		}
		tries.Store(0)
		if err := getNetwork(t.Context(), c); tries.Load() != 1 || resources.ClassOf(err) != resources.ClassInterrupted {
			t.Errorf("%d tries after the signal: %v", tries.Load(), err)
		}
	})
}

// A call that ends because another was answered 404 was not answered 404.
func TestACancelledCallIsNotAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		absent := gcp.FromCode("projects/p/zones/z", "RESOURCE_NOT_FOUND", "The resource 'projects/p/zones/z' was not found")
		c := clientsOf(t, gcp.Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, context.Cause(r.Context()) // as net/http does
		})})
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(absent) })
		if err := getNetwork(ctx, c); errors.Is(err, resources.ErrNotFound) || resources.ClassOf(err) != resources.ClassInterrupted {
			t.Errorf("class %q: %v", resources.ClassOf(err), err)
		}
	})
}

// A bucket is absent if Cloud Storage says so, and not if a proxy has no such page.
func TestABucketBehindAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := "<html>" + strings.Repeat("x", 2<<20)
		c := clientsOf(t, gcp.Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return reply(r, 404, body), nil })})
		_, err := c.Storage.Bucket("b").Attrs(t.Context())
		if errors.Is(err, storage.ErrBucketNotExist) || resources.ClassOf(gcp.Wrap("", err)) != resources.ClassTransient || !strings.Contains(err.Error(), "not Google's") || len(gcp.Wrap("", err).Error()) > 4000 {
			t.Errorf("%.300v", err)
		}
		body = classic("404", "notFound", "The specified bucket does not exist.")
		if _, err := c.Storage.Bucket("b").Attrs(t.Context()); !errors.Is(err, storage.ErrBucketNotExist) || resources.ClassOf(gcp.Wrap("", err)) != resources.ClassNotFound {
			t.Errorf("%v", err)
		}
	})
}

// What the cloud's words name, and whether a change is worth doing again.
func TestPassing(t *testing.T) {
	for name, tc := range map[string]struct {
		code, message, subject, user string
		passing                      bool
	}{
		"the parent is not seen yet": {"RESOURCE_NOT_FOUND", "The resource 'projects/p/global/networks/demo-net' was not found", "projects/p/global/networks/demo-net", "", true},
		"it is absent itself":        {"RESOURCE_NOT_FOUND", "The resource 'projects/123/regions/r/subnetworks/s' was not found", "projects/123/regions/r/subnetworks/s", "", false},
		"in use":                     {"RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "The network resource 'projects/p/global/networks/n' is already being used by 'projects/p/global/firewalls/f'", "projects/p/global/networks/n", "projects/p/global/firewalls/f", false},
		"in use, by numbers":         {"RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "The health_check resource 'GLOBAL:global/PROJECT:1/HEALTH_CHECK:h' is already being used by 'GLOBAL:global/PROJECT:1/BACKEND_SERVICE:b'", "", "GLOBAL:global/PROJECT:1/BACKEND_SERVICE:b", false},
		"not ready":                  {"RESOURCE_NOT_READY", "The resource 'projects/p/global/networks/n' is not ready", "projects/p/global/networks/n", "", true},
		"a fault inside":             {"INTERNAL_ERROR", "Internal error", "", "", true},
		"a rate":                     {"RATE_LIMIT_EXCEEDED", "Rate Limit Exceeded", "", "", true},
		"a resource's rate":          {"RESOURCE_OPERATION_RATE_EXCEEDED", "m", "", "", true},
		"a quota":                    {"QUOTA_EXCEEDED", "Quota 'CPUS' exceeded.  Limit: 24.0 in region r.", "", "", false},
		"a policy":                   {"CONDITION_NOT_MET", "Constraint constraints/compute.requireShieldedVm violated for project projects/p.", "projects/p", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := gcp.FromCode("projects/p/regions/r/subnetworks/s", tc.code, tc.message)
			var e *gcp.Error
			if !errors.As(err, &e) || tc.subject != "projects/p" && e.Subject != tc.subject || e.User != tc.user || gcp.Passing(err) != tc.passing {
				t.Errorf("%+v, passing %t", e, gcp.Passing(err))
			}
		})
	}
}

// Credentials that cannot be used are said with their path and the cause, before anything is called.
func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	for name, tc := range map[string]struct{ content, says string }{
		"missing":      {"", "no such file"},
		"a directory":  {"/", "is a directory"},
		"broken JSON":  {`{"type": `, "JSON"},
		"no type":      {`{}`, "type"},
		"lacks fields": {`{"type":"authorized_user","client_id":"c","client_secret":"s"}`, "refresh_token"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".json")
			switch tc.content {
			case "":
			case "/":
				path = dir
			default:
				if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
			_, err := gcp.New(t.Context(), gcp.Options{})
			if resources.ClassOf(err) != resources.ClassUnauthenticated || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "gcloud auth") {
				t.Errorf("class %q: %v", resources.ClassOf(err), err)
			}
		})
	}
}
