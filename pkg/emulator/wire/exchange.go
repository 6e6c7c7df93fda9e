package wire

import (
	"encoding/json"
	"net/http"
	"net/url"
)

// Request is one API call.
type Request struct {
	N       int64 // counted from 1 for each emulator
	Method  string
	Service string // "compute.googleapis.com"; "" when the path is no service's
	Path    string // below the service, escaped as it was sent: "/compute/v1/projects/p/global/networks"
	Query   url.Values
	Header  http.Header
	Body    []byte
	// Ignored are the names in the body that the service does not know and has ignored, as the real one does. The log of calls
	// shows them.
	Ignored []string
}

// Prefixed is the path as the call log and fault plans show it: "/compute.googleapis.com/compute/v1/…". A path that is no
// service's is alone.
func (r *Request) Prefixed() string {
	if r.Service == "" {
		return r.Path
	}
	return "/" + r.Service + r.Path
}

// Response is the answer to a call.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// Document says that the body is a resource or another message of the API, which system parameters shape, and not somebody's
	// data, which may be JSON too.
	Document bool
	Cut      bool // the connection breaks when half of the body is sent
}

// Reply renders a value as Google's front end does (recorded headers: compute-network-custom.log).
func Reply(status int, v any) *Response {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil { // nothing that a handler makes is without a JSON form
		return Classic(nil, APIError{Code: 500, Reason: "backendError", Message: err.Error()})
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=UTF-8")
	h.Set("Server", "ESF")
	h["Vary"] = []string{"Origin", "X-Origin", "Referer"}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("X-Xss-Protection", "0")
	return &Response{Status: status, Header: h, Body: append(body, '\n'), Document: true}
}
