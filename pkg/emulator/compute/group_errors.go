package compute

import (
	"fmt"
	"slices"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const (
	// errorsKept is how long a group remembers an error: about a day (gcp-facts, section 8).
	errorsKept = 24 * time.Hour
	// mostErrors bounds what a group remembers, so that one that fails for ever does not fill the world: an assumption.
	mostErrors = 500
)

// recordError keeps why a VM could not be made, for listErrors.
func (svc *service) recordError(tx *world.Tx, o, m *world.Object) {
	zone := objectPath(&world.Object{Name: parentPath(parentPath(o.Name))})
	tx.Put(&world.Object{
		Name: fmt.Sprintf("%s/errors/%020d", o.Name, tx.Count()), Created: tx.Now(),
		Doc: doc.Map{
			"error":     doc.Map{"code": m.Note["code"], "message": m.Note["message"]},
			"timestamp": timestamp(tx.Now()),
			"instanceActionDetails": doc.Map{
				"action": m.Note["action"], "instance": linkBase + zone + "/instances/" + basename(m.Name),
				"version": shownVersion(m),
			},
		},
	})
}

// forgetErrors drops what is too old, and the oldest of what is too much.
func (svc *service) forgetErrors(tx *world.Tx, o *world.Object) {
	all := tx.List(o.Name + "/errors")
	for i, e := range all {
		if len(all)-i > mostErrors || !svc.remembered(tx, e) {
			tx.Delete(e.Name)
		}
	}
}

func (svc *service) remembered(tx *world.Tx, e *world.Object) bool {
	return tx.Now().Sub(e.Created) < svc.cloud.Scaled(errorsKept)
}

// listGroupErrors lists what went wrong, the newest first (that order is an assumption). Filters and orders are not supported
// (discovery document).
func (svc *service) listGroupErrors(c *call, k *collection) (any, error) {
	o, err := k.target(c)
	if err != nil {
		return nil, err
	}
	var items []any
	for _, e := range slices.Backward(c.tx.List(o.Name + "/errors")) {
		if svc.remembered(c.tx, e) {
			items = append(items, e.Doc)
		}
	}
	shown, next, err := slice(c, items)
	return rest.Listed("items", shown, next), err
}
