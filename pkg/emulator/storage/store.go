package storage

import (
	"cmp"
	"crypto/md5" //nolint:gosec // what the API computes
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"net/url"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// content is what is known of an object's content beyond the bytes.
type content struct {
	components int64  // of how many objects it was composed; 0 for one that was written as a whole
	md5, crc   string // what its checksums must be, in base64; "" for anything
}

// sums gives the two checksums that Cloud Storage keeps, in base64.
func sums(data []byte) (hash, crc string) {
	sum := md5.Sum(data) //nolint:gosec // what the API computes
	raw := binary.BigEndian.AppendUint32(nil, crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	return base64.StdEncoding.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(raw)
}

// store writes a new generation of the call's object. It checks, in this order: the name, the call's conditions, what keeps the
// object that is there (measured: conditions come first), permissions, checksums, and how fast the object changes.
func (c *call) store(bucket *world.Object, meta doc.Map, data []byte, what content) (*world.Object, error) {
	if err := checkObjectName(c.object); err != nil {
		return nil, err
	}
	was := c.live()
	if err := c.objectConditions("", was); err != nil {
		return nil, err
	}
	if was != nil {
		if err := c.kept(was, bucket, versioned(bucket)); err != nil {
			return nil, err
		}
		if err := c.need("storage.objects.delete", bucket); err != nil { // writing over is deleting too
			return nil, err
		}
	}
	hash, crc := sums(data)
	if what.md5 != "" && what.md5 != hash { // reported
		return nil, invalid("Provided MD5 hash \"%s\" doesn't match calculated MD5 hash \"%s\".", what.md5, hash)
	}
	if what.crc != "" && what.crc != crc {
		return nil, invalid("Provided CRC32C \"%s\" doesn't match calculated CRC32C \"%s\".", what.crc, crc)
	}
	d, err := c.resource(bucket, meta)
	if err != nil {
		return nil, err
	}
	acl, err := c.predefined(c.listParameter(), objectLists(), bucket.Doc, uniformObjectWords)
	if err != nil {
		return nil, err
	}
	if err := c.objectRate(c.object); err != nil {
		return nil, err
	}
	now := c.tx.Now().UTC().Format(zulu)
	generation := max(c.tx.Now().UnixMicro(), c.lastGeneration()+1)
	g := fmt.Sprint(generation)
	maps.Copy(d, doc.Map{
		"kind": "storage#object", "id": c.bucket + "/" + c.object + "/" + g, "name": c.object, "bucket": c.bucket,
		"selfLink":   links + "b/" + c.bucket + "/o/" + url.PathEscape(c.object),
		"mediaLink":  "https://storage.googleapis.com/download/storage/v1/b/" + c.bucket + "/o/" + url.PathEscape(c.object) + "?generation=" + g + "&alt=media",
		"generation": g, "metageneration": "1", "size": fmt.Sprint(len(data)), "crc32c": crc, "md5Hash": hash, "etag": etag(generation, 1),
		"timeCreated": now, "updated": now, "timeStorageClassUpdated": now, "timeFinalized": now,
	})
	if what.components > 0 {
		d["componentCount"] = what.components
		delete(d, "md5Hash") // a composed object has none (page "Hashes and ETags")
	}
	o := &world.Object{
		Name: liveName(c.bucket, c.object), Kind: "storage#object", Service: host, Created: c.tx.Now(), Ready: true, Doc: d,
		Note: map[string]any{"owner": cmp.Or(c.email, "owner@example.com")},
	}
	if acl != "" {
		o.Note["acl"] = acl
	}
	if err := c.svc.blobs.write(o, data); err != nil {
		return nil, err
	}
	if was != nil {
		c.retire(bucket, was)
	}
	c.tx.Put(&world.Object{Name: "last/" + c.bucket + "/" + url.PathEscape(c.object), Note: map[string]any{"generation": g}})
	c.tx.Put(o)
	return o, nil
}

// lastGeneration is the highest that the name ever had: generations rise, also over deletions.
func (c *call) lastGeneration() int64 {
	o, ok := c.tx.Get("last/" + c.bucket + "/" + url.PathEscape(c.object))
	if !ok {
		return 0
	}
	return doc.Num(o.Note, "generation")
}

// listParameter is the parameter that names a predefined list for a new object.
func (c *call) listParameter() string {
	if c.r.Query.Has("destinationPredefinedAcl") {
		return "destinationPredefinedAcl"
	}
	return "predefinedAcl"
}

// resource is what a caller sent of a new object, checked and with the bucket's defaults.
func (c *call) resource(bucket *world.Object, meta doc.Map) (doc.Map, error) {
	if err := checkMetadata(meta); err != nil {
		return nil, err
	}
	if c.r.Query.Get("kmsKeyName") != "" || c.r.Query.Get("destinationKmsKeyName") != "" {
		return nil, wire.ErrNotEmulated
	}
	d := doc.Map{}
	for _, field := range written() {
		if v := meta[field]; v != nil {
			d[field] = v
		}
	}
	class, ok := storageClass(cmp.Or(doc.Str(d, "storageClass"), doc.Str(bucket.Doc, "storageClass")))
	if !ok {
		return nil, invalid("Invalid storage class \"%s\"", doc.Str(d, "storageClass"))
	}
	d["storageClass"] = class
	for key, v := range doc.Object(d, "metadata") {
		if v == nil {
			delete(doc.Object(d, "metadata"), key)
		}
	}
	if _, said := d["eventBasedHold"]; !said && doc.Bool(bucket.Doc, "defaultEventBasedHold") {
		d["eventBasedHold"] = true
	}
	if own := doc.Object(d, "retention"); own != nil {
		if doc.Bool(meta, "eventBasedHold") {
			return nil, errRetentionAndHold
		}
		if _, err := c.checkRetention(own, bucket); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// expected reads what a caller says that the checksums are: in the resource, and in the headers X-Goog-Hash and Content-MD5.
func (c *call) expected(meta doc.Map) content {
	want := content{md5: doc.Str(meta, "md5Hash"), crc: doc.Str(meta, "crc32c")}
	for _, header := range c.r.Header.Values("X-Goog-Hash") {
		for _, one := range strings.Split(header, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(one), "=")
			switch name {
			case "md5":
				want.md5 = value
			case "crc32c":
				want.crc = value
			}
		}
	}
	if hash := c.r.Header.Get("Content-MD5"); hash != "" {
		want.md5 = hash
	}
	return want
}
