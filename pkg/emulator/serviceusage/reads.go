package serviceusage

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// shown is an API of a project as every method shows it (recorded: c7n-serviceusage-list.json; of the config only what is known
// here).
func (c *call) shown(api string, enabled bool) doc.Map {
	state := "DISABLED"
	if enabled {
		state = "ENABLED"
	}
	parent := "projects/" + cloud.Number(c.project)
	return doc.Map{
		"name": parent + "/services/" + api, "parent": parent, "state": state, "config": doc.Map{"name": api, "title": c.svc.apis()[api]},
	}
}

func (c *call) now(api string) doc.Map { return c.shown(api, cloud.Enabled(c.tx, c.project, api)) }

// known refuses services that a project does not know (public reports of the words, and of the reason).
func (c *call) known(names ...string) error {
	apis := c.svc.apis()
	var unknown []string
	for _, name := range names {
		if _, ok := apis[name]; !ok {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return wire.APIError{
		Code: 403, Reason: "forbidden", Message: fmt.Sprintf("Not found or permission denied for service(s): %s.", strings.Join(unknown, ", ")),
		Details: []doc.Map{cloud.ErrorInfo("SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED", host, doc.Map{"services": strings.Join(unknown, ",")})},
	}
}

var errArgument = wire.APIError{Code: 400, Reason: "badRequest", Message: "Request contains an invalid argument."}

// list pages as its descriptor says: 50 services unless told otherwise, at most 200. Its filter knows two values.
func list(c *call) (any, error) {
	filter := c.r.Query.Get("filter")
	if !slices.Contains([]string{"", "state:ENABLED", "state:DISABLED"}, filter) {
		return nil, errArgument
	}
	found := []any{}
	for _, api := range slices.Sorted(maps.Keys(c.svc.apis())) {
		if d := c.now(api); filter == "" || filter == "state:"+doc.Str(d, "state") {
			found = append(found, d)
		}
	}
	size := 50
	if n := doc.Num(doc.Map{"n": c.r.Query.Get("pageSize")}, "n"); n > 200 {
		return nil, errArgument
	} else if n > 0 {
		size = int(n)
	}
	page, next, ok := rest.Page(found, size, c.r.Query.Get("pageToken"))
	if !ok {
		return nil, errArgument
	}
	return rest.Listed("services", page, next), nil
}

func get(c *call) (any, error) {
	if err := c.known(c.api); err != nil {
		return nil, err
	}
	return c.now(c.api), nil
}

// names are the services of batchGet, by host: "projects/P/services/S" each.
func (c *call) names() []string {
	var out []string
	for _, name := range c.r.Query["names"] {
		out = append(out, name[strings.LastIndexByte(name, '/')+1:])
	}
	return out
}

// batchGet takes at most 30 services (descriptor of BatchGetServicesRequest).
func batchGet(c *call) (any, error) {
	names := c.names()
	if len(names) > 30 {
		return nil, errArgument
	}
	if err := c.known(names...); err != nil {
		return nil, err
	}
	var found []any
	for _, api := range names {
		found = append(found, c.now(api))
	}
	return doc.Map{"services": found}, nil
}
