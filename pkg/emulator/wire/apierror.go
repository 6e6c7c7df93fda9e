package wire

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// APIError is a refusal before it is written in a dialect. It is an error, so that handlers can return it.
type APIError struct {
	Code     int    // HTTP status
	Reason   string // "notFound", in errors[]
	Message  string
	Status   string    // google.rpc status, derived from Code when empty
	Location string    // header that a failed precondition is about
	Details  []doc.Map // google.rpc details
	Domain   string    // "global" when empty
	More     []string  // messages of further errors of the same reason, in errors[]
}

// Error makes it an error.
func (f APIError) Error() string { return fmt.Sprintf("%d %s: %s", f.Code, f.Reason, f.Message) }

// ErrNotEmulated marks a call that a service does not know: it becomes NotEmulated.
var ErrNotEmulated = errors.New("not emulated")

// NotEmulated is the honest answer to what is not known here: never a made-up success.
func NotEmulated(r *Request) APIError {
	why := fmt.Sprintf("the emulator does not know %s %s", r.Method, r.Prefixed())
	if r.Service == "" {
		why += ": paths begin with a service, as in /compute.googleapis.com/compute/v1/…"
	}
	return APIError{Code: http.StatusNotImplemented, Reason: "notImplemented", Message: why}
}

// Dialect is how a service writes its refusals.
type Dialect func(*Request, APIError) *Response

// Classic is the older dialect: errors[] and no status (recorded for Compute Engine and Cloud Storage: errors.log). What Google's
// front end refuses, before the service is asked, has a status and details (public report: trailofbits/algo#14854).
func Classic(r *Request, f APIError) *Response {
	if format(r) == "2" {
		return PlainRPC(r, f)
	}
	e := f.classic()
	if f.Status != "" {
		e["status"] = f.Status
	}
	return Reply(f.Code, doc.Map{"error": e})
}

// format is the form of refusals that a call asks for: "1" for errors[], "2" for none (discovery documents, parameter $.xgafv).
func format(r *Request) string {
	if r == nil {
		return ""
	}
	return r.Query.Get("$.xgafv")
}

// RPC is the google.rpc dialect. The older Go and Python clients, told by prettyPrint=false or alt=json, get errors[] too
// (recorded: errors.log).
func RPC(r *Request, f APIError) *Response {
	old := r.Query.Has("alt") || r.Query.Has("prettyPrint")
	if v := format(r); v == "2" || v != "1" && !old {
		return PlainRPC(r, f)
	}
	e := f.classic()
	e["status"] = f.rpcStatus()
	return Reply(f.Code, doc.Map{"error": e})
}

// PlainRPC is RPC without errors[], whoever asks.
func PlainRPC(_ *Request, f APIError) *Response {
	e := doc.Map{"code": f.Code, "message": f.Message, "status": f.rpcStatus()}
	if len(f.Details) > 0 {
		e["details"] = doc.Anys(f.Details)
	}
	return Reply(f.Code, doc.Map{"error": e})
}

func (f APIError) classic() doc.Map {
	domain := f.Domain
	if domain == "" {
		domain = "global"
	}
	one := doc.Map{"domain": domain, "message": f.Message, "reason": f.Reason}
	if f.Reason == "accessNotConfigured" { // recorded: c7n-error-403-service-disabled-accessNotConfigured.json
		one["extendedHelp"] = "https://console.developers.google.com"
	}
	if f.Location != "" {
		one["location"], one["locationType"] = f.Location, "header"
	}
	all := []any{one}
	for _, message := range f.More {
		all = append(all, doc.Map{"domain": domain, "message": message, "reason": f.Reason})
	}
	e := doc.Map{"code": f.Code, "message": f.Message, "errors": all}
	if len(f.Details) > 0 {
		e["details"] = doc.Anys(f.Details)
	}
	return e
}

func (f APIError) rpcStatus() string {
	if f.Status != "" {
		return f.Status
	}
	switch f.Code {
	case 400:
		return "INVALID_ARGUMENT"
	case 401:
		return "UNAUTHENTICATED"
	case 403:
		return "PERMISSION_DENIED"
	case 404:
		return "NOT_FOUND"
	case 409:
		return "ALREADY_EXISTS"
	case 412:
		return "FAILED_PRECONDITION"
	case 429:
		return "RESOURCE_EXHAUSTED"
	case 501:
		return "UNIMPLEMENTED"
	case 503:
		return "UNAVAILABLE"
	}
	return "INTERNAL"
}
