package compute

import (
	"context"
	"net/http"
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
	patch bool   // the body says what changes, and not what will be
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
		return svc.invoke(tx, m, vars, r, fx)
	})
}

// invoke checks what every method has in common, then runs it.
func (svc *service) invoke(tx *world.Tx, m *rest.Method, vars map[string]string, r *wire.Request, fx faults.Effect) (any, error) {
	project := vars["project"]
	if !projectPattern().MatchString(project) {
		return nil, badProject(m.Name)
	}
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
	also := []string{"uniqueId"} // Terraform reads templates by their selfLinkUnique
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
	c := &call{svc: svc, tx: tx, m: m, vars: vars, query: r.Query, path: path, patch: r.Method == http.MethodPatch || merges[m.Name], fx: fx}
	if err := c.checkScope(); err != nil {
		return nil, err
	}
	if err := c.read(r); err != nil {
		return nil, err
	}
	if err := c.admit(); err != nil {
		return nil, err
	}
	if earlier, err := c.repeated(); earlier != nil || err != nil {
		return earlier, err
	}
	if err := c.dangling(c.body); err != nil {
		return nil, err
	}
	return svc.handlers[m.Name](c)
}

// merges are the methods that merge what a POST says (discovery document).
var merges = map[string]bool{ //nolint:gochecknoglobals // a constant table
	"InstanceGroupManagers.PatchPerInstanceConfigs": true, "InstanceGroupManagers.UpdatePerInstanceConfigs": true,
}

// read reads the body. Compute Engine ignores names that it does not know: released Terraform providers send some that no discovery
// document has (deleteBgpAlwaysCompareMed, initialNatIps). In a PATCH null and an empty list take away what was there; in all
// other bodies they say nothing.
func (c *call) read(r *wire.Request) error {
	body, unknown, err := c.m.DecodeKnown(r.Body)
	if err != nil {
		return err
	}
	r.Ignored = nil
	for _, u := range unknown {
		r.Ignored = append(r.Ignored, u.String())
	}
	if !c.patch {
		doc.Settle(body)
	}
	realLinks(body)
	c.body = body
	return nil
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
