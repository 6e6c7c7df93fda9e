package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Plan makes chosen calls go wrong. As JSON:
//
//	{"rules": [{
//	  "match": {"method": "POST", "path": "/instanceGroupManagers$"},
//	  "nth": [1, 3],
//	  "fault": {"error": {"status": 503, "reason": "backendError", "message": "Backend Error"}}
//	}]}
//
// match.path is a regular expression (RE2) over the path with its service in front, as /_emulator/calls shows it; match.method
// is a method or empty for any. Of the calls that match, "nth" takes the ones with these numbers, counted from 1 for each
// rule; "from" takes all from that number on; "share" a share of them, chosen by the emulator's seed; none of the three takes
// all. "times" ends a rule after it has struck so often.
//
// A VM that a managed instance group makes is no call of anybody's, but it can fail as one: rules see it as POST
// /compute.googleapis.com/compute/v1/projects/P/zones/Z/instances/NAME. An error ends such an attempt with its reason as the code
// ("quotaExceeded" is QUOTA_EXCEEDED), a broken connection with INTERNAL_ERROR; a lost answer does nothing there. The health check
// of a group looks at each start of a VM as GET …/instances/NAME/healthChecks/CHECK: what breaks that call makes the VM
// unhealthy.
//
// Policies are those of the organization above all projects, in the form of cloudresourcemanager v1 (OrgPolicy):
//
//	{"policies": [{"constraint": "constraints/compute.vmExternalIpAccess", "listPolicy": {"allValues": "DENY"}}]}
//
// A project can have its own instead (setOrgPolicy).
type Plan struct {
	Rules    []Rule   `json:"rules,omitempty"`
	Policies []Policy `json:"policies,omitempty"`
}

// Rule is one rule of a plan.
type Rule struct {
	Match struct {
		Method string `json:"method,omitempty"`
		Path   string `json:"path"`
	} `json:"match"`
	Nth   []int   `json:"nth,omitempty"`
	From  int     `json:"from,omitempty"`
	Share float64 `json:"share,omitempty"`
	Times int     `json:"times,omitempty"`
	Fault Fault   `json:"fault"`
}

// Fault is what goes wrong. Exactly one field is set, but Delay, which may go with any.
type Fault struct {
	// Error is answered instead of doing anything.
	Error *Error `json:"error,omitempty"`
	// Answer is answered as it stands instead of doing anything: a proxy's page, or nothing at all.
	Answer *Answer `json:"answer,omitempty"`
	// CutAnswer does the work, sends half of the answer's body and then breaks the connection.
	CutAnswer bool `json:"cutAnswer,omitempty"`
	// WarnOperation lets the operation that the call starts succeed with warnings. Only Compute Engine's have them.
	WarnOperation []Warning `json:"warnOperation,omitempty"`
	// LoseAnswer does the work and then drops the connection.
	LoseAnswer bool `json:"loseAnswer,omitempty"`
	// DropConnection drops the connection before any work is done.
	DropConnection bool `json:"dropConnection,omitempty"`
	// Delay holds the call back first; a Go duration in emulated time, for example "5s".
	Delay string `json:"delay,omitempty"`
	// FailOperation lets the operation that the call starts end with an error.
	FailOperation *OperationError `json:"failOperation,omitempty"`
	// Stockout is FailOperation with the error of a zone without capacity.
	Stockout bool `json:"stockout,omitempty"`
	// Quota is FailOperation with the error of a quota that is used up.
	Quota *Quota `json:"quota,omitempty"`
	// LateBy hides what the call makes from every read until so long after the answer; its operation can be seen.
	LateBy string `json:"lateBy,omitempty"`
	// InUseFor goes with the deletion of a VM or a group: until so long after the VMs are gone, their networks and subnetworks
	// still count as used, as they sometimes do. A deletion of those fails meanwhile and names a VM that is not there any more.
	InUseFor string `json:"inUseFor,omitempty"`
}

// Error is an error answer, written as the service of the call writes its own.
type Error struct {
	Status  int    `json:"status"` // of HTTP
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// RPCStatus is the google.rpc status where it is not the one that goes with Status: "FAILED_PRECONDITION".
	RPCStatus string `json:"rpcStatus,omitempty"`
	Details
}

// Details are what machines and people read of an error beside its message (google/rpc/error_details.proto).
type Details struct {
	ErrorInfo *ErrorInfo `json:"errorInfo,omitempty"`
	Help      []Link     `json:"help,omitempty"`
}

// ErrorInfo says why, for machines.
type ErrorInfo struct {
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Link is where help is.
type Link struct {
	Description string `json:"description"`
	URL         string `json:"url"`
}

// Answer is an answer that no service has written. Body may be empty.
type Answer struct {
	Status      int    `json:"status"`
	ContentType string `json:"contentType,omitempty"` // "text/html; charset=UTF-8" when empty
	Body        string `json:"body,omitempty"`
}

// Warning is one warning of an operation.
type Warning struct {
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Data    map[string]string `json:"data,omitempty"`
}

// Quota names a quota that is used up.
type Quota struct {
	Metric string  `json:"metric"`
	Limit  float64 `json:"limit"`
}

// OperationError is the error of an operation: code, message and the HTTP status that goes with it.
type OperationError struct {
	Code       string `json:"code"`
	Message    string `json:"message,omitempty"`
	HTTPStatus int    `json:"httpStatus,omitempty"`
	Details
}

// Parse reads a plan. Everything that is wrong with it is an error: a rule that never strikes would make a test lie.
func Parse(raw []byte) (*Plan, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var plan Plan
	if err := dec.Decode(&plan); err != nil {
		return nil, fmt.Errorf("fault plan: %w", err)
	}
	_, err := Activate(&plan, 0)
	return &plan, err
}
