package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// forbidden is what Resource Manager says of a project that does not exist or that the caller may not see (recorded:
// errors.log): never 404.
var forbidden = failure{code: 403, reason: "forbidden", message: "The caller does not have permission", status: "PERMISSION_DENIED"} //nolint:gochecknoglobals // a constant

// serveProjects is Resource Manager: projects.get in v1 and v3, and testIamPermissions.
func (em *Emulator) serveProjects(r *request) (*response, error) {
	version, rest, ok := strings.Cut(strings.TrimPrefix(r.path, "/"), "/projects/")
	project, verb, _ := strings.Cut(rest, ":")
	if !ok || version != "v1" && version != "v3" || strings.Contains(project, "/") {
		return notEmulated(r).rpc(classicWanted(r)), nil
	}
	if !em.exists(project) {
		return forbidden.rpc(false), nil // recorded without errors[], although the client asked with alt=json
	}
	var out document
	err := em.world.Do(time.Now(), func(tx *world.Tx) error {
		if err := em.ensureProject(tx, project); err != nil {
			return err
		}
		if f := em.disabled(tx, project, "cloudresourcemanager.googleapis.com"); f != nil {
			return *f
		}
		o, _ := tx.Get("cloudresourcemanager.googleapis.com/projects/" + project)
		var err error
		switch r.method + " " + verb {
		case "GET ":
			out = projectDoc(version, project, o.Created)
		case "POST testIamPermissions":
			out, err = em.heldPermissions(r.body)
		default:
			err = errOther
		}
		return err
	})
	return em.answerRPC(r, out, err)
}

// answerRPC renders the outcome of a call in the google.rpc dialect.
func (em *Emulator) answerRPC(r *request, out document, err error) (*response, error) {
	var refused failure
	switch {
	case errors.As(err, &refused):
		return refused.rpc(classicWanted(r)), nil
	case errors.Is(err, errOther):
		return notEmulated(r).rpc(classicWanted(r)), nil
	case err != nil:
		return nil, err
	}
	return reply(200, out), nil
}

func projectDoc(version, project string, created time.Time) document {
	at := created.UTC().Format("2006-01-02T15:04:05.000Z")
	if version == "v1" {
		return document{
			"projectNumber": projectNumber(project), "projectId": project, "lifecycleState": "ACTIVE", "name": project, "createTime": at,
		}
	}
	return document{
		"name": "projects/" + projectNumber(project), "projectId": project, "state": "ACTIVE", "displayName": project,
		"createTime": at, "updateTime": at, "etag": "W/\"" + contentFingerprint(project) + "\"",
	}
}

func (em *Emulator) denied(permission string) bool { return slices.Contains(em.opt.Denied, permission) }

