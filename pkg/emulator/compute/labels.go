package compute

import (
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
)

// labelPrint is the fingerprint of the labels that a thing is made with.
func labelPrint(d doc.Map) string {
	if len(doc.Object(d, "labels")) == 0 {
		return noFingerprint
	}
	return draws.TokenOf(fmt.Sprint(d["labels"]))
}

// setLabels replaces the labels of a thing. The fingerprint of those it has must be sent: an old one, or none, is refused (public
// reports: google-cloud-go#7802).
func (k *collection) setLabels(c *call) (any, error) {
	if name, ok := c.vars["resource"]; ok { // disks and addresses name it so
		c.vars[k.single] = name
	}
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	if !draws.SameToken(doc.Str(c.body, "labelFingerprint"), doc.Str(o.Doc, "labelFingerprint")) {
		return nil, badFingerprint("Labels fingerprint either invalid or resource labels have changed")
	}
	labels := doc.Object(c.body, "labels")
	if err := checkLabels(labels, "labels"); err != nil {
		return nil, err
	}
	delete(o.Doc, "labels")
	o.Doc["labelFingerprint"] = noFingerprint
	if len(labels) > 0 {
		o.Doc["labels"], o.Doc["labelFingerprint"] = labels, c.fingerprint()
	}
	return c.changed(k, o, "setLabels"), nil
}
