package gcp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"google.golang.org/api/googleapi"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// answer is what an API said when it refused, in any of the dialects that Google's services speak.
type answer struct {
	status  int
	message string
	rpc     string            // google.rpc status: "PERMISSION_DENIED"
	reasons []string          // of ErrorInfo, then of errors[]
	info    map[string]string // metadata of ErrorInfo: service, consumer, permission, …
	quota   bool              // google.rpc.QuotaFailure is among the details
	own     bool              // the API itself said it, and not something on the way
}

// answerOf reads an answer out of the client library's error. The library loses details, so its body is read once more.
func answerOf(e *googleapi.Error) answer {
	a := answer{status: e.Code, message: e.Message}
	var body struct {
		Error *struct {
			Message string
			Status  string
			Errors  []struct{ Reason, Message string }
			Details []struct {
				Type     string `json:"@type"`
				Reason   string
				Metadata map[string]string
			}
		}
	}
	raw := strings.TrimSpace(e.Body)
	if strings.HasPrefix(raw, "[") { // some services wrap an error in a list
		raw = strings.TrimSuffix(strings.TrimPrefix(raw, "["), "]")
	}
	if json.Unmarshal([]byte(raw), &body) == nil && body.Error != nil {
		a.own, a.rpc = true, body.Error.Status
		if a.message == "" {
			a.message = body.Error.Message
		}
		for _, d := range body.Error.Details {
			switch d.Type {
			case "type.googleapis.com/google.rpc.ErrorInfo":
				a.reasons, a.info = append(a.reasons, d.Reason), d.Metadata
			case "type.googleapis.com/google.rpc.QuotaFailure":
				a.quota = true
			}
		}
		for _, one := range body.Error.Errors {
			a.reasons = append(a.reasons, one.Reason)
		}
	}
	if e.Body == "" && e.Message != "" { // made by hand, as in tests, or from a library that keeps no body
		a.own = true
	}
	if len(a.reasons) == 0 {
		for _, one := range e.Errors {
			a.reasons = append(a.reasons, one.Reason)
		}
	}
	if !a.own && mediaWords(e.Header, raw) {
		a.own, a.message = true, raw
	}
	return a
}

// mediaWords says whether a text that is no JSON is Cloud Storage's own: reading an object's content that is absent answers
// "No such object: b/o" as text/html with "server: UploadServer" and x-guploader-uploadid (reported with headers in
// firebase-tools#3647). A page is never taken for it.
func mediaWords(h http.Header, body string) bool {
	if body == "" || strings.HasPrefix(body, "<") {
		return false
	}
	return h.Get("X-Guploader-Uploadid") != "" || strings.HasPrefix(body, "No such object: ") || body == "The specified bucket does not exist."
}

// AnswerError is an answer that is not the API's: a page where JSON is due, nothing, or half of it. It says nothing about what
// was asked, so it is a passing fault and never "absent".
type AnswerError struct {
	Host   string // who was asked
	Status int    // HTTP status
	Start  string // how the answer begins
	Why    string // what it should have been
}

// Error says what came instead.
func (e *AnswerError) Error() string {
	what := "nothing"
	if e.Start != "" {
		what = fmt.Sprintf("%q", e.Start)
	}
	return fmt.Sprintf("the answer is not Google's: %s answered %d with %s, %s; is there a proxy in between?", e.Host, e.Status, what, e.Why)
}

// Class is ClassTransient.
func (e *AnswerError) Class() resources.Class { return resources.ClassTransient }

// longest is how much of a text from outside is shown.
const longest = 1500

// clean makes a text from outside safe to print: one line, without control or direction characters, bounded.
func clean(s string, most int) string {
	cut := len(s) > most
	if cut {
		s = s[:most]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.TrimSpace(s)
	if cut {
		s += "…"
	}
	return s
}
