package gcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"google.golang.org/api/googleapi"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// What Cloud Storage says of what is absent (recorded: errors.log).
const (
	noBucket = "The specified bucket does not exist"
	noObject = "No such object"
)

// api gives an error that the other side has answered.
func api(err error) (*googleapi.Error, bool) {
	var e *googleapi.Error
	ok := errors.As(err, &e)
	return e, ok
}

func status(err error) int {
	if e, ok := api(err); ok {
		return e.Code
	}
	return 0
}

// said gives the reason and the words of an error. Where an object's data was asked for, the client library leaves the body as
// it came: JSON, or plain text (the latter is an assumption from "googleapi: got HTTP response code 404 with body: No such
// object: …", as its users report it).
func said(e *googleapi.Error) (reason, words string) {
	if len(e.Errors) > 0 {
		return e.Errors[0].Reason, e.Message
	}
	var body struct {
		Error struct {
			Message string `json:"message"`
			Errors  []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal([]byte(e.Body), &body) == nil && len(body.Error.Errors) > 0 {
		return body.Error.Errors[0].Reason, body.Error.Message
	}
	text := strings.TrimSpace(e.Body)
	if e.Code == http.StatusNotFound && (strings.HasPrefix(text, noObject) || strings.HasPrefix(text, noBucket)) {
		return "notFound", text
	}
	return "", e.Message
}

// absent says that the API says that the object or its bucket is absent. A 404 of anybody else on the way, with a page in
// HTML or with nothing, does not say so.
func absent(err error) bool {
	e, ok := api(err)
	if !ok || e.Code != http.StatusNotFound {
		return false
	}
	reason, _ := said(e)
	return reason == "notFound"
}

func absentBucket(err error) bool {
	e, ok := api(err)
	if !ok || !absent(err) {
		return false
	}
	_, words := said(e)
	return strings.Contains(words, noBucket)
}

// conflict says that a precondition did not hold.
func conflict(err error) bool { return status(err) == http.StatusPreconditionFailed }

// unpaid says that the bucket is one whose owner does not pay for calls, and that no project was named that does
// (https://cloud.google.com/storage/docs/requester-pays; 400, reason "required", as in googleapis/google-cloud-python#4674).
func unpaid(err error) bool {
	e, ok := api(err)
	if !ok || e.Code != http.StatusBadRequest {
		return false
	}
	_, words := said(e)
	return strings.Contains(words, "requester pays") && strings.Contains(words, "no user project")
}

func denied(err error) bool { return resources.ClassOf(gcp.Wrap("", err)) == resources.ClassDenied }

// strangeError is an answer that is not Cloud Storage's.
type strangeError struct{ text string }

func (e *strangeError) Error() string          { return "this is no answer of Cloud Storage: " + e.text }
func (e *strangeError) Class() resources.Class { return resources.ClassFatal }

// permission finds the permission that a refusal names.
var permission = regexp.MustCompile(`storage\.[a-zA-Z]+\.[a-zA-Z]+`)

// explain puts the bucket into what the cloud said. Advice is given only where the reason is known.
func (s *Store) explain(err error) error {
	var mine *bucketError
	var strange *strangeError
	var setting *settingError
	switch {
	case err == nil, errors.Is(err, state.ErrConflict), errors.Is(err, state.ErrLeaseLost), errors.As(err, &mine), errors.As(err, &setting):
		return err
	case errors.As(err, &strange):
		return &bucketError{class: resources.ClassFatal, err: err, text: fmt.Sprintf("bucket gs://%s: %v", s.opt.Bucket, err)}
	case absentBucket(err):
		return &bucketError{class: resources.ClassNotFound, err: err, text: fmt.Sprintf("bucket gs://%s does not exist any more: %v", s.opt.Bucket, err)}
	case status(err) == http.StatusNotFound && !absent(err):
		e, _ := api(err)
		return &bucketError{class: resources.ClassFatal, err: err, text: fmt.Sprintf(
			"bucket gs://%s: this is no answer of Cloud Storage: 404 with %.200q", s.opt.Bucket, e.Body)}
	}
	err = gcp.Wrap("", err)
	if e, ok := api(err); ok && denied(err) {
		if _, words := said(e); permission.MatchString(words) {
			return &bucketError{class: resources.ClassDenied, err: err, text: fmt.Sprintf("bucket gs://%s: %v; %s", s.opt.Bucket, err, s.role())}
		}
	}
	return fmt.Errorf("bucket gs://%s: %w", s.opt.Bucket, err)
}

func (s *Store) role() string {
	return fmt.Sprintf("roles/storage.objectAdmin on the bucket has what is needed: gcloud storage buckets add-iam-policy-binding gs://%s --member=user:YOU --role=roles/storage.objectAdmin",
		s.opt.Bucket)
}

func (s *Store) unretained() string {
	return fmt.Sprintf("the lease and the manifest are written again and again, so the bucket must not keep objects from that; "+
		"remove its retention with: gcloud storage buckets update gs://%s --clear-retention-period, or name another bucket with TERRAFORM_GCS_PATH=gs://BUCKET", s.opt.Bucket)
}

// bucketError says which bucket, and what to do.
type bucketError struct {
	class resources.Class
	text  string
	err   error
}

func (e *bucketError) Error() string          { return e.text }
func (e *bucketError) Unwrap() error          { return e.err }
func (e *bucketError) Class() resources.Class { return e.class }

// settingError is a bucket that another setting would mend. It is answered only by what comes before the first change.
type settingError struct{ bucketError }

// Setting is the setting that names the bucket.
func (e *settingError) Setting() string { return "TERRAFORM_GCS_PATH" }

func wrongSetting(class resources.Class, err error, format string, args ...any) error {
	return &settingError{bucketError{class: class, err: err, text: fmt.Sprintf(format, args...)}}
}
