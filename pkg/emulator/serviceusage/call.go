package serviceusage

import (
	"context"
	"maps"
	"slices"
	"strings"

	"cloud.google.com/go/serviceusage/apiv1/serviceusagepb"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// call is one call at work.
type call struct {
	svc     *service
	tx      *world.Tx
	r       *wire.Request
	fx      faults.Effect
	project string
	api     string // "" for all
	body    doc.Map
}

// method is what a method does, the permission that its reference page names, and how a caller without it is told so.
type method struct {
	permission string
	denied     func(*call) string
	do         func(*call) (any, error)
}

// methods are all that is emulated, by name. How a refused list, get and enabling read is from public reports; the others
// follow them.
var methods = map[string]method{ //nolint:gochecknoglobals // a constant table
	"ServiceUsage.ListServices": {"serviceusage.services.list", func(c *call) string {
		return "Permission denied to list services for consumer container [projects/" + cloud.Number(c.project) + "]"
	}, list},
	"ServiceUsage.GetService":       {"serviceusage.services.get", func(c *call) string { return "Permission denied to get service [" + c.api + "]" }, get},
	"ServiceUsage.BatchGetServices": {"serviceusage.services.get", func(c *call) string { return "Permission denied to get service [" + strings.Join(c.names(), ",") + "]" }, batchGet},
	"ServiceUsage.EnableService":    {"serviceusage.services.enable", func(c *call) string { return "Permission denied to enable service [" + c.api + "]" }, enable},
	"ServiceUsage.BatchEnableServices": {"serviceusage.services.enable", func(c *call) string {
		return "Permission denied to enable service [" + strings.Join(c.ids(), ",") + "]"
	}, batchEnable},
	"ServiceUsage.DisableService": {"serviceusage.services.disable", func(c *call) string { return "Permission denied to disable service [" + c.api + "]" }, disable},
}

func open(c *cloud.Cloud) (*cloud.Server, error) {
	svc := &service{cloud: c}
	var err error
	svc.router, err = rest.NewRouter(slices.Collect(maps.Keys(methods)), serviceusagepb.File_google_api_serviceusage_v1_serviceusage_proto)
	return &cloud.Server{
		Serve: svc.serve, Found: svc.found, Operations: map[string]operations.Closer{operationKind: operations.CloseLongRunning},
	}, err
}

func (svc *service) serve(_ context.Context, r *wire.Request, fx faults.Effect) (*wire.Response, error) {
	if id, ok := strings.CutPrefix(r.Path, "/v1/operations/"); ok && r.Method == "GET" && !strings.Contains(id, "/") {
		return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) { return getOperation(tx, id) })
	}
	m, vars := svc.router.Find(r.Method, r.Path)
	if m == nil || methods[m.Name].do == nil {
		return wire.RPC(r, wire.NotEmulated(r)), nil
	}
	parts := strings.Split(vars["name"]+vars["parent"], "/") // projects/P[/services/S]
	if parts[0] != "projects" {
		return wire.RPC(r, wire.NotEmulated(r)), nil
	}
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		c := &call{svc: svc, tx: tx, r: r, fx: fx, project: cloud.Resolve(tx, parts[1])}
		if len(parts) == 4 {
			c.api = parts[3]
		}
		if !svc.cloud.Known(tx, c.project) { // as Resource Manager says it
			return nil, wire.APIError{Code: 403, Reason: "forbidden", Message: "The caller does not have permission"}
		}
		if err := svc.cloud.Found(tx, c.project); err != nil {
			return nil, err
		}
		if err := m.CheckQuery(r.Query); err != nil {
			return nil, err
		}
		var err error
		if c.body, err = m.DecodeBody(r.Body); err != nil {
			return nil, err
		}
		does := methods[m.Name]
		if !svc.cloud.Permitted(does.permission) {
			return nil, denial(does.denied(c))
		}
		return does.do(c)
	})
}

// denial has the details of public reports; the help token that ends their messages, which is opaque, is left out.
func denial(message string) wire.APIError {
	return wire.APIError{
		Code: 403, Reason: "forbidden", Message: message,
		Details: []doc.Map{
			{"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": []any{doc.Map{"type": "googleapis.com", "subject": "110002"}}},
			cloud.ErrorInfo("AUTH_PERMISSION_DENIED", host, nil),
		},
	}
}
