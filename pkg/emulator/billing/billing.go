package billing

import (
	"context"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const host = "cloudbilling.googleapis.com"

type service struct{ cloud *cloud.Cloud }

// Service is Cloud Billing.
func Service() cloud.Service {
	return cloud.Service{
		Host: host, Title: "Cloud Billing API", Refuse: wire.RPC,
		Open: func(c *cloud.Cloud) (*cloud.Server, error) { return &cloud.Server{Serve: service{c}.serve}, nil },
	}
}

// serve knows GET v1/projects/P/billingInfo. Its fields are recorded (compute-subnetwork-network-project.log), there for
// projects without an account: here every project has one.
func (svc service) serve(_ context.Context, r *wire.Request, _ faults.Effect) (*wire.Response, error) {
	rest, ok := strings.CutPrefix(r.Path, "/v1/projects/")
	project, ok2 := strings.CutSuffix(rest, "/billingInfo")
	if !ok || !ok2 || r.Method != "GET" || strings.Contains(project, "/") {
		return wire.RPC(r, wire.NotEmulated(r)), nil
	}
	if !svc.cloud.Exists(project) { // assumption: as Resource Manager says it
		return wire.RPC(r, wire.APIError{Code: 403, Reason: "forbidden", Message: "The caller does not have permission"}), nil
	}
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		if err := svc.cloud.Found(tx, project); err != nil {
			return nil, err
		}
		if err := svc.cloud.CheckEnabled(tx, project, host); err != nil {
			return nil, err
		}
		return doc.Map{
			"name": "projects/" + project + "/billingInfo", "projectId": project,
			"billingAccountName": "billingAccounts/000000-000000-000000", "billingEnabled": true,
		}, nil
	})
}
