package rest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// DecodeBody reads a body as its method's own message type tells and refuses names that the type does not have. What it gives is
// the body as it was sent: an explicit false, 0, "", {}, [] or null is in it, and what was not sent is not. Only what means the
// same is made the same: 64-bit numbers are strings and 32-bit ones numbers, however they were sent; a null in a list is
// dropped; "" for an enum is not there; output-only fields are not there (AIP-203: services ignore them).
func (m *Method) DecodeBody(raw []byte) (doc.Map, error) {
	d, unknown, err := m.DecodeKnown(raw)
	if err == nil && len(unknown) > 0 {
		err = unknownNames(unknown)
	}
	return d, err
}

// Unknown is a name in a body that its message does not have.
type Unknown struct {
	Name string // as it was sent
	At   string // where, by the names of the descriptor: "resource.routing_config"; "" for the body itself
}

// String is the path as the call log shows it.
func (u Unknown) String() string { return strings.TrimPrefix(u.At+"."+u.Name, ".") }

// DecodeKnown is DecodeBody for services that ignore names which they do not know: it leaves them out, and tells them.
func (m *Method) DecodeKnown(raw []byte) (doc.Map, []Unknown, error) {
	shape, at := m.input, ""
	switch {
	case m.body != nil:
		shape, at = m.body.Message(), string(m.body.Name())
		if strings.HasSuffix(at, "_resource") {
			at = "resource" // computepb gives each body a name of its own; the API calls all of them so
		}
	case !m.whole:
		return doc.Map{}, nil, nil
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		if m.whole {
			return doc.Map{}, nil, nil // all that is needed may be in the path
		}
		return nil, nil, badRequest("required", fmt.Sprintf("Required field '%s' not specified", at)) // recorded by reports: google-api-python-client#608
	}
	sent, err := parse(raw)
	if err != nil {
		return nil, nil, err
	}
	b := body{outputOnly: m.router.outputOnly}
	d, err := b.message(shape, sent, at)
	return d, b.unknown, err
}

// parse reads JSON with numbers as they were written. Google's front end words what is no JSON with an excerpt of it; that is not
// imitated.
func parse(raw []byte) (doc.Map, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, badRequest("parseError", "Invalid JSON payload received. "+err.Error())
	}
	if err := dec.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, badRequest("parseError", "Invalid JSON payload received. Unexpected data after the body.")
	}
	d, ok := v.(doc.Map)
	if !ok {
		return nil, badRequest("badRequest", "Invalid JSON payload received. Unknown name \"\": Root element must be a message.")
	}
	return d, nil
}

// body is a body while it is read.
type body struct {
	outputOnly map[string][]string
	unknown    []Unknown
}

func (b *body) message(shape protoreflect.MessageDescriptor, sent doc.Map, at string) (doc.Map, error) {
	out := doc.Map{}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		field := shape.Fields().ByJSONName(name)
		if field == nil {
			field = shape.Fields().ByTextName(name)
		}
		switch {
		case field == nil:
			b.unknown = append(b.unknown, Unknown{name, at})
			continue
		case b.ignores(shape, field):
			continue
		}
		v, err := b.field(field, sent[name], strings.TrimPrefix(at+"."+string(field.Name()), "."))
		if err != nil {
			return nil, err
		}
		if v != absent {
			out[field.JSONName()] = v
		}
	}
	return out, nil
}

// absent stands for a value that counts as not sent.
var absent = any(new(struct{ int })) //nolint:gochecknoglobals // a constant

// ignores says whether a field is written by the service alone.
func (b *body) ignores(shape protoreflect.MessageDescriptor, field protoreflect.FieldDescriptor) bool {
	behaviour, _ := proto.GetExtension(field.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return slices.Contains(behaviour, annotations.FieldBehavior_OUTPUT_ONLY) || slices.Contains(b.outputOnly[string(shape.Name())], field.JSONName())
}

func (b *body) field(field protoreflect.FieldDescriptor, v any, at string) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil //nolint:nilnil // an explicit null
	case []any:
		if !field.IsList() {
			i := strings.LastIndexByte(at, '.')
			where := ""
			if i >= 0 {
				where = " at '" + at[:i] + "'"
			}
			return nil, badRequest("badRequest", fmt.Sprintf("Invalid JSON payload received. Unknown name %q%s: Proto field is not repeating, cannot start list.", field.JSONName(), where))
		}
		return b.list(field, x, at)
	case doc.Map:
		if field.IsMap() {
			return b.entries(field, x, at)
		}
	}
	if field.IsList() || field.IsMap() {
		return nil, badValue(field, v, at)
	}
	return b.value(field, v, at)
}

func (b *body) list(field protoreflect.FieldDescriptor, sent []any, at string) (any, error) {
	out := []any{}
	for i, one := range sent {
		if one == nil {
			continue // Terraform sends resourcePolicies: [null]
		}
		v, err := b.value(field, one, fmt.Sprintf("%s[%d]", at, i))
		if err != nil {
			return nil, err
		}
		if v != absent {
			out = append(out, v)
		}
	}
	return out, nil
}

