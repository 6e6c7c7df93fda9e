package operations

import (
	"net/http"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// LongRunning is an operation of google.longrunning that runs: name, metadata, and what its response will be.
func LongRunning(object, kind, service, name string, metadata, response doc.Map, now time.Time) *world.Object {
	return &world.Object{
		Name: object, Kind: kind, Service: service, Created: now, Ready: true,
		Doc:  doc.Map{"name": name, "metadata": metadata},
		Note: map[string]any{"response": response},
	}
}

// CloseLongRunning is the Closer of google.longrunning: done with a response, or with a google.rpc.Status.
func CloseLongRunning(op *world.Object, _ time.Time, failed *faults.OperationError) {
	op.Doc["done"] = true
	if failed != nil {
		op.Doc["error"] = doc.Map{"code": rpcCode(failed.HTTPStatus), "message": failed.Message}
		return
	}
	op.Doc["response"] = doc.Object(op.Note, "response")
}

// rpcCode is the google.rpc.Code that an HTTP status stands for (google/rpc/code.proto).
func rpcCode(status int) int {
	switch status {
	case http.StatusBadRequest, 0:
		return 9 // FAILED_PRECONDITION: the request was good when it came
	case http.StatusForbidden:
		return 7
	case http.StatusNotFound:
		return 5
	case http.StatusConflict:
		return 6
	case http.StatusTooManyRequests:
		return 8
	case http.StatusServiceUnavailable:
		return 14
	}
	return 13
}
