package compute

import (
	"context"
	"net/url"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const (
	computeHost = "compute.googleapis.com"
	// linkBase begins every link in answers, whichever host was called (recorded).
	linkBase = "https://www.googleapis.com/compute/v1/"
)

// call is one call of Compute Engine at work.
type call struct {
	svc   *service
	tx    *world.Tx
	m     *rest.Method
	vars  map[string]string
	query url.Values
	body  doc.Map
	path  string // below the API's version, unescaped: "projects/p/global/networks/n"
	fx    faults.Effect
	// before is the object of the call as it was, when the operation will fail.
	before doc.Map
	// denied is how the operation will fail because of a service account; nil when nothing is wrong.
	denied *faults.OperationError
}

// fails is how the operation of the call will end; nil when no fault struck and nobody is denied.
func (c *call) fails() *faults.OperationError {
	if planned := failsWith(c.fx, c.vars["project"], c.vars["zone"]); planned != nil {
		return planned
	}
	return c.denied
}

// handler carries out a method and gives the body of the answer.
type handler func(*call) (any, error)

func (svc *service) serve(ctx context.Context, r *wire.Request, fx faults.Effect) (*wire.Response, error) {
	m, vars := svc.router.Find(r.Method, r.Path)
	if m == nil || svc.handlers[m.Name] == nil {
		return wire.Classic(r, wire.NotEmulated(r)), nil
	}
	if strings.HasSuffix(m.Name, "Operations.Wait") {
		name := worldName(strings.TrimSuffix(strings.TrimPrefix(r.Path, "/compute/v1/"), "/wait"))
		if err := svc.cloud.WaitOperation(ctx, name, longestWait); err != nil {
			return nil, err
		}
	}
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		result, err := svc.invoke(tx, m, vars, r, fx)
		if err != nil {
			return nil, err
		}
		return masked(r, result)
	})
}

// invoke checks what every method has in common, then runs it.
func (svc *service) invoke(tx *world.Tx, m *rest.Method, vars map[string]string, r *wire.Request, fx faults.Effect) (any, error) {
	project := vars["project"]
	if !svc.cloud.Exists(project) {
		return nil, notFound("projects/" + project)
	}
	if !imageProject(project) {
		if err := svc.cloud.Found(tx, project); err != nil {
			return nil, err
		}
	}
	if err := svc.cloud.CheckEnabled(tx, project, computeHost); err != nil {
		return nil, err
	}
	var also []string
	if strings.Contains(m.Name, "List") {
		also = append(also, "returnPartialSuccess") // in the discovery document, but not in computepb 1.75
	}
	if err := m.CheckQuery(r.Query, also...); err != nil {
		return nil, err
	}
	path, err := url.PathUnescape(strings.TrimPrefix(r.Path, "/compute/v1/"))
	if err != nil {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: "Malformed path"}
	}
	c := &call{svc: svc, tx: tx, m: m, vars: vars, query: r.Query, path: path, fx: fx}
	if err := c.checkScope(); err != nil {
		return nil, err
	}
	if c.body, err = m.DecodeBody(r.Body); err != nil {
		return nil, err
	}
	if err := c.admit(); err != nil {
		return nil, err
	}
	if earlier, err := c.repeated(); earlier != nil || err != nil {
		return earlier, err
	}
	return svc.handlers[m.Name](c)
}

// checkScope refuses zones and regions that do not exist.
func (c *call) checkScope() error {
	if zone, ok := c.vars["zone"]; ok && !hasZone(zone) && !strings.HasPrefix(c.m.Name, "Zones.") {
		return invalid("zone", zone, "Unknown zone.")
	}
	if region, ok := c.vars["region"]; ok && !hasRegion(region) && !strings.HasPrefix(c.m.Name, "Regions.") {
		return invalid("region", region, "Unknown region.")
	}
	return nil
}

// masked cuts a result down to the fields that were asked for.
func masked(r *wire.Request, result any) (any, error) {
	mask := r.Query.Get("fields")
	if mask == "" {
		mask = r.Query.Get("$fields")
	}
	d, ok := result.(doc.Map)
	if !ok || mask == "" {
		return result, nil
	}
	cut, err := doc.Select(d, mask)
	if err != nil {
		return nil, wire.APIError{Code: 400, Reason: "invalidParameter", Message: "Invalid field selection " + mask}
	}
	return cut, nil
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

func objectPath(o *world.Object) string { return strings.TrimPrefix(o.Name, computeHost+"/") }
