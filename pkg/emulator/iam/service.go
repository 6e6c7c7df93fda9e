package iam

import (
	"context"
	"fmt"
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
)

type service struct {
	cloud    *cloud.Cloud
	router   *rest.Router
	handlers map[string]handler // by method: "IAM.GetServiceAccount"
}

// call is one call at work.
type call struct {
	svc  *service
	tx   *world.Tx
	r    *wire.Request
	name string // "projects/P/serviceAccounts/EMAIL", or "projects/P" for a list and a creation
	body doc.Map
}

// handler carries out a method and gives the body of the answer.
type handler func(*call) (any, error)

// Service is IAM.
func Service() cloud.Service {
	return cloud.Service{Host: host, Title: "Identity and Access Management (IAM) API", Refuse: wire.RPC, Open: open}
}

func open(c *cloud.Cloud) (*cloud.Server, error) {
	svc := &service{cloud: c, handlers: map[string]handler{
		"IAM.CreateServiceAccount":  create,
		"IAM.DeleteServiceAccount":  remove,
		"IAM.DisableServiceAccount": disable(true),
		"IAM.EnableServiceAccount":  disable(false),
		"IAM.GetServiceAccount":     get,
		"IAM.ListServiceAccounts":   list,
	}}
	var err error
	svc.router, err = rest.NewRouter(slices.Collect(maps.Keys(svc.handlers)), adminpb.File_google_iam_admin_v1_iam_proto)
	return &cloud.Server{Serve: svc.serve, Found: found}, err
}

// noAccess is the refusal of what is not there or not the caller's to see: which of the two is not told. That a project that
// does not exist gets it too is an assumption.
func noAccess(permission string) wire.APIError {
	return wire.APIError{Code: 403, Reason: "forbidden", Message: fmt.Sprintf("Permission '%s' denied on resource (or it may not exist).", permission)}
}

func (svc *service) serve(_ context.Context, r *wire.Request, _ faults.Effect) (*wire.Response, error) {
	m, vars := svc.router.Find(r.Method, r.Path)
	if m == nil || svc.handlers[m.Name] == nil {
		return wire.RPC(r, wire.NotEmulated(r)), nil
	}
	project := strings.Split(vars["name"], "/")[1]
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		c := &call{svc: svc, tx: tx, r: r, name: vars["name"]}
		if project == "-" {
			project = c.owner()
		}
		if !svc.cloud.Exists(project) {
			return nil, noAccess("iam.serviceAccounts.get")
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
		if c.body, err = m.DecodeBody(r.Body); err != nil {
			return nil, err
		}
		return svc.handlers[m.Name](c)
	})
}
