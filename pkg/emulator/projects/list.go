package projects

import (
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// list gives the projects that the caller may get, newest first (recorded: c7n-projects-list.json). What exists without having
// been made is in it once it was seen.
func list(c *call) (any, error) { return c.page(c.r.Query.Get("filter"), nil) }

// search is list with another name for the filter.
func search(c *call) (any, error) { return c.page(c.r.Query.Get("query"), nil) }

// listBelow gives the projects directly below a parent.
func listBelow(c *call) (any, error) {
	parent := c.r.Query.Get("parent")
	if !parentForm.MatchString(parent) {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: "Request contains an invalid argument."}
	}
	return c.page("", func(o *world.Object) bool {
		return show("v3", o)["parent"] == parent && (o.State == active || rest.True(c.r.Query, "showDeleted"))
	})
}

// page gives one page of the projects that a filter and a function take.
func (c *call) page(filter string, also func(*world.Object) bool) (any, error) {
	terms, err := c.terms(filter)
	if err != nil {
		return nil, err
	}
	found := []any{}
	if c.svc.cloud.Permitted("resourcemanager.projects.get") {
		for _, project := range c.svc.cloud.Projects { // those that are there from the start
			if c.svc.cloud.Known(c.tx, project) {
				if err := c.svc.cloud.Found(c.tx, project); err != nil {
					return nil, err
				}
			}
		}
		for _, o := range c.tx.List(host + "/projects") {
			if o.Ready && matches(terms, o) && (also == nil || also(o)) {
				found = append(found, show(c.version, o))
			}
		}
	}
	size := 500
	if n := doc.Num(doc.Map{"n": c.r.Query.Get("pageSize")}, "n"); n > 0 {
		size = int(min(n, 500))
	}
	page, next, ok := rest.Page(found, size, c.r.Query.Get("pageToken"))
	if !ok {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: "Request contains an invalid argument."}
	}
	return rest.Listed("projects", page, next), nil
}

// term is one condition of a filter: "labels.env:test", "id=my-project".
type term struct{ field, value string }

// terms reads a filter: conditions that must all hold (discovery documents, projects.list.filter and projects.search.query).
// Brackets around such conditions change nothing; gcloud puts them around what a user gives. What else the language has, OR and
// NOT, is not emulated.
func (c *call) terms(filter string) ([]term, error) {
	var out []term
	for _, word := range words(filter) {
		if word = strings.Trim(word, "()"); word == "AND" || word == "" {
			continue
		}
		i := strings.IndexAny(word, ":=")
		if i <= 0 || word == "OR" || word == "NOT" || strings.ContainsAny(word[:i], "()-<>!") {
			return nil, wire.ErrNotEmulated
		}
		out = append(out, term{strings.ToLower(word[:i]), strings.ToLower(strings.Trim(word[i+1:], `"'`))})
	}
	return out, nil
}

// words cuts a filter at its spaces, but not within quotes.
func words(filter string) []string {
	quoted := false
	return strings.FieldsFunc(filter, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}

func matches(terms []term, o *world.Object) bool {
	parent := doc.Str(o.Doc, "parent", "type")
	values := map[string]string{
		"name": doc.Str(o.Doc, "name"), "displayname": doc.Str(o.Doc, "name"), "id": doc.Str(o.Doc, "projectId"), "projectid": doc.Str(o.Doc, "projectId"),
		"projectnumber": doc.Str(o.Doc, "projectNumber"), "lifecyclestate": o.State, "state": o.State,
		"parent.type": parent, "parent.id": doc.Str(o.Doc, "parent", "id"), "parent": parent + "s/" + doc.Str(o.Doc, "parent", "id"),
	}
	for k := range doc.Object(o.Doc, "labels") {
		values["labels."+strings.ToLower(k)] = doc.Str(o.Doc, "labels", k)
	}
	for _, t := range terms {
		have, ok := values[t.field]
		if !ok || !like(strings.ToLower(have), t.value) {
			return false
		}
	}
	return true
}

// like compares with stars at the ends of a value.
func like(have, value string) bool {
	rest, tail := strings.CutPrefix(value, "*")
	rest, head := strings.CutSuffix(rest, "*")
	switch {
	case tail && head || value == "*":
		return strings.Contains(have, rest)
	case head:
		return strings.HasPrefix(have, rest)
	case tail:
		return strings.HasSuffix(have, rest)
	}
	return have == value
}
