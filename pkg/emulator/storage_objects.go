package emulator

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

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// live finds the live generation of the call's object.
func (c *storageCall) live() *world.Object {
	if o, ok := c.tx.Get(liveName(c.bucket, c.object)); ok {
		return o
	}
	return nil
}

func (c *storageCall) noObject() failure {
	return failure{code: 404, reason: "notFound", message: fmt.Sprintf("No such object: %s/%s", c.bucket, c.object)}
}

// generation finds the object that a call means: the live one, or the one of the query's generation.
func (c *storageCall) generation() (*world.Object, error) {
	o := c.live()
	if g := c.r.query.Get("generation"); g != "" && (o == nil || str(o.Doc, "generation") != g) {
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

func (c *storageCall) getObject() (*response, error) {
	o, err := c.generation()
	if err != nil {
		return nil, err
	}
	if c.r.query.Get("alt") != "media" {
		return replyStorage(o.Doc), nil
	}
	data, err := c.em.blobs.read(o)
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	h.Set("Content-Type", orElse(str(o.Doc, "contentType"), "application/octet-stream"))
	h.Set("X-Goog-Generation", str(o.Doc, "generation"))
	h.Set("X-Goog-Metageneration", str(o.Doc, "metageneration"))
	h.Set("X-Goog-Storage-Class", "STANDARD")
	h.Add("X-Goog-Hash", "crc32c="+str(o.Doc, "crc32c"))
	h.Add("X-Goog-Hash", "md5="+str(o.Doc, "md5Hash"))
	h.Set("Server", "UploadServer")
	status := 200
	if from, to, ok := byteRange(c.r.header.Get("Range"), len(data)); ok {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(data)))
		data, status = data[from:to], 206
	}
	h.Set("Content-Length", fmt.Sprint(len(data)))
	return &response{status: status, header: h, body: data}, nil
}

// byteRange reads "bytes=a-b", "bytes=a-" and "bytes=-n".
func byteRange(s string, size int) (from, to int, ok bool) {
	spec, ok := strings.CutPrefix(s, "bytes=")
	if !ok || size == 0 {
		return 0, 0, false
	}
	a, b, _ := strings.Cut(spec, "-")
	first, last := int(num(document{"n": a}, "n")), int(num(document{"n": b}, "n"))
	switch {
	case a == "":
		return max(0, size-last), size, true
	case b == "":
		return min(first, size), size, first < size
	}
	return min(first, size), min(last+1, size), first < size && first <= last
}

