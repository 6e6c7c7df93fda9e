package compute

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/listfilter"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// collection describes one collection of Compute Engine. All collections insert, get, list and delete alike; what differs is
// in the functions, each of which may be nil.
type collection struct {
	service string // "Networks", as in the method names
	plural  string // "networks"
	single  string // path variable: "network"
	noun    string // in refusals: "network"
	kind    string // "compute#network"
	latency string // "compute_network"
	// insertType and deleteType are the operationType of inserting and deleting; "insert" and "delete" when empty.
	insertType, deleteType string
	readOnly               bool // no insert, no delete

	// prepare checks a body and fills in the defaults of the API.
	prepare func(*call, doc.Map) error
	// inserted sees the object at once, ready when its operation is done, removed when it is gone.
	inserted func(*call, *world.Object)
	ready    func(*world.Tx, *world.Object)
	removed  func(*world.Tx, *world.Object)
	// kept sees it when its deletion has failed.
	kept func(*world.Tx, *world.Object)
	// user refuses a deletion at once; lateUser lets its operation fail.
	user     func(*call, *world.Object) error
	lateUser func(*world.Tx, *world.Object) *faults.OperationError
	// deleted sees the object when its deletion starts.
	deleted func(*call, *world.Object)
	// view completes what a read shows.
	view func(*world.Tx, *world.Object, doc.Map)
	// insertKind and deleteKind choose the latency when it depends on the resource.
	insertKind, deleteKind func(doc.Map) string
}

// methods are the methods that all collections have.
func (k *collection) methods() map[string]handler {
	out := map[string]handler{
		k.service + ".Get":  k.get,
		k.service + ".List": k.list,
	}
	if !k.readOnly {
		out[k.service+".Insert"] = k.insert
		out[k.service+".Delete"] = k.remove
	}
	return out
}

// resourceName is the form of most names (discovery doc.Map, pattern of "name").
var resourceName = regexp.MustCompile(`^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$`)

const namePattern = `(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)`

func (k *collection) insert(c *call) (any, error) {
	name := doc.Str(c.body, "name")
	if name == "" {
		return nil, required("resource.name")
	}
	if !resourceName.MatchString(name) {
		return nil, invalid("resource.name", name, fmt.Sprintf("Must be a match of regex '%s'", namePattern))
	}
	path := c.scope() + "/" + k.plural + "/" + name
	if _, taken := c.tx.Get(worldName(path)); taken {
		return nil, alreadyExists(path)
	}
	d := c.body
	for _, outputOnly := range []string{"id", "kind", "selfLink", "creationTimestamp", "fingerprint", "status"} {
		delete(d, outputOnly)
	}
	if k.prepare != nil {
		if err := k.prepare(c, d); err != nil {
			return nil, err
		}
	}
	o := c.place(k, path, d)
	if k.inserted != nil {
		k.inserted(c, o)
	}
	kind := k.latency + ".create"
	if k.insertKind != nil {
		kind = k.insertKind(d)
	}
	return c.start(orElse(k.insertType, "insert"), operations.Work{Target: o, Takes: c.svc.cloud.Draw(c.tx, kind), Effect: operations.Ready}), nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// place puts a new resource into the world, not ready yet.
func (c *call) place(k *collection, path string, d doc.Map) *world.Object {
	maps.Copy(d, doc.Map{
		"kind": k.kind, "id": c.id(), "creationTimestamp": timestamp(c.tx.Now()), "selfLink": linkBase + path,
	})
	c.addScopeLinks(d)
	o := &world.Object{Name: worldName(path), Kind: k.kind, Service: computeHost, Created: c.tx.Now(), Doc: d}
	if c.fx.Late > 0 {
		o.Visible = c.tx.Now().Add(c.svc.cloud.Scaled(c.fx.Late))
	}
	c.tx.Put(o)
	return o
}

// target finds the object that a call names in its path.
func (k *collection) target(c *call) (*world.Object, error) {
	path := c.scope() + "/" + k.plural + "/" + c.vars[k.single]
	o, ok := c.lookup(path)
	if !ok {
		return nil, notFound(path)
	}
	return o, nil
}

// settled is target for a change: it must not be under way already.
func (k *collection) settled(c *call) (*world.Object, error) {
	o, err := k.target(c)
	if err != nil {
		return nil, err
	}
	if o.Doomed || !o.Ready {
		return nil, notReady(objectPath(o))
	}
	if c.fails() != nil {
		c.before = doc.Clone(o.Doc)
	}
	return o, nil
}

func (k *collection) get(c *call) (any, error) {
	o, err := k.target(c)
	if err != nil {
		return nil, err
	}
	return k.show(c.tx, o), nil
}

func (k *collection) show(tx *world.Tx, o *world.Object) doc.Map {
	if k == nil || k.view == nil {
		return o.Doc
	}
	d := maps.Clone(o.Doc)
	k.view(tx, o, d)
	return d
}

// remove refuses at once what is under way (recorded: errors.log and the router log: a second delete gets 400
// resourceNotReady while the first one runs) or in use.
func (k *collection) remove(c *call) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	if k.user != nil {
		if err := k.user(c, o); err != nil {
			return nil, err
		}
	}
	o.Doomed = true
	c.tx.Put(o)
	c.markLingering(o)
	if k.deleted != nil {
		k.deleted(c, o)
	}
	kind := k.latency + ".delete"
	if k.deleteKind != nil {
		kind = k.deleteKind(o.Doc)
	}
	return c.start(orElse(k.deleteType, "delete"), operations.Work{Target: o, Takes: c.svc.cloud.Draw(c.tx, kind), Effect: operations.Delete}), nil
}

