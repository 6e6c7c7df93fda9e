package compute

import (
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// shelf tells what a place has, in order. Each thing is rendered only if it is shown: all zones together have some 40,000 machine
// types.
type shelf func(c *call, place string) []func() doc.Map

// render renders everything that a place has.
func (s shelf) render(c *call, place string) []doc.Map {
	var out []doc.Map
	for _, thing := range s(c, place) {
		out = append(out, thing())
	}
	return out
}

// inZones lets a shelf of zones answer for scopes as aggregated lists name them; other scopes have nothing.
func inZones(of shelf) shelf {
	return func(c *call, scope string) []func() doc.Map {
		if zone, ok := strings.CutPrefix(scope, "zones/"); ok {
			return of(c, zone)
		}
		return nil
	}
}