func (em *Emulator) heldPermissions(body []byte) (document, error) {
	var in struct {
		Permissions []string `json:"permissions"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, failure{code: 400, reason: "badRequest", message: "Invalid JSON payload received. " + err.Error()}
	}
	if len(in.Permissions) > 100 {
		return nil, failure{code: 400, reason: "badRequest", message: "At most 100 permissions can be tested at once."}
	}
	var held []any
	for _, p := range in.Permissions {
		if !em.denied(p) {
			held = append(held, p)
		}
	}
	if len(held) == 0 {
		return document{}, nil
	}
	return document{"permissions": held}, nil
}

// disabled gives the refusal of an API that is not enabled (recorded: c7n-error-403-service-disabled-errorinfo.json).
func (em *Emulator) disabled(tx *world.Tx, project, api string) *failure {
	if _, off := tx.Get("disabled/" + project + "/" + api); !off {
		return nil
	}
	link := fmt.Sprintf("https://console.developers.google.com/apis/api/%s/overview?project=%s", api, projectNumber(project))
	return &failure{
		code: 403, reason: "accessNotConfigured", domain: "usageLimits", status: "PERMISSION_DENIED",
		message: fmt.Sprintf("%s has not been used in project %s before or it is disabled. Enable it by visiting %s then retry. "+
			"If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.", apiTitle(api), projectNumber(project), link),
		details: []document{
			{"@type": "type.googleapis.com/google.rpc.Help", "links": []any{document{"description": "Google developers console API activation", "url": link}}},
			{
				"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED", "domain": "googleapis.com",
				"metadata": document{"service": api, "consumer": "projects/" + projectNumber(project)},
			},
		},
	}
}

// apis are the services that a project here knows; all start out enabled.
var apis = map[string]string{ //nolint:gochecknoglobals // a constant table
	"cloudresourcemanager.googleapis.com": "Cloud Resource Manager API",
	"compute.googleapis.com":              "Compute Engine API",
	"container.googleapis.com":            "Kubernetes Engine API",
	"file.googleapis.com":                 "Cloud Filestore API",
	"iam.googleapis.com":                  "Identity and Access Management (IAM) API",
	"monitoring.googleapis.com":           "Cloud Monitoring API",
	"notebooks.googleapis.com":            "Notebooks API",
	"serviceusage.googleapis.com":         "Service Usage API",
	"storage.googleapis.com":              "Cloud Storage API",
}

func apiTitle(api string) string { return orElse(apis[api], api) }

func (em *Emulator) setService(tx *world.Tx, project, api string, on bool) {
	name := "disabled/" + project + "/" + api
	if on {
		tx.Delete(name)
		return
	}
	tx.Put(&world.Object{Name: name})
}

// serveServices is Service Usage: get, list, batchGet, enable, disable. Enabling takes effect at once here; in the cloud it
// takes some seconds.
func (em *Emulator) serveServices(r *request) (*response, error) {
	rest, ok := strings.CutPrefix(r.path, "/v1/projects/")
	project, path, _ := strings.Cut(rest, "/")
	if !ok || !strings.HasPrefix(path, "services") {
		return notEmulated(r).rpc(classicWanted(r)), nil
	}
	if !em.exists(project) {
		return forbidden.rpc(classicWanted(r)), nil
	}
	var out document
	err := em.world.Do(time.Now(), func(tx *world.Tx) error {
		if err := em.ensureProject(tx, project); err != nil {
			return err
		}
		var err error
		out, err = em.services(tx, r, project, strings.TrimPrefix(path, "services"))
		return err
	})
	return em.answerRPC(r, out, err)
}

func (em *Emulator) services(tx *world.Tx, r *request, project, path string) (document, error) {
	api, verb, _ := strings.Cut(strings.TrimPrefix(path, "/"), ":")
	doc := func(api string) document {
		state := "ENABLED"
		if em.disabled(tx, project, api) != nil {
			state = "DISABLED"
		}
		return document{
			"name": "projects/" + projectNumber(project) + "/services/" + api, "parent": "projects/" + projectNumber(project),
			"state": state, "config": document{"name": api, "title": apiTitle(api)},
		}
	}
	switch {
	case r.method == "GET" && path == "":
		var found []any
		for _, api := range slices.Sorted(keys(apis)) {
			if d := doc(api); r.query.Get("filter") == "" || r.query.Get("filter") == "state:"+str(d, "state") {
				found = append(found, d)
			}
		}
		return document{"services": found}, nil
	case r.method == "GET" && path == ":batchGet":
		var found []any
		for _, name := range r.query["names"] {
			api := name[strings.LastIndexByte(name, '/')+1:]
			if _, known := apis[api]; !known {
				return nil, failure{code: 403, reason: "forbidden", message: fmt.Sprintf("Not found or permission denied for service(s): %s.", api), status: "PERMISSION_DENIED"}
			}
			found = append(found, doc(api))
		}
		return document{"services": found}, nil
	}
	if _, known := apis[api]; !known {
		return nil, failure{code: 403, reason: "forbidden", message: fmt.Sprintf("Not found or permission denied for service(s): %s.", api), status: "PERMISSION_DENIED"}
	}
	switch r.method + " " + verb {
	case "GET ":
		return doc(api), nil
	case "POST enable", "POST disable":
		em.setService(tx, project, api, verb == "enable")
		return document{"name": "operations/noop.DONE_OPERATION", "done": true, "response": document{
			"@type": "type.googleapis.com/google.api.serviceusage.v1." + strings.ToUpper(verb[:1]) + verb[1:] + "ServiceResponse", "service": doc(api),
		}}, nil
	}
	return nil, errOther
}
