package storage

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// upload takes an object in one of the three ways of the JSON API: media, multipart, resumable.
func (c *call) upload(bucket *world.Object) (*wire.Response, error) {
	q := c.r.Query
	if id := q.Get("upload_id"); id != "" {
		return c.chunk(bucket, id)
	}
	if c.r.Method != http.MethodPost || c.r.Header.Get("Content-Encoding") == "gzip" {
		return nil, wire.ErrNotEmulated // the second would be decompressed on the way in
	}
	var meta doc.Map
	data := c.r.Body
	switch q.Get("uploadType") {
	case "media":
		meta = doc.Map{"contentType": cmp.Or(c.r.Header.Get("Content-Type"), "application/octet-stream")}
	case "multipart":
		var err error
		if meta, data, err = c.parts(); err != nil {
			return nil, wire.APIError{Code: 400, Reason: "badContent", Message: "Malformed multipart body."}
		}
	case "resumable":
		return c.openSession(bucket)
	default:
		return nil, invalid("Invalid upload type.")
	}
	c.object = cmp.Or(q.Get("name"), doc.Str(meta, "name"))
	return c.uploaded(bucket, meta, data)
}

// uploaded stores what came in one piece.
func (c *call) uploaded(bucket *world.Object, meta doc.Map, data []byte) (*wire.Response, error) {
	if err := c.need("storage.objects.create", bucket); err != nil {
		return nil, err
	}
	if encoding := c.r.Query.Get("contentEncoding"); encoding != "" {
		meta["contentEncoding"] = encoding
	}
	o, err := c.store(bucket, meta, data, c.expected(meta))
	if err != nil {
		return nil, err
	}
	return c.reply(c.show(o, bucket))
}

// parts reads multipart/related: metadata, then data.
func (c *call) parts() (doc.Map, []byte, error) {
	r := multipart.NewReader(bytes.NewReader(c.r.Body), c.boundary())
	first, err := r.NextRawPart()
	if err != nil {
		return nil, nil, err
	}
	meta := doc.Map{}
	if err := json.NewDecoder(first).Decode(&meta); err != nil {
		return nil, nil, err
	}
	second, err := r.NextRawPart()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(second)
	if doc.Str(meta, "contentType") == "" {
		meta["contentType"] = cmp.Or(second.Header.Get("Content-Type"), "application/octet-stream")
	}
	return meta, data, err
}

// boundary reads the boundary of a multipart body, also in the single quotes that gcloud writes, which MIME takes for a part of it.
func (c *call) boundary() string {
	kind := c.r.Header.Get("Content-Type")
	_, text, _ := strings.Cut(kind, "boundary=")
	if _, params, err := mime.ParseMediaType(kind); err == nil {
		text = params["boundary"]
	}
	if bytes.Contains(c.r.Body, []byte("--"+text)) {
		return text
	}
	return strings.Trim(text, `'"`)
}

// Resumable uploads. A session is opened with the metadata and the conditions, takes chunks at the address that it was given, and
// ends with the last. Documented, where nothing else is said.

// quantum is what chunks must be multiples of; of one that is not, but for the last, the rest is not kept (reported).
const quantum = 256 << 10

func (c *call) openSession(bucket *world.Object) (*wire.Response, error) {
	meta, err := c.metadata(c.r.Body)
	if err != nil {
		return nil, err
	}
	c.object = cmp.Or(c.r.Query.Get("name"), doc.Str(meta, "name"))
	if err := checkObjectName(c.object); err != nil {
		return nil, err
	}
	if err := c.need("storage.objects.create", bucket); err != nil {
		return nil, err
	}
	if err := c.objectConditions("", c.live()); err != nil {
		return nil, err
	}
	if doc.Str(meta, "contentType") == "" {
		meta["contentType"] = cmp.Or(c.r.Header.Get("X-Upload-Content-Type"), "application/octet-stream")
	}
	if encoding := c.r.Query.Get("contentEncoding"); encoding != "" {
		meta["contentEncoding"] = encoding
	}
	id := fmt.Sprintf("%016x%016x", draws.Mix(uint64(c.tx.Count())), draws.Mix(uint64(c.tx.Count())))
	c.tx.Put(&world.Object{Name: "uploads/" + id, Note: map[string]any{
		"bucket": c.bucket, "object": c.object, "meta": meta, "data": "", "query": c.r.Query.Encode(), "length": c.r.Header.Get("X-Upload-Content-Length"),
	}})
	resp := empty(200)
	resp.Header.Set("Location", c.sessionAddress(id))
	resp.Header.Set("X-Guploader-Uploadid", id)
	return resp, nil
}

// sessionAddress is under the host that the client called, so that it comes back to this emulator.
func (c *call) sessionAddress(id string) string {
	base := "https://" + host
	if to := c.r.Header.Get("Host"); to != "" && !strings.HasSuffix(to, ".googleapis.com") {
		base = "http://" + to + "/" + host
	}
	address := base + "/upload/storage/v1/b/" + url.PathEscape(c.bucket) + "/o?uploadType=resumable&name=" + url.QueryEscape(c.object) + "&upload_id=" + id
	if payer := cmp.Or(c.r.Query.Get("userProject"), c.r.Header.Get("X-Goog-User-Project")); payer != "" {
		address += "&userProject=" + url.QueryEscape(payer)
	}
	return address
}