// store writes a new generation.
func (c *storageCall) store(bucket *world.Object, meta document, data []byte) (*response, error) {
	if !validObjectName(c.object) {
		return nil, failure{code: 400, reason: "invalid", message: fmt.Sprintf("Disallowed unicode characters present in object name '%s'", c.object)}
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
		generation = max(generation, num(was.Doc, "generation")+1)
		c.retire(bucket, was)
	}
	sum := make([]byte, 4)
	binary.BigEndian.PutUint32(sum, crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	hash := md5.Sum(data) //nolint:gosec // what the API computes
	if want := str(meta, "crc32c"); want != "" && want != base64.StdEncoding.EncodeToString(sum) {
		return nil, failure{code: 400, reason: "invalid", message: fmt.Sprintf("Provided CRC32C %q doesn't match calculated CRC32C %q.", want, base64.StdEncoding.EncodeToString(sum))}
	}
	g, now := fmt.Sprint(generation), c.tx.Now().UTC().Format(zulu)
	link := "https://www.googleapis.com/storage/v1/b/" + c.bucket + "/o/" + url.PathEscape(c.object)
	maps.Copy(meta, document{
		"kind": "storage#object", "id": c.bucket + "/" + c.object + "/" + g, "selfLink": link, "name": c.object, "bucket": c.bucket,
		"mediaLink":  "https://storage.googleapis.com/download/storage/v1/b/" + c.bucket + "/o/" + url.PathEscape(c.object) + "?generation=" + g + "&alt=media",
		"generation": g, "metageneration": "1", "size": fmt.Sprint(len(data)), "storageClass": "STANDARD",
		"crc32c": base64.StdEncoding.EncodeToString(sum), "md5Hash": base64.StdEncoding.EncodeToString(hash[:]), "etag": contentFingerprint(g),
		"timeCreated": now, "updated": now, "timeStorageClassUpdated": now, "timeFinalized": now,
	})
	delete(meta, "acl")
	o := &world.Object{Name: liveName(c.bucket, c.object), Kind: "storage#object", Service: storageHost, Created: c.tx.Now(), Ready: true, Doc: meta}
	if err := c.em.blobs.write(o, data); err != nil {
		return nil, err
	}
	c.tx.Put(o)
	return replyStorage(meta), nil
}

func validObjectName(s string) bool {
	return s != "" && len(s) <= 1024 && !strings.ContainsAny(s, "\r\n") && s != "." && s != ".."
}

// retire makes a live object noncurrent in a versioned bucket, and removes it in another.
func (c *storageCall) retire(bucket, o *world.Object) {
	c.tx.Delete(o.Name)
	if !boolean(bucket.Doc, "versioning", "enabled") {
		return
	}
	old := *o
	old.Name = oldName(c.bucket, str(o.Doc, "name"), str(o.Doc, "generation"))
	old.State = "noncurrent"
	old.Doc = maps.Clone(o.Doc)
	old.Doc["timeDeleted"] = c.tx.Now().UTC().Format(zulu)
	c.tx.Put(&old)
}

func (c *storageCall) deleteObject(bucket *world.Object) (*response, error) {
	o, err := c.generation()
	if err != nil {
		return nil, err
	}
	if o.State == "noncurrent" || c.r.query.Get("generation") != "" {
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
	return &response{status: 204, header: replyStorage(nil).header}, nil
}

func (c *storageCall) patchObject() (*response, error) {
	o, err := c.generation()
	if err != nil {
		return nil, err
	}
	var d document
	if json.Unmarshal(c.r.body, &d) != nil {
		return nil, failure{code: 400, reason: "parseError", message: "Parse Error"}
	}
	if err := c.changeRate(); err != nil {
		return nil, err
	}
	for _, field := range []string{"metadata", "contentType", "cacheControl", "customTime"} {
		if v, ok := d[field]; ok {
			o.Doc[field] = v
		}
	}
	o.Doc["metageneration"] = fmt.Sprint(num(o.Doc, "metageneration") + 1)
	o.Doc["updated"] = c.tx.Now().UTC().Format(zulu)
	c.tx.Put(o)
	return replyStorage(o.Doc), nil
}

// rewriteObject copies within the world: "rewriteTo/b/B/o/O" and "copyTo/b/B/o/O".
func (c *storageCall) rewriteObject(*world.Object) (*response, error) {
	verb, rest, _ := strings.Cut(c.verb, "/b/")
	to, name, ok := strings.Cut(rest, "/o/")
	if !ok || verb != "rewriteTo" && verb != "copyTo" {
		return nil, errOther
	}
	src := c.live()
	if g := c.r.query.Get("sourceGeneration"); g != "" && (src == nil || str(src.Doc, "generation") != g) {
		src, _ = c.tx.Get(oldName(c.bucket, c.object, g))
	}
	if src == nil {
		return nil, c.noObject()
	}
	data, err := c.em.blobs.read(src)
	if err != nil {
		return nil, err
	}
	target, ok := c.tx.Get(bucketName(to))
	if !ok {
		return nil, failure{code: 404, reason: "notFound", message: "The specified bucket does not exist."}
	}
	object, err := url.PathUnescape(name)
	if err != nil {
		return nil, errOther
	}
	meta := document{"contentType": src.Doc["contentType"]}
	if m, ok := src.Doc["metadata"]; ok {
		meta["metadata"] = m
	}
	dest := &storageCall{em: c.em, tx: c.tx, r: c.r, bucket: to, object: object}
	resp, err := dest.store(target, meta, data)
	if err != nil || verb == "copyTo" {
		return resp, err
	}
	return replyStorage(document{
		"kind": "storage#rewriteResponse", "done": true, "objectSize": fmt.Sprint(len(data)), "totalBytesRewritten": fmt.Sprint(len(data)),
		"resource": dest.live().Doc,
	}), nil
}

// listObjects honours prefix, delimiter, startOffset, endOffset, versions, maxResults, pageToken.
func (c *storageCall) listObjects(bucket *world.Object) (*response, error) {
	q := c.r.query
	prefix, delimiter := q.Get("prefix"), q.Get("delimiter")
	all := c.tx.List(bucket.Name + "/o")
	if q.Get("versions") == "true" {
		all = append(all, c.tx.List(bucket.Name+"/old")...)
	}
	slices.SortStableFunc(all, func(a, b *world.Object) int {
		if d := strings.Compare(str(a.Doc, "name"), str(b.Doc, "name")); d != 0 {
			return d
		}
		return strings.Compare(str(a.Doc, "generation"), str(b.Doc, "generation"))
	})
	size := 1000
	if n := num(document{"n": q.Get("maxResults")}, "n"); n > 0 {
		size = int(min(n, 1000))
	}
	after, err := base64.URLEncoding.DecodeString(q.Get("pageToken"))
	if err != nil {
		return nil, failure{code: 400, reason: "invalid", message: "Invalid argument."}
	}
	out := document{"kind": "storage#objects"}
	var items, prefixes []any
	seen, last := map[string]bool{}, ""
	for _, o := range all {
		name := str(o.Doc, "name")
		key := name + "\x00" + str(o.Doc, "generation")
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
