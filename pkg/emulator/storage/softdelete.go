package storage

import (
	"maps"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// What is soft-deleted can be listed, read by its generation and restored until it is deleted for good. It is no thing any more,
// so the inventory does not have it. How it behaves was measured in 2026 by the tests of a public client library.

const (
	softBuckets = "soft-buckets"        // where soft-deleted buckets are kept
	hardDelete  = "storage.hard-delete" // the event that ends it
)

var errNoGeneration = wire.APIError{Code: 400, Reason: "required", Message: "You must specify a generation."}

func softBucketName(bucket, generation string) string {
	return softBuckets + "/" + bucket + "@" + generation
}

// forget deletes for good.
func forget(tx *world.Tx, e world.Event) {
	o, ok := tx.Get(e.Subject)
	if !ok {
		return
	}
	if end, err := time.Parse(zulu, doc.Str(o.Doc, "hardDeleteTime")); err != nil || end.After(e.At) { // it was restored and deleted again
		return
	}
	tx.Delete(e.Subject)
	for _, content := range tx.List(e.Subject + "/soft") {
		tx.Delete(content.Name)
	}
}

// soften marks a copy as soft-deleted and plans its end; seconds is for how long it is kept.
func (c *call) soften(o *world.Object, name string, seconds int64) {
	soft := *o
	soft.Name, soft.Kind = name, ""
	soft.Doc, soft.Note = maps.Clone(o.Doc), maps.Clone(o.Note)
	if soft.Note == nil {
		soft.Note = map[string]any{}
	}
	now := c.tx.Now()
	end := now.Add(c.svc.cloud.Scaled(time.Duration(seconds) * time.Second))
	soft.Note["soft"] = true
	soft.Doc["softDeleteTime"], soft.Doc["hardDeleteTime"] = now.UTC().Format(zulu), end.UTC().Format(zulu)
	c.tx.Put(&soft)
	c.tx.At(end, hardDelete, name, nil)
}

// discard deletes a generation: softly where the bucket's policy says so.
func (c *call) discard(bucket, o *world.Object) {
	c.tx.Delete(o.Name)
	if seconds := doc.Num(bucket.Doc, "softDeletePolicy", "retentionDurationSeconds"); seconds > 0 {
		c.soften(o, softName(c.bucket, doc.Str(o.Doc, "name"), doc.Str(o.Doc, "generation")), seconds)
	}
}

// softDeleteBucket deletes a bucket. One that ever had soft delete on is kept for the longest time that it ever had.
func (c *call) softDeleteBucket(o *world.Object) {
	c.tx.Delete(o.Name)
	content := c.tx.List(o.Name + "/soft")
	seconds := doc.Num(o.Note, "longest")
	to := softBucketName(c.bucket, doc.Str(o.Doc, "generation"))
	if seconds > 0 {
		c.soften(o, to, seconds)
	}
	for _, one := range content {
		c.tx.Delete(one.Name)
		if seconds > 0 {
			c.carry(one, o.Name, to)
		}
	}
}

// carry takes what is soft-deleted in a bucket to where the bucket is kept, and back.
func (c *call) carry(one *world.Object, from, to string) {
	moved := *one
	moved.Name = to + strings.TrimPrefix(one.Name, from)
	c.tx.Put(&moved)
	if end, err := time.Parse(zulu, doc.Str(one.Doc, "hardDeleteTime")); err == nil {
		c.tx.At(end, hardDelete, moved.Name, nil)
	}
}

// restoreBucket brings a soft-deleted bucket back with its settings; its objects stay soft-deleted.
func (c *call) restoreBucket(live *world.Object) (*wire.Response, error) {
	generation := c.r.Query.Get("generation")
	if generation == "" {
		return nil, wire.APIError{Code: 400, Reason: "required", Message: "Required parameter: generation"}
	}
	soft, ok := c.tx.Get(softBucketName(c.bucket, generation))
	if !ok {
		return nil, errNoBucket
	}
	if err := c.needInProject("storage.buckets.restore", doc.Str(soft.Note, "project")); err != nil {
		return nil, err
	}
	if live != nil {
		return nil, wire.APIError{Code: 409, Reason: "conflict", Message: "A live bucket with this name already exists. The live bucket must be deleted before this bucket can be restored."}
	}
	content := c.tx.List(soft.Name + "/soft")
	c.tx.Delete(soft.Name)
	back := *soft
	back.Name, back.Kind = bucketName(c.bucket), "storage#bucket"
	delete(back.Note, "soft")
	delete(back.Doc, "softDeleteTime")
	delete(back.Doc, "hardDeleteTime")
	back.Doc["updated"] = c.tx.Now().UTC().Format(zulu)
	c.tx.Put(&back)
	for _, one := range content {
		c.tx.Delete(one.Name)
		c.carry(one, soft.Name, back.Name)
	}
	return c.reply(c.showBucket(&back))
}

// restoreObject makes a new live generation of a soft-deleted one, which stays where it is.
func (c *call) restoreObject(bucket *world.Object) (*wire.Response, error) {
	if doc.Num(bucket.Doc, "softDeletePolicy", "retentionDurationSeconds") == 0 {
		return nil, errNoSoftDelete
	}
	generation := c.r.Query.Get("generation")
	if generation == "" {
		return nil, wire.APIError{Code: 400, Reason: "required", Message: "Required parameter: generation"}
	}
	soft, ok := c.tx.Get(softName(c.bucket, c.object, generation))
	if !ok {
		return nil, c.noObject()
	}
	if err := c.need("storage.objects.create", bucket); err != nil {
		return nil, err
	}
	data, err := c.svc.blobs.read(soft)
	if err != nil {
		return nil, err
	}
	made, err := c.store(bucket, writable(soft.Doc), data, content{components: doc.Num(soft.Doc, "componentCount")})
	if err != nil {
		return nil, err
	}
	return c.reply(c.show(made, bucket))
}

var errNoSoftDelete = wire.APIError{Code: 400, Reason: "invalid", Message: "bucket soft delete policy must be set."}

// softDeleted finds a soft-deleted generation for a read: its metadata can be read by its generation only.
func (c *call) softDeleted() (*world.Object, error) {
	generation := c.r.Query.Get("generation")
	if generation == "" {
		return nil, errNoGeneration
	}
	o, ok := c.tx.Get(softName(c.bucket, c.object, generation))
	if !ok {
		return nil, c.noObject()
	}
	return o, nil
}

// seconds is an emulated duration as the process has it.
func (c *call) seconds(n int64) time.Duration {
	return c.svc.cloud.Scaled(time.Duration(n) * time.Second)
}
