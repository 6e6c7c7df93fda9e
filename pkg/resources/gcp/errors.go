package gcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/api/googleapi"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Error is what the cloud said, with its class and what to do about it.
type Error struct {
	ID      resources.ID // what it is about; may be empty
	Code    string       // HTTP status or the machine code of an operation: "404", "QUOTA_EXCEEDED"
	Reason  string       // "notFound", …
	Message string       // the cloud's words
	Hint    string       // what to do, with the exact command where there is one
	Err     error        // the error as the client library gave it; nil for a failed operation
	class   resources.Class
}

// Error says what is wrong and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	if e.ID != "" {
		b.WriteString(string(e.ID) + ": ")
	}
	b.WriteString(e.Message)
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", strings.TrimSpace(e.Code+" "+e.Reason))
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap gives the client library's error.
func (e *Error) Unwrap() error { return e.Err }

// Class is what is to be done about it; without one of its own it is the class of what it wraps.
func (e *Error) Class() resources.Class {
	if e.class == resources.ClassNone {
		return resources.ClassOf(e.Err)
	}
	return e.class
}

// Is makes errors.Is(err, resources.ErrNotFound) true for an absent resource.
func (e *Error) Is(target error) bool {
	return target == resources.ErrNotFound && e.class == resources.ClassNotFound
}

// Wrap classifies an error of a client library; nil stays nil, and what is classified already stays as it is.
func Wrap(id resources.ID, err error) error {
	var classed resources.Classed
	if err == nil || errors.As(err, &classed) {
		return err
	}
	e := &Error{ID: id, Err: err, Message: err.Error(), class: resources.ClassFatal}
	var api *apierror.APIError
	var old *googleapi.Error
	switch {
	case errors.Is(err, context.Canceled):
		e.class = resources.ClassInterrupted
		return e
	case errors.Is(err, context.DeadlineExceeded):
		e.class = resources.ClassTimeout
		return e
	case errors.Is(err, storage.ErrBucketNotExist), errors.Is(err, storage.ErrObjectNotExist):
		e.class = resources.ClassNotFound
		return e
	case errors.As(err, &old):
		e.Code, e.Message = fmt.Sprint(old.Code), old.Message
		if len(old.Errors) > 0 {
			e.Reason = old.Errors[0].Reason
		}
		e.classify(old.Code)
		return e
	case errors.As(err, &api):
		e.Message = strings.TrimPrefix(err.Error(), "rpc error: ")
		e.Reason = api.Reason()
		e.classify(api.HTTPCode())
		return e
	}
	e.classifyTransport(err)
	return e
}

// classifyTransport tells a broken connection, which is worth another try, from missing credentials.
func (e *Error) classifyTransport(err error) {
	var netErr net.Error
	var urlErr *url.Error
	text := err.Error()
	switch {
	case strings.Contains(text, "could not find default credentials"), strings.Contains(text, "invalid_grant"),
		strings.Contains(text, "oauth2: "), strings.Contains(text, "reauth"):
		e.class, e.Hint = resources.ClassUnauthenticated, signIn
	case errors.As(err, &netErr), errors.As(err, &urlErr), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.class = resources.ClassTransient
	}
}

var (
	permission = regexp.MustCompile(`(?:Required ')?([a-z]+\.[A-Za-z]+\.[A-Za-z]+)'? permission`)
	disabled   = regexp.MustCompile(`has not been used in project|is disabled`)
	service    = regexp.MustCompile(`apis?/(?:api/)?([a-z]+\.googleapis\.com)`)
)

