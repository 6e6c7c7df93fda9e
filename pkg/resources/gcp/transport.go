package gcp

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// scope is the one OAuth scope that all calls need.
const scope = "https://www.googleapis.com/auth/cloud-platform"

// mostCalls bounds the calls under way at once, far below the quotas of Compute Engine.
const mostCalls = 32

// signIn is what mends missing or expired credentials.
const signIn = "sign in with: gcloud auth application-default login"

// newTransport stacks what every call passes: the retry, a bound on the number of calls under way (a pause holds no place), the
// limit of an attempt, the log, the endpoint, the credentials.
func newTransport(ctx context.Context, opt Options) (http.RoundTripper, error) {
	rt := opt.Transport
	loopback := false
	var base *url.URL
	if opt.Endpoint != "" {
		var err error
		if base, err = url.Parse(opt.Endpoint); err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
			return nil, resources.Problems{{Path: "--endpoint", Value: opt.Endpoint, Message: "is not a URL", Hint: "give one like http://127.0.0.1:8080"}}
		}
		ip := net.ParseIP(base.Hostname())
		loopback = base.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	retry := newRetrying(nil, opt)
	if rt == nil {
		rt = network()
		if !loopback {
			var err error
			if rt, err = newSigned(ctx, rt, retry.scaled); err != nil {
				return nil, err
			}
		}
	}
	if base != nil {
		rt = rewrite{base: base, next: rt}
	}
	if opt.Log != nil {
		rt = logged{log: opt.Log, next: rt}
	}
	retry.next = bounded{slots: make(chan struct{}, mostCalls), next: attempting{next: rt, scaled: retry.scaled}}
	return retry, nil
}

// rewrite sends https://SERVICE.googleapis.com/path to base/SERVICE.googleapis.com/path.
type rewrite struct {
	base *url.URL
	next http.RoundTripper
}

// RoundTrip leaves alone what goes to the endpoint already, as the chunks of an upload do.
func (t rewrite) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == t.base.Host {
		return t.next.RoundTrip(r)
	}
	host := r.URL.Host
	if host == "www.googleapis.com" {
		host = "storage.googleapis.com"
	}
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host = t.base.Scheme, t.base.Host
	prefix := strings.TrimSuffix(t.base.Path, "/") + "/" + host
	if out.URL.RawPath != "" {
		out.URL.RawPath = prefix + out.URL.RawPath
	}
	out.URL.Path = prefix + out.URL.Path
	out.Host = t.base.Host
	return t.next.RoundTrip(out)
}

// logged writes a line a call.
type logged struct {
	log  *slog.Logger
	next http.RoundTripper
}

func (t logged) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := t.next.RoundTrip(r)
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("url", fmt.Sprintf("https://%s%s", r.URL.Host, r.URL.EscapedPath())),
		slog.Duration("took", time.Since(start).Round(time.Millisecond)),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	} else {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
	}
	t.log.LogAttrs(r.Context(), slog.LevelDebug, "api call", attrs...)
	return resp, err
}

// bounded lets only so many calls be under way.
type bounded struct {
	slots chan struct{}
	next  http.RoundTripper
}

func (t bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/wait") {
		return t.next.RoundTrip(r) // holds a connection for minutes and costs nothing
	}
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
		return t.next.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