// entries reads a map, such as labels. One without entries is none: maps have no presence. A null is kept: in a PATCH it takes
// the entry away.
func (b *body) entries(field protoreflect.FieldDescriptor, sent doc.Map, at string) (any, error) {
	if len(sent) == 0 {
		return absent, nil
	}
	out := doc.Map{}
	for _, key := range slices.Sorted(maps.Keys(sent)) {
		out[key] = nil
		if sent[key] == nil {
			continue
		}
		v, err := b.value(field.MapValue(), sent[key], fmt.Sprintf("%s[%q]", at, key))
		if err != nil {
			return nil, err
		}
		out[key] = v
	}
	return out, nil
}

// value reads one value that is not null.
func (b *body) value(field protoreflect.FieldDescriptor, v any, at string) (any, error) {
	if field.Message() != nil {
		sent, ok := v.(doc.Map)
		switch {
		case strings.HasPrefix(string(field.Message().FullName()), "google.protobuf."):
			return wellKnown(field, v, at)
		case !ok:
			return nil, badValue(field, v, at)
		}
		return b.message(field.Message(), sent, at)
	}
	if out, ok := scalar(field, v); ok {
		return out, nil
	}
	return nil, badValue(field, v, at)
}

func scalar(field protoreflect.FieldDescriptor, v any) (out any, ok bool) {
	kind := field.Kind()
	truth, isBool := v.(bool)
	text, isText := v.(string)
	number, _ := v.(json.Number)
	switch {
	case isBool:
		return truth, kind == protoreflect.BoolKind
	case kind == protoreflect.BoolKind:
		return text == "true", text == "true" || text == "false"
	case isText && text == "" && (kind == protoreflect.EnumKind || isEnum(field)):
		return absent, true
	case kind == protoreflect.EnumKind:
		return enumName(field.Enum(), text, number)
	case kind == protoreflect.StringKind:
		return text, isText
	case kind == protoreflect.BytesKind:
		// Either alphabet (protobuf.dev, ProtoJSON); gcloud sends that of URLs.
		_, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(text))
		return text, isText && err == nil
	}
	return numeric(kind, text+string(number))
}

// isEnum says whether a string is an enum on the wire. computepb makes all of Compute Engine's enums strings, and keeps the enum
// beside it, under the field's name.
func isEnum(field protoreflect.FieldDescriptor) bool {
	var name strings.Builder
	for _, word := range strings.Split(string(field.Name()), "_") {
		if word != "" {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return field.ContainingMessage().Enums().ByName(protoreflect.Name(name.String())) != nil
}

func enumName(enum protoreflect.EnumDescriptor, text string, number json.Number) (any, bool) {
	value := enum.Values().ByName(protoreflect.Name(text))
	if n, err := strconv.ParseInt(string(number), 10, 32); err == nil {
		value = enum.Values().ByNumber(protoreflect.EnumNumber(n))
	}
	if value == nil {
		return nil, false
	}
	return string(value.Name()), true
}

// The kinds of numbers; what is in none of these lists is a signed integer of 32 bits.
var (
	floats   = []protoreflect.Kind{protoreflect.FloatKind, protoreflect.DoubleKind}                                                      //nolint:gochecknoglobals // a constant table
	unsigned = []protoreflect.Kind{protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind} //nolint:gochecknoglobals // as above
	wide     = []protoreflect.Kind{                                                                                                      //nolint:gochecknoglobals // as above
		protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind,
	}
)

// numeric gives a number as the wire has it: 64-bit integers are strings, everything else is a JSON number.
func numeric(kind protoreflect.Kind, s string) (any, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || slices.Contains(floats, kind) {
		return f, err == nil
	}
	bits := 32
	if slices.Contains(wide, kind) {
		bits = 64
	}
	if strings.ContainsAny(s, ".eE") { // 5.0 is 5
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if slices.Contains(unsigned, kind) {
		_, err = strconv.ParseUint(s, 10, bits)
	} else {
		_, err = strconv.ParseInt(s, 10, bits)
	}
	if bits == 64 {
		return s, err == nil
	}
	return f, err == nil
}

// wellKnown reads a type of protobuf's own, such as a duration: protobuf knows its form in JSON.
func wellKnown(field protoreflect.FieldDescriptor, v any, at string) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil || protojson.Unmarshal(raw, dynamicpb.NewMessage(field.Message())) != nil {
		return nil, badValue(field, v, at)
	}
	return plain(v), nil
}

// plain makes written numbers float64, as everywhere in documents.
func plain(v any) any {
	switch x := v.(type) {
	case json.Number:
		f, _ := x.Float64() // it was JSON
		return f
	case []any:
		for i := range x {
			x[i] = plain(x[i])
		}
	case doc.Map:
		for k := range x {
			x[k] = plain(x[k])
		}
	}
	return v
}
