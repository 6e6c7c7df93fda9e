package storage

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// written are the fields of an object that a caller writes. Object contexts are not emulated.
func written() []string {
	return []string{
		"cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "contentType", "customTime", "metadata", "storageClass",
		"eventBasedHold", "temporaryHold", "retention",
	}
}

// writable is what a copy or a restored object takes over: all that a caller writes, but what keeps the object (measured).
func writable(d doc.Map) doc.Map {
	out := doc.Map{}
	for _, field := range written() {
		if v, ok := d[field]; ok && !slices.Contains([]string{"eventBasedHold", "temporaryHold", "retention"}, field) {
			out[field] = v
		}
	}
	return doc.Clone(out)
}

// live finds the live generation of the call's object; nil when there is none.
func (c *call) live() *world.Object { return c.liveOf(c.object) }

func (c *call) liveOf(object string) *world.Object {
	if o, ok := c.tx.Get(liveName(c.bucket, object)); ok {
		return o
	}
	return nil
}

// generationOf finds the live generation, or the one that is named.
func (c *call) generationOf(object, generation string) *world.Object {
	o := c.liveOf(object)
	if generation == "" || o != nil && doc.Str(o.Doc, "generation") == generation {
		return o
	}
	if old, ok := c.tx.Get(oldName(c.bucket, object, generation)); ok {
		return old
	}
	return nil
}

// meant finds the object that a call is about, or says that there is none, and checks the call's conditions.
func (c *call) meant(bucket *world.Object) (*world.Object, error) {
	o, err := c.visible(c.generationOf(c.object, c.r.Query.Get("generation")), bucket)
	if err != nil {
		return nil, err
	}
	return o, c.objectConditions("", o)
}

// objectConditions checks conditions against an object, nil for none.
func (c *call) objectConditions(kind string, o *world.Object) error {
	if o == nil {
		return c.conditions(kind, 0, 0)
	}
	return c.conditions(kind, doc.Num(o.Doc, "generation"), doc.Num(o.Doc, "metageneration"))
}

// show is an object as an answer shows it.
func (c *call) show(o, bucket *world.Object) doc.Map {
	d := maps.Clone(o.Doc)
	if until, ok := c.retainedUntil(o, bucket); ok {
		d["retentionExpirationTime"] = until.UTC().Format(zulu)
	}
	if c.full() && !uniform(bucket) {
		c.showAccess(d, o, bucket)
	}
	return d
}

func (c *call) getObject(bucket *world.Object) (*wire.Response, error) {
	if rest.True(c.r.Query, "softDeleted") {
		o, err := c.softDeleted()
		if err != nil {
			return nil, err
		}
		if err := c.objectConditions("", o); err != nil {
			return nil, err
		}
		return c.reply(c.show(o, bucket))
	}
	o, err := c.meant(bucket)
	if err != nil {
		return nil, err
	}
	if c.r.Query.Get("alt") == "media" {
		return c.media(o)
	}
	return c.reply(c.show(o, bucket))
}

// deleteObject deletes the live generation, or the one that is named, for good.
func (c *call) deleteObject(bucket *world.Object) (*wire.Response, error) {
	o, err := c.meant(bucket)
	if err != nil {
		return nil, err
	}
	named := c.r.Query.Get("generation") != ""
	if err := c.kept(o, bucket, !named && versioned(bucket)); err != nil {
		return nil, err
	}
	if err := c.objectRate(c.object); err != nil {
		return nil, err
	}
	if named {
		c.discard(bucket, o)
	} else {
		c.retire(bucket, o)
	}
	return empty(204), nil
}

func versioned(bucket *world.Object) bool { return doc.Bool(bucket.Doc, "versioning", "enabled") }

