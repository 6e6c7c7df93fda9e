package gcp

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

type tokens func() (*oauth2.Token, error)

func (f tokens) Token() (*oauth2.Token, error) { return f() }

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A token endpoint that is down is a passing fault of the call; credentials that are no good are final, with the command.
func TestTokens(t *testing.T) {
	for name, tc := range map[string]struct {
		fails error // of the first two fetches
		class resources.Class
		hint  string
	}{
		"a grant that has expired":     {&oauth2.RetrieveError{Response: &http.Response{StatusCode: 400, Status: "400 Bad Request"}, ErrorCode: "invalid_grant", ErrorDescription: "reauth related error (invalid_rapt)"}, resources.ClassUnauthenticated, "gcloud auth application-default login"},
		"an endpoint that answers 503": {&oauth2.RetrieveError{Response: &http.Response{StatusCode: 503, Status: "503"}}, resources.ClassNone, ""},
		"an endpoint that is cut off":  {io.ErrUnexpectedEOF, resources.ClassNone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fetches, calls := 0, 0
				cloud := trip(func(r *http.Request) (*http.Response, error) {
					calls++
					if r.Header.Get("Authorization") != "Bearer t" || r.Header.Get("X-Goog-User-Project") != "q" {
						t.Errorf("headers %v", r.Header)
					}
					return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
				})
				link := &tokenLink{}
				source := tokens(func() (*oauth2.Token, error) {
					if fetches++; fetches <= 2 {
						var said *oauth2.RetrieveError
						if !errors.As(tc.fails, &said) {
							link.last = tc.fails
						}
						return nil, tc.fails
					}
					return &oauth2.Token{AccessToken: "t"}, nil
				})
				rt := newRetrying(nil, Options{})
				rt.next = attempting{scaled: rt.scaled, next: signed{source: source, link: link, flight: &singleflight.Group{}, project: "q", next: cloud}}
				// a write that must not arrive twice: without a token it did not arrive
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://x.googleapis.com/y", strings.NewReader("{}"))
				resp, err := rt.RoundTrip(r)
				if err == nil {
					_ = resp.Body.Close()
				}
				err = Wrap("", err)
				if resources.ClassOf(err) != tc.class || tc.class == "" && (fetches != 3 || calls != 1) || tc.class != "" && (fetches != 1 || calls != 0 || !strings.Contains(err.Error(), tc.hint) || !strings.Contains(err.Error(), "invalid_rapt")) {
					t.Errorf("%d fetches, %d calls: %v", fetches, calls, err)
				}
			})
		})
	}
}

// A call that ends does not wait for the fetch of a token.
func TestACallDoesNotWaitForAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		source := tokens(func() (*oauth2.Token, error) { <-release; return nil, io.EOF })
		rt := newRetrying(nil, Options{})
		rt.next = attempting{scaled: rt.scaled, next: signed{source: source, link: &tokenLink{}, flight: &singleflight.Group{}}}
		start := time.Now()
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://x.googleapis.com/y", nil)
		_, err := rt.RoundTrip(r)
		if resources.ClassOf(Wrap("", err)) != resources.ClassTransient || time.Since(start) > 4*time.Minute {
			t.Errorf("%s: %v", time.Since(start), err)
		}
		close(release)
	})
}

func TestRetryAfterIsHeededAndBounded(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "3600": longestAsked, "-1": 0, "soon": 0} {
		if got := retryAfter(&http.Response{Header: http.Header{"Retry-After": {text}}}); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
