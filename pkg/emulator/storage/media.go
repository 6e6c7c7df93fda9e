package storage

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// media answers an object's content, whole or a range of it. The headers are those of the pages "HTTP headers and query string
// parameters for XML" and "Reference headers"; the JSON API sends the same.
func (c *call) media(o *world.Object) (*wire.Response, error) {
	data, err := c.svc.blobs.read(o)
	if err != nil {
		return nil, err
	}
	h := c.mediaHeader(o, len(data))
	status := 200
	if doc.Str(o.Doc, "contentEncoding") == "gzip" {
		if plain := c.gunzipped(o, data); plain != nil { // a range is not heeded then (page "Transcoding of gzip-compressed files")
			h.Set("Content-Length", fmt.Sprint(len(plain)))
			return &wire.Response{Status: status, Header: h, Body: plain}, nil
		}
		h.Set("Content-Encoding", "gzip")
	}
	if spec := c.r.Header.Get("Range"); spec != "" {
		from, to, ok := byteRange(spec, len(data))
		switch {
		case ok && from >= to:
			return nil, wire.APIError{Code: http.StatusRequestedRangeNotSatisfiable, Reason: "requestedRangeNotSatisfiable", Message: "Request range not satisfiable"}
		case ok:
			h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(data)))
			data, status = data[from:to], http.StatusPartialContent
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(data)))
	return &wire.Response{Status: status, Header: h, Body: data}, nil
}

func (c *call) mediaHeader(o *world.Object, stored int) http.Header {
	h := http.Header{}
	decorate(h)
	h.Set("Content-Type", cmp.Or(doc.Str(o.Doc, "contentType"), "application/octet-stream"))
	for field, name := range map[string]string{
		"generation": "X-Goog-Generation", "metageneration": "X-Goog-Metageneration", "storageClass": "X-Goog-Storage-Class", "cacheControl": "Cache-Control",
		"contentDisposition": "Content-Disposition", "contentLanguage": "Content-Language", "etag": "Etag",
	} {
		if v := doc.Str(o.Doc, field); v != "" {
			h.Set(name, v)
		}
	}
	if n := doc.Num(o.Doc, "componentCount"); n > 0 {
		h.Set("X-Goog-Component-Count", fmt.Sprint(n))
	}
	h.Add("X-Goog-Hash", "crc32c="+doc.Str(o.Doc, "crc32c"))
	if hash := doc.Str(o.Doc, "md5Hash"); hash != "" {
		h.Add("X-Goog-Hash", "md5="+hash)
	}
	h.Set("X-Goog-Stored-Content-Encoding", cmp.Or(doc.Str(o.Doc, "contentEncoding"), "identity"))
	h.Set("X-Goog-Stored-Content-Length", fmt.Sprint(stored))
	h.Set("X-Guploader-Uploadid", uploader(c.r.N))
	h.Set("Accept-Ranges", "bytes")
	if updated, err := time.Parse(zulu, doc.Str(o.Doc, "updated")); err == nil {
		h.Set("Last-Modified", updated.Format(http.TimeFormat))
	}
	for key, v := range doc.Object(o.Doc, "metadata") {
		if text, ok := v.(string); ok {
			h.Set("X-Goog-Meta-"+key, text)
		}
	}
	return h
}

// gunzipped is the content decompressed, for a caller who does not take gzip; nil where it is to be sent as it is stored, which
// what is no gzip is too, whatever its encoding says.
func (c *call) gunzipped(o *world.Object, data []byte) []byte {
	if strings.Contains(c.r.Header.Get("Accept-Encoding"), "gzip") || strings.Contains(doc.Str(o.Doc, "cacheControl"), "no-transform") {
		return nil
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil
	}
	return append([]byte{}, plain...)
}

// byteRange reads "bytes=a-b", "bytes=a-" and "bytes=-n". What is no range of that kind is not ok, and not heeded; one that is
// outside of the content is empty.
func byteRange(s string, size int) (from, to int, ok bool) {
	spec, ok := strings.CutPrefix(s, "bytes=")
	a, b, dash := strings.Cut(spec, "-")
	if !ok || !dash {
		return 0, 0, false
	}
	first, err1 := strconv.Atoi(a)
	last, err2 := strconv.Atoi(b)
	switch {
	case a == "" && err2 == nil:
		return max(0, size-last), size, true
	case err1 == nil && b == "":
		return min(first, size), size, true
	case err1 == nil && err2 == nil && first <= last:
		return min(first, size), min(last+1, size), true
	}
	return 0, 0, false
}

// readXML is GET and HEAD of an object by the XML API, which the Go client and others read by. Its conditions are headers, and
// its ETag is the MD5 in hex, where there is one, in quotes.
func (c *call) readXML(bucket *world.Object) (*wire.Response, error) {
	for _, other := range []string{"acl", "uploadId", "uploads", "tagging", "retention", "X-Goog-Signature", "Signature"} {
		if c.r.Query.Has(other) {
			return nil, wire.ErrNotEmulated
		}
	}
	for header, parameter := range map[string]string{
		"X-Goog-If-Generation-Match": "ifGenerationMatch", "X-Goog-If-Metageneration-Match": "ifMetagenerationMatch",
	} {
		if v := c.r.Header.Get(header); v != "" {
			c.r.Query.Set(parameter, v)
		}
	}
	o, err := c.meant(bucket)
	if err != nil {
		return nil, err
	}
	tag := `"` + doc.Str(o.Doc, "etag") + `"`
	if raw, err := base64.StdEncoding.DecodeString(doc.Str(o.Doc, "md5Hash")); err == nil && len(raw) > 0 {
		tag = `"` + hex.EncodeToString(raw) + `"`
	}
	if want := c.r.Header.Get("If-Match"); want != "" && want != tag && want != "*" {
		return nil, errPrecondition
	}
	if want := c.r.Header.Get("If-None-Match"); want == tag || want == "*" {
		return nil, wire.APIError{Code: http.StatusNotModified, Reason: "notModified", Message: "Not Modified"}
	}
	resp, err := c.media(o)
	if err != nil {
		return nil, err
	}
	resp.Header.Set("Etag", tag)
	return resp, nil
}
