package front

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// batch carries out several calls of one multipart request, as gcloud sends them.
func (f *Front) batch(ctx context.Context, s cloud.Service, r *wire.Request) (*wire.Response, error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return badBatch(s, r, "missing boundary"), nil //nolint:nilerr // the caller's mistake is an answer
	}
	in := multipart.NewReader(bytes.NewReader(r.Body), params["boundary"])
	var body bytes.Buffer
	out := multipart.NewWriter(&body)
	for {
		part, err := in.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return badBatch(s, r, err.Error()), nil
		}
		if err := f.batchPart(ctx, s.Host, part, out); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	h := http.Header{}
	h.Set("Content-Type", "multipart/mixed; boundary="+out.Boundary())
	return &wire.Response{Status: 200, Header: h, Body: body.Bytes()}, nil
}

func badBatch(s cloud.Service, r *wire.Request, why string) *wire.Response {
	return s.Refuse(r, wire.APIError{Code: 400, Reason: "badContent", Message: "Failed to parse batch request, error: " + why})
}

// batching gives the service of a call that carries several.
func (f *Front) batching(r *wire.Request) (cloud.Service, bool) {
	for _, s := range f.cloud.Services() {
		if s.Batch != "" && s.Host == r.Service && s.Batch == r.Path {
			return s, true
		}
	}
	return cloud.Service{}, false
}

func (f *Front) batchPart(ctx context.Context, host string, part *multipart.Part, out *multipart.Writer) error {
	raw, err := io.ReadAll(part)
	if err != nil {
		return err
	}
	line, rest, _ := bytes.Cut(bytes.TrimLeft(raw, "\r\n"), []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) < 2 {
		return fmt.Errorf("batch part %q has no request line", part.Header.Get("Content-ID"))
	}
	// a part may leave out the HTTP version and the host, which net/http wants
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s", words[0], words[1], host, rest)
	hr, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return err
	}
	inner, err := readBody(hr)
	if err != nil {
		return err
	}
	path := strings.TrimPrefix(hr.URL.EscapedPath(), "/"+host)
	resp, err := f.do(ctx, &wire.Request{Method: hr.Method, Service: host, Path: path, Query: hr.URL.Query(), Header: hr.Header, Body: inner})
	if err != nil {
		return err
	}
	id := part.Header.Get("Content-ID")
	w, err := out.CreatePart(textproto.MIMEHeader{
		"Content-Type": {"application/http"}, "Content-ID": {strings.Replace(id, "<", "<response-", 1)},
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s",
		resp.Status, http.StatusText(resp.Status), len(resp.Body), resp.Body)
	return err
}
