package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// upload takes an object in one of the three ways of the JSON API: media, multipart, resumable.
func (c *call) upload(bucket *world.Object) (*wire.Response, error) {
	q := c.r.Query
	switch kind := q.Get("uploadType"); {
	case q.Get("upload_id") != "":
		return c.chunk(bucket, q.Get("upload_id"))
	case kind == "media":
		c.object = q.Get("name")
		return c.store(bucket, doc.Map{"contentType": orElse(c.r.Header.Get("Content-Type"), "application/octet-stream")}, c.r.Body)
	case kind == "multipart":
		meta, data, err := c.parts()
		if err != nil {
			return nil, wire.APIError{Code: 400, Reason: "badContent", Message: "Malformed multipart body: " + err.Error()}
		}
		c.object = orElse(q.Get("name"), doc.Str(meta, "name"))
		return c.store(bucket, meta, data)
	case kind == "resumable":
		return c.openSession()
	}
	return nil, wire.APIError{Code: 400, Reason: "invalid", Message: "Invalid upload type."}
}

// parts reads multipart/related: metadata, then data.
func (c *call) parts() (doc.Map, []byte, error) {
	_, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil {
		return nil, nil, err
	}
	r := multipart.NewReader(bytes.NewReader(c.r.Body), params["boundary"])
	first, err := r.NextPart()
	if err != nil {
		return nil, nil, err
	}
	meta := doc.Map{}
	if err := json.NewDecoder(first).Decode(&meta); err != nil {
		return nil, nil, err
	}
	second, err := r.NextPart()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(second)
	doc.Fill(meta, doc.Map{"contentType": orElse(second.Header.Get("Content-Type"), "application/octet-stream")})
	return meta, data, err
}

// openSession starts a resumable upload; its address is where the chunks go.
func (c *call) openSession() (*wire.Response, error) {
	meta := doc.Map{}
	if len(bytes.TrimSpace(c.r.Body)) > 0 && json.Unmarshal(c.r.Body, &meta) != nil {
		return nil, wire.APIError{Code: 400, Reason: "parseError", Message: "Parse Error"}
	}
	c.object = orElse(c.r.Query.Get("name"), doc.Str(meta, "name"))
	var live *world.Object
	if live = c.live(); c.object == "" {
		return nil, wire.APIError{Code: 400, Reason: "required", Message: "Required parameter: name"}
	}
	if err := c.preconditions(live); err != nil {
		return nil, err
	}
	doc.Fill(meta, doc.Map{"contentType": orElse(c.r.Header.Get("X-Upload-Content-Type"), "application/octet-stream")})
	id := fmt.Sprintf("%016x%016x", draws.Mix(uint64(c.tx.Count())), draws.Mix(uint64(c.tx.Count())))
	c.tx.Put(&world.Object{Name: "uploads/" + id, Note: map[string]any{
		"bucket": c.bucket, "object": c.object, "meta": meta, "data": "", "query": c.r.Query.Encode(),
	}})
	resp := &wire.Response{Status: 200, Header: replyStorage(nil).Header}
	resp.Header.Set("Location", c.sessionAddress(id))
	return resp, nil
}

// sessionAddress is under the host that the client called, so that it comes back to this emulator.
func (c *call) sessionAddress(id string) string {
	base := "https://" + host
	if host := c.r.Header.Get("Host"); host != "" && !strings.HasSuffix(host, ".googleapis.com") {
		base = "http://" + host + "/" + host
	}
	return base + "/upload/storage/v1/b/" + url.PathEscape(c.bucket) + "/o?uploadType=resumable&upload_id=" + id
}

// chunk takes a part of a resumable upload. An unfinished one answers 308; the Go client asks for 200 with an override header
// instead (gcp-facts, section 16).
func (c *call) chunk(bucket *world.Object, id string) (*wire.Response, error) {
	s, ok := c.tx.Get("uploads/" + id)
	if !ok {
		return nil, wire.APIError{Code: 404, Reason: "notFound", Message: "Not Found"}
	}
	if c.r.Method == "DELETE" {
		c.tx.Delete(s.Name)
		return &wire.Response{Status: 499, Header: replyStorage(nil).Header}, nil
	}
	have, err := c.svc.blobs.read(s)
	if err != nil {
		return nil, err
	}
	from, total, query := contentRange(c.r.Header.Get("Content-Range"))
	if !query {
		if from > len(have) {
			return nil, wire.APIError{Code: 503, Reason: "backendError", Message: "Invalid request. Upload is not at that offset."}
		}
		have = append(have[:from:from], c.r.Body...)
	}
	if total >= 0 && len(have) >= total {
		c.tx.Delete(s.Name)
		c.object = doc.Str(s.Note, "object")
		if opened, err := url.ParseQuery(doc.Str(s.Note, "query")); err == nil {
			c.r.Query = opened // the preconditions were given when the session was opened
		}
		return c.store(bucket, doc.Object(s.Note, "meta"), have)
	}
	if err := c.svc.blobs.write(s, have); err != nil {
		return nil, err
	}
	c.tx.Put(s)
	resp := &wire.Response{Status: http.StatusPermanentRedirect, Header: replyStorage(nil).Header}
	if len(have) > 0 {
		resp.Header.Set("Range", fmt.Sprintf("bytes=0-%d", len(have)-1))
	}
	if c.r.Header.Get("X-GUploader-No-308") == "yes" {
		resp.Status = 200
		resp.Header.Set("X-Http-Status-Code-Override", "308")
	}
	return resp, nil
}

// contentRange reads "bytes a-b/total", "bytes a-b/*" and "bytes */total"; total is -1 while it is not known. Without the
// header the whole object is in the body.
func contentRange(s string) (from, total int, query bool) {
	spec, ok := strings.CutPrefix(s, "bytes ")
	if !ok {
		return 0, 0, false
	}
	span, all, _ := strings.Cut(spec, "/")
	total = -1
	if n, err := strconv.Atoi(all); err == nil {
		total = n
	}
	if span == "*" {
		return 0, total, true
	}
	a, _, _ := strings.Cut(span, "-")
	n, err := strconv.Atoi(a)
	if err != nil {
		return 0, total, true
	}
	return n, total, false
}
