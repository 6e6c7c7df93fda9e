package emulator_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	placeholder = regexp.MustCompile(`\$\{(\w+)\}`)
	lastName    = regexp.MustCompile(`/(\w+)/\$\{(\w+ID)\}$`)
	uniqueName  = regexp.MustCompile(`/(\w+)/([^/?"]*\$\{uniqueId\}[^/?"]*)`)
	capital     = regexp.MustCompile(`[A-Z]`)
	timeWithin  = regexp.MustCompile(`\[\d{4}-\d\d-\d\dT[^\]]+\]`)
	drawnName   = regexp.MustCompile(`\boperation-\d{12,13}-[0-9a-f]{13}-[0-9a-f]{8}-[0-9a-f]{8}\b`)
	linkVersion = regexp.MustCompile(`/compute/(v1|beta)/`)
)

// names are what the recorder's placeholders stand for in a replay. A placeholder may stand for several things at a time: the
// recorder gave all things of a kind the same one.
type names struct {
	fixed  map[string]string
	stacks map[string][]string // the names of a placeholder, the current one last
	alive  map[string]bool     // names of things that the recording made and has not deleted
}

func newNames(list []exchange, number string) *names {
	n := &names{
		fixed: map[string]string{
			"projectId": "replay-project", "projectNumber": number, "uniqueId": "u1u1u1",
			"organizationID": "123450001", "folderID": "123451001", "billingAccountID": "123456-777777-000001",
		},
		stacks: map[string][]string{}, alive: map[string]bool{},
	}
	seen := map[string]bool{}
	for _, e := range list {
		n.alias(e)
		m := lastName.FindStringSubmatch(e.resource())
		if m == nil || m[1] != "networks" || seen[m[2]] {
			continue
		}
		seen[m[2]] = true
		if e.reads() { // it was there before the recording
			n.stacks[m[2]] = []string{"default"}
		}
	}
	return n
}

// alias finds what is called by its name in a URL and by a placeholder in the answer.
func (n *names) alias(e exchange) {
	m := uniqueName.FindStringSubmatch(e.resource())
	if m == nil {
		return
	}
	if a := regexp.MustCompile(`/` + m[1] + `/\$\{(\w+ID)\}`).FindStringSubmatch(text(e.answer)); a != nil {
		n.stacks[a[1]] = []string{strings.ReplaceAll(m[2], "${uniqueId}", n.fixed["uniqueId"])}
	}
}

// current is the name that a placeholder stands for now.
func (n *names) current(ph string) string {
	if name, ok := n.fixed[ph]; ok {
		return name
	}
	if ph == "operationID" {
		return "${operationID}"
	}
	if n.stacks[ph] == nil {
		n.stacks[ph] = []string{n.name(ph)}
	}
	return n.stacks[ph][len(n.stacks[ph])-1]
}

// name makes a name: instanceTemplateID gives instance-template.
func (n *names) name(ph string) string {
	return capital.ReplaceAllStringFunc(strings.TrimSuffix(ph, "ID"), func(s string) string { return "-" + strings.ToLower(s) })
}

// choose finds out which of the things of one placeholder a call is about. One that is found absent while it exists is another
// one, with a name of its own; one that is gone and found again is an older one.
func (n *names) choose(e exchange) {
	m := lastName.FindStringSubmatch(e.resource())
	if m == nil || e.poll() {
		return
	}
	now := n.current(m[2])
	stack := n.stacks[m[2]]
	switch {
	case e.method == "GET" && e.status == 404 && n.alive[now]:
		n.stacks[m[2]] = append(stack, fmt.Sprintf("%s-%d", n.name(m[2]), len(stack)+1))
	case e.good() && !n.alive[now]:
		for i := len(stack) - 1; i >= 0; i-- {
			if n.alive[stack[i]] {
				n.stacks[m[2]] = append(slices.Delete(slices.Clone(stack), i, i+1), stack[i])
				return
			}
		}
	}
}

// remember keeps what a recorded call made and deleted.
func (n *names) remember(e exchange) {
	if !e.good() {
		return
	}
	body, _ := e.sent.(map[string]any)
	name, _ := body["name"].(string)
	if m := placeholder.FindStringSubmatch(name); e.method == "POST" && m != nil && m[0] == name {
		n.alive[n.current(m[1])] = true
	}
	if m := lastName.FindStringSubmatch(e.resource()); e.method == "DELETE" && m != nil {
		delete(n.alive, n.current(m[2]))
	}
}

// fill puts names in place of placeholders, at any depth.
func (n *names) fill(v any) any {
	switch v := v.(type) {
	case string:
		return placeholder.ReplaceAllStringFunc(v, func(s string) string { return n.current(s[2 : len(s)-1]) })
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = n.fill(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, inner := range v {
			out[k] = n.fill(inner)
		}
		return out
	}
	return v
}

// filled is fill for text.
func (n *names) filled(s string) string {
	out, _ := n.fill(s).(string)
	return out
}

// allows says whether ours is what a recorded text stands for.
func (n *names) allows(recorded, ours string) bool {
	recorded, ours = plain(recorded), plain(ours)
	var pattern strings.Builder
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(recorded, -1) {
		pattern.WriteString(regexp.QuoteMeta(recorded[at:m[0]]))
		at = m[1]
		ph := recorded[m[2]:m[3]]
		switch ph {
		case "projectNumber": // also of other projects
			pattern.WriteString(`\d+`)
		case "operationID":
			pattern.WriteString(`(?:\$\{operationID\}|[a-z]+\.[\w.-]+)`) // of Compute Engine, see plain, and of others
		default:
			n.current(ph)
			of := n.stacks[ph]
			if fixed, ok := n.fixed[ph]; ok {
				of = []string{fixed}
			}
			quoted := make([]string, len(of))
			for i := range of {
				quoted[i] = regexp.QuoteMeta(of[i])
			}
			pattern.WriteString("(?:" + strings.Join(quoted, "|") + ")")
		}
	}
	pattern.WriteString(regexp.QuoteMeta(recorded[at:]))
	return regexp.MustCompile(`^(?s:` + pattern.String() + `)$`).MatchString(ours)
}

// plain takes out what differs by nature: names of operations (their first number counts milliseconds, here from 2000 on), times within a text, and the version of the API in a link, which
// is that of whoever wrote the link (gcp-facts, section 1).
func plain(s string) string {
	s = drawnName.ReplaceAllLiteralString(s, "${operationID}")
	return linkVersion.ReplaceAllString(timeWithin.ReplaceAllString(s, "[time]"), "/compute/v1/")
}
