package emulator

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

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// upload takes an object in one of the three ways of the JSON API: media, multipart, resumable.
func (c *storageCall) upload(bucket *world.Object) (*response, error) {
	q := c.r.query
	switch kind := q.Get("uploadType"); {
	case q.Get("upload_id") != "":
		return c.chunk(bucket, q.Get("upload_id"))
	case kind == "media":
		c.object = q.Get("name")
		return c.store(bucket, document{"contentType": orElse(c.r.header.Get("Content-Type"), "application/octet-stream")}, c.r.body)
	case kind == "multipart":
		meta, data, err := c.parts()
		if err != nil {
			return nil, failure{code: 400, reason: "badContent", message: "Malformed multipart body: " + err.Error()}
		}
		c.object = orElse(q.Get("name"), str(meta, "name"))
		return c.store(bucket, meta, data)
	case kind == "resumable":
		return c.openSession()
	}
	return nil, failure{code: 400, reason: "invalid", message: "Invalid upload type."}
}

// parts reads multipart/related: metadata, then data.
func (c *storageCall) parts() (document, []byte, error) {
	_, params, err := mime.ParseMediaType(c.r.header.Get("Content-Type"))
	if err != nil {
		return nil, nil, err
	}
	r := multipart.NewReader(bytes.NewReader(c.r.body), params["boundary"])
	first, err := r.NextPart()
	if err != nil {
		return nil, nil, err
	}
	meta := document{}
	if err := json.NewDecoder(first).Decode(&meta); err != nil {
		return nil, nil, err
	}
	second, err := r.NextPart()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(second)
	fill(meta, document{"contentType": orElse(second.Header.Get("Content-Type"), "application/octet-stream")})
	return meta, data, err
}

// openSession starts a resumable upload; its address is where the chunks go.
func (c *storageCall) openSession() (*response, error) {
	meta := document{}
	if len(bytes.TrimSpace(c.r.body)) > 0 && json.Unmarshal(c.r.body, &meta) != nil {
		return nil, failure{code: 400, reason: "parseError", message: "Parse Error"}
	}
	c.object = orElse(c.r.query.Get("name"), str(meta, "name"))
	var live *world.Object
	if live = c.live(); c.object == "" {
		return nil, failure{code: 400, reason: "required", message: "Required parameter: name"}
	}
	if err := c.preconditions(live); err != nil {
		return nil, err
	}
	fill(meta, document{"contentType": orElse(c.r.header.Get("X-Upload-Content-Type"), "application/octet-stream")})
	id := fmt.Sprintf("%016x%016x", splitmix(uint64(c.tx.Count())), splitmix(uint64(c.tx.Count())))
	c.tx.Put(&world.Object{Name: "uploads/" + id, Note: map[string]any{
		"bucket": c.bucket, "object": c.object, "meta": meta, "data": "", "query": c.r.query.Encode(),
	}})
	resp := &response{status: 200, header: replyStorage(nil).header}
	resp.header.Set("Location", c.sessionAddress(id))
	return resp, nil
}

// sessionAddress is under the host that the client called, so that it comes back to this emulator.
func (c *storageCall) sessionAddress(id string) string {
	base := "https://" + storageHost
	if host := c.r.header.Get("Host"); host != "" && !strings.HasSuffix(host, ".googleapis.com") {
		base = "http://" + host + "/" + storageHost
	}
	return base + "/upload/storage/v1/b/" + url.PathEscape(c.bucket) + "/o?uploadType=resumable&upload_id=" + id
}

// chunk takes a part of a resumable upload. An unfinished one answers 308; the Go client asks for 200 with an override header
// instead (gcp-facts, section 16).
func (c *storageCall) chunk(bucket *world.Object, id string) (*response, error) {
	s, ok := c.tx.Get("uploads/" + id)
	if !ok {
		return nil, failure{code: 404, reason: "notFound", message: "Not Found"}
	}
	if c.r.method == "DELETE" {
		c.tx.Delete(s.Name)
		return &response{status: 499, header: replyStorage(nil).header}, nil
	}
	have, err := c.em.blobs.read(s)
	if err != nil {
		return nil, err
	}
	from, total, query := contentRange(c.r.header.Get("Content-Range"))
	if !query {
		if from > len(have) {
			return nil, failure{code: 503, reason: "backendError", message: "Invalid request. Upload is not at that offset."}
		}
		have = append(have[:from:from], c.r.body...)
	}
	if total >= 0 && len(have) >= total {
		c.tx.Delete(s.Name)
		c.object = str(s.Note, "object")
		if opened, err := url.ParseQuery(str(s.Note, "query")); err == nil {
			c.r.query = opened // the preconditions were given when the session was opened
		}
		return c.store(bucket, object(s.Note, "meta"), have)
	}
	if err := c.em.blobs.write(s, have); err != nil {
		return nil, err
	}
	c.tx.Put(s)
	resp := &response{status: http.StatusPermanentRedirect, header: replyStorage(nil).header}
	if len(have) > 0 {
		resp.header.Set("Range", fmt.Sprintf("bytes=0-%d", len(have)-1))
	}
	if c.r.header.Get("X-GUploader-No-308") == "yes" {
		resp.status = 200
		resp.header.Set("X-Http-Status-Code-Override", "308")
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
