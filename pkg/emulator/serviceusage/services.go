package serviceusage

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const host = "serviceusage.googleapis.com"

//go:embed services.tsv
var servicesFile string

// known are the titles of the services of Google that a project can enable, by name.
var known = sync.OnceValue(func() map[string]string { //nolint:gochecknoglobals // a constant table
	out := map[string]string{}
	for line := range strings.Lines(servicesFile) {
		if name, title, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok && !strings.HasPrefix(name, "#") {
			out[name] = title
		}
	}
	return out
})

type service struct{ cloud *cloud.Cloud }

// Service is Service Usage.
func Service() cloud.Service {
	return cloud.Service{
		Host: host, Title: "Service Usage API", Refuse: wire.RPC,
		Latency: map[string]latency.Triple{"service.enable": {Low: 8, Typical: 16, High: 30}}, // seconds; from public Terraform logs
		Open: func(c *cloud.Cloud) (*cloud.Server, error) {
			return &cloud.Server{
				Serve: service{c}.serve, Operations: map[string]operations.Closer{operationKind: operations.CloseLongRunning},
			}, nil
		},
	}
}

// apis gives the titles of all services that a project knows, by host; all start out enabled.
func (svc service) apis() map[string]string {
	out := maps.Clone(known())
	for _, s := range svc.cloud.Services() {
		out[s.Host] = s.Title
	}
	return out
}

// serve knows get, list, batchGet, enable, disable, and operations.get.
func (svc service) serve(_ context.Context, r *wire.Request, fx faults.Effect) (*wire.Response, error) {
	if name, ok := strings.CutPrefix(r.Path, "/v1/operations/"); ok && r.Method == "GET" && !strings.Contains(name, "/") {
		return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) { return getOperation(tx, name) })
	}
	rest, ok := strings.CutPrefix(r.Path, "/v1/projects/")
	project, path, _ := strings.Cut(rest, "/")
	if !ok || !carried(r.Method, path) {
		return wire.RPC(r, wire.NotEmulated(r)), nil
	}
	if !svc.cloud.Exists(project) { // as Resource Manager says it
		return wire.RPC(r, wire.APIError{Code: 403, Reason: "forbidden", Message: "The caller does not have permission"}), nil
	}
	return svc.cloud.Carry(r, func(tx *world.Tx) (any, error) {
		if err := svc.cloud.Found(tx, project); err != nil {
			return nil, err
		}
		return svc.services(tx, r, fx, project, strings.TrimPrefix(path, "services"))
	})
}

// carried says whether a call is one that the service carries out, whatever it is about.
func carried(method, path string) bool {
	rest, ok := strings.CutPrefix(path, "services")
	if !ok {
		return false
	}
	if rest == "" || rest == ":batchGet" {
		return method == "GET"
	}
	api, verb, _ := strings.Cut(strings.TrimPrefix(rest, "/"), ":")
	switch method + " " + verb {
	case "GET ", "POST enable", "POST disable":
		return api != "" && !strings.Contains(api, "/")
	}
	return false
}

func shown(project, api, title string, enabled bool) doc.Map {
	state := "DISABLED"
	if enabled {
		state = "ENABLED"
	}
	parent := "projects/" + cloud.Number(project)
	return doc.Map{"name": parent + "/services/" + api, "parent": parent, "state": state, "config": doc.Map{"name": api, "title": title}}
}

func (svc service) services(tx *world.Tx, r *wire.Request, fx faults.Effect, project, path string) (any, error) {
	apis := svc.apis()
	api, verb, _ := strings.Cut(strings.TrimPrefix(path, "/"), ":")
	shown := func(api string) doc.Map { return shown(project, api, apis[api], cloud.Enabled(tx, project, api)) }
	switch {
	case r.Method == "GET" && path == "":
		var found []any
		for _, api := range slices.Sorted(maps.Keys(apis)) {
			if d := shown(api); r.Query.Get("filter") == "" || r.Query.Get("filter") == "state:"+doc.Str(d, "state") {
				found = append(found, d)
			}
		}
		return page(r, found)
	case r.Method == "GET" && path == ":batchGet":
		var found []any
		for _, name := range r.Query["names"] {
			api := name[strings.LastIndexByte(name, '/')+1:]
			if _, known := apis[api]; !known {
				return nil, wire.APIError{Code: 403, Reason: "forbidden", Message: fmt.Sprintf("Not found or permission denied for service(s): %s.", api), Status: "PERMISSION_DENIED"}
			}
			found = append(found, shown(api))
		}
		return doc.Map{"services": found}, nil
	}
	if api == "" {
		return nil, wire.ErrNotEmulated
	}
	if _, known := apis[api]; !known {
		return nil, wire.APIError{Code: 403, Reason: "forbidden", Message: fmt.Sprintf("Not found or permission denied for service(s): %s.", api), Status: "PERMISSION_DENIED"}
	}
	switch r.Method + " " + verb {
	case "GET ":
		return shown(api), nil
	case "POST enable", "POST disable":
		return svc.turn(tx, fx, project, api, verb)
	}
	return nil, wire.ErrNotEmulated
}

// page is one page of a list: 50 services unless pageSize says otherwise, at most 200 (discovery document; how a larger one is
// refused is assumed).
func page(r *wire.Request, found []any) (any, error) {
	size := 50
	if s := r.Query.Get("pageSize"); s != "" && s != "0" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 200 {
			return nil, wire.APIError{Code: 400, Reason: "badRequest", Status: "INVALID_ARGUMENT", Message: "Page size must be between 0 and 200."}
		}
		size = n
	}
	shown, token, ok := rest.Page(found, size, r.Query.Get("pageToken"))
	if !ok {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Status: "INVALID_ARGUMENT", Message: "Invalid page token."}
	}
	out := doc.Map{"services": shown}
	if token != "" {
		out["nextPageToken"] = token
	}
	return out, nil
}
