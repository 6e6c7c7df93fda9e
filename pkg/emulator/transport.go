package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// errDropped is what a broken connection looks like to a client.
var errDropped = io.ErrUnexpectedEOF

// Transport gives the emulator as a client's transport, by the host of each request. It opens no connection.
func (em *Emulator) Transport() http.RoundTripper { return transport{em} }

type transport struct{ em *Emulator }

// RoundTrip carries out a request in the calling goroutine.
func (t transport) RoundTrip(hr *http.Request) (*http.Response, error) {
	body, err := readBody(hr)
	if err != nil {
		return nil, err
	}
	service := hr.URL.Hostname()
	if service == "www.googleapis.com" {
		service = serviceOfPath(hr.URL.Path)
	}
	if !strings.HasSuffix(service, ".googleapis.com") {
		return nil, fmt.Errorf("%s %s: the emulator knows no host %q", hr.Method, hr.URL.Redacted(), hr.URL.Host)
	}
	r := &request{
		method: hr.Method, service: service, path: hr.URL.EscapedPath(), query: hr.URL.Query(), header: hr.Header, body: body,
	}
	resp, err := t.em.do(hr.Context(), r)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", resp.status, http.StatusText(resp.status)), StatusCode: resp.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: resp.header, Request: hr,
		Body: io.NopCloser(bytes.NewReader(resp.body)), ContentLength: int64(len(resp.body)),
	}, nil
}

// serviceOfPath tells the service of a call to the shared host www.googleapis.com.
func serviceOfPath(path string) string {
	for _, prefix := range []string{"/storage/", "/upload/storage/", "/download/storage/"} {
		if strings.HasPrefix(path, prefix) {
			return "storage.googleapis.com"
		}
	}
	return "compute.googleapis.com"
}

// maxBody bounds a request: more than any object that is staged in one piece.
const maxBody = 256 << 20

func readBody(hr *http.Request) ([]byte, error) {
	if hr.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(hr.Body, maxBody))
	return body, errors.Join(err, hr.Body.Close())
}

// ServeHTTP serves every API under its host's name as the first part of the path, storage also at the root, and the
// emulator's own pages under /_emulator/.
func (em *Emulator) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	body, err := readBody(hr)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path := hr.URL.EscapedPath()
	if strings.HasPrefix(path, "/_emulator/") {
		em.serveControl(w, hr.Method, path, body)
		return
	}
	service, rest, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case ok && strings.HasSuffix(service, ".googleapis.com"):
		path = "/" + rest
	case serviceOfPath(path) == "storage.googleapis.com":
		service = "storage.googleapis.com"
	case strings.HasPrefix(path, "/batch/storage/"):
		service = "storage.googleapis.com"
	default:
		http.Error(w, fmt.Sprintf("the emulator does not know %s %s: paths begin with a service, as in /compute.googleapis.com/compute/v1/…",
			hr.Method, path), http.StatusNotImplemented)
		return
	}
	header := hr.Header.Clone()
	header.Set("Host", hr.Host)
	r := &request{method: hr.Method, service: service, path: path, query: hr.URL.Query(), header: header, body: body}
	resp, err := em.do(hr.Context(), r)
	if err != nil {
		panic(http.ErrAbortHandler) // the documented way to break a connection
	}
	for k, v := range resp.header {
		w.Header()[k] = v
	}
	w.WriteHeader(resp.status)
	_, _ = w.Write(resp.body) // a client that has gone away is its own affair
}
