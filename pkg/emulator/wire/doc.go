// Package wire has a call and its answer without the transport they came by, and refusals in the two dialects that Google's
// services speak.
//
// Worked example:
//
//	refusal := wire.APIError{Code: 404, Reason: "notFound", Message: "The resource 'projects/p/global/networks/n' was not found"}
//	wire.Classic(r, refusal) // {"error": {"code": 404, "errors": […], "message": …}}
//	wire.RPC(r, refusal)     // {"error": {"code": 404, "message": …, "status": "NOT_FOUND"}}
package wire
