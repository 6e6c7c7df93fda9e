package front

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// errDropped is what a broken connection looks like to a client.
var errDropped = io.ErrUnexpectedEOF

// Transport gives the front as a client's transport, by the host of each request. It opens no connection.
func (f *Front) Transport() http.RoundTripper { return transport{f} }

type transport struct{ front *Front }

// RoundTrip carries out a request in the calling goroutine.
func (t transport) RoundTrip(hr *http.Request) (*http.Response, error) {
	sent, err := readBody(hr)
	if err != nil {
		return nil, err
	}
	service := hr.URL.Hostname()
	if service == "www.googleapis.com" {
		service = t.front.shared(hr.URL.Path)
	}
	if !strings.HasSuffix(service, ".googleapis.com") {
		return nil, fmt.Errorf("%s %s: the emulator knows no host %q", hr.Method, hr.URL.Redacted(), hr.URL.Host)
	}
	r := &wire.Request{
		Method: hr.Method, Service: service, Path: hr.URL.EscapedPath(), Query: hr.URL.Query(), Header: hr.Header, Body: sent,
	}
	resp, err := t.front.do(hr.Context(), r)
	if err != nil {
		return nil, err
	}
	answer := body(resp)
	if hr.Method == http.MethodHead {
		answer = http.NoBody // as net/http does for the served emulator; the length is that of the body all the same
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", resp.Status, http.StatusText(resp.Status)), StatusCode: resp.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: resp.Header, Request: hr,
		Body: io.NopCloser(answer), ContentLength: int64(len(resp.Body)),
	}, nil
}

// body reads the body of an answer, to its end or to where the connection breaks.
func body(resp *wire.Response) io.Reader {
	if !resp.Cut {
		return bytes.NewReader(resp.Body)
	}
	return io.MultiReader(bytes.NewReader(resp.Body[:len(resp.Body)/2]), broken{})
}

// broken is a connection that breaks.
type broken struct{}

// Read fails.
func (broken) Read([]byte) (int, error) { return 0, errDropped }

// shared gives the service whose paths at www.googleapis.com begin like this one; "" when there is none.
func (f *Front) shared(path string) string {
	return f.owner(path, func(s cloud.Service) []string { return s.Roots })
}

// unprefixed gives the service whose paths are served at the root too; "" when there is none.
func (f *Front) unprefixed(path string) string {
	return f.owner(path, func(s cloud.Service) []string { return s.Unprefixed })
}

// rest gives the service of a path at the root that is nobody's by its beginning and has two parts or more; "" for none.
func (f *Front) rest(path string) string {
	first, second, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	i := slices.IndexFunc(f.cloud.Services(), func(s cloud.Service) bool { return s.Rest })
	if first == "" || second == "" || i < 0 {
		return ""
	}
	return f.cloud.Services()[i].Host
}

func (f *Front) owner(path string, roots func(cloud.Service) []string) string {
	for _, s := range f.cloud.Services() {
		for _, root := range roots(s) {
			if strings.HasPrefix(path, root) {
				return s.Host
			}
		}
	}
	return ""
}

// ServeHTTP serves every API under its host's name as the first part of the path, storage also at the root, and the
// emulator's own pages under /_emulator/.
func (f *Front) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	body, err := readBody(hr)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path := hr.URL.EscapedPath()
	if strings.HasPrefix(path, "/_emulator/") {
		f.serveControl(w, hr.Method, path, body)
		return
	}
	service, rest, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case ok && strings.HasSuffix(service, ".googleapis.com"):
		path = "/" + rest
	case f.unprefixed(path) != "":
		service = f.unprefixed(path)
	case f.rest(path) != "":
		service = f.rest(path)
	default:
		service = "" // nobody's: the answer says what paths begin with
	}
	header := hr.Header.Clone()
	header.Set("Host", hr.Host)
	r := &wire.Request{Method: hr.Method, Service: service, Path: path, Query: hr.URL.Query(), Header: header, Body: body}
	resp, err := f.do(hr.Context(), r)
	if err != nil {
		panic(http.ErrAbortHandler) // the documented way to break a connection
	}
	resp = compressed(hr, resp)
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	if resp.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(resp.Body)))
		resp.Body = resp.Body[:len(resp.Body)/2]
	}
	w.WriteHeader(resp.Status)
	_, _ = w.Write(resp.Body) // a client that has gone away is its own affair
	if resp.Cut {
		_ = http.NewResponseController(w).Flush() // what was written shall be seen
		panic(http.ErrAbortHandler)
	}
}
