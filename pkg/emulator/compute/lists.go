package compute

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/listfilter"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// Lists take filter, orderBy, maxResults, pageToken and returnPartialSuccess, all alike (discovery document). Nothing here fails in
// part, so the last changes nothing.

func (k *collection) list(c *call) (any, error) {
	return c.page(c.scope()+"/"+k.plural, k.kind+"List", k)
}

// page is one page of a collection's list.
func (c *call) page(scope, kind string, k *collection) (any, error) {
	return c.listed(scope, kind, c.stored(scope, k))
}

// stored gives what a collection has in a scope, as far as clients may see it, in the order of names. Only what is shown is
// rendered: a page of ten thousand VMs has 500.
func (c *call) stored(scope string, k *collection) []func() doc.Map {
	var items []func() doc.Map
	for _, o := range c.tx.List(worldName(scope)) {
		if !o.Visible.After(c.tx.Now()) {
			items = append(items, func() doc.Map { return k.show(c.tx, o) })
		}
	}
	return items
}

// virtual is one page of a list whose items need not be stored; they are in the order of names. There is no key "items" when
// nothing is found (recorded: c7n-compute-mig-zonal-list-empty.json).
func (c *call) virtual(scope, kind string, items []doc.Map) (any, error) {
	return c.listed(scope, kind, rendered(items))
}

func (c *call) listed(scope, kind string, items []func() doc.Map) (any, error) {
	filter, err := c.filter()
	if err != nil {
		return nil, err
	}
	if c.query.Get("filter") != "" {
		items = slices.DeleteFunc(items, func(render func() doc.Map) bool { return !filter.Match(render()) })
	}
	page, token, err := pageOf(c, items, func(render func() doc.Map) doc.Map { return render() })
	if err != nil {
		return nil, err
	}
	var shown []doc.Map
	for _, render := range page {
		shown = append(shown, render())
	}
	out := doc.Map{"kind": kind, "id": scope, "selfLink": linkBase + scope}
	if len(shown) > 0 {
		out["items"] = doc.Anys(shown)
	}
	if token != "" {
		out["nextPageToken"] = token
	}
	return out, nil
}

// filter reads the filter of a list. The words are of public reports, and so is that a field which the resource does not have is
// refused: gcloud's labels of a backend service, metadata keys of an instance.
func (c *call) filter() (listfilter.Filter, error) {
	text := c.query.Get("filter")
	f, err := listfilter.Parse(text)
	if err == nil {
		for _, field := range f.Fields() {
			if !c.m.Lists(field) {
				err = fmt.Errorf("there is no field %s", field)
			}
		}
	}
	if err != nil {
		return f, invalid("filter", text, "Invalid list filter expression.")
	}
	return f, nil
}

// cut gives one page of a sorted list and the token of the next.
func (c *call) cut(items []doc.Map) ([]doc.Map, string, error) {
	return pageOf(c, items, func(d doc.Map) doc.Map { return d })
}

// pageOf is cut for things that hold resources. The order is that of names or, with orderBy, of creation, the newest first
// (discovery document; the words of the refusal are assumed).
func pageOf[T any](c *call, items []T, resource func(T) doc.Map) ([]T, string, error) {
	switch order := c.query.Get("orderBy"); order {
	case "", "name", "name asc":
	case "creationTimestamp desc":
		at := func(d doc.Map) string { return cmp.Or(doc.Str(d, "creationTimestamp"), doc.Str(d, "insertTime")) }
		slices.SortStableFunc(items, func(a, b T) int { return strings.Compare(at(resource(b)), at(resource(a))) })
	default:
		return nil, "", invalid("orderBy", order, "Only 'name' and 'creationTimestamp desc' are supported.")
	}
	return slice(c, items)
}

// slice is the page of a list that a call asks for, in the order in which it stands.
func slice[T any](c *call, items []T) ([]T, string, error) {
	size, err := c.pageSize()
	if err != nil {
		return nil, "", err
	}
	shown, next, ok := rest.Page(items, size, c.query.Get("pageToken"))
	if !ok {
		return nil, "", invalid("pageToken", c.query.Get("pageToken"), "Invalid page token.")
	}
	return shown, next, nil
}

// pageSize is maxResults: 500 unless given, or 0 (discovery document). The words are those in which Google's older front end
// refuses numbers out of range (public reports of another API).
func (c *call) pageSize() (int, error) {
	s := c.query.Get("maxResults")
	if s == "" || s == "0" {
		return 500, nil
	}
	if n := doc.Num(doc.Map{"n": s}, "n"); n > 0 && n <= 500 {
		return int(n), nil
	}
	return 0, wire.APIError{Code: 400, Reason: "invalidParameter", Message: fmt.Sprintf("Invalid value '%s'. Values must be within the range: [0, 500]", s)}
}

// aggregated lists a collection over all scopes that it can have.
func (c *call) aggregated(plural, kind string, k *collection) (any, error) {
	return c.overScopes(plural, kind, func(c *call, scope string) []func() doc.Map {
		return c.stored(c.project()+"/"+scope+"/"+plural, k)
	})
}

// nowhere is an aggregated list of what the emulator knows and has nothing of.
func (c *call) nowhere(plural, kind string) (any, error) {
	return c.overScopes(plural, kind, func(*call, string) []func() doc.Map { return nil })
}

func rendered(items []doc.Map) []func() doc.Map {
	out := make([]func() doc.Map, len(items))
	for i, d := range items {
		out[i] = func() doc.Map { return d }
	}
	return out
}

// overScopes is one page of an aggregated list. A scope without results on it carries a warning instead (recorded form:
// gcp-facts, section 1). Scopes of kinds where the collection cannot be show with includeAllScopes only (discovery document).
func (c *call) overScopes(plural, kind string, in shelf) (any, error) {
	filter, err := c.filter()
	if err != nil {
		return nil, err
	}
	type found struct {
		scope  string
		render func() doc.Map
	}
	var all []found
	scopes := doc.Map{}
	for _, scope := range allScopes() {
		level, _, _ := strings.Cut(scope, "/")
		if !c.svc.scoped(plural, level) && !rest.True(c.query, "includeAllScopes") {
			continue
		}
		scopes[scope] = doc.Map{"warning": doc.Map{
			"code": "NO_RESULTS_ON_PAGE", "message": fmt.Sprintf("There are no results for scope '%s' on this page.", scope),
			"data": []any{doc.Map{"key": "scope", "value": scope}},
		}}
		for _, render := range in(c, scope) {
			if c.query.Get("filter") == "" || filter.Match(render()) {
				all = append(all, found{scope, render})
			}
		}
	}
	shown, token, err := pageOf(c, all, func(f found) doc.Map { return f.render() })
	if err != nil {
		return nil, err
	}
	for _, f := range shown {
		scopes[f.scope] = doc.Map{plural: append(doc.List(scopes, f.scope, plural), f.render())}
	}
	path := c.project() + "/aggregated/" + plural
	out := doc.Map{"kind": kind, "id": path, "selfLink": linkBase + path, "items": scopes}
	if token != "" {
		out["nextPageToken"] = token
	}
	return out, nil
}

// scoped says whether a collection has things at a level: "global", "regions", "zones".
func (svc *service) scoped(plural, level string) bool {
	if level != "global" {
		level += "/x"
	}
	m, _ := svc.router.Find("GET", "/compute/v1/projects/x/"+level+"/"+plural)
	return m != nil
}
