package front

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// maxBody bounds a request: more than any object that is staged in one piece.
const maxBody = 256 << 20

// errTooLong is a body that is longer than that.
var errTooLong = errors.New("the emulator takes bodies of at most 256 MiB")

// readBody reads a request's body to its end, as it was sent.
func readBody(hr *http.Request) ([]byte, error) {
	if hr.Body == nil {
		return nil, nil
	}
	body, err := readAll(hr.Body)
	return body, errors.Join(err, hr.Body.Close())
}

// inflate gives a call the body that was compressed on its way. Where objects are written by their own paths (Cloud Storage's XML
// API) the encoding is the object's, and stays: those paths begin like none that the service names.
func (f *Front) inflate(r *wire.Request) error {
	if !strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		return nil
	}
	for _, s := range f.cloud.Services() {
		begins := func(root string) bool { return strings.HasPrefix(r.Path, root) }
		if s.Host == r.Service && len(s.Roots) > 0 && !slices.ContainsFunc(s.Roots, begins) {
			return nil
		}
	}
	z, err := gzip.NewReader(bytes.NewReader(r.Body))
	if err != nil {
		return err
	}
	r.Body, err = readAll(z)
	return err
}

func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(body) > maxBody {
		return nil, errTooLong
	}
	return body, err
}

// override gives a call the method that it names in a header, as clients behind old proxies do. A GET whose URL would be too long
// comes as a POST, with its query as a form in the body (the Python clients, from 2048 characters on).
func override(r *wire.Request) {
	method := strings.ToUpper(r.Header.Get("X-HTTP-Method-Override"))
	if method == "" || r.Method != http.MethodPost {
		return
	}
	r.Method = method
	if method == http.MethodGet && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(r.Body)); err == nil {
			for name, values := range form {
				r.Query[name] = append(r.Query[name], values...)
			}
			r.Body = nil
		}
	}
}

// parameter reads a system parameter, which may have a dollar in front (cloud.google.com/apis/docs/system-parameters).
func parameter(r *wire.Request, name string) string {
	if v := r.Query.Get(name); v != "" {
		return v
	}
	return r.Query.Get("$" + name)
}

// checkMask refuses a field mask that is none, before anything is done. The words are those of Google's older front end, from
// memory.
func checkMask(r *wire.Request) (refused wire.APIError, bad bool) {
	mask := parameter(r, "fields")
	if mask == "" {
		return refused, false
	}
	_, err := doc.Select(doc.Map{}, mask)
	return wire.APIError{Code: http.StatusBadRequest, Reason: "invalidParameter", Message: "Invalid field selection " + mask}, err != nil
}

// dress gives an answer the form that the call's system parameters ask for: fields, prettyPrint. Refusals are not cut.
func dress(r *wire.Request, resp *wire.Response) *wire.Response {
	mask, compact := parameter(r, "fields"), strings.EqualFold(parameter(r, "prettyPrint"), "false")
	if !resp.Document || !compact && (mask == "" || resp.Status >= 300) {
		return resp
	}
	out := *resp
	if mask != "" && resp.Status < 300 {
		var d doc.Map
		if json.Unmarshal(resp.Body, &d) != nil {
			return resp
		}
		cut, err := doc.Select(d, mask)
		if err != nil {
			return resp
		}
		out.Body = wire.Reply(resp.Status, cut).Body
	}
	if compact {
		var short bytes.Buffer
		if json.Compact(&short, out.Body) == nil {
			out.Body = append(short.Bytes(), '\n')
		}
	}
	return &out
}

// compressed is an answer as a client gets it that has asked for gzip. Google's front ends want to read the word in the user agent
// too (performance pages of the APIs). Contents of objects are sent as they are.
func compressed(hr *http.Request, resp *wire.Response) *wire.Response {
	if !strings.Contains(hr.Header.Get("Accept-Encoding"), "gzip") || !strings.Contains(hr.UserAgent(), "gzip") ||
		!resp.Document || len(resp.Body) == 0 || hr.Method == http.MethodHead {
		return resp
	}
	var short bytes.Buffer
	z := gzip.NewWriter(&short)
	if _, err := z.Write(resp.Body); err != nil || z.Close() != nil {
		return resp
	}
	out := *resp
	out.Header = resp.Header.Clone()
	out.Header.Set("Content-Encoding", "gzip")
	out.Header.Del("Content-Length")
	out.Body = short.Bytes()
	return &out
}
