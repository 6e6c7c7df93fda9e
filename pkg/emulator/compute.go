package emulator

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const (
	computeHost = "compute.googleapis.com"
	// linkBase begins every link in answers, whichever host was called (recorded).
	linkBase = "https://www.googleapis.com/compute/v1/"
)

// projectID is the form of a project id, with the older domain-scoped one.
var projectID = regexp.MustCompile(`^(?:[a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// call is one call of Compute Engine at work.
type call struct {
	em    *Emulator
	tx    *world.Tx
	m     *method
	vars  map[string]string
	query url.Values
	body  document
	path  string // below the API's version, unescaped: "projects/p/global/networks/n"
	fx    effect
}

// computeHandler carries out a method and gives the body of the answer.
type computeHandler func(*call) (any, error)

func keys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

func (em *Emulator) serveCompute(ctx context.Context, r *request, fx effect) (*response, error) {
	m, vars := em.compute.find(r.method, r.path)
	if m == nil || m.handler == nil {
		return notEmulated(r).compute(), nil
	}
	if strings.HasSuffix(m.name, "Operations.Wait") {
		if err := em.waitOperation(ctx, r.path); err != nil {
			return nil, err
		}
	}
	var resp *response
	err := em.world.Do(time.Now(), func(tx *world.Tx) error {
		result, err := em.invoke(tx, m, vars, r, fx)
		if err != nil {
			return err
		}
		resp = answer(r, result) // rendered here: afterwards others may change the documents that the result is made of
		return nil
	})
	var refused failure
	switch {
	case errors.As(err, &refused):
		return refused.compute(), nil
	case err != nil:
		return nil, err
	}
	return resp, nil
}

// invoke checks what every method has in common, then runs it.
func (em *Emulator) invoke(tx *world.Tx, m *method, vars map[string]string, r *request, fx effect) (any, error) {
	project := vars["project"]
	if !em.exists(project) {
		return nil, notFound("projects/" + project)
	}
	if !imageProject(project) {
		if err := em.ensureProject(tx, project); err != nil {
			return nil, err
		}
	}
	if f := em.disabled(tx, project, computeHost); f != nil {
		return nil, *f
	}
	if err := m.checkQuery(r.query); err != nil {
		return nil, err
	}
	path, err := url.PathUnescape(strings.TrimPrefix(r.path, "/compute/v1/"))
	if err != nil {
		return nil, failure{code: 400, reason: "badRequest", message: "Malformed path"}
	}
	c := &call{em: em, tx: tx, m: m, vars: vars, query: r.query, path: path, fx: fx}
	if err := c.checkScope(); err != nil {
		return nil, err
	}
	if c.body, err = m.decodeBody(r.body); err != nil {
		return nil, err
	}
	if earlier, err := c.repeated(); earlier != nil || err != nil {
		return earlier, err
	}
	return m.handler(c)
}

// checkScope refuses zones and regions that do not exist.
func (c *call) checkScope() error {
	if zone, ok := c.vars["zone"]; ok && c.em.zone(zone) == nil && !strings.HasPrefix(c.m.name, "Zones.") {
		return invalid("zone", zone, "Unknown zone.")
	}
	if region, ok := c.vars["region"]; ok && !c.em.hasRegion(region) && !strings.HasPrefix(c.m.name, "Regions.") {
		return invalid("region", region, "Unknown region.")
	}
	return nil
}

// answer renders a result, cut down to the fields that were asked for.
func answer(r *request, result any) *response {
	mask := r.query.Get("fields")
	if mask == "" {
		mask = r.query.Get("$fields")
	}
	if d, ok := result.(document); ok && mask != "" {
		cut, err := selectFields(d, mask)
		if err != nil {
			return failure{code: 400, reason: "invalidParameter", message: "Invalid field selection " + mask}.compute()
		}
		result = cut
	}
	return reply(200, result)
}

// project is "projects/p".
func (c *call) project() string { return "projects/" + c.vars["project"] }

// scope is the project, the region or the zone of the call, as a path.
func (c *call) scope() string {
	switch {
	case c.vars["zone"] != "":
		return c.project() + "/zones/" + c.vars["zone"]
	case c.vars["region"] != "":
		return c.project() + "/regions/" + c.vars["region"]
	}
	return c.project() + "/global"
}

// worldName is the name in the world, and behind "//" the full resource name, of a compute path.
func worldName(path string) string { return computeHost + "/" + path }

// pathOf brings any form of a reference (full URL of any version or host, partial, short below a scope) to the path below
// the version. Short names, such as "global/networks/x", are taken as the project's.
func pathOf(ref, project string) string {
	if i := strings.Index(ref, "projects/"); i >= 0 {
		return ref[i:]
	}
	for _, scope := range []string{"global/", "regions/", "zones/"} {
		if i := strings.Index(ref, scope); i >= 0 {
			return project + "/" + ref[i:]
		}
	}
	return ref
}

// lookup finds an object of the API by path, if a client may see it.
func (c *call) lookup(path string) (*world.Object, bool) { return visible(c.tx, worldName(path)) }

func visible(tx *world.Tx, name string) (*world.Object, bool) {
	o, ok := tx.Get(name)
	if !ok || o.Visible.After(tx.Now()) {
		return nil, false
	}
	return o, true
}

// refer resolves a reference in a body to an object of a collection that is ready to be used.
func (c *call) refer(field, value, plural, noun string) (*world.Object, error) {
	path := pathOf(value, c.project())
	o, ok := c.lookup(path)
	if !ok || !strings.Contains(path, "/"+plural+"/") {
		return nil, invalid(field, value, "The referenced "+noun+" resource cannot be found.")
	}
	if !o.Ready || o.Doomed {
		return nil, notReady(path)
	}
	return o, nil
}

func basename(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func regionOf(zone string) string {
	i := strings.LastIndexByte(zone, '-')
	if i < 0 {
		return zone
	}
	return zone[:i]
}

func objectPath(o *world.Object) string { return strings.TrimPrefix(o.Name, computeHost+"/") }