// retire makes a live object noncurrent in a versioned bucket, and deletes it in another.
func (c *call) retire(bucket, o *world.Object) {
	if !versioned(bucket) {
		c.discard(bucket, o)
		return
	}
	c.tx.Delete(o.Name)
	old := *o
	old.Name = oldName(c.bucket, doc.Str(o.Doc, "name"), doc.Str(o.Doc, "generation"))
	old.State = "noncurrent"
	old.Doc = maps.Clone(o.Doc)
	old.Doc["timeDeleted"] = c.tx.Now().UTC().Format(zulu)
	c.tx.Put(&old)
}

// patchObject merges: null removes a field or an entry of the metadata.
func (c *call) patchObject(bucket *world.Object) (*wire.Response, error) {
	return c.changeObject(bucket, func(d, body doc.Map) {
		for field, v := range body {
			switch inner, is := v.(doc.Map); {
			case !slices.Contains(written(), field) || field == "storageClass" || field == "retention":
			case v == nil:
				delete(d, field)
			case is:
				have := doc.Map{}
				if old := doc.Object(d, field); old != nil {
					have = old
				}
				merge(have, inner)
				if d[field] = have; len(have) == 0 {
					delete(d, field)
				}
			default:
				d[field] = v
			}
		}
	})
}

// updateObject replaces all that a caller writes.
func (c *call) updateObject(bucket *world.Object) (*wire.Response, error) {
	return c.changeObject(bucket, func(d, body doc.Map) {
		for _, field := range written() {
			if field == "storageClass" || field == "retention" {
				continue
			}
			delete(d, field)
			if v := body[field]; v != nil {
				d[field] = v
			}
		}
	})
}

func (c *call) changeObject(bucket *world.Object, change func(d, body doc.Map)) (*wire.Response, error) {
	o, err := c.meant(bucket)
	if err != nil {
		return nil, err
	}
	body, err := c.metadata(c.r.Body)
	if err != nil {
		return nil, err
	}
	if class, ok := body["storageClass"]; ok && class != o.Doc["storageClass"] {
		return nil, wire.ErrNotEmulated // a class is changed by rewriting; how a patch of it is refused is not known
	}
	next := *o
	next.Doc, next.Note = doc.Clone(o.Doc), maps.Clone(o.Note)
	change(next.Doc, body)
	if err := c.changeRetention(&next, o, bucket, body); err != nil {
		return nil, err
	}
	if acl, err := c.predefined("predefinedAcl", objectLists(), bucket.Doc, uniformObjectWords); err != nil {
		return nil, err
	} else if acl != "" {
		next.Note["acl"] = acl
	}
	if err := c.objectRate(c.object); err != nil {
		return nil, err
	}
	touch(next.Doc, c.tx.Now())
	c.tx.Put(&next)
	return c.reply(c.show(&next, bucket))
}

// metadata reads an object resource that a caller sends; nothing is an empty one.
func (c *call) metadata(raw []byte) (doc.Map, error) {
	d := doc.Map{}
	if len(strings.TrimSpace(string(raw))) > 0 && json.Unmarshal(raw, &d) != nil {
		return nil, errParse
	}
	return d, checkMetadata(d)
}

func checkMetadata(d doc.Map) error {
	if err := ownLists(d); err != nil {
		return err
	}
	if d["contexts"] != nil || doc.Str(d, "kmsKeyName") != "" {
		return wire.ErrNotEmulated
	}
	for key, v := range doc.Object(d, "metadata") {
		if _, ok := v.(string); !ok && v != nil {
			return invalid("Invalid value for metadata: %s is not a string", key)
		}
	}
	return nil
}

// checkObjectName refuses a name (page "Object name requirements"). The words of the second are reported, the others assumed.
func checkObjectName(name string) error {
	switch {
	case name == "":
		return wire.APIError{Code: 400, Reason: "required", Message: "Required parameter: name"}
	case !utf8.ValidString(name) || strings.ContainsAny(name, "\r\n"):
		return invalid("Disallowed unicode characters present in object name '%s'", name)
	case len(name) > 1024, name == ".", name == "..", strings.HasPrefix(name, ".well-known/acme-challenge/"):
		return invalid("Invalid object name: '%s'", name)
	}
	return nil
}
