package projects

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const host = "cloudresourcemanager.googleapis.com"

// forbidden is what Resource Manager says of a project that does not exist or that the caller may not see (recorded:
// errors.log): never 404.
var forbidden = wire.APIError{Code: 403, Reason: "forbidden", Message: "The caller does not have permission", Status: "PERMISSION_DENIED"} //nolint:gochecknoglobals // a constant

type service struct{ cloud *cloud.Cloud }

// Service is Resource Manager.
func Service() cloud.Service {
	return cloud.Service{
		Host: host, Title: "Cloud Resource Manager API", Refuse: wire.RPC,
		Open: func(c *cloud.Cloud) (*cloud.Server, error) {
			return &cloud.Server{Serve: service{c}.serve, Found: found}, nil
		},
	}
}

func objectName(project string) string { return host + "/projects/" + project }

// found puts the project itself into the world.
func found(tx *world.Tx, project string) error {
	tx.Put(&world.Object{
		Name: objectName(project), Kind: "cloudresourcemanager#project", Service: host, State: "ACTIVE", Created: tx.Now(),
		Builtin: true, Ready: true, Doc: doc.Map{"projectId": project, "projectNumber": cloud.Number(project)},
	})
	return nil
}

func (svc service) serve(_ context.Context, r *wire.Request, _ faults.Effect) (*wire.Response, error) {
	version, rest, ok := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/projects/")
	project, verb, _ := strings.Cut(rest, ":")
	if !ok || version != "v1" && version != "v3" || strings.Contains(project, "/") {
		return wire.RPC(r, wire.NotEmulated(r)), nil
	}
	if !svc.cloud.Exists(project) {
		return wire.PlainRPC(r, forbidden), nil // recorded without errors[], although the client asked with alt=json
	}
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		if err := svc.cloud.Found(tx, project); err != nil {
			return nil, err
		}
		if err := svc.cloud.CheckEnabled(tx, project, host); err != nil {
			return nil, err
		}
		switch r.Method + " " + verb {
		case "GET ":
			o, _ := tx.Get(objectName(project))
			return projectDoc(version, project, o.Created), nil
		case "POST testIamPermissions":
			return svc.held(r.Body)
		}
		return nil, wire.ErrNotEmulated
	})
}

func projectDoc(version, project string, created time.Time) doc.Map {
	at := created.UTC().Format("2006-01-02T15:04:05.000Z")
	if version == "v1" {
		return doc.Map{
			"projectNumber": cloud.Number(project), "projectId": project, "lifecycleState": "ACTIVE", "name": project, "createTime": at,
		}
	}
	return doc.Map{
		"name": "projects/" + cloud.Number(project), "projectId": project, "state": "ACTIVE", "displayName": project,
		"createTime": at, "updateTime": at, "etag": "W/\"" + draws.TokenOf(project) + "\"",
	}
}

func (svc service) held(body []byte) (any, error) {
	var in struct {
		Permissions []string `json:"permissions"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: "Invalid JSON payload received. " + err.Error()}
	}
	if len(in.Permissions) > 100 {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: "At most 100 permissions can be tested at once."}
	}
	held := svc.cloud.Held(in.Permissions)
	if len(held) == 0 {
		return doc.Map{}, nil
	}
	return doc.Map{"permissions": held}, nil
}
