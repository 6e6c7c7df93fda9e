package cloud

import (
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Resource is one line of the inventory.
type Resource struct {
	Name    string    `json:"name"` // full resource name: "//compute.googleapis.com/projects/p/global/networks/n"
	Kind    string    `json:"kind"`
	State   string    `json:"state"`
	Created time.Time `json:"created"`
	Builtin bool      `json:"builtin"`
}

// Resources lists all that exists, sorted by name.
func (c *Cloud) Resources() ([]Resource, error) {
	out := []Resource{}
	err := c.world.Do(time.Now(), func(tx *world.Tx) error {
		for _, o := range tx.All() {
			if o.Kind == "" || c.Ledger.IsOperation(o.Kind) {
				continue // bookkeeping and history, not things
			}
			out = append(out, Resource{
				Name: "//" + o.Name, Kind: o.Kind, State: stateOf(o), Created: o.Created.UTC(), Builtin: o.Builtin,
			})
		}
		return nil
	})
	return out, err
}

func stateOf(o *world.Object) string {
	switch {
	case o.Doomed:
		return "DELETING"
	case !o.Ready:
		return "CREATING"
	case o.State != "":
		return o.State
	}
	if s := doc.Str(o.Doc, "status"); s != "" {
		return s
	}
	return "READY"
}
