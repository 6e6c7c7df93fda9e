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
	"net/url"
	"strconv"
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
		if err := f.batchPart(ctx, s, part, out); err != nil {
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

func (f *Front) batchPart(ctx context.Context, s cloud.Service, part *multipart.Part, out *multipart.Writer) error {
	r, why := partCall(s.Host, part)
	var resp *wire.Response
	if why == nil {
		var err error
		if resp, err = f.do(ctx, r); err != nil {
			return err
		}
	} else {
		resp = badBatch(s, &wire.Request{}, why.Error())
	}
	w, err := out.CreatePart(textproto.MIMEHeader{
		"Content-Type": {"application/http"}, "Content-ID": {strings.Replace(part.Header.Get("Content-ID"), "<", "<response-", 1)},
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s",
		resp.Status, http.StatusText(resp.Status), len(resp.Body), resp.Body)
	return err
}

// partCall reads the call in a part: a request line, of which the HTTP version may be missing, headers, a body. gcloud's parts name
// their whole address and a host.
func partCall(host string, part *multipart.Part) (*wire.Request, error) {
	in := textproto.NewReader(bufio.NewReader(part))
	line, err := in.ReadLine()
	for err == nil && line == "" {
		line, err = in.ReadLine()
	}
	words := strings.Fields(line)
	if len(words) < 2 {
		return nil, errors.New("a part has no request line")
	}
	address, err := url.ParseRequestURI(words[1])
	if err != nil {
		return nil, err
	}
	header, err := in.ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	body, err := io.ReadAll(in.R)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(header.Get("Content-Length")); err == nil && n >= 0 && n < len(body) {
		body = body[:n]
	}
	path := strings.TrimPrefix(address.EscapedPath(), "/"+host)
	return &wire.Request{Method: words[0], Service: host, Path: path, Query: address.Query(), Header: http.Header(header), Body: body}, nil
}
