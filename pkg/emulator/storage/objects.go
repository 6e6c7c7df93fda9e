package storage

import (
	"crypto/md5" //nolint:gosec // what the API computes
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// live finds the live generation of the call's object.
func (c *call) live() *world.Object {
	if o, ok := c.tx.Get(liveName(c.bucket, c.object)); ok {
		return o
	}
	return nil
}

func (c *call) noObject() wire.APIError {
	return wire.APIError{Code: 404, Reason: "notFound", Message: fmt.Sprintf("No such object: %s/%s", c.bucket, c.object)}
}

// generation finds the object that a call means: the live one, or the one of the query's generation.
func (c *call) generation() (*world.Object, error) {
	o := c.live()
	if g := c.r.Query.Get("generation"); g != "" && (o == nil || doc.Str(o.Doc, "generation") != g) {
		var ok bool
		if o, ok = c.tx.Get(oldName(c.bucket, c.object, g)); !ok {
			return nil, c.noObject()
		}
	}
	if err := c.preconditions(o); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, c.noObject()
	}
	return o, nil
}

func (c *call) getObject() (*wire.Response, error) {
	o, err := c.generation()
	if err != nil {
		return nil, err
	}
	if c.r.Query.Get("alt") != "media" {
		return replyStorage(o.Doc), nil
	}
	data, err := c.svc.blobs.read(o)
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	h.Set("Content-Type", orElse(doc.Str(o.Doc, "contentType"), "application/octet-stream"))
	h.Set("X-Goog-Generation", doc.Str(o.Doc, "generation"))
	h.Set("X-Goog-Metageneration", doc.Str(o.Doc, "metageneration"))
	h.Set("X-Goog-Storage-Class", "STANDARD")
	h.Add("X-Goog-Hash", "crc32c="+doc.Str(o.Doc, "crc32c"))
	h.Add("X-Goog-Hash", "md5="+doc.Str(o.Doc, "md5Hash"))
	h.Set("Server", "UploadServer")
	status := 200
	if from, to, ok := byteRange(c.r.Header.Get("Range"), len(data)); ok {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(data)))
		data, status = data[from:to], 206
	}
	h.Set("Content-Length", fmt.Sprint(len(data)))
	return &wire.Response{Status: status, Header: h, Body: data}, nil
}

// byteRange reads "bytes=a-b", "bytes=a-" and "bytes=-n".
func byteRange(s string, size int) (from, to int, ok bool) {
	spec, ok := strings.CutPrefix(s, "bytes=")
	if !ok || size == 0 {
		return 0, 0, false
	}
	a, b, _ := strings.Cut(spec, "-")
	first, last := int(doc.Num(doc.Map{"n": a}, "n")), int(doc.Num(doc.Map{"n": b}, "n"))
	switch {
	case a == "":
		return max(0, size-last), size, true
	case b == "":
		return min(first, size), size, first < size
	}
	return min(first, size), min(last+1, size), first < size && first <= last
}

