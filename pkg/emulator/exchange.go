package emulator

import (
	"encoding/json"
	"net/http"
	"net/url"
)

// request is one API call, without the transport that it came by.
type request struct {
	method  string
	service string // "compute.googleapis.com"
	path    string // below the service, escaped as it was sent: "/compute/v1/projects/p/global/networks"
	query   url.Values
	header  http.Header
	body    []byte
}

// prefixed is the path as the call log and fault plans show it: "/compute.googleapis.com/compute/v1/…".
func (r *request) prefixed() string { return "/" + r.service + r.path }

// response is the answer to a call.
type response struct {
	status int
	header http.Header
	body   []byte
}

// reply renders a value as Google's front end does (recorded headers: compute-network-custom.log).
func reply(status int, v any) *response {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return failure{code: 500, reason: "backendError", message: err.Error()}.compute()
	}
	return &response{status: status, header: frontEnd("ESF"), body: append(body, '\n')}
}

func frontEnd(server string) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=UTF-8")
	h.Set("Server", server)
	h["Vary"] = []string{"Origin", "X-Origin", "Referer"}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("X-Xss-Protection", "0")
	return h
}
