package emulator

import (
	"fmt"
	"net/http"
	"strings"
)

// failure is a refusal before it is written in one of the three dialects that Google's services speak.
type failure struct {
	code     int    // HTTP status
	reason   string // "notFound", in errors[]
	message  string
	status   string     // google.rpc status, derived from code when empty
	location string     // header that a failed precondition is about
	details  []document // google.rpc details
	domain   string     // "global" when empty
}

// Error makes a failure an error, so that handlers can return it.
func (f failure) Error() string { return fmt.Sprintf("%d %s: %s", f.code, f.reason, f.message) }

// compute is the dialect of Compute Engine: errors[] and no status (recorded: errors.log).
func (f failure) compute() *response {
	return reply(f.code, document{"error": f.classic()})
}

// storage is the dialect of Cloud Storage: the same body behind another server name (recorded: errors.log).
func (f failure) storage() *response {
	r := f.compute()
	r.header = http.Header{}
	r.header.Set("Content-Type", "application/json; charset=UTF-8")
	r.header.Set("Server", "UploadServer")
	r.header["Vary"] = []string{"Origin", "X-Origin"}
	return r
}

// rpc is the google.rpc dialect. The older Go and Python clients, told by prettyPrint=false or alt=json, get errors[] too
// (recorded: errors.log).
func (f failure) rpc(classic bool) *response {
	e := document{"code": f.code, "message": f.message, "status": f.rpcStatus()}
	if classic {
		e = f.classic()
		e["status"] = f.rpcStatus()
	}
	if len(f.details) > 0 {
		e["details"] = anys(f.details)
	}
	return reply(f.code, document{"error": e})
}

func (f failure) classic() document {
	domain := f.domain
	if domain == "" {
		domain = "global"
	}
	one := document{"domain": domain, "message": f.message, "reason": f.reason}
	if f.location != "" {
		one["location"], one["locationType"] = f.location, "header"
	}
	e := document{"code": f.code, "message": f.message, "errors": []any{one}}
	if len(f.details) > 0 {
		e["details"] = anys(f.details)
	}
	return e
}

func (f failure) rpcStatus() string {
	if f.status != "" {
		return f.status
	}
	switch f.code {
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

// The refusals of Compute Engine, with recorded wordings (gcp-facts, section 2).

func notFound(path string) failure {
	return failure{code: 404, reason: "notFound", message: fmt.Sprintf("The resource '%s' was not found", path)}
}

func alreadyExists(path string) failure {
	return failure{code: 409, reason: "alreadyExists", message: fmt.Sprintf("The resource '%s' already exists", path)}
}

func notReady(path string) failure {
	return failure{code: 400, reason: "resourceNotReady", message: fmt.Sprintf("The resource '%s' is not ready", path)}
}

// inUse has the recorded relative-name form: "The backend_bucket resource 'A' is already being used by 'B'".
func inUse(noun, path, user string) failure {
	return failure{
		code: 400, reason: "resourceInUseByAnotherResource",
		message: fmt.Sprintf("The %s resource '%s' is already being used by '%s'", noun, path, user),
	}
}

func invalid(field string, value any, why string) failure {
	return failure{
		code: 400, reason: "invalid",
		message: strings.TrimSpace(fmt.Sprintf("Invalid value for field '%s': '%v'. %s", field, value, why)),
	}
}

func required(field string) failure {
	return failure{code: 400, reason: "required", message: fmt.Sprintf("Required field '%s' not specified", field)}
}

func badFingerprint(message string) failure {
	return failure{code: 412, reason: "conditionNotMet", message: message, location: "If-Match"}
}

// notEmulated is the honest answer to what is not known here: never a made-up success.
func notEmulated(r *request) failure {
	return failure{
		code: http.StatusNotImplemented, reason: "notImplemented",
		message: fmt.Sprintf("the emulator does not know %s %s", r.method, r.prefixed()),
	}
}
