package emulator

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
)

// batch carries out several calls of one multipart request, as gcloud sends them to /batch/compute/v1.
func (em *Emulator) batch(ctx context.Context, r *request) (*response, error) {
	_, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return badBatch("missing boundary"), nil //nolint:nilerr // the caller's mistake is an answer
	}
	in := multipart.NewReader(bytes.NewReader(r.body), params["boundary"])
	var body bytes.Buffer
	out := multipart.NewWriter(&body)
	for {
		part, err := in.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return badBatch(err.Error()), nil
		}
		if err := em.batchPart(ctx, part, out); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	h := http.Header{}
	h.Set("Content-Type", "multipart/mixed; boundary="+out.Boundary())
	return &response{status: 200, header: h, body: body.Bytes()}, nil
}

func badBatch(why string) *response {
	return failure{code: 400, reason: "badContent", message: "Failed to parse batch request, error: " + why}.compute()
}

func (em *Emulator) batchPart(ctx context.Context, part *multipart.Part, out *multipart.Writer) error {
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
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s", words[0], words[1], computeHost, rest)
	hr, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return err
	}
	inner, err := readBody(hr)
	if err != nil {
		return err
	}
	path := strings.TrimPrefix(hr.URL.EscapedPath(), "/"+computeHost)
	resp, err := em.do(ctx, &request{method: hr.Method, service: computeHost, path: path, query: hr.URL.Query(), header: hr.Header, body: inner})
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
		resp.status, http.StatusText(resp.status), len(resp.body), resp.body)
	return err
}
