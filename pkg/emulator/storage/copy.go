package storage

import (
	"encoding/json"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// maxComponents is how many objects can be composed in one call (page "Composite objects").
const maxComponents = 32

// copied makes the destination of a copy or a rewrite.
func (c *call) copied(bucket *world.Object) (*call, *world.Object, *world.Object, error) {
	source, err := c.visible(c.generationOf(c.object, c.r.Query.Get("sourceGeneration")), bucket)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := c.objectConditions("Source", source); err != nil {
		return nil, nil, nil, err
	}
	to := &call{svc: c.svc, tx: c.tx, r: c.r, email: c.email, bucket: c.vars["toBucket"], object: c.vars["to"]}
	target, ok := c.tx.Get(bucketName(to.bucket))
	if !ok {
		return nil, nil, nil, errNoBucket
	}
	if err := to.payer(target); err != nil {
		return nil, nil, nil, err
	}
	if err := to.need("storage.objects.create", target); err != nil {
		return nil, nil, nil, err
	}
	body, err := c.metadata(c.r.Body)
	if err != nil {
		return nil, nil, nil, err
	}
	meta := writable(source.Doc)
	delete(meta, "storageClass") // the destination bucket's, unless the call names another
	if len(body) > 0 {           // what the call brings replaces all of the source's
		meta = body
		if doc.Str(meta, "contentType") == "" && source.Doc["contentType"] != nil {
			meta["contentType"] = source.Doc["contentType"]
		}
		delete(meta, "md5Hash")
		delete(meta, "crc32c")
	}
	data, err := c.svc.blobs.read(source)
	if err != nil {
		return nil, nil, nil, err
	}
	made, err := to.store(target, meta, data, content{components: doc.Num(source.Doc, "componentCount")})
	return to, target, made, err
}

func (c *call) copyObject(bucket *world.Object) (*wire.Response, error) {
	to, target, made, err := c.copied(bucket)
	if err != nil {
		return nil, err
	}
	return c.reply(to.show(made, target))
}

// rewriteObject copies in one call, however large the object is: the API leaves open how many it takes.
func (c *call) rewriteObject(bucket *world.Object) (*wire.Response, error) {
	to, target, made, err := c.copied(bucket)
	if err != nil {
		return nil, err
	}
	size := doc.Str(made.Doc, "size")
	return c.reply(doc.Map{
		"kind": "storage#rewriteResponse", "done": true, "objectSize": size, "totalBytesRewritten": size, "resource": to.show(made, target),
	})
}

// composeObject joins objects of one bucket.
func (c *call) composeObject(bucket *world.Object) (*wire.Response, error) {
	var body struct {
		Destination   doc.Map `json:"destination"`
		SourceObjects []struct {
			Name                string `json:"name"`
			Generation          string `json:"generation"`
			ObjectPreconditions struct {
				IfGenerationMatch string `json:"ifGenerationMatch"`
			} `json:"objectPreconditions"`
		} `json:"sourceObjects"`
		DeleteSourceObjects bool `json:"deleteSourceObjects"`
	}
	if json.Unmarshal(c.r.Body, &body) != nil {
		return nil, errParse
	}
	switch n := len(body.SourceObjects); {
	case n == 0:
		return nil, wire.APIError{Code: 400, Reason: "required", Message: "You must provide at least one source component."}
	case n > maxComponents: // reported
		return nil, invalid("The number of source components provided (%d) exceeds the maximum (%d)", n, maxComponents)
	case body.DeleteSourceObjects:
		return nil, wire.ErrNotEmulated
	}
	var data []byte
	components := int64(0)
	for _, one := range body.SourceObjects {
		from := &call{svc: c.svc, tx: c.tx, r: c.r, email: c.email, bucket: c.bucket, object: one.Name}
		if err := from.need("storage.objects.get", bucket); err != nil {
			return nil, err
		}
		source, err := from.visible(from.generationOf(one.Name, one.Generation), bucket)
		if err != nil {
			return nil, err
		}
		if want := one.ObjectPreconditions.IfGenerationMatch; want != "" && want != doc.Str(source.Doc, "generation") {
			return nil, errPrecondition
		}
		part, err := c.svc.blobs.read(source)
		if err != nil {
			return nil, err
		}
		data = append(data, part...)
		components += max(1, doc.Num(source.Doc, "componentCount"))
	}
	meta := body.Destination
	if meta == nil {
		meta = doc.Map{}
	}
	want := content{components: components, crc: doc.Str(meta, "crc32c")}
	made, err := c.store(bucket, meta, data, want)
	if err != nil {
		return nil, err
	}
	return c.reply(c.show(made, bucket))
}

// moveObject renames an object within its bucket: the source goes, and the destination is a new generation (measured: it takes
// its source away and replaces its destination, so both may be kept).
func (c *call) moveObject(bucket *world.Object) (*wire.Response, error) {
	source, err := c.visible(c.live(), bucket)
	if err != nil {
		return nil, err
	}
	if err := c.objectConditions("Source", source); err != nil {
		return nil, err
	}
	to := &call{svc: c.svc, tx: c.tx, r: c.r, email: c.email, bucket: c.bucket, object: c.vars["to"]}
	if to.object == c.object {
		return nil, invalid("Invalid argument.")
	}
	if err := to.need("storage.objects.create", bucket); err != nil {
		return nil, err
	}
	if err := to.objectConditions("", to.live()); err != nil {
		return nil, err
	}
	if err := c.kept(source, bucket, false); err != nil {
		return nil, err
	}
	if err := c.objectRate(c.object); err != nil {
		return nil, err
	}
	data, err := c.svc.blobs.read(source)
	if err != nil {
		return nil, err
	}
	made, err := to.store(bucket, writable(source.Doc), data, content{components: doc.Num(source.Doc, "componentCount")})
	if err != nil {
		return nil, err
	}
	c.retire(bucket, source)
	return c.reply(to.show(made, bucket))
}
