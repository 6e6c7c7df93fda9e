package compute

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
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
	delete(d, "fingerprint") // "ignored when inserting" (discovery document)
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
	return c.start(cmp.Or(k.insertType, "insert"), operations.Work{Target: o, Takes: c.svc.cloud.Draw(c.tx, kind), Effect: operations.Ready}), nil
}

// place puts a new resource into the world, not ready yet.
func (c *call) place(k *collection, path string, d doc.Map) *world.Object {
	maps.Copy(d, doc.Map{
		"kind": k.kind, "id": c.id(), "creationTimestamp": timestamp(c.tx.Now()), "selfLink": linkBase + path,
	})
	c.addScopeLinks(d)
	settle(d)
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
	if !ok || !meant(o, c.query) {
		return nil, notFound(path)
	}
	return o, nil
}

// settled is target for a change: it must not be under way already. It is a copy, which a call that is refused half-way does not
// leave behind.
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
	own := *o
	own.Doc = doc.Clone(o.Doc)
	if o.Note != nil {
		own.Note = doc.Clone(o.Note)
	}
	return &own, nil
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
	return c.start(cmp.Or(k.deleteType, "delete"), operations.Work{Target: o, Takes: c.svc.cloud.Draw(c.tx, kind), Effect: operations.Delete}), nil
}

// settle takes out what no read shows: empty lists, and empty messages but tags. Recorded are a template's empty tags, which show, and
// an instance's empty params, which do not (compute-instance-template-and-instances.log); Terraform's provider, which sends a group
// an empty resourcePolicies, takes one that is shown for a change.
func settle(d doc.Map) {
	doc.Settle(d)
	doc.Prune(d, "tags")
}

// alters says whether a field of a PATCH's body is more than what the object has already.
func (c *call) alters(o *world.Object, field string) bool {
	was, will := doc.Map{}, doc.Map{}
	if v, ok := o.Doc[field]; ok {
		was, will = doc.Clone(doc.Map{field: v}), doc.Clone(doc.Map{field: v})
	}
	doc.Merge(will, doc.Map{field: c.body[field]})
	settle(was)
	settle(will)
	return !reflect.DeepEqual(was, doc.Clone(will))
}

// changes gives what an object will be after the PATCH or PUT of the call: a PATCH is merged (JSON merge patch, as the discovery
// document says of routers, firewalls and managed instance groups), a PUT replaces the whole. What only Compute Engine writes
// stays, and so do the fields in fixed, which are ignored in the body. The object itself is not changed yet.
func (c *call) changes(o *world.Object, fixed ...string) doc.Map {
	d := doc.Map{}
	was := doc.Clone(o.Doc)
	if c.patch {
		d = doc.Clone(o.Doc)
	}
	doc.Merge(d, c.body)
	for _, name := range slices.Concat(fixed, c.m.OutputOnly(), []string{"name"}) {
		delete(d, name)
		if v, ok := was[name]; ok {
			d[name] = v
		}
	}
	return d
}

// changed starts the operation of a change that was made to an object. Will the operation fail, the change is taken back at once.
func (c *call) changed(k *collection, o *world.Object, kind string) doc.Map {
	if c.before != nil {
		o.Doc = c.before
	}
	settle(o.Doc)
	c.tx.Put(o)
	return c.start(kind, operations.Work{Target: o, Takes: c.svc.cloud.Draw(c.tx, k.latency+".update"), Effect: operations.Keep})
}

// fingerprint is a new optimistic-locking token.
func (c *call) fingerprint() string { return draws.Token(c.tx.Count()) }
