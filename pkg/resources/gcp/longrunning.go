package gcp

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// LongRunning is an operation of google.longrunning, which Filestore, Workbench, Service Usage and most younger APIs speak. get
// is the API's GetOperation.
func LongRunning(get func(ctx context.Context, name string) (*longrunningpb.Operation, error), op *longrunningpb.Operation) Operation {
	return &longRunning{get, op}
}

type longRunning struct {
	get func(context.Context, string) (*longrunningpb.Operation, error)
	op  *longrunningpb.Operation
}

// Poll asks once: the method that waits is not offered over REST by the APIs that we use (gcp-facts, section 12).
func (o *longRunning) Poll(ctx context.Context) error {
	next, err := o.get(ctx, o.op.GetName())
	if err != nil {
		return Lost(Wrap("", err))
	}
	o.op = next
	return nil
}

// Done says that it has ended: "done" is absent until it is true (recorded).
func (o *longRunning) Done() bool { return o.op.GetDone() }

// Err is the google.rpc.Status that it ended with.
func (o *longRunning) Err(id resources.ID) error { return FromStatus(id, o.op.GetError()) }

// Detail is the status message of the metadata, where the API has one (Workbench: OperationMetadata.statusMessage).
func (o *longRunning) Detail() string {
	m, err := o.op.GetMetadata().UnmarshalNew() // an API whose types are not linked has no detail
	if err != nil {
		return ""
	}
	r := m.ProtoReflect()
	for _, name := range []string{"status_message", "status_detail"} { // AIP-151's two usual names
		if f := r.Descriptor().Fields().ByName(protoreflect.Name(name)); f != nil && f.Kind() == protoreflect.StringKind {
			return r.Get(f).String()
		}
	}
	return ""
}

// FromStatus gives the error of a google.rpc.Status; nil for none and for OK.
func FromStatus(id resources.ID, s *status.Status) error {
	if s.GetCode() == int32(code.Code_OK) {
		return nil
	}
	var reasons []string
	info, quota := map[string]string{}, false
	for _, detail := range s.GetDetails() {
		m, err := detail.UnmarshalNew()
		if err != nil {
			continue // a detail of a type that is not linked
		}
		switch d := m.(type) {
		case *errdetails.ErrorInfo:
			reasons, info = append(reasons, d.GetReason()), d.GetMetadata()
		case *errdetails.QuotaFailure:
			quota = true
		}
	}
	return fromRPC(id, s.GetCode(), answer{message: s.GetMessage(), reasons: reasons, info: info, quota: quota})
}

// FromRPC is FromStatus for APIs that have a code and a text in fields of their own. reasons are further machine codes.
func FromRPC(id resources.ID, rpc int32, message string, reasons ...string) error {
	return fromRPC(id, rpc, answer{message: message, reasons: reasons})
}

func fromRPC(id resources.ID, rpc int32, a answer) error {
	name, known := code.Code_name[rpc]
	if !known {
		name = fmt.Sprint(rpc)
	}
	a.own, a.rpc, a.status = true, name, httpOf(code.Code(rpc))
	e := &Error{ID: id, Code: name, Message: clean(a.message, longest)}
	if len(a.reasons) > 0 {
		e.Reason = clean(strings.Join(a.reasons, " "), 100)
	}
	switch {
	case a.is("GCE_STOCKOUT"):
		e.class, e.Hint = resources.ClassStockout, stockoutHint
	case a.is("GCE_QUOTA_EXCEEDED"):
		e.class, e.Hint = resources.ClassQuota, quotaHint(e, a)
	case waitsItsTurn(a):
		e.class = resources.ClassBusy
	case rpc == int32(code.Code_RESOURCE_EXHAUSTED) && a.countsSomething():
		e.class, e.Hint = resources.ClassQuota, quotaHint(e, a)
	case rpc == int32(code.Code_FAILED_PRECONDITION) && strings.Contains(strings.ToLower(a.message), "fingerprint"):
		e.class = resources.ClassConflict
	default:
		e.read(a)
	}
	e.readNames(a.message)
	return e
}

// waitsItsTurn: GKE takes one change of a cluster at a time, some in parallel up to a bound (gcp-facts, section 11, with the
// reports that have the texts).
func waitsItsTurn(a answer) bool {
	return a.is("CLUSTER_ALREADY_HAS_OPERATION") || slices.ContainsFunc([]string{
		"running incompatible operation", "Please wait and try again once it is done", "hits the concurrent operations quota", "another operation is in progress",
		"unable to queue the operation", // Workbench (gcp-facts, section 13)
	}, func(words string) bool { return strings.Contains(a.message, words) })
}

// countsSomething tells a quota that is used up from calls that come too fast: both are RESOURCE_EXHAUSTED.
func (a answer) countsSomething() bool {
	text := strings.ToLower(a.message)
	fast := ratedQuota.MatchString(a.message) && !perDay.MatchString(a.message) || strings.Contains(text, "rate limit") || strings.Contains(text, "per minute") ||
		a.is("RATE_LIMIT_EXCEEDED", "rateLimitExceeded")
	return !fast && (a.quota || strings.Contains(text, "quota") || strings.Contains(text, "limit"))
}

// httpOf is the HTTP status that google.rpc.Code gives each code, by which answers are classified. What an operation ends with
// is not what a call is answered: UNKNOWN is no passing fault there.
func httpOf(c code.Code) int {
	switch c {
	case code.Code_INVALID_ARGUMENT, code.Code_FAILED_PRECONDITION, code.Code_OUT_OF_RANGE:
		return http.StatusBadRequest
	case code.Code_UNAUTHENTICATED:
		return http.StatusUnauthorized
	case code.Code_PERMISSION_DENIED:
		return http.StatusForbidden
	case code.Code_NOT_FOUND:
		return http.StatusNotFound
	case code.Code_ALREADY_EXISTS, code.Code_ABORTED:
		return http.StatusConflict
	case code.Code_RESOURCE_EXHAUSTED:
		return http.StatusTooManyRequests
	case code.Code_INTERNAL:
		return http.StatusInternalServerError
	case code.Code_UNAVAILABLE:
		return http.StatusServiceUnavailable
	case code.Code_DEADLINE_EXCEEDED:
		return http.StatusGatewayTimeout
	case code.Code_OK, code.Code_CANCELLED, code.Code_UNKNOWN, code.Code_UNIMPLEMENTED, code.Code_DATA_LOSS:
	}
	return http.StatusNotImplemented // final
}
