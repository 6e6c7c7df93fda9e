package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// systemParameters go with every method of Google's REST APIs (cloud.google.com/apis/docs/system-parameters).
var systemParameters = []string{"alt", "$alt", "fields", "$fields", "key", "prettyPrint", "$prettyPrint", "quotaUser", "$quotaUser", //nolint:gochecknoglobals // a constant table
	"userIp", "access_token", "oauth_token", "callback", "upload_protocol", "uploadType", "$.xgafv", "$userProject", "userProject", "trace", "$trace"}

// CheckQuery refuses query parameters that the method does not have. also names those that it has and that are not in its
// descriptor.
func (m *Method) CheckQuery(q url.Values, also ...string) error {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if slices.Contains(systemParameters, name) || slices.Contains(also, name) {
			continue
		}
		first, _, _ := strings.Cut(name, ".")
		field := m.input.Fields().ByJSONName(first)
		if field == nil {
			field = m.input.Fields().ByName(protoreflect.Name(first))
		}
		if field == nil || field == m.body || m.whole {
			return wire.APIError{Code: 400, Reason: "badRequest", Message: fmt.Sprintf(
				"Invalid JSON payload received. Unknown name %q: Cannot bind query parameter. Field '%s' could not be found in request message.", name, name)}
		}
	}
	return nil
}

// DecodeBody reads a body strictly into the method's own message type and gives it back as plain JSON in canonical form.
func (m *Method) DecodeBody(raw []byte) (doc.Map, error) {
	shape := m.input
	switch {
	case m.body != nil:
		shape = m.body.Message()
	case !m.whole:
		return doc.Map{}, nil
	}
	if len(strings.TrimSpace(string(raw))) == 0 {
		if m.whole {
			return doc.Map{}, nil // all that is needed may be in the path
		}
		return nil, wire.APIError{Code: 400, Reason: "required", Message: fmt.Sprintf("Required field '%s' not specified", strings.TrimSuffix(m.body.JSONName(), "Resource"))}
	}
	msg := dynamicpb.NewMessage(shape)
	if err := protojson.Unmarshal(withoutNulls(raw, shape), msg); err != nil {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: payloadError(err)}
	}
	canonical, err := protojson.Marshal(msg)
	if err != nil {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: payloadError(err)}
	}
	var d doc.Map
	if err := json.Unmarshal(canonical, &d); err != nil {
		return nil, err
	}
	return d, nil
}

// withoutNulls leaves out entries of maps that are null: a merge patch removes keys with them (RFC 7396), but protojson takes a null
// for a field only. What else is wrong with the body stays for protojson to say.
func withoutNulls(raw []byte, shape protoreflect.MessageDescriptor) []byte {
	var d doc.Map
	if !bytes.Contains(raw, []byte("null")) || json.Unmarshal(raw, &d) != nil {
		return raw
	}
	dropNulls(d, shape)
	cut, err := json.Marshal(d)
	if err != nil {
		return raw
	}
	return cut
}

func dropNulls(d doc.Map, shape protoreflect.MessageDescriptor) {
	for name, v := range d {
		field := shape.Fields().ByJSONName(name)
		if field == nil || field.Message() == nil {
			continue
		}
		switch inner := v.(type) {
		case doc.Map:
			if field.IsMap() {
				maps.DeleteFunc(inner, func(_ string, v any) bool { return v == nil })
			} else {
				dropNulls(inner, field.Message())
			}
		case []any:
			for _, one := range inner {
				if object, ok := one.(doc.Map); ok {
					dropNulls(object, field.Message())
				}
			}
		}
	}
}

// payloadError words a decoding error as Google's front end does where the reason is an unknown name.
func payloadError(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ") // protobuf varies its white space on purpose
	if _, name, ok := strings.Cut(text, "unknown field "); ok {
		return fmt.Sprintf("Invalid JSON payload received. Unknown name %s at 'resource': Cannot find field.", name)
	}
	if _, rest, ok := strings.Cut(text, "proto: "); ok {
		text = strings.TrimSpace(rest)
	}
	return "Invalid JSON payload received. " + text
}
