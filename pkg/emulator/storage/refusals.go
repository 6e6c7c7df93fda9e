package storage

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// refuse writes a refusal as the call expects it: the classic dialect behind another server name (recorded: errors.log), plain
// text where an object's content was asked for (reported with headers in firebase-tools#3647), XML in the XML API.
func refuse(r *wire.Request, f wire.APIError) *wire.Response {
	h := http.Header{}
	decorate(h)
	if isXML(r.Path) {
		h.Set("Content-Type", "application/xml; charset=UTF-8")
		h.Set("X-Guploader-Uploadid", uploader(r.N))
		return &wire.Response{Status: f.Code, Header: h, Body: bodyXML(f)}
	}
	if f.Code == http.StatusNotModified {
		return &wire.Response{Status: f.Code, Header: h} // measured: without a body
	}
	if f.Code != http.StatusNotImplemented && r.Method == http.MethodGet && r.Query.Get("alt") == "media" {
		h.Set("Content-Type", "text/html; charset=UTF-8")
		h.Set("X-Guploader-Uploadid", uploader(r.N))
		return &wire.Response{Status: f.Code, Header: h, Body: []byte(f.Message)}
	}
	resp := wire.Classic(r, f)
	h.Set("Content-Type", "application/json; charset=UTF-8")
	resp.Header = h
	return resp
}

// bodyXML writes a refusal of the XML API. Its codes and messages are those of the reference page "HTTP status and error codes
// for XML"; what the JSON API says in its message stands in Details, where the two differ.
func bodyXML(f wire.APIError) []byte {
	if f.Code == http.StatusNotModified {
		return nil
	}
	code, message := codeXML(f)
	var b strings.Builder
	b.WriteString("<?xml version='1.0' encoding='UTF-8'?><Error><Code>" + code + "</Code><Message>")
	details := f.Message
	if message == "" {
		message, details = f.Message, ""
	}
	_ = xml.EscapeText(&b, []byte(message)) // a strings.Builder never fails
	b.WriteString("</Message>")
	if details != "" {
		b.WriteString("<Details>")
		_ = xml.EscapeText(&b, []byte(details))
		b.WriteString("</Details>")
	}
	b.WriteString("</Error>")
	return []byte(b.String())
}

// codeXML gives code and message; message is "" where it is the JSON API's own.
func codeXML(f wire.APIError) (code, message string) {
	switch {
	case f.Code == 404 && f.Message == errNoBucket.Message:
		return "NoSuchBucket", ""
	case f.Code == 404:
		return "NoSuchKey", "The specified key does not exist."
	case f.Code == 403:
		return "AccessDenied", "Access denied."
	case f.Code == 412:
		return "PreconditionFailed", ""
	case f.Code == 416:
		return "InvalidRange", "The requested range cannot be satisfied."
	case f.Code == 400 && f.Message == errNoPayer.Message: // measured
		return "UserProjectMissing", ""
	case f.Code == 400:
		return "InvalidArgument", "Invalid argument."
	case f.Code == 429:
		return "SlowDown", ""
	case f.Code == 501:
		return "NotImplemented", ""
	case f.Code == 503:
		return "ServiceUnavailable", ""
	}
	return "InternalError", ""
}

var errPrecondition = wire.APIError{
	Code: 412, Reason: "conditionNotMet", Location: "If-Match",
	Message: "At least one of the pre-conditions you specified did not hold.",
}

// conditions checks the four if… parameters, or those of a source with kind "Source", against generation and metageneration of
// what there is, both 0 for nothing. One that must not match and does is 304 for a read and for a bucket's settings (measured),
// else 412 (assumed, as RFC 9110 has it).
func (c *call) conditions(kind string, generation, metageneration int64) error {
	for _, p := range []struct {
		name string
		have int64
		not  bool
	}{
		{"GenerationMatch", generation, false}, {"GenerationNotMatch", generation, true},
		{"MetagenerationMatch", metageneration, false}, {"MetagenerationNotMatch", metageneration, true},
	} {
		name := "if" + kind + p.name
		text := c.r.Query.Get(name)
		if text == "" {
			continue
		}
		var want int64
		if _, err := fmt.Sscanf(text, "%d", &want); err != nil {
			return invalid("Invalid value '%s'. Values must match the following regular expression: '-?\\d+'", text)
		}
		if (want == p.have) != p.not {
			continue
		}
		if p.not && (c.r.Method == http.MethodGet || c.object == "" && kind == "") {
			return wire.APIError{Code: http.StatusNotModified, Reason: "notModified", Message: "Not Modified"}
		}
		return errPrecondition
	}
	return nil
}
