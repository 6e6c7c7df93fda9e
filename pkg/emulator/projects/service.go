package projects

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const (
	host = "cloudresourcemanager.googleapis.com"
	kind = "cloudresourcemanager#project" // Resource Manager itself has no kinds
)

// forbidden is what Resource Manager says of a project that does not exist or that the caller may not see, whatever the
// permission (recorded: compute-subnetwork-network-project.log): never 404.
var forbidden = wire.APIError{Code: 403, Reason: "forbidden", Message: "The caller does not have permission", Status: "PERMISSION_DENIED"} //nolint:gochecknoglobals // a constant

type service struct{ cloud *cloud.Cloud }

// Service is Resource Manager.
func Service() cloud.Service {
	return cloud.Service{
		Host: host, Title: "Cloud Resource Manager API", Refuse: wire.RPC,
		Latency: map[string]latency.Triple{"project.create": {Low: 3, Typical: 6, High: 20}}, // seconds; from public Terraform logs
		Open: func(c *cloud.Cloud) (*cloud.Server, error) {
			return &cloud.Server{
				Serve: service{c}.serve, Found: found, Roles: roles,
				Operations: map[string]operations.Closer{operationKind: closeOperation},
			}, nil
		},
	}
}

// call is one call at work.
type call struct {
	svc     service
	tx      *world.Tx
	r       *wire.Request
	fx      faults.Effect
	version string // "v1"
	project string // id, "" for a collection
	object  *world.Object
	body    doc.Map
}

// method is one method of the API: the permission that its reference page names, the fields of its body (nil when it takes
// any, "" when it takes none) and of its query, and what it does.
type method struct {
	permission string
	query      []string
	do         func(*call) (any, error)
}

// methods are those of projects, by version, HTTP method and what stands behind the project's name; "*" is any project.
var methods = map[string]method{ //nolint:gochecknoglobals // a constant table
	"v1 GET projects":        {"", []string{"filter", "pageSize", "pageToken"}, list},
	"v1 POST projects":       {"resourcemanager.projects.create", nil, create},
	"v1 GET *":               {"resourcemanager.projects.get", nil, get},
	"v1 PUT *":               {"resourcemanager.projects.update", nil, update},
	"v1 DELETE *":            {"resourcemanager.projects.delete", nil, remove},
	"v1 POST *:undelete":     {"resourcemanager.projects.undelete", nil, undelete},
	"v1 POST *:getAncestry":  {"resourcemanager.projects.get", nil, ancestry},
	"v3 GET projects":        {"resourcemanager.projects.list", []string{"parent", "pageSize", "pageToken", "showDeleted"}, listBelow},
	"v3 GET projects:search": {"", []string{"query", "pageSize", "pageToken"}, search},
	"v3 POST projects":       {"resourcemanager.projects.create", nil, create},
	"v3 GET *":               {"resourcemanager.projects.get", nil, get},
	"v3 PATCH *":             {"resourcemanager.projects.update", []string{"updateMask"}, update},
	"v3 DELETE *":            {"resourcemanager.projects.delete", nil, remove},
	"v3 POST *:undelete":     {"resourcemanager.projects.undelete", nil, undelete},

	"v1 POST *:getIamPolicy":       {"resourcemanager.projects.getIamPolicy", nil, getPolicy},
	"v1 POST *:setIamPolicy":       {"resourcemanager.projects.setIamPolicy", nil, setPolicy},
	"v1 POST *:testIamPermissions": {"", nil, testPermissions},
	"v3 POST *:getIamPolicy":       {"resourcemanager.projects.getIamPolicy", nil, getPolicy},
	"v3 POST *:setIamPolicy":       {"resourcemanager.projects.setIamPolicy", nil, setPolicy},
	"v3 POST *:testIamPermissions": {"", nil, testPermissions},

	"v1 POST *:getOrgPolicy":          {"orgpolicy.policy.get", nil, getConstraint},
	"v1 POST *:getEffectiveOrgPolicy": {"orgpolicy.policy.get", nil, getEffective},
	"v1 POST *:listOrgPolicies":       {"orgpolicy.policy.get", nil, listConstraints},
	"v1 POST *:setOrgPolicy":          {"orgpolicy.policy.set", nil, setConstraint},
	"v1 POST *:clearOrgPolicy":        {"orgpolicy.policy.set", nil, clearConstraint},
}

// find gives the method of a call, and the project that it names.
func find(r *wire.Request) (m method, version, project string, ok bool) {
	version, rest, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
	name, one := strings.CutPrefix(rest, "projects/")
	if !one {
		m, ok = methods[version+" "+r.Method+" "+rest]
		return m, version, "", ok
	}
	// a domain-scoped id has a colon of its own: "example.com:my-project"
	verb := ""
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		if _, known := methods[version+" "+r.Method+" *"+name[i:]]; known {
			name, verb = name[:i], name[i:]
		}
	}
	project, err := url.PathUnescape(name)
	if err != nil || project == "" || strings.Contains(project, "/") {
		return m, version, "", false
	}
	m, ok = methods[version+" "+r.Method+" *"+verb]
	return m, version, project, ok
}

func (svc service) serve(_ context.Context, r *wire.Request, fx faults.Effect) (*wire.Response, error) {
	if version, id, ok := strings.Cut(r.Path, "/operations/"); ok && (version == "/v1" || version == "/v3") && r.Method == "GET" && !strings.Contains(id, "/") {
		return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) { return getOperation(tx, id) })
	}
	m, version, project, ok := find(r)
	if !ok {
		return wire.RPC(r, wire.NotEmulated(r)), nil
	}
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		c := &call{svc: svc, tx: tx, r: r, fx: fx, version: version, project: project}
		if err := c.enter(m); err != nil {
			return nil, err
		}
		return m.do(c)
	})
}

// enter checks what every method has in common.
func (c *call) enter(m method) error {
	if c.project != "" {
		if err := c.lookup(); err != nil {
			return err
		}
		if err := c.svc.cloud.CheckEnabled(c.tx, c.project, host); err != nil {
			return err
		}
	}
	for name := range c.r.Query {
		if !slices.Contains(m.query, name) && !rest.System(name) {
			return wire.APIError{Code: 400, Reason: "badRequest", Message: "Invalid JSON payload received. Unknown name \"" + name +
				"\": Cannot bind query parameter. Field '" + name + "' could not be found in request message."}
		}
	}
	c.body = doc.Map{}
	if len(strings.TrimSpace(string(c.r.Body))) > 0 {
		if err := json.Unmarshal(c.r.Body, &c.body); err != nil {
			return wire.APIError{Code: 400, Reason: "badRequest", Message: "Invalid JSON payload received. " + err.Error()}
		}
	}
	if m.permission != "" && !c.svc.cloud.Permitted(m.permission) {
		return forbidden
	}
	return nil
}

// lookup finds the project of a call by id or number. One that is there without having been made comes into the world now.
func (c *call) lookup() error {
	c.project = cloud.Resolve(c.tx, c.project)
	if !c.svc.cloud.Seen(c.tx, c.project) {
		if !c.svc.cloud.Known(c.tx, c.project) {
			return forbidden
		}
		if err := c.svc.cloud.Found(c.tx, c.project); err != nil {
			return err
		}
	}
	o, ok := c.tx.Get(objectName(c.project))
	if !ok || !o.Ready {
		return forbidden
	}
	c.object = o
	return nil
}
