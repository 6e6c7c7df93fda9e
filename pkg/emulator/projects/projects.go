package projects

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const (
	active  = "ACTIVE"
	deleted = "DELETE_REQUESTED"
)

func objectName(project string) string { return host + "/projects/" + project }

// found puts the project itself into the world.
func found(tx *world.Tx, project string) error {
	if _, made := tx.Get(objectName(project)); made {
		return nil
	}
	tx.Put(&world.Object{
		Name: objectName(project), Kind: kind, Service: host, State: active, Created: tx.Now(), Builtin: true, Ready: true,
		Doc: doc.Map{"projectId": project, "projectNumber": cloud.Number(project), "name": project},
	})
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// show gives a project in the form of a version (recorded for v1: compute-subnetwork-network-project.log; for v3
// resourcemanagerpb.Project).
func show(version string, o *world.Object) doc.Map {
	d := doc.Map{"projectId": o.Doc["projectId"], "createTime": stamp(o.Created)}
	for _, optional := range []string{"labels", "parent"} {
		if v, ok := o.Doc[optional]; ok {
			d[optional] = v
		}
	}
	if version == "v1" {
		d["projectNumber"], d["name"], d["lifecycleState"] = o.Doc["projectNumber"], o.Doc["name"], o.State
		return d
	}
	d["name"], d["displayName"], d["state"] = "projects/"+doc.Str(o.Doc, "projectNumber"), o.Doc["name"], o.State
	if parent := doc.Object(o.Doc, "parent"); parent != nil {
		d["parent"] = doc.Str(parent, "type") + "s/" + doc.Str(parent, "id")
	}
	d["updateTime"] = stamp(o.Created)
	for _, at := range []string{"updateTime", "deleteTime"} {
		if t := doc.Str(o.Note, at); t != "" {
			d[at] = t
		}
	}
	d["etag"] = "W/\"" + draws.TokenOf(doc.Str(d, "updateTime")+o.State) + "\""
	return d
}

func get(c *call) (any, error) { return show(c.version, c.object), nil }

// ancestry gives the project and what is above it (discovery document of v1, projects.getAncestry).
func ancestry(c *call) (any, error) {
	out := []any{doc.Map{"resourceId": doc.Map{"type": "project", "id": c.project}}}
	if parent := doc.Object(c.object.Doc, "parent"); parent != nil {
		out = append(out, doc.Map{"resourceId": parent})
	}
	return doc.Map{"ancestor": out}, nil
}

var (
	madeID      = regexp.MustCompile(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	displayName = regexp.MustCompile(`^[a-zA-Z0-9 '!"-]{4,30}$`)
	labelKey    = regexp.MustCompile(`^[a-z]([-a-z0-9_]{0,62})$`)
	labelValue  = regexp.MustCompile(`^[-a-z0-9_]{0,63}$`)
	parentForm  = regexp.MustCompile(`^(organization|folder)s/([0-9a-zA-Z_${}-]+)$`)
)

// create makes a project. It is there when its operation is done, and then not billed; only the APIs that Service Usage enables
// by itself are enabled. The forms of fields are those of the discovery document, the words of their refusals are assumed.
func create(c *call) (any, error) {
	id, name := doc.Str(c.body, "projectId"), doc.Str(c.body, "name")
	if c.version == "v3" {
		name = doc.Str(c.body, "displayName")
	}
	if name == "" {
		name = id
	}
	if !madeID.MatchString(id) {
		return nil, badField("project_id", "project_id must be 6 to 30 lowercase letters, digits or hyphens, begin with a letter and not end with a hyphen")
	}
	d := doc.Map{"projectId": id, "projectNumber": cloud.Number(id), "name": name}
	if err := c.fill(d); err != nil {
		return nil, err
	}
	if !c.svc.cloud.Exists(id) || c.svc.cloud.Seen(c.tx, id) { // public Terraform logs; ids are taken for ever, also by others
		return nil, wire.APIError{Code: 409, Reason: "alreadyExists", Message: "Requested entity already exists"}
	}
	o := &world.Object{Name: objectName(id), Kind: kind, Service: host, State: active, Created: c.tx.Now(), Doc: d}
	c.tx.Put(o)
	if err := c.svc.cloud.Make(c.tx, id); err != nil {
		return nil, err
	}
	if parent := doc.Object(d, "parent"); parent == nil {
		o.Note = map[string]any{"policy": ownerPolicy(c.tx)}
	}
	return c.start("CreateProject", o, operations.Ready, c.svc.cloud.Draw(c.tx, "project.create")), nil
}

// ownerPolicy makes who has made a project its owner (page "Creating and managing projects").
func ownerPolicy(tx *world.Tx) doc.Map {
	return doc.Map{"version": 1, "etag": "Bw" + draws.Etag(tx.Count())[2:], "bindings": []any{
		doc.Map{"role": "roles/owner", "members": []any{"user:" + cloud.Caller}},
	}}
}

// fill takes the fields that a caller can choose from the body: name, labels and parent.
func (c *call) fill(d doc.Map) error {
	if !displayName.MatchString(doc.Str(d, "name")) {
		return badField("display_name", "display_name must be 4 to 30 letters, digits, spaces, quotes, hyphens or exclamation points")
	}
	delete(d, "labels")
	if labels := doc.Object(c.body, "labels"); len(labels) > 0 {
		for k, v := range labels {
			if value, ok := v.(string); !ok || !labelKey.MatchString(k) || !labelValue.MatchString(value) {
				return badField("labels", "label keys and values are at most 63 lowercase letters, digits, hyphens or underscores; keys begin with a letter")
			}
		}
		d["labels"] = labels
	}
	if parent := doc.Object(c.body, "parent"); c.version == "v1" && parent != nil {
		if !slices.Contains([]string{"organization", "folder"}, doc.Str(parent, "type")) || doc.Str(parent, "id") == "" {
			return badField("parent", "parent.type is organization or folder, and parent.id is needed")
		}
		d["parent"] = doc.Map{"type": parent["type"], "id": parent["id"]}
	}
	if parent := doc.Str(c.body, "parent"); c.version == "v3" && parent != "" {
		m := parentForm.FindStringSubmatch(parent)
		if m == nil {
			return badField("parent", "parent is organizations/NUMBER or folders/NUMBER")
		}
		d["parent"] = doc.Map{"type": m[1], "id": m[2]}
	}
	return nil
}

func badField(field, issue string) wire.APIError {
	return wire.APIError{Code: 400, Reason: "badRequest", Message: "field [" + field + "] has issue [" + issue + "]"}
}

// update replaces name and labels: of v1 all of them, of v3 those in the mask, and then as an operation.
func update(c *call) (any, error) {
	if c.object.State != active {
		return nil, inactive("update")
	}
	d := doc.Clone(c.object.Doc)
	name := "name"
	if c.version == "v3" {
		name = "displayName"
	}
	mask := strings.Split(c.r.Query.Get("updateMask"), ",")
	masked := func(field, snake string) bool {
		return c.version == "v1" || c.r.Query.Get("updateMask") == "" || slices.Contains(mask, field) || slices.Contains(mask, snake) || slices.Contains(mask, "*")
	}
	if v := doc.Str(c.body, name); v != "" && masked(name, "display_name") {
		d["name"] = v
	}
	if !masked("labels", "labels") {
		c.body["labels"] = d["labels"]
	}
	if parent := doc.Object(d, "parent"); c.version == "v1" { // it can be set, but not changed (discovery document)
		if given := doc.Object(c.body, "parent"); given != nil && parent != nil && (given["id"] != parent["id"] || given["type"] != parent["type"]) {
			return nil, badField("parent", "the parent of a project cannot be changed by update")
		}
	} else {
		delete(c.body, "parent")
	}
	if err := c.fill(d); err != nil {
		return nil, err
	}
	c.object.Doc = d
	c.note("updateTime", stamp(c.tx.Now()))
	if c.version == "v3" {
		return c.start("UpdateProject", c.object, operations.Keep, 0), nil
	}
	return show(c.version, c.object), nil
}

func (c *call) note(field, value string) {
	if c.object.Note == nil {
		c.object.Note = map[string]any{}
	}
	c.object.Note[field] = value
	c.tx.Put(c.object)
}

// remove asks for the deletion: other services refuse the project from then on, Resource Manager still shows it (recorded
// answer: compute-subnetwork-network-project.log; page of projects.delete). That it goes after 30 days is not emulated.
func remove(c *call) (any, error) {
	if c.object.State != active {
		return nil, inactive("delete")
	}
	c.object.State = deleted
	c.note("deleteTime", stamp(c.tx.Now()))
	cloud.Shut(c.tx, c.project, true)
	if c.version == "v3" {
		return c.start("DeleteProject", c.object, operations.Keep, 0), nil
	}
	return doc.Map{}, nil
}

// undelete takes a deletion back.
func undelete(c *call) (any, error) {
	if c.object.State != deleted {
		return nil, inactive("undelete")
	}
	c.object.State = active
	delete(c.object.Note, "deleteTime")
	c.tx.Put(c.object)
	cloud.Shut(c.tx, c.project, false)
	if c.version == "v3" {
		return c.start("UndeleteProject", c.object, operations.Keep, 0), nil
	}
	return doc.Map{}, nil
}

// inactive refuses what the state of a project does not allow. The words for a deletion are from public reports, the others
// follow them.
func inactive(verb string) wire.APIError {
	text := "Cannot " + verb + " an inactive project."
	if verb == "undelete" {
		text = "Cannot undelete an active project."
	}
	return wire.APIError{Code: 400, Reason: "failedPrecondition", Status: "FAILED_PRECONDITION", Message: text}
}
