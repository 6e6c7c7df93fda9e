package compute

import (
	"fmt"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
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

// virtualAggregated lists what is not stored over all zones.
func (c *call) virtualAggregated(plural, kind string, of func(c *call, zone string) []doc.Map) (any, error) {
	return c.shelves(plural, kind, inZones(func(c *call, zone string) []func() doc.Map {
		var items []func() doc.Map
		for _, d := range of(c, zone) {
			items = append(items, func() doc.Map { return d })
		}
		return items
	}))
}

// shelves lists what is not stored over all scopes, in pages as every list (discovery document: maxResults is 500 unless
// given). A scope that shows nothing on the page carries the warning instead, as in aggregated.
func (c *call) shelves(plural, kind string, of shelf) (any, error) {
	filter, err := c.filter()
	if err != nil {
		return nil, err
	}
	size, err := c.pageSize()
	if err != nil {
		return nil, err
	}
	type entry struct {
		scope  string
		render func() doc.Map
	}
	var all []entry
	for _, scope := range allScopes() {
		for _, render := range of(c, scope) {
			if c.query.Get("filter") == "" || filter.Match(render()) {
				all = append(all, entry{scope, render})
			}
		}
	}
	shown, token, ok := rest.Page(all, size, c.query.Get("pageToken"))
	if !ok {
		return nil, invalid("pageToken", c.query.Get("pageToken"), "Invalid page token.")
	}
	found := map[string][]any{}
	for _, e := range shown {
		found[e.scope] = append(found[e.scope], e.render())
	}
	scopes := doc.Map{}
	for _, scope := range allScopes() {
		switch {
		case len(found[scope]) > 0:
			scopes[scope] = doc.Map{plural: found[scope]}
		case c.query.Get("returnPartialSuccess") != "true":
			scopes[scope] = noResults(scope)
		}
	}
	path := c.project() + "/aggregated/" + plural
	out := doc.Map{"kind": kind, "id": path, "selfLink": linkBase + path, "items": scopes}
	if token != "" {
		out["nextPageToken"] = token
	}
	return out, nil
}

// noResults is what an aggregated list says of a scope that it shows nothing of.
func noResults(scope string) doc.Map {
	return doc.Map{"warning": doc.Map{
		"code": "NO_RESULTS_ON_PAGE", "message": fmt.Sprintf("There are no results for scope '%s' on this page.", scope),
		"data": []any{doc.Map{"key": "scope", "value": scope}},
	}}
}
