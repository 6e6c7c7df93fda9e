package serviceusage

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const operationKind = "serviceusage#operation"

func operationName(name string) string { return host + "/operations/" + name }

func getOperation(tx *world.Tx, name string) (any, error) {
	if op, ok := tx.Get(operationName(name)); ok {
		return op.Doc, nil
	}
	return nil, wire.APIError{Code: 404, Reason: "notFound", Message: "Requested entity was not found."}
}

// turn is what one operation turns: some APIs, on or off.
type turn struct {
	on       bool
	apis     []string
	verb     string // begins the type of its response: "EnableService"
	response doc.Map
}

// start turns APIs. It takes its time as an operation, whose form while it runs is recorded (c7n-serviceusage-disable-op.json);
// what changes nothing is done at once (facts, section 15).
func (c *call) start(t turn) (any, error) {
	t.response["@type"] = "type.googleapis.com/google.api.serviceusage.v1." + t.verb + "Response"
	var changing []string
	for _, api := range t.apis {
		off, there := cloud.Switch(c.tx, c.project, api)
		if there && (off.Doomed || !off.Ready) { // the words are those that Terraform's provider waits for
			return nil, wire.APIError{Code: 400, Reason: "failedPrecondition", Status: "FAILED_PRECONDITION",
				Message: "Another activation or deactivation is in progress for the service " + api + "."}
		}
		if t.on == there {
			changing = append(changing, api)
		}
	}
	if len(changing) == 0 {
		return doc.Map{"name": "operations/noop.DONE_OPERATION", "done": true, "response": t.response}, nil
	}
	id := "acf." + uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%s/%d", c.project, changing[0], c.tx.Count())).String()
	if strings.HasPrefix(t.verb, "Batch") { // facts, section 15
		id = strings.Replace(id, "acf.", "acat.p2-"+cloud.Number(c.project)+"-", 1)
	}
	op := operations.LongRunning(operationName(id), operationKind, host, "operations/"+id,
		doc.Map{"@type": "type.googleapis.com/google.protobuf.Any"}, t.response, c.tx.Now())
	takes := c.svc.cloud.Draw(c.tx, "service.enable")
	for i, api := range changing {
		work := operations.Work{Target: c.flip(api, t.on), Takes: takes, Effect: operations.Ready, Fail: c.fx.Operation}
		if t.on {
			work.Effect = operations.Delete
		}
		part := op
		if i > 0 { // each switch has an operation of its own; the first one's is what the caller sees
			part = operations.LongRunning(fmt.Sprintf("%s/parts/%d", operationName(id), i), operationKind, host, "", nil, nil, c.tx.Now())
		}
		c.svc.cloud.Ledger.Start(c.tx, part, work)
	}
	return op.Doc, nil
}

// flip begins to turn one API and gives what the end of the operation is about.
func (c *call) flip(api string, on bool) *world.Object {
	if !on {
		return cloud.PutSwitch(c.tx, c.project, api, false)
	}
	off, _ := cloud.Switch(c.tx, c.project, api)
	off.Doomed = true
	c.tx.Put(off)
	return off
}
