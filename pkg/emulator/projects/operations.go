package projects

import (
	"maps"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const operationKind = "cloudresourcemanager#operation"

func operationName(id string) string { return host + "/operations/" + id }

// types are what metadata and response of an operation are called, by version.
var types = map[string]string{ //nolint:gochecknoglobals // a constant table
	"v1": "type.googleapis.com/google.cloudresourcemanager.v1.", // recorded: compute-subnetwork-network-project.log
	"v3": "type.googleapis.com/google.cloud.resourcemanager.v3.",
}

// start starts an operation. At first it has only its name (recorded, as above).
func (c *call) start(verb string, target *world.Object, effect operations.Effect, takes time.Duration) doc.Map {
	prefix := strings.ToLower(verb[:1]) + "p" // "cp" for CreateProject, as public logs show it
	id := prefix + "." + draws.ID(c.tx.Count())
	response := doc.Map{"@type": types[c.version] + "Project"}
	maps.Copy(response, show(c.version, target))
	op := operations.LongRunning(operationName(id), operationKind, host, "operations/"+id, nil, response, c.tx.Now())
	delete(op.Doc, "metadata")
	metadata := doc.Map{"@type": types[c.version] + verb + "Metadata"}
	if verb == "CreateProject" {
		metadata["gettable"], metadata["ready"] = true, true
		if c.version == "v1" {
			metadata["@type"] = types[c.version] + "ProjectCreationStatus"
		}
	}
	op.Note["metadata"] = metadata
	first := doc.Clone(op.Doc)
	c.svc.cloud.Ledger.Start(c.tx, op, operations.Work{Target: target, Takes: takes, Effect: effect, Fail: c.fx.Operation})
	return first
}

func closeOperation(op *world.Object, at time.Time, failed *faults.OperationError) {
	op.Doc["metadata"] = op.Note["metadata"]
	operations.CloseLongRunning(op, at, failed)
}

func getOperation(tx *world.Tx, id string) (any, error) {
	if op, ok := tx.Get(operationName(id)); ok {
		return op.Doc, nil
	}
	return nil, wire.APIError{Code: 404, Reason: "notFound", Message: "Requested entity was not found."}
}
