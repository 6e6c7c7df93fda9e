package serviceusage

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const operationKind = "serviceusage#operation"

func operationName(name string) string { return host + "/operations/" + name }

// turn enables or disables an API. It takes its time as an operation, whose form while it runs is recorded
// (c7n-serviceusage-disable-op.json); what changes nothing is done at once (gcp-facts, section 15).
func (svc service) turn(tx *world.Tx, fx faults.Effect, project, api, verb string) (any, error) {
	on := verb == "enable"
	response := doc.Map{
		"@type":   "type.googleapis.com/google.api.serviceusage.v1." + strings.ToUpper(verb[:1]) + verb[1:] + "ServiceResponse",
		"service": shown(project, api, svc.apis()[api], on),
	}
	off, there := cloud.Switch(tx, project, api)
	switch {
	case there && (off.Doomed || !off.Ready): // the words are those that Terraform's provider waits for
		return nil, wire.APIError{Code: 400, Reason: "failedPrecondition", Status: "FAILED_PRECONDITION",
			Message: "Another activation or deactivation is in progress for the service " + api + "."}
	case on == !there:
		return doc.Map{"name": "operations/noop.DONE_OPERATION", "done": true, "response": response}, nil
	}
	effect := operations.Ready
	if on {
		off.Doomed = true
		tx.Put(off)
		effect = operations.Delete
	} else {
		off = cloud.PutSwitch(tx, project, api, false)
	}
	id := "acf." + uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%s/%d", project, api, tx.Count())).String()
	op := operations.LongRunning(operationName(id), operationKind, host, "operations/"+id,
		doc.Map{"@type": "type.googleapis.com/google.protobuf.Any"}, response, tx.Now())
	svc.cloud.Ledger.Start(tx, op, operations.Work{Target: off, Takes: svc.cloud.Draw(tx, "service.enable"), Effect: effect, Fail: fx.Operation})
	return op.Doc, nil
}

func getOperation(tx *world.Tx, name string) (any, error) {
	if op, ok := tx.Get(operationName(name)); ok {
		return op.Doc, nil
	}
	return nil, wire.APIError{Code: 404, Reason: "notFound", Message: "Requested entity was not found."}
}
