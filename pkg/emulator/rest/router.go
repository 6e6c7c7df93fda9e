package rest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Method is one method of an API under one of its paths, as its descriptor tells it.
type Method struct {
	Name     string // "Networks.Insert"
	verb     string // "POST"
	segments []string
	custom   string     // what stands behind a colon at the end: "disable"
	vars     []variable // in the order of the path
	input    protoreflect.MessageDescriptor
	output   protoreflect.MessageDescriptor
	body     protoreflect.FieldDescriptor // nil when the method takes no body, or all of input
	whole    bool                         // all of input is in the body
	router   *Router
}

// variable is a part of a path that has a name: "{project}" or "{name=projects/*/serviceAccounts/*}".
type variable struct {
	name     string
	from, to int // segments
}

// Router finds the method of a call.
type Router struct {
	byLength map[int][]*Method
	customs  bool // the API has methods such as "…:disable", so a colon in the last segment always begins one

	outputOnly map[string][]string
}

// OutputOnly tells which fields only the service writes, by message, both as in JSON: "Network": {"id", …}. Bodies are read
// without them. Fields whose descriptors tell it are known already.
func (r *Router) OutputOnly(fields map[string][]string) { r.outputOnly = fields }

// OutputOnly are the fields of the method's resource that only the service writes, as Router.OutputOnly was told.
func (m *Method) OutputOnly() []string {
	if m.body == nil {
		return nil
	}
	return m.router.outputOnly[string(m.body.Message().Name())]
}

// NewRouter reads the methods of all services in files. handled are the names of the methods that the caller carries out, such
// as "Networks.Insert"; that one of them is not in files is a mistake of the caller's and an error.
func NewRouter(handled []string, files ...protoreflect.FileDescriptor) (*Router, error) {
	r := &Router{byLength: map[int][]*Method{}}
	known := map[string]bool{}
	for _, file := range files {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				for _, m := range describe(service, service.Methods().Get(j)) {
					known[m.Name] = true
					m.router = r
					r.customs = r.customs || m.custom != ""
					r.byLength[len(m.segments)] = append(r.byLength[len(m.segments)], m)
				}
			}
		}
	}
	for _, name := range handled {
		if !known[name] {
			return nil, fmt.Errorf("emulator: %s is no method of the API that it is bound to", name)
		}
	}
	return r, nil
}

func describe(service protoreflect.ServiceDescriptor, desc protoreflect.MethodDescriptor) []*Method {
	rule, ok := proto.GetExtension(desc.Options(), annotations.E_Http).(*annotations.HttpRule)
	if !ok || rule == nil {
		return nil
	}
	var out []*Method
	for _, one := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		m := &Method{Name: name(service, desc), input: desc.Input(), output: desc.Output(), whole: one.GetBody() == "*"}
		var path string
		switch p := one.GetPattern().(type) {
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
		}
		if path == "" || strings.Contains(path, "**") { // nothing that is emulated has paths of any length
			continue
		}
		m.parse(path)
		if b := one.GetBody(); b != "" && b != "*" {
			m.body = desc.Input().Fields().ByName(protoreflect.Name(b))
		}
		out = append(out, m)
	}
	return out
}

func name(service protoreflect.ServiceDescriptor, desc protoreflect.MethodDescriptor) string {
	return string(service.Name()) + "." + string(desc.Name())
}

// parse cuts a template such as "/v1/{name=projects/*/serviceAccounts/*}:disable" at the slashes, also at those in braces.
func (m *Method) parse(path string) {
	if i := strings.LastIndexByte(path, ':'); i > strings.LastIndexByte(path, '/') && i > strings.LastIndexByte(path, '}') {
		path, m.custom = path[:i], path[i+1:]
	}
	for path != "" {
		open := strings.IndexByte(path, '{')
		if open != 0 {
			if open < 0 {
				open = len(path)
			}
			m.segments = append(m.segments, strings.Split(strings.TrimSuffix(path[:open], "/"), "/")...)
			path = path[open:]
			continue
		}
		end := strings.IndexByte(path, '}')
		name, pattern, ok := strings.Cut(path[1:end], "=")
		if !ok {
			pattern = "*"
		}
		v := variable{name: m.wireName(name), from: len(m.segments)}
		m.segments = append(m.segments, strings.Split(pattern, "/")...)
		v.to = len(m.segments)
		m.vars = append(m.vars, v)
		path = strings.TrimPrefix(path[end+1:], "/")
	}
}

func (m *Method) wireName(field string) string {
	if f := m.input.Fields().ByName(protoreflect.Name(field)); f != nil {
		return f.JSONName()
	}
	return field
}

// Find gives the method of a call and its path variables by their wire names; nil when the API has no such method.
func (r *Router) Find(verb, path string) (*Method, map[string]string) {
	custom := ""
	if r.customs {
		if i := strings.LastIndexByte(path, ':'); i > strings.LastIndexByte(path, '/') {
			path, custom = path[:i], path[i+1:]
		}
	}
	segments := strings.Split(path, "/")
	var best *Method
	var vars map[string]string
	for _, m := range r.byLength[len(segments)] {
		if m.verb != verb || m.custom != custom || best != nil && m.wild() >= best.wild() { // literal parts win over variables
			continue
		}
		if found, ok := m.match(segments); ok {
			best, vars = m, found
		}
	}
	return best, vars
}

func (m *Method) wild() int {
	n := 0
	for _, s := range m.segments {
		if s == "*" {
			n++
		}
	}
	return n
}

func (m *Method) match(segments []string) (map[string]string, bool) {
	for i, want := range m.segments {
		if want == "*" && segments[i] != "" || want == segments[i] {
			continue
		}
		return nil, false
	}
	vars := map[string]string{}
	for _, v := range m.vars {
		parts := slices.Clone(segments[v.from:v.to])
		for i := range parts {
			var err error
			if parts[i], err = url.PathUnescape(parts[i]); err != nil {
				return nil, false
			}
		}
		vars[v.name] = strings.Join(parts, "/")
	}
	return vars, true
}