// chunk takes a part of a resumable upload, tells how much there is, or ends the upload.
func (c *call) chunk(bucket *world.Object, id string) (*wire.Response, error) {
	s, ok := c.tx.Get("uploads/" + id)
	if !ok || doc.Str(s.Note, "bucket") != c.bucket {
		return nil, wire.APIError{Code: 404, Reason: "notFound", Message: "Not Found"}
	}
	c.object = doc.Str(s.Note, "object")
	if doc.Bool(s.Note, "cancelled") { // measured: it answers so for ever
		return empty(499), nil
	}
	if g := doc.Str(s.Note, "done"); g != "" { // measured: it answers its object while that is there
		o := c.generationOf(c.object, g)
		if o == nil {
			return nil, wire.APIError{Code: 404, Reason: "notFound", Message: "Not Found"}
		}
		return c.reply(c.show(o, bucket))
	}
	if c.r.Method == http.MethodDelete {
		s.Note = map[string]any{"bucket": c.bucket, "object": c.object, "cancelled": true}
		c.tx.Put(s)
		return empty(499), nil
	}
	have, err := c.svc.blobs.read(s)
	if err != nil {
		return nil, err
	}
	part, err := contentRange(c.r.Header.Get("Content-Range"), len(c.r.Body))
	if err != nil {
		return nil, err
	}
	if part.from > len(have) { // reported, as plain text
		h := http.Header{}
		h.Set("Content-Type", "text/plain; charset=utf-8")
		decorate(h)
		return &wire.Response{Status: 503, Header: h, Body: fmt.Appendf(nil,
			"Invalid request.  According to the Content-Range header, the upload offset is %d byte(s), which exceeds already uploaded size of %d byte(s).", part.from, len(have))}, nil
	}
	if !part.query && len(c.r.Body) > len(have)-part.from { // what is there already is not taken again
		have = append(have[:len(have):len(have)], c.r.Body[len(have)-part.from:]...)
	}
	if part.total >= 0 && len(have) >= part.total {
		return c.finish(bucket, s, have, part.total)
	}
	return c.goOn(s, have, part)
}

// goOn keeps what came of an upload that is not at its end. That is answered by 308; a client that cannot have that asks for 200
// with an override header instead (gcp-facts, section 16).
func (c *call) goOn(s *world.Object, have []byte, part span) (*wire.Response, error) {
	if !part.query && len(c.r.Body) < quantum {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: fmt.Sprintf( // reported
			"Invalid request. The number of bytes uploaded is required to be equal or greater than %d, except for the final request "+
				"(it's recommended to be the exact multiple of %d). The received request contained %d bytes, which does not meet this requirement.", quantum, quantum, len(c.r.Body))}
	}
	have = have[:len(have)/quantum*quantum]
	if err := c.svc.blobs.write(s, have); err != nil {
		return nil, err
	}
	c.tx.Put(s)
	resp := empty(http.StatusPermanentRedirect)
	if len(have) > 0 {
		resp.Header.Set("Range", fmt.Sprintf("bytes=0-%d", len(have)-1))
	}
	if c.r.Header.Get("X-GUploader-No-308") == "yes" {
		resp.Status = 200
		resp.Header.Set("X-Http-Status-Code-Override", "308")
	}
	return resp, nil
}

// finish stores the object of an upload, under the conditions that it was opened with.
func (c *call) finish(bucket *world.Object, s *world.Object, data []byte, total int) (*wire.Response, error) {
	if length := doc.Str(s.Note, "length"); len(data) != total || length != "" && length != fmt.Sprint(total) {
		return nil, invalid("Invalid argument.")
	}
	opened, err := url.ParseQuery(doc.Str(s.Note, "query"))
	if err != nil {
		return nil, err
	}
	c.r.Query = opened
	meta := doc.Object(s.Note, "meta")
	o, err := c.store(bucket, meta, data, c.expected(meta))
	if err != nil {
		var refused wire.APIError
		if errors.As(err, &refused) && refused.Code != http.StatusTooManyRequests {
			c.tx.Delete(s.Name)
		}
		return nil, err
	}
	s.Note = map[string]any{"bucket": c.bucket, "object": c.object, "done": doc.Str(o.Doc, "generation")}
	c.tx.Put(s)
	return c.reply(c.show(o, bucket))
}

// span is what a chunk says of itself: where it begins, how long the whole is (-1 while that is not known), or that it only asks.
type span struct {
	from, total int
	query       bool
}

// contentRange reads "bytes a-b/total", "bytes a-b/*", "bytes */total" and "bytes */*". Without the header the rest is in the body.
func contentRange(s string, size int) (span, error) {
	if s == "" {
		return span{total: size}, nil
	}
	bad := invalid("Failed to parse Content-Range header.")
	text, ok := strings.CutPrefix(s, "bytes ")
	where, all, slash := strings.Cut(text, "/")
	if !ok || !slash {
		return span{}, bad
	}
	part := span{total: -1}
	if _, err := fmt.Sscanf(all, "%d", &part.total); err != nil && all != "*" {
		return span{}, bad
	}
	if where == "*" {
		part.query = true
		return part, nil
	}
	last := 0
	if _, err := fmt.Sscanf(where, "%d-%d", &part.from, &last); err != nil || part.from < 0 || last-part.from+1 != size {
		return span{}, bad
	}
	return part, nil
}
