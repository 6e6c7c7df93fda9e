package billing

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const host = "cloudbilling.googleapis.com"

// forbidden is how Cloud Billing refuses what is not there or not the caller's to see: as Resource Manager does (assumed).
var forbidden = wire.APIError{Code: 403, Reason: "forbidden", Message: "The caller does not have permission"} //nolint:gochecknoglobals // a constant

type service struct{ cloud *cloud.Cloud }

// Service is Cloud Billing.
func Service() cloud.Service {
	return cloud.Service{
		Host: host, Title: "Cloud Billing API", Refuse: wire.RPC,
		Open: func(c *cloud.Cloud) (*cloud.Server, error) { return &cloud.Server{Serve: service{c}.serve}, nil },
	}
}

// serve knows the billing of a project, and the one billing account that there is.
func (svc service) serve(_ context.Context, r *wire.Request, _ faults.Effect) (*wire.Response, error) {
	if name, ok := strings.CutPrefix(r.Path, "/v1/billingAccounts"); ok && r.Method == "GET" {
		return svc.cloud.Carry(r, func(*world.Tx) (any, error) { return svc.accounts(strings.TrimPrefix(name, "/")) })
	}
	rest, ok := strings.CutPrefix(r.Path, "/v1/projects/")
	project, ok2 := strings.CutSuffix(rest, "/billingInfo")
	if !ok || !ok2 || strings.Contains(project, "/") {
		return wire.RPC(r, wire.NotEmulated(r)), nil
	}
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		if !svc.cloud.Known(tx, project) {
			return nil, forbidden
		}
		if err := svc.cloud.Found(tx, project); err != nil {
			return nil, err
		}
		if err := svc.cloud.CheckEnabled(tx, project, host); err != nil {
			return nil, err
		}
		switch r.Method {
		case "GET":
			if !svc.cloud.Permitted("resourcemanager.projects.get") { // page of getBillingInfo
				return nil, forbidden
			}
		case "PUT":
			if err := svc.bill(tx, project, r.Body); err != nil {
				return nil, err
			}
		default:
			return nil, wire.ErrNotEmulated
		}
		return info(tx, project), nil
	})
}

// info has its fields from a recording of a project without an account (compute-subnetwork-network-project.log).
func info(tx *world.Tx, project string) doc.Map {
	account := cloud.Billing(tx, project)
	return doc.Map{
		"name": "projects/" + project + "/billingInfo", "projectId": project, "billingAccountName": account, "billingEnabled": account != "",
	}
}

// bill has a project billed to an account, or with an empty name to none (page of updateBillingInfo, with its permissions).
func (svc service) bill(tx *world.Tx, project string, body []byte) error {
	var in struct {
		Account string `json:"billingAccountName"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			return wire.APIError{Code: 400, Reason: "badRequest", Message: "Invalid JSON payload received. " + err.Error()}
		}
	}
	needed := []string{"resourcemanager.projects.createBillingAssignment", "billing.resourceAssociations.create"}
	if in.Account == "" {
		needed = []string{"resourcemanager.projects.deleteBillingAssignment"}
	}
	if len(svc.cloud.Held(needed)) < len(needed) || in.Account != "" && in.Account != cloud.BillingAccount {
		return forbidden
	}
	cloud.PutBilling(tx, project, in.Account)
	return nil
}

// accounts reads the billing account by its id, or lists it.
func (svc service) accounts(id string) (any, error) {
	account := doc.Map{"name": cloud.BillingAccount, "open": true, "displayName": "Emulated billing account", "masterBillingAccount": ""}
	switch permitted := svc.cloud.Permitted("billing.accounts.get"); {
	case id == "" && permitted:
		return doc.Map{"billingAccounts": []any{account}}, nil
	case id == "":
		return doc.Map{}, nil // those that the caller may see
	case strings.Contains(id, "/") || strings.Contains(id, ":"):
		return nil, wire.ErrNotEmulated
	case "billingAccounts/"+id == cloud.BillingAccount && permitted:
		return account, nil
	}
	return nil, forbidden
}
