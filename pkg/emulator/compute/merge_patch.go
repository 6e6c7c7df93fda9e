package compute

import (
	"encoding/json"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// mergePatch merges the body of a call into d as RFC 7396 says, which is how Compute Engine documents its patch methods: null
// removes, an object is merged, anything else replaces. Values come from the decoded body, which is in canonical form; what is
// removed shows only in the body as it was sent.
func (c *call) mergePatch(d doc.Map) error {
	sent, err := c.sent()
	if err == nil {
		merge(d, sent, c.body)
	}
	return err
}

// sent is the body as it was sent.
func (c *call) sent() (doc.Map, error) {
	sent := doc.Map{}
	if len(c.raw) == 0 {
		return sent, nil
	}
	err := json.Unmarshal(c.raw, &sent)
	return sent, err
}

// sentObjects are the objects of a list in the body as it was sent, as many as the decoded body has.
func (c *call) sentObjects(list string) []doc.Map {
	canonical := doc.Objects(c.body, list)
	sent, err := c.sent()
	if objects := doc.Objects(sent, list); err == nil && len(objects) == len(canonical) {
		return objects
	}
	return canonical // the list's name was in another form than JSON's own
}

func merge(d, sent, canonical doc.Map) {
	for name, value := range sent {
		switch v := value.(type) {
		case nil:
			delete(d, name)
		case doc.Map:
			inner := doc.Object(d, name)
			if inner == nil {
				inner = doc.Map{}
			}
			merge(inner, v, doc.Object(canonical, name))
			d[name] = inner
		case []any:
			if len(v) == 0 {
				delete(d, name)
			} else {
				d[name] = canonical[name]
			}
		default:
			if _, known := canonical[name]; known { // not so for a name in another form than JSON's own
				d[name] = canonical[name]
			}
		}
	}
}
