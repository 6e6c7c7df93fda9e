package emulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const operationKind = "compute#operation"

// pacific is the offset in which Compute Engine writes its times (recorded: c7n-*.json). The emulator keeps winter time all
// year.
var pacific = time.FixedZone("", -8*60*60) //nolint:gochecknoglobals // a constant

func timestamp(t time.Time) string { return t.In(pacific).Format("2006-01-02T15:04:05.000-07:00") }

// longestWait is how long the wait method holds a call (discovery document, operations.wait).
const longestWait = 2 * time.Minute

// work is an operation to start.
type work struct {
	target   *world.Object
	kind     string        // operationType
	takes    time.Duration // scaled already
	effect   string        // what happens to the target at the end; see finish
	failWith *OperationError
}

// The effects of an operation's end.
const (
	effectReady  = "ready"  // the target can be used
	effectDelete = "delete" // the target goes, unless something still uses it
	effectUndo   = "undo"   // the target was never made
	effectKeep   = "keep"   // nothing more
)

// operationEnd is the data of the event that ends an operation.
type operationEnd struct {
	Effect string          `json:"effect"`
	Target string          `json:"target"`
	Error  *OperationError `json:"error,omitempty"`
}

// start starts an operation in the scope of the call and gives its representation.
func (c *call) start(w work) document {
	now := c.tx.Now()
	n := c.tx.Count()
	h := fmt.Sprintf("%016x%016x", splitmix(uint64(n)), splitmix(uint64(n)+1<<32))
	name := fmt.Sprintf("operation-%d-%s-%s-%s", now.UnixMilli(), h[:13], h[13:21], h[21:29])
	path := c.scope() + "/operations/" + name
	target := objectPath(w.target)
	op := document{
		"kind": operationKind, "id": c.id(), "name": name, "operationType": w.kind,
		"targetLink": linkBase + target, "targetId": str(w.target.Doc, "id"), "user": "user@example.com",
		"status": "RUNNING", "progress": 0, "insertTime": timestamp(now), "startTime": timestamp(now),
		"selfLink": linkBase + path,
	}
	c.addScopeLinks(op)
	end := now.Add(w.takes)
	if w.target.Visible.After(end) {
		end = w.target.Visible // what appears late is not done before it appears
	}
	if c.fx.opErr != nil && w.failWith == nil {
		w.failWith = c.fx.opErr(c.vars["project"], c.vars["zone"])
	}
	if w.failWith != nil && w.effect == effectReady {
		w.effect = effectUndo
	} else if w.failWith != nil && w.effect == effectDelete {
		w.effect = effectKeep
	}
	o := &world.Object{
		Name: worldName(path), Kind: operationKind, Service: computeHost, Created: now, Ready: true, Doc: op,
		Note: map[string]any{"end": end.Format(time.RFC3339Nano)},
	}
	c.tx.Put(o)
	c.tx.At(end, "operation", o.Name, operationEnd{Effect: w.effect, Target: w.target.Name, Error: w.failWith})
	if id := c.query.Get("requestId"); id != "" {
		c.tx.Put(&world.Object{Name: c.requestName(id), Note: map[string]any{"operation": o.Name}})
	}
	return op
}

func (c *call) addScopeLinks(d document) {
	if zone := c.vars["zone"]; zone != "" {
		d["zone"] = linkBase + c.project() + "/zones/" + zone
	} else if region := c.vars["region"]; region != "" {
		d["region"] = linkBase + c.project() + "/regions/" + region
	}
}

// id is a new 64-bit number, as a string.
func (c *call) id() string { return newID(c.tx) }

func newID(tx *world.Tx) string {
	return strconv.FormatUint(splitmix(uint64(tx.Count()))>>1|1<<60, 10)
}

// splitmix spreads a counter over 64 bits.
func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (c *call) requestName(id string) string { return "requests/" + c.vars["project"] + "/" + id }

// repeated gives the earlier operation of a request id that was seen before (discovery document, parameter requestId).
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
	op, ok := c.tx.Get(str(seen.Note, "operation"))
	if !ok {
		return nil, nil //nolint:nilnil // as above
	}
	return op.Doc, nil
}

// finishOperation is the event at the end of an operation.
func (em *Emulator) finishOperation(tx *world.Tx, e world.Event) {
	var end operationEnd
	op, ok := tx.Get(e.Subject)
	if !ok || json.Unmarshal(e.Data, &end) != nil {
		return
	}
	failed := end.Error
	if target, ok := tx.Get(end.Target); ok {
		if refused := em.finish(tx, target, end.Effect); refused != nil {
			failed = refused
		}
	}
	op.Doc["status"], op.Doc["progress"] = "DONE", 100
	op.Doc["endTime"] = timestamp(tx.Now())
	if failed != nil {
		status := failed.HTTPStatus
		if status == 0 {
			status = 400
		}
		op.Doc["error"] = document{"errors": []any{document{"code": failed.Code, "message": failed.Message}}}
		op.Doc["httpErrorStatusCode"] = status
		op.Doc["httpErrorMessage"] = strings.ToUpper(http.StatusText(status))
	}
	tx.Put(op)
}

// finish does to the target what the end of its operation means.
func (em *Emulator) finish(tx *world.Tx, target *world.Object, effect string) *OperationError {
	c := em.collectionOf(target)
	switch effect {
	case effectReady:
		target.Ready = true
		tx.Put(target)
		if c.ready != nil {
			c.ready(tx, target)
		}
	case effectUndo:
		if c.removed != nil {
			c.removed(tx, target)
		}
		tx.Delete(target.Name)
	case effectDelete:
		if c.lateUser != nil {
			if refused := c.lateUser(tx, target); refused != nil {
				target.Doomed = false
				tx.Put(target)
				return refused
			}
		}
		if c.removed != nil {
			c.removed(tx, target)
		}
		tx.Delete(target.Name)
	case effectKeep:
		target.Doomed = false
		tx.Put(target)
	}
	return nil
}

// waitOperation holds the call until the operation is done, or for two minutes.
func (em *Emulator) waitOperation(ctx context.Context, path string) error {
	limit := time.Now().Add(em.scaled(longestWait))
	name := worldName(strings.TrimSuffix(strings.TrimPrefix(path, "/compute/v1/"), "/wait"))
	for {
		var until time.Time
		err := em.world.Do(time.Now(), func(tx *world.Tx) error {
			if op, ok := tx.Get(name); ok && str(op.Doc, "status") != "DONE" {
				until, _ = time.Parse(time.RFC3339Nano, str(op.Note, "end"))
			}
			return nil
		})
		if err != nil || until.IsZero() || !limit.After(time.Now()) {
			return err
		}
		t := time.NewTimer(time.Until(minTime(until, limit)))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// operationMethods are the methods of the three operations services.
func (em *Emulator) operationMethods() map[string]computeHandler {
	out := map[string]computeHandler{}
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
	return document{}, nil
}
