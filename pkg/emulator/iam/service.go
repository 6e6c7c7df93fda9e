package iam

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"cloud.google.com/go/iam/admin/apiv1/adminpb"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const (
	host = "iam.googleapis.com"
	kind = "iam#serviceAccount" // IAM itself has no kinds
	// compute brings its default service account with it (page "Default service accounts").
	compute = "compute.googleapis.com"
)

type service struct {
	cloud  *cloud.Cloud
	router *rest.Router
}

// call is one call at work.
type call struct {
	svc  *service
	tx   *world.Tx
	r    *wire.Request
	name string // "projects/P/serviceAccounts/EMAIL", or "projects/P" for a list and a creation
	body doc.Map
}

// method is what a method does, and the permission that its reference page names; "" where it needs none.
type method struct {
	permission string
	do         func(*call) (any, error)
}

// methods are all that is emulated, by name. Keys, and signing with them, are not: there is nobody to check a signature.
var methods = map[string]method{ //nolint:gochecknoglobals // a constant table
	"IAM.CreateServiceAccount":   {"iam.serviceAccounts.create", create},
	"IAM.DeleteServiceAccount":   {"iam.serviceAccounts.delete", remove},
	"IAM.DisableServiceAccount":  {"iam.serviceAccounts.disable", disable(true)},
	"IAM.EnableServiceAccount":   {"iam.serviceAccounts.enable", disable(false)},
	"IAM.GetIamPolicy":           {"iam.serviceAccounts.getIamPolicy", getPolicy},
	"IAM.GetServiceAccount":      {"iam.serviceAccounts.get", get},
	"IAM.ListServiceAccounts":    {"iam.serviceAccounts.list", list},
	"IAM.PatchServiceAccount":    {"iam.serviceAccounts.update", patch},
	"IAM.SetIamPolicy":           {"iam.serviceAccounts.setIamPolicy", setPolicy},
	"IAM.TestIamPermissions":     {"", testPermissions},
	"IAM.UndeleteServiceAccount": {"iam.serviceAccounts.undelete", undelete},
	"IAM.UpdateServiceAccount":   {"iam.serviceAccounts.update", update},
}

// Service is IAM.
func Service() cloud.Service {
	return cloud.Service{Host: host, Title: "Identity and Access Management (IAM) API", Refuse: wire.RPC, Open: open}
}

func open(c *cloud.Cloud) (*cloud.Server, error) {
	svc := &service{cloud: c}
	var err error
	svc.router, err = rest.NewRouter(slices.Collect(maps.Keys(methods)), adminpb.File_google_iam_admin_v1_iam_proto)
	return &cloud.Server{Serve: svc.serve, Found: found, FoundWith: compute, Accounts: find}, err
}

func (svc *service) serve(_ context.Context, r *wire.Request, _ faults.Effect) (*wire.Response, error) {
	m, vars := svc.router.Find(r.Method, r.Path)
	if m == nil || methods[m.Name].do == nil {
		return wire.RPC(r, wire.NotEmulated(r)), nil
	}
	name := ""
	for _, v := range []string{"name", "resource", "service_account.name"} {
		name += vars[v]
	}
	project := strings.Split(name, "/")[1]
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		c := &call{svc: svc, tx: tx, r: r, name: name}
		does := methods[m.Name]
		if project == "-" {
			project = c.owner()
		}
		if !svc.cloud.Known(tx, project) { // as what is not the caller's to see: assumed
			return nil, cloud.Denial(cmp.Or(does.permission, "iam.serviceAccounts.get"))
		}
		if err := svc.cloud.Found(tx, project); err != nil {
			return nil, err
		}
		if err := svc.cloud.CheckEnabled(tx, project, host); err != nil {
			return nil, err
		}
		if err := m.CheckQuery(r.Query); err != nil {
			return nil, err
		}
		var err error
		if c.body, err = m.DecodeBody(camelMask(r.Body)); err != nil {
			return nil, err
		}
		if does.permission != "" && !svc.cloud.Permitted(does.permission) {
			return nil, cloud.Denial(does.permission)
		}
		return does.do(c)
	})
}

// camelMask writes the update mask of a body as JSON has it: the real front end takes the names of the descriptor too (recorded:
// iam-serviceaccount.log, "description,display_name").
func camelMask(raw []byte) []byte {
	var d doc.Map
	if json.Unmarshal(raw, &d) != nil || doc.Str(d, "updateMask") == "" {
		return raw
	}
	d["updateMask"] = strings.ReplaceAll(doc.Str(d, "updateMask"), "display_name", "displayName")
	out, err := json.Marshal(d)
	if err != nil {
		return raw
	}
	return out
}