// store writes a new generation.
func (c *call) store(bucket *world.Object, meta doc.Map, data []byte) (*wire.Response, error) {
	if !validObjectName(c.object) {
		return nil, wire.APIError{Code: 400, Reason: "invalid", Message: fmt.Sprintf("Disallowed unicode characters present in object name '%s'", c.object)}
	}
	was := c.live()
	if err := c.preconditions(was); err != nil {
		return nil, err
	}
	if err := c.changeRate(); err != nil {
		return nil, err
	}
	generation := c.tx.Now().UnixMicro()
	if was != nil {
		generation = max(generation, doc.Num(was.Doc, "generation")+1)
		c.retire(bucket, was)
	}
	sum := make([]byte, 4)
	binary.BigEndian.PutUint32(sum, crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	hash := md5.Sum(data) //nolint:gosec // what the API computes
	if want := doc.Str(meta, "crc32c"); want != "" && want != base64.StdEncoding.EncodeToString(sum) {
		return nil, wire.APIError{Code: 400, Reason: "invalid", Message: fmt.Sprintf("Provided CRC32C %q doesn't match calculated CRC32C %q.", want, base64.StdEncoding.EncodeToString(sum))}
	}
	g, now := fmt.Sprint(generation), c.tx.Now().UTC().Format(zulu)
	link := "https://www.googleapis.com/storage/v1/b/" + c.bucket + "/o/" + url.PathEscape(c.object)
	maps.Copy(meta, doc.Map{
		"kind": "storage#object", "id": c.bucket + "/" + c.object + "/" + g, "selfLink": link, "name": c.object, "bucket": c.bucket,
		"mediaLink":  "https://storage.googleapis.com/download/storage/v1/b/" + c.bucket + "/o/" + url.PathEscape(c.object) + "?generation=" + g + "&alt=media",
		"generation": g, "metageneration": "1", "size": fmt.Sprint(len(data)), "storageClass": "STANDARD",
		"crc32c": base64.StdEncoding.EncodeToString(sum), "md5Hash": base64.StdEncoding.EncodeToString(hash[:]), "etag": draws.TokenOf(g),
		"timeCreated": now, "updated": now, "timeStorageClassUpdated": now, "timeFinalized": now,
	})
	delete(meta, "acl")
	o := &world.Object{Name: liveName(c.bucket, c.object), Kind: "storage#object", Service: host, Created: c.tx.Now(), Ready: true, Doc: meta}
	if err := c.svc.blobs.write(o, data); err != nil {
		return nil, err
	}
	c.tx.Put(o)
	return replyStorage(meta), nil
}

func validObjectName(s string) bool {
	return s != "" && len(s) <= 1024 && !strings.ContainsAny(s, "\r\n") && s != "." && s != ".."
}

// retire makes a live object noncurrent in a versioned bucket, and removes it in another.
func (c *call) retire(bucket, o *world.Object) {
	c.tx.Delete(o.Name)
	if !doc.Bool(bucket.Doc, "versioning", "enabled") {
		return
	}
	old := *o
	old.Name = oldName(c.bucket, doc.Str(o.Doc, "name"), doc.Str(o.Doc, "generation"))
	old.State = "noncurrent"
	old.Doc = maps.Clone(o.Doc)
	old.Doc["timeDeleted"] = c.tx.Now().UTC().Format(zulu)
	c.tx.Put(&old)
}

func (c *call) deleteObject(bucket *world.Object) (*wire.Response, error) {
	o, err := c.generation()
	if err != nil {
		return nil, err
	}
	if o.State == "noncurrent" || c.r.Query.Get("generation") != "" {
		c.tx.Delete(o.Name) // naming a generation deletes it for good
		if o.State != "noncurrent" {
			err = c.changeRate()
		}
	} else if err = c.changeRate(); err == nil {
		c.retire(bucket, o)
	}
	if err != nil {
		c.tx.Put(o)
		return nil, err
	}
	return &wire.Response{Status: 204, Header: replyStorage(nil).Header}, nil
}

func (c *call) patchObject() (*wire.Response, error) {
	o, err := c.generation()
	if err != nil {
		return nil, err
	}
	var d doc.Map
	if json.Unmarshal(c.r.Body, &d) != nil {
		return nil, wire.APIError{Code: 400, Reason: "parseError", Message: "Parse Error"}
	}
	if err := c.changeRate(); err != nil {
		return nil, err
	}
	for _, field := range []string{"metadata", "contentType", "cacheControl", "customTime"} {
		if v, ok := d[field]; ok {
			doc.Merge(o.Doc, doc.Map{field: v})
		}
	}
	o.Doc["metageneration"] = fmt.Sprint(doc.Num(o.Doc, "metageneration") + 1)
	o.Doc["updated"] = c.tx.Now().UTC().Format(zulu)
	c.tx.Put(o)
	return replyStorage(o.Doc), nil
}

// rewriteObject copies within the world: "rewriteTo/b/B/o/O" and "copyTo/b/B/o/O".
func (c *call) rewriteObject(*world.Object) (*wire.Response, error) {
	verb, rest, _ := strings.Cut(c.verb, "/b/")
	to, name, ok := strings.Cut(rest, "/o/")
	if !ok || verb != "rewriteTo" && verb != "copyTo" {
		return nil, wire.ErrNotEmulated
	}
	src := c.live()
	if g := c.r.Query.Get("sourceGeneration"); g != "" && (src == nil || doc.Str(src.Doc, "generation") != g) {
		src, _ = c.tx.Get(oldName(c.bucket, c.object, g))
	}
	if src == nil {
		return nil, c.noObject()
	}
	data, err := c.svc.blobs.read(src)
	if err != nil {
		return nil, err
	}
	target, ok := c.tx.Get(bucketName(to))
	if !ok {
		return nil, wire.APIError{Code: 404, Reason: "notFound", Message: "The specified bucket does not exist."}
	}
	object, err := url.PathUnescape(name)
	if err != nil {
		return nil, wire.ErrNotEmulated
	}
	meta := doc.Map{"contentType": src.Doc["contentType"]}
	if m, ok := src.Doc["metadata"]; ok {
		meta["metadata"] = m
	}
	dest := &call{svc: c.svc, tx: c.tx, r: c.r, bucket: to, object: object}
	resp, err := dest.store(target, meta, data)
	if err != nil || verb == "copyTo" {
		return resp, err
	}
	return replyStorage(doc.Map{
		"kind": "storage#rewriteResponse", "done": true, "objectSize": fmt.Sprint(len(data)), "totalBytesRewritten": fmt.Sprint(len(data)),
		"resource": dest.live().Doc,
	}), nil
}

// listObjects honours prefix, delimiter, startOffset, endOffset, versions, maxResults, pageToken.
func (c *call) listObjects(bucket *world.Object) (*wire.Response, error) {
	q := c.r.Query
	prefix, delimiter := q.Get("prefix"), q.Get("delimiter")
	all := c.tx.List(bucket.Name + "/o")
	if q.Get("versions") == "true" {
		all = append(all, c.tx.List(bucket.Name+"/old")...)
	}
	slices.SortStableFunc(all, func(a, b *world.Object) int {
		if d := strings.Compare(doc.Str(a.Doc, "name"), doc.Str(b.Doc, "name")); d != 0 {
			return d
		}
		return strings.Compare(doc.Str(a.Doc, "generation"), doc.Str(b.Doc, "generation"))
	})
	size := 1000
	if n := doc.Num(doc.Map{"n": q.Get("maxResults")}, "n"); n > 0 {
		size = int(min(n, 1000))
	}
	after, err := base64.URLEncoding.DecodeString(q.Get("pageToken"))
	if err != nil {
		return nil, wire.APIError{Code: 400, Reason: "invalid", Message: "Invalid argument."}
	}
	out := doc.Map{"kind": "storage#objects"}
	var items, prefixes []any
	seen, last := map[string]bool{}, ""
	for _, o := range all {
		name := doc.Str(o.Doc, "name")
		key := name + "\x00" + doc.Str(o.Doc, "generation")
		if !strings.HasPrefix(name, prefix) || name < q.Get("startOffset") || q.Has("endOffset") && q.Get("endOffset") != "" && name >= q.Get("endOffset") ||
			key <= string(after) && len(after) > 0 {
			continue
		}
		if len(items)+len(prefixes) >= size {
			out["nextPageToken"] = base64.URLEncoding.EncodeToString([]byte(last))
			break
		}
		last = key
		if i := strings.Index(name[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			p := name[:len(prefix)+i+len(delimiter)]
			if !seen[p] && (len(after) == 0 || !strings.HasPrefix(string(after), p)) {
				seen[p] = true
				prefixes = append(prefixes, p)
			}
			continue
		}
		items = append(items, o.Doc)
	}
	if len(items) > 0 {
		out["items"] = items
	}
	if len(prefixes) > 0 {
		out["prefixes"] = prefixes
	}
	return replyStorage(out), nil
}
