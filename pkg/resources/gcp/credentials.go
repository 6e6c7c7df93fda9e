package gcp

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"golang.org/x/sync/singleflight"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

const keyFile = "GOOGLE_APPLICATION_CREDENTIALS"

// signed puts a token on every call. Tokens are fetched once for all calls that wait for one; a fetch that fails is a failed
// attempt of the call, so that the one retry covers it.
type signed struct {
	source  oauth2.TokenSource
	link    *tokenLink
	flight  *singleflight.Group
	project string // that quotas are counted in; may be empty
	next    http.RoundTripper
}

// newSigned finds the user's credentials as Google's libraries do. It calls nothing.
func newSigned(ctx context.Context, next http.RoundTripper, scaled func(time.Duration) time.Duration) (http.RoundTripper, error) {
	path := os.Getenv(keyFile)
	link := &tokenLink{next: attempting{next: next, scaled: scaled}}
	found, err := google.FindDefaultCredentialsWithParams(
		context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, &http.Client{Transport: link}), google.CredentialsParams{Scopes: []string{scope}})
	switch {
	case err != nil && path != "":
		return nil, &Error{Err: err, class: resources.ClassUnauthenticated, Message: "the credentials in " + keyFile + "=" + clean(path, longest) + " cannot be used: " + clean(err.Error(), longest),
			Hint: "correct the path, or unset " + keyFile + " and " + signIn}
	case err != nil:
		return nil, &Error{Err: err, class: resources.ClassUnauthenticated, Message: "no usable Google Cloud credentials: " + clean(err.Error(), longest), Hint: signIn}
	}
	if err := complete(found.JSON); err != nil {
		where := "the default credentials"
		if path != "" {
			where = "the credentials in " + keyFile + "=" + clean(path, longest)
		}
		return nil, &Error{Err: err, class: resources.ClassUnauthenticated, Message: where + " cannot be used: " + err.Error(), Hint: signIn}
	}
	return signed{source: found.TokenSource, link: link, flight: &singleflight.Group{}, project: quotaProject(found.JSON), next: next}, nil
}

// RoundTrip signs a call. The fetch of a token ends by the limit of its attempt, also when no call waits for it any more.
func (t signed) RoundTrip(r *http.Request) (*http.Response, error) {
	var token *oauth2.Token
	select {
	case got := <-t.flight.DoChan("", t.fetch):
		if got.Err != nil {
			return nil, got.Err
		}
		token, _ = got.Val.(*oauth2.Token)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	out := r.Clone(r.Context())
	token.SetAuthHeader(out)
	if t.project != "" {
		out.Header.Set("X-Goog-User-Project", t.project)
	}
	return t.next.RoundTrip(out)
}

func (t signed) fetch() (any, error) {
	t.link.reset()
	token, err := t.source.Token()
	if err != nil {
		return nil, newTokenError(err, t.link.failed())
	}
	return token, nil
}

// tokenLink carries the fetches of tokens and keeps what went wrong: the library turns it into words.
type tokenLink struct {
	next http.RoundTripper
	mu   sync.Mutex
	last error
}

func (t *tokenLink) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = err
	return resp, err
}

func (t *tokenLink) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = nil
}

func (t *tokenLink) failed() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// tokenError is a token that could not be had.
type tokenError struct {
	err   error
	class resources.Class
	hint  string
}

// newTokenError tells a token endpoint that is down from credentials that are no good any more (RFC 6749, 5.2: 400 and 401).
func newTokenError(err, link error) error {
	var said *oauth2.RetrieveError
	e := &tokenError{err: err, class: resources.ClassUnauthenticated, hint: signIn}
	switch {
	case link != nil:
		e.class, e.hint = classifyLink(link)
	case errors.As(err, &said) && said.Response != nil && passingStatus(said.Response.StatusCode):
		e.class, e.hint = resources.ClassTransient, ""
	}
	return e
}

func (e *tokenError) Error() string {
	return "no access token could be had: " + clean(e.err.Error(), longest)
}
func (e *tokenError) Unwrap() error          { return e.err }
func (e *tokenError) Class() resources.Class { return e.class }
