package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	Hint    string       // what to do, with the exact command where there is one; empty where the reason is not known
	Subject string       // path of the resource that the cloud's words are about: "projects/p/global/networks/n"; may be empty
	User    string       // what uses it, when it is in use: a path, or what the cloud says instead; may be empty
	Err     error        // the error as the client library gave it; nil for a failed operation
	class   resources.Class
}

// Error says what is wrong and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	if e.ID != "" {
		b.WriteString(cmp.Or(e.ID.Path(), string(e.ID)) + ": ")
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

// Passing says whether the whole change is worth doing again, with another request id: the cloud was not ready, failed inside,
// was asked too often, or does not see yet another resource than the one that was changed. The last is for the caller to judge
// further: Error.Subject names it, and waiting helps only if somebody makes it.
func Passing(err error) bool {
	var e *Error
	switch resources.ClassOf(err) {
	case resources.ClassTransient, resources.ClassBusy:
		return true
	case resources.ClassNotFound:
		return errors.As(err, &e) && e.NamesAnother()
	}
	return false
}

// NamesAnother says whether the cloud's words are about another resource than ID. Projects are not compared: the cloud may name
// one by its number.
func (e *Error) NamesAnother() bool {
	return e.Subject != "" && e.ID != "" && belowProject(e.Subject) != belowProject(e.ID.Path())
}

func belowProject(path string) string {
	_, rest, ok := strings.Cut(strings.TrimPrefix(path, "projects/"), "/")
	if !ok {
		return path
	}
	return rest
}

// Wrap classifies an error of a client library; nil stays nil, and what is classified already stays as it is.
func Wrap(id resources.ID, err error) error {
	var mine *Error
	var classed resources.Classed
	var tried *TriedError
	var link *linkError
	var token *tokenError
	var strange *AnswerError
	var api *apierror.APIError
	var old *googleapi.Error
	if err == nil || errors.As(err, &mine) {
		return err
	}
	e := &Error{ID: id, Err: err, class: resources.ClassFatal, Message: clean(resources.Ended(err).Error(), longest)}
	switch {
	case errors.As(err, &tried):
		return e.tried(tried)
	case errors.As(err, &link):
		e.class, e.Hint = link.class, link.hint
	case errors.As(err, &token):
		e.class, e.Hint, e.Message = token.class, token.hint, token.Error()
	case errors.As(err, &strange):
		e.class, e.Hint, e.Message = resources.ClassTransient, askProxy, clean(strange.Error(), longest)
	case errors.As(err, &classed):
		return err
	case errors.Is(err, context.Canceled):
		e.class = resources.ClassInterrupted
	case errors.Is(err, context.DeadlineExceeded):
		e.class = resources.ClassTimeout
	case errors.As(err, &old):
		e.answered(old)
	case errors.As(err, &api):
		e.Message, e.Reason = clean(api.Message(), longest), api.Reason()
		e.read(answer{status: api.HTTPCode(), message: api.Message(), reasons: []string{api.Reason()}, info: api.Metadata(), quota: api.Details().QuotaFailure != nil, own: true})
	case errors.Is(err, storage.ErrBucketNotExist), errors.Is(err, storage.ErrObjectNotExist):
		e.class = resources.ClassNotFound
	default:
		e.class, e.Hint = classifyLink(err)
	}
	return e
}

// answered reads the answer of an API.
func (e *Error) answered(said *googleapi.Error) {
	a := answerOf(said)
	e.Code, e.Message = fmt.Sprint(said.Code), clean(a.message, longest)
	if len(a.reasons) > 0 {
		e.Reason = clean(a.reasons[0], 100)
	}
	if !a.own {
		e.Message = (&AnswerError{Host: "what is on the way", Status: said.Code, Start: clean(said.Body, 100), Why: "which is no error of the API"}).Error()
	}
	e.read(a)
}

// tried puts how often and how long something was tried behind what was said in the end.
func (e *Error) tried(t *TriedError) error {
	last := Wrap(e.ID, t.Err)
	var said *Error
	if !errors.As(last, &said) {
		return e
	}
	e.Code, e.Reason, e.Hint, e.class = said.Code, said.Reason, said.Hint, t.Class()
	e.Subject, e.User = said.Subject, said.User
	e.Message = said.Message + t.how()
	return e
}

// FromOperation gives the error of an operation that is done; nil when it went well. The machine code is only in the
// operation itself: the client library loses it.
func FromOperation(id resources.ID, op *computepb.Operation) error {
	list := op.GetError().GetErrors()
	if len(list) == 0 {
		if code := op.GetHttpErrorStatusCode(); code >= 400 {
			e := &Error{ID: id, Code: fmt.Sprint(code), Message: clean(op.GetHttpErrorMessage(), longest)}
			e.read(answer{status: int(code), message: op.GetHttpErrorMessage(), own: true})
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
	e := &Error{ID: id, Code: clean(code, 100), Message: clean(message, longest)}
	a := answer{message: message, own: true}
	e.readNames(message)
	var known bool
	e.class, known = codeClass(code)
	switch {
	case code == "CONDITION_NOT_MET" && strings.Contains(strings.ToLower(message), "reservation"): // cluster-autoscaler tells them by these words
		e.class = resources.ClassInvalid
	case e.class == resources.ClassQuota && strings.HasPrefix(code, "IP_SPACE_EXHAUSTED"):
		e.Hint = "the subnetwork is full: give a larger NETWORK_RANGE, or use NETWORK_CONFIG=new_network"
	case constraintWords.MatchString(message) && strings.Contains(message, "violate"), e.class == resources.ClassPolicy:
		e.class, e.Hint = resources.ClassPolicy, constraintHint(e, a)
	case ratedQuota.MatchString(message) && !perDay.MatchString(message):
		e.class = resources.ClassTransient
	case e.class == resources.ClassStockout, !known && stockoutWords.MatchString(message):
		e.class, e.Hint = resources.ClassStockout, stockoutHint
	case e.class == resources.ClassQuota, !known && countedQuota.MatchString(message):
		e.class, e.Hint = resources.ClassQuota, quotaHint(e, a)
	case e.class == resources.ClassDenied:
		e.Hint = permissionHint(e, a)
	}
	return e
}
