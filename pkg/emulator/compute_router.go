package emulator

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// method is one method of Compute Engine, as its descriptor tells it: no path is typed by hand.
type method struct {
	name     string // "Networks.Insert"
	verb     string
	segments []string // "/compute/v1/projects/{project}/…", cut at the slashes
	input    protoreflect.MessageDescriptor
	body     protoreflect.FieldDescriptor // nil when the method takes no body
	handler  computeHandler               // nil when the emulator does not carry it out
}

// computeRouter finds the method of a call.
type computeRouter struct{ byLength map[int][]*method }

// newComputeRouter reads the google.api.http annotations of computepb and binds the handlers, which are named
// "Networks.Insert". A handler without a method of that name is a mistake of ours and an error.
func newComputeRouter(handlers map[string]computeHandler) (*computeRouter, error) {
	r := &computeRouter{byLength: map[int][]*method{}}
	bound := 0
	services := computepb.File_google_cloud_compute_v1_compute_proto.Services()
	for i := range services.Len() {
		service := services.Get(i)
		for j := range service.Methods().Len() {
			desc := service.Methods().Get(j)
			m := describe(service, desc)
			if m == nil {
				continue
			}
			if h, ok := handlers[m.name]; ok {
				m.handler = h
				bound++
			}
			r.byLength[len(m.segments)] = append(r.byLength[len(m.segments)], m)
		}
	}
	if bound != len(handlers) {
		return nil, fmt.Errorf("emulator: %d of %d handlers have no method of their name in the Compute Engine API", len(handlers)-bound, len(handlers))
	}
	return r, nil
}

func describe(service protoreflect.ServiceDescriptor, desc protoreflect.MethodDescriptor) *method {
	rule, ok := proto.GetExtension(desc.Options(), annotations.E_Http).(*annotations.HttpRule)
	if !ok || rule == nil {
		return nil
	}
	m := &method{name: string(service.Name()) + "." + string(desc.Name()), input: desc.Input()}
	var path string
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		m.verb, path = "GET", p.Get
	case *annotations.HttpRule_Post:
		m.verb, path = "POST", p.Post
	case *annotations.HttpRule_Put:
		m.verb, path = "PUT", p.Put
	case *annotations.HttpRule_Patch:
		m.verb, path = "PATCH", p.Patch
	case *annotations.HttpRule_Delete:
		m.verb, path = "DELETE", p.Delete
	default:
		return nil
	}
	m.segments = strings.Split(path, "/")
	if name := rule.GetBody(); name != "" {
		m.body = desc.Input().Fields().ByName(protoreflect.Name(name))
	}
	return m
}

// find gives the method of a call and its path variables by their wire names.
func (r *computeRouter) find(verb, path string) (*method, map[string]string) {
	segments := strings.Split(path, "/")
	var best *method
	var bestVars map[string]string
	for _, m := range r.byLength[len(segments)] {
		if m.verb != verb {
			continue
		}
		vars, ok := m.match(segments)
		if ok && (best == nil || len(vars) < len(bestVars)) { // literal parts win over variables
			best, bestVars = m, vars
		}
	}
	return best, bestVars
}

func (m *method) match(segments []string) (map[string]string, bool) {
	vars := map[string]string{}
	for i, want := range m.segments {
		if strings.HasPrefix(want, "{") {
			v, err := url.PathUnescape(segments[i])
			if err != nil || v == "" {
				return nil, false
			}
			vars[m.wireName(strings.Trim(want, "{}"))] = v
		} else if want != segments[i] {
			return nil, false
		}
	}
	return vars, true
}

func (m *method) wireName(field string) string {
	if f := m.input.Fields().ByName(protoreflect.Name(field)); f != nil {
		return f.JSONName()
	}
	return field
}

// systemParameters go with every method of Google's REST APIs (cloud.google.com/apis/docs/system-parameters).
var systemParameters = []string{"alt", "$alt", "fields", "$fields", "key", "prettyPrint", "$prettyPrint", "quotaUser", "$quotaUser", //nolint:gochecknoglobals // a constant table
	"userIp", "access_token", "oauth_token", "callback", "upload_protocol", "uploadType", "$.xgafv", "$userProject", "userProject", "trace", "$trace"}

// checkQuery refuses query parameters that the method does not have.
func (m *method) checkQuery(q url.Values) error {
	for _, name := range slices.Sorted(keys(q)) {
		if slices.Contains(systemParameters, name) || name == "returnPartialSuccess" && strings.Contains(m.name, "List") {
			continue // the latter is in the discovery document, but not in computepb 1.75
		}
		field := m.input.Fields().ByJSONName(name)
		if field == nil {
			field = m.input.Fields().ByName(protoreflect.Name(name))
		}
		if field == nil || field == m.body {
			return failure{code: 400, reason: "badRequest", message: fmt.Sprintf(
				"Invalid JSON payload received. Unknown name %q: Cannot bind query parameter. Field '%s' could not be found in request message.", name, name)}
		}
	}
	return nil
}

// decodeBody reads a body strictly into the method's own message type and gives it back as plain JSON in canonical form.
func (m *method) decodeBody(raw []byte) (document, error) {
	if m.body == nil {
		return document{}, nil
	}
	if len(strings.TrimSpace(string(raw))) == 0 {
		return nil, failure{code: 400, reason: "required", message: fmt.Sprintf("Required field '%s' not specified", strings.TrimSuffix(m.body.JSONName(), "Resource"))}
	}
	msg := dynamicpb.NewMessage(m.body.Message())
	if err := protojson.Unmarshal(raw, msg); err != nil {
		return nil, failure{code: 400, reason: "badRequest", message: payloadError(err)}
	}
	canonical, err := protojson.Marshal(msg)
	if err != nil {
		return nil, failure{code: 400, reason: "badRequest", message: payloadError(err)}
	}
	var d document
	if err := json.Unmarshal(canonical, &d); err != nil {
		return nil, err
	}
	return d, nil
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