func (k *collection) list(c *call) (any, error) {
	return c.page(c.scope()+"/"+k.plural, k.kind+"List", k)
}

// changed starts the operation of a change that was made to an object. Will the operation fail, the change is taken back at once.
func (c *call) changed(k *collection, o *world.Object, kind string) doc.Map {
	if c.before != nil {
		o.Doc = c.before
	}
	c.tx.Put(o)
	return c.start(kind, operations.Work{Target: o, Takes: c.svc.cloud.Draw(c.tx, k.latency+".update"), Effect: operations.Keep})
}

// page is one page of a list: filter, orderBy, maxResults, pageToken (discovery document; default 500). There is no key
// "items" when nothing is found (recorded: c7n-compute-mig-zonal-list-empty.json).
func (c *call) page(scope, kind string, k *collection) (doc.Map, error) {
	filter, err := c.filter()
	if err != nil {
		return nil, err
	}
	var items []doc.Map
	for _, o := range c.tx.List(worldName(scope)) {
		if o.Visible.After(c.tx.Now()) {
			continue
		}
		if d := k.show(c.tx, o); filter.Match(d) {
			items = append(items, d)
		}
	}
	out := doc.Map{"kind": kind, "id": scope, "selfLink": linkBase + scope}
	shown, token, err := c.cut(items)
	if err != nil {
		return nil, err
	}
	if len(shown) > 0 {
		out["items"] = doc.Anys(shown)
	}
	if token != "" {
		out["nextPageToken"] = token
	}
	return out, nil
}

func (c *call) filter() (listfilter.Filter, error) {
	text := c.query.Get("filter")
	f, err := listfilter.Parse(text)
	if err != nil {
		return f, invalid("filter", text, "Invalid list filter expression: "+err.Error()+".")
	}
	return f, nil
}

// cut gives one page of a sorted list and the token of the next.
func (c *call) cut(items []doc.Map) ([]doc.Map, string, error) {
	switch order := c.query.Get("orderBy"); order {
	case "", "name", "name asc":
	case "creationTimestamp desc":
		slices.SortStableFunc(items, func(a, b doc.Map) int {
			return strings.Compare(doc.Str(b, "creationTimestamp"), doc.Str(a, "creationTimestamp"))
		})
	default:
		return nil, "", invalid("orderBy", order, "Only 'name' and 'creationTimestamp desc' are supported.")
	}
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

// pageSize is maxResults: 500 unless given, or 0 (discovery document).
func (c *call) pageSize() (int, error) {
	s := c.query.Get("maxResults")
	if s == "" || s == "0" {
		return 500, nil
	}
	if n := doc.Num(doc.Map{"n": s}, "n"); n > 0 && n <= 500 {
		return int(n), nil
	}
	return 0, invalid("maxResults", s, "Must be between 0 and 500.")
}

// aggregated lists a collection over all scopes. A scope without a match carries a warning instead of items.
func (c *call) aggregated(plural, kind string, k *collection) (any, error) {
	filter, err := c.filter()
	if err != nil {
		return nil, err
	}
	scopes := doc.Map{}
	for _, scope := range allScopes() {
		var found []any
		for _, o := range c.tx.List(worldName(c.project() + "/" + scope + "/" + plural)) {
			if d := k.show(c.tx, o); !o.Visible.After(c.tx.Now()) && filter.Match(d) {
				found = append(found, d)
			}
		}
		if len(found) > 0 {
			scopes[scope] = doc.Map{plural: found}
			continue
		}
		if c.query.Get("returnPartialSuccess") == "true" {
			continue
		}
		scopes[scope] = doc.Map{"warning": doc.Map{
			"code": "NO_RESULTS_ON_PAGE", "message": fmt.Sprintf("There are no results for scope '%s' on this page.", scope),
			"data": []any{doc.Map{"key": "scope", "value": scope}},
		}}
	}
	path := c.project() + "/aggregated/" + plural
	return doc.Map{"kind": kind, "id": path, "selfLink": linkBase + path, "items": scopes}, nil
}

// fingerprint is a new optimistic-locking token.
func (c *call) fingerprint() string { return draws.Token(c.tx.Count()) }