// classify sorts by HTTP status, reason and, where the cloud tells no other way, words (gcp-facts, section 2).
func (e *Error) classify(code int) {
	switch {
	case code == 404:
		e.class = resources.ClassNotFound
	case code == 401:
		e.class, e.Hint = resources.ClassUnauthenticated, signIn
	case e.Reason == "resourceInUseByAnotherResource":
		e.class = resources.ClassInUse
	case e.Reason == "resourceNotReady", e.Reason == "operationInProgress", strings.Contains(e.Message, "is not ready"):
		e.class = resources.ClassBusy
	case code == 409 && (e.Reason == "alreadyExists" || strings.Contains(e.Message, "already exists")):
		e.class = resources.ClassExists
	case code == 412, code == 409:
		e.class = resources.ClassConflict
	case e.Reason == "rateLimitExceeded", e.Reason == "userRateLimitExceeded", e.Reason == "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED",
		code == 429, code == 408, code == 500, code == 502, code == 503, code == 504:
		e.class = resources.ClassTransient
	case e.Reason == "quotaExceeded":
		e.class = resources.ClassQuota
	case code == 403:
		e.classifyDenied()
	case code == 400:
		e.class = resources.ClassInvalid
	}
}

func (e *Error) classifyDenied() {
	text := e.Message
	if e.Err != nil {
		text += e.Err.Error()
	}
	if e.Reason == "accessNotConfigured" || e.Reason == "SERVICE_DISABLED" || disabled.MatchString(text) {
		e.class = resources.ClassDisabled
		if m := service.FindStringSubmatch(text); m != nil {
			e.Hint = "enable it with: gcloud services enable " + m[1]
		}
		return
	}
	e.class = resources.ClassDenied
	e.Hint = "ask an owner of the project for the missing role"
	if m := permission.FindStringSubmatch(e.Message); m != nil {
		e.Hint = fmt.Sprintf("permission %s is missing: ask an owner of the project for a role that has it "+
			"(gcloud projects add-iam-policy-binding PROJECT --member=user:YOU --role=ROLE)", m[1])
	}
}

// FromOperation gives the error of an operation that is done; nil when it went well. The machine code is only in the
// operation itself: the client library loses it.
func FromOperation(id resources.ID, op *computepb.Operation) error {
	list := op.GetError().GetErrors()
	if len(list) == 0 {
		if code := op.GetHttpErrorStatusCode(); code >= 400 {
			e := &Error{ID: id, Code: fmt.Sprint(code), Message: op.GetHttpErrorMessage(), class: resources.ClassFatal}
			e.classify(int(code))
			return e
		}
		return nil
	}
	errs := make([]error, len(list))
	for i, one := range list {
		errs[i] = FromCode(id, one.GetCode(), one.GetMessage())
	}
	return errors.Join(errs...)
}

// FromCode classifies the machine code of an operation or of a managed instance's last attempt (gcp-facts, sections 1, 8).
func FromCode(id resources.ID, code, message string) error {
	e := &Error{ID: id, Code: code, Message: message, class: resources.ClassFatal}
	switch {
	case strings.Contains(code, "RESOURCE_POOL_EXHAUSTED"):
		e.class = resources.ClassStockout
		e.Hint = "try another ZONE, fewer VMs or another VM_TYPE, or run the same command again later"
	case strings.Contains(code, "QUOTA"):
		e.class = resources.ClassQuota
		e.Hint = "ask for more at https://console.cloud.google.com/iam-admin/quotas, or use less"
	case code == "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE":
		e.class = resources.ClassInUse
	case code == "RESOURCE_NOT_READY":
		e.class = resources.ClassBusy
	case code == "RESOURCE_ALREADY_EXISTS":
		e.class = resources.ClassExists
	case code == "RESOURCE_NOT_FOUND":
		e.class = resources.ClassNotFound
	case code == "CONDITION_NOT_MET":
		e.class = resources.ClassConflict
	case code == "PERMISSIONS_ERROR":
		e.class = resources.ClassDenied
	case code == "INTERNAL_ERROR":
		e.class = resources.ClassTransient
	case strings.HasPrefix(code, "IP_SPACE_EXHAUSTED"):
		e.class = resources.ClassQuota
		e.Hint = "the subnetwork is full: give a larger NETWORK_RANGE, or use NETWORK_CONFIG=new_network"
	}
	return e
}
