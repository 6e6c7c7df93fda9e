package rest

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// The words in which Google's front end (ESF, the Server header of recorded answers) refuses what is not of a method's form. They
// are from public reports of live answers: paths are of the descriptor's own names, the unknown name is as it was sent, and
// several complaints are lines of one message.

func badRequest(reason, message string) wire.APIError {
	return wire.APIError{Code: 400, Reason: reason, Message: message, Status: "INVALID_ARGUMENT"}
}

func unknownNames(names []Unknown) wire.APIError {
	var lines []string
	var violations []any
	for _, u := range names {
		at := ""
		if u.At != "" {
			at = fmt.Sprintf(" at '%s'", u.At)
		}
		line := fmt.Sprintf("Invalid JSON payload received. Unknown name %q%s: Cannot find field.", u.Name, at)
		violation := doc.Map{"description": line}
		if u.At != "" {
			violation["field"] = u.At
		}
		lines, violations = append(lines, line), append(violations, violation)
	}
	refusal := badRequest("badRequest", strings.Join(lines, "\n"))
	refusal.Details = []doc.Map{{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}}
	return refusal
}

// badValue refuses a value that is not of its field's type.
func badValue(field protoreflect.FieldDescriptor, v any, at string) wire.APIError {
	kind := "TYPE_" + strings.ToUpper(field.Kind().String())
	switch {
	case field.Message() != nil:
		kind = "type.googleapis.com/" + string(field.Message().FullName())
	case field.Enum() != nil:
		kind = "type.googleapis.com/" + string(field.Enum().FullName())
	}
	shown := "Starting an object on a scalar field"
	if _, object := v.(doc.Map); !object {
		raw, err := json.Marshal(v)
		if err == nil {
			shown = string(raw)
		}
	}
	line := fmt.Sprintf("Invalid value at '%s' (%s), %s", at, kind, shown)
	refusal := badRequest("invalid", line)
	refusal.Details = []doc.Map{{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": []any{doc.Map{"field": at, "description": line}}}}
	return refusal
}
