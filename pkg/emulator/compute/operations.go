package compute

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const operationKind = "compute#operation"

// pacific is the offset in which Compute Engine writes its times (recorded: c7n-*.json). The emulator keeps winter time all
// year.
var pacific = time.FixedZone("", -8*60*60) //nolint:gochecknoglobals // a constant

func timestamp(t time.Time) string { return t.In(pacific).Format("2006-01-02T15:04:05.000-07:00") }

// longestWait is how long the wait method holds a call (discovery doc.Map, operations.wait).
const longestWait = 2 * time.Minute

// start starts an operation in the scope of the call and gives its representation.
func (c *call) start(kind string, w operations.Work) doc.Map {
	now := c.tx.Now()
	n := c.tx.Count()
	h := fmt.Sprintf("%016x%016x", draws.Mix(uint64(n)), draws.Mix(uint64(n)+1<<32))
	name := fmt.Sprintf("operation-%d-%s-%s-%s", now.UnixMilli(), h[:13], h[13:21], h[21:29])
	path := c.scope() + "/operations/" + name
	target := objectPath(w.Target)
	op := doc.Map{
		"kind": operationKind, "id": c.id(), "name": name, "operationType": kind,
		"targetLink": linkBase + target, "targetId": doc.Str(w.Target.Doc, "id"), "user": "user@example.com",
		"status": "RUNNING", "progress": 0, "insertTime": timestamp(now), "startTime": timestamp(now),
		"selfLink": linkBase + path,
	}
	c.addScopeLinks(op)
	if w.Fail == nil {
		w.Fail = c.fails()
	}
	o := &world.Object{Name: worldName(path), Kind: operationKind, Service: computeHost, Created: now, Ready: true, Doc: op}
	if len(c.fx.Warnings) > 0 {
		o.Note = map[string]any{"warnings": warnings(c.fx.Warnings)}
	}
	c.svc.cloud.Ledger.Start(c.tx, o, w)
	if id := c.query.Get("requestId"); id != "" {
		c.tx.Put(&world.Object{Name: c.requestName(id), Note: map[string]any{"operation": o.Name}})
	}
	return op
}

func (c *call) addScopeLinks(d doc.Map) {
	if zone := c.vars["zone"]; zone != "" {
		d["zone"] = linkBase + c.project() + "/zones/" + zone
	} else if region := c.vars["region"]; region != "" {
		d["region"] = linkBase + c.project() + "/regions/" + region
	}
}

// id is a new 64-bit number, as a string.
func (c *call) id() string { return draws.ID(c.tx.Count()) }

func (c *call) requestName(id string) string { return "requests/" + c.vars["project"] + "/" + id }

// repeated gives the earlier operation of a request id that was seen before (discovery doc.Map, parameter requestId).
func (c *call) repeated() (any, error) {
	id := c.query.Get("requestId")
	if id == "" {
		return nil, nil //nolint:nilnil // nothing earlier, nothing wrong
	}
	if u, err := uuid.Parse(id); err != nil || u == uuid.Nil || len(id) != 36 {
		return nil, invalid("requestId", id, "Must be a valid UUID that is not zero.")
	}
	seen, ok := c.tx.Get(c.requestName(id))
	if !ok {
		return nil, nil //nolint:nilnil // as above
	}
	op, ok := c.tx.Get(doc.Str(seen.Note, "operation"))
	if !ok {
		return nil, nil //nolint:nilnil // as above
	}
	return op.Doc, nil
}

// closeOperation writes the end of an operation as Compute Engine shows it.
func closeOperation(op *world.Object, at time.Time, failed *faults.OperationError) {
	op.Doc["status"], op.Doc["progress"] = "DONE", 100
	op.Doc["endTime"] = timestamp(at)
	if failed == nil {
		if w := doc.List(op.Note, "warnings"); len(w) > 0 {
			op.Doc["warnings"] = w
		}
		return
	}
	status := failed.HTTPStatus
	if status == 0 {
		status = 400
	}
	one := doc.Map{"code": failed.Code, "message": failed.Message}
	if details := errorDetails(failed.Details); len(details) > 0 {
		one["errorDetails"] = details
	}
	op.Doc["error"] = doc.Map{"errors": []any{one}}
	op.Doc["httpErrorStatusCode"] = status
	op.Doc["httpErrorMessage"] = strings.ToUpper(http.StatusText(status))
}

// warnings are those of an operation (discovery document, Operation.warnings).
func warnings(planned []faults.Warning) []any {
	var out []any
	for _, w := range planned {
		d := doc.Map{"code": w.Code, "message": w.Message}
		for _, k := range slices.Sorted(maps.Keys(w.Data)) {
			d["data"] = append(doc.List(d, "data"), doc.Map{"key": k, "value": w.Data[k]})
		}
		out = append(out, d)
	}
	return out
}

// errorDetails are those of an operation's error (discovery document, Operation.error.errors.errorDetails): an object each.
func errorDetails(planned faults.Details) []any {
	var out []any
	if i := planned.ErrorInfo; i != nil {
		metadata := doc.Map{}
		for k, v := range i.Metadata {
			metadata[k] = v
		}
		out = append(out, doc.Map{"errorInfo": doc.Map{"reason": i.Reason, "domain": i.Domain, "metadatas": metadata}})
	}
	if len(planned.Help) > 0 {
		links := []any{}
		for _, l := range planned.Help {
			links = append(links, doc.Map{"description": l.Description, "url": l.URL})
		}
		out = append(out, doc.Map{"help": doc.Map{"links": links}})
	}
	return out
}

// operationMethods are the methods of the three operations services.
func (svc *service) operationMethods() map[string]handler {
	out := map[string]handler{}
	for _, service := range []string{"GlobalOperations", "RegionOperations", "ZoneOperations"} {
		out[service+".Get"] = getOperation
		out[service+".Wait"] = getOperation
		out[service+".List"] = listOperations
		out[service+".Delete"] = deleteOperation
	}
	out["GlobalOperations.AggregatedList"] = func(c *call) (any, error) {
		return c.aggregated("operations", "compute#operationAggregatedList", nil)
	}
	return out
}

func getOperation(c *call) (any, error) {
	path := c.scope() + "/operations/" + c.vars["operation"]
	o, ok := c.tx.Get(worldName(path))
	if !ok {
		return nil, notFound(path)
	}
	return o.Doc, nil
}

func listOperations(c *call) (any, error) {
	return c.page(c.scope()+"/operations", "compute#operationList", nil)
}

func deleteOperation(c *call) (any, error) {
	path := c.scope() + "/operations/" + c.vars["operation"]
	if _, ok := c.tx.Get(worldName(path)); !ok {
		return nil, notFound(path)
	}
	c.tx.Delete(worldName(path))
	return doc.Map{}, nil
}
