package resourcetest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
)

type farOperation struct {
	name, target, group string
	labels              map[string]string
	start, end          time.Time
	code                int32 // it fails with it
	done                bool
	effect              func()
}

func (c *FarCloud) repeated(r *http.Request) *farOperation {
	return c.operations[c.requests[r.URL.Query().Get("requestId")]]
}

// start begins an operation, unless another one runs on the target or in its group.
func (c *FarCloud) start(r *http.Request, t *farThing, takes time.Duration, harm map[Harm]bool, effect func()) (*farOperation, *http.Response) {
	for _, op := range c.operations {
		if !op.done && (op.target == t.Name || t.Group != "" && op.group == t.Group) {
			c.collisions++
			return nil, refuse(r, http.StatusBadRequest, "FAILED_PRECONDITION", "Cluster is running incompatible operation "+op.name+".")
		}
	}
	c.serial++
	c.changes++
	zone, _, _ := strings.Cut(t.Name, "/things/")
	op := &farOperation{
		name: fmt.Sprintf("%s/operations/op-%06d", zone, c.serial), target: t.Name, group: t.Group, labels: t.Labels,
		start: time.Now(), end: time.Now().Add(takes), effect: effect,
	}
	if harm[Breaks] {
		op.code = 13
	}
	c.operations[op.name] = op
	c.requests[r.URL.Query().Get("requestId")] = op.name
	return op, nil
}

func (c *FarCloud) listOperations(r *http.Request, path string) *http.Response {
	out := &longrunningpb.ListOperationsResponse{}
	for _, name := range slices.Sorted(maps.Keys(c.operations)) {
		if op := c.operations[name]; within(name, path) && !op.done {
			out.Operations = append(out.Operations, op.shown())
		}
	}
	raw, err := protojson.Marshal(out)
	if err != nil {
		return refuse(r, http.StatusInternalServerError, "INTERNAL", err.Error())
	}
	return JSON(r, http.StatusOK, string(raw))
}

// shown is the operation as the API shows it.
func (o *farOperation) shown() *longrunningpb.Operation {
	out := &longrunningpb.Operation{Name: o.name, Done: o.done}
	parts := min(farParts, int(farParts*time.Since(o.start)/o.end.Sub(o.start)))
	fields, err := structpb.NewStruct(map[string]any{"target": o.target, "owner": o.labels["owner"], "mark": o.labels["name"], "parts": parts})
	if err == nil {
		out.Metadata, err = anypb.New(fields)
	}
	switch {
	case err != nil:
		out.Done, out.Result = true, &longrunningpb.Operation_Error{Error: &status.Status{Code: 13, Message: err.Error()}}
	case o.done && o.code != 0:
		out.Result = &longrunningpb.Operation_Error{Error: &status.Status{Code: o.code, Message: "an internal error has occurred"}}
	}
	return out
}
