package compute

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// verbs are the methods whose permission has another verb than their own: the reference pages name compute.COLLECTION.VERB
// for nearly all methods, as the rule in permission says.
var verbs = map[string]string{ //nolint:gochecknoglobals // a constant table
	"Insert": "create", "BulkInsert": "create", "Patch": "update", "AggregatedList": "list", "ListUsable": "list",
	"TestIamPermissions": "", // needs none: it is how to ask
	"Wait":               "get",
}

// others are the methods whose permission the rule does not give (reference pages of v1).
var others = map[string]string{ //nolint:gochecknoglobals // a constant table
	"InstanceGroupManagers.ListErrors":             "compute.instanceGroupManagers.get",
	"InstanceGroupManagers.ListManagedInstances":   "compute.instanceGroupManagers.get",
	"InstanceGroupManagers.ListPerInstanceConfigs": "compute.instanceGroupManagers.get",
	"InstanceGroups.ListInstances":                 "compute.instanceGroups.get",
	"InstanceGroups.AddInstances":                  "compute.instanceGroups.update",
	"InstanceGroups.RemoveInstances":               "compute.instanceGroups.update",
	"InstanceGroups.SetNamedPorts":                 "compute.instanceGroups.update",
	"Instances.GetPartnerMetadata":                 "compute.instances.get",
	"Networks.CancelRequestRemovePeering":          "compute.networks.removePeering",
	"Networks.RequestRemovePeering":                "compute.networks.removePeering",
	"Routers.GetNatIpInfo":                         "compute.routers.get",
	"Routers.GetNatMappingInfo":                    "compute.routers.get",
	"Routers.GetRouterStatus":                      "compute.routers.get",
	"Routers.Preview":                              "compute.routers.get",
}

// regional are collections whose permissions are those of their zonal or global form.
var regional = []string{ //nolint:gochecknoglobals // a constant table
	"RegionDisks", "RegionDiskTypes", "RegionInstanceGroupManagers", "RegionInstanceGroups", "RegionInstances", "RegionInstanceTemplates",
}

// permission is the one that the reference page of a method names first: compute.networks.create for Networks.Insert. What it
// needs of other things than its own is in uses.
func permission(method string) string {
	service, name, _ := strings.Cut(method, ".")
	for _, r := range regional {
		if service == r {
			service = strings.TrimPrefix(service, "Region")
		}
	}
	if p, ok := others[service+"."+name]; ok {
		return p
	}
	verb, ok := verbs[name]
	if !ok {
		verb = strings.ToLower(name[:1]) + name[1:]
	}
	if verb == "" {
		return ""
	}
	if service == "InstanceGroupManagers" && verb != "create" && verb != "get" && verb != "list" && verb != "delete" {
		verb = "update" // resize, recreateInstances, setInstanceTemplate and so on
	}
	return "compute." + strings.ToLower(service[:1]) + service[1:] + "." + verb
}

// use is a permission on a thing.
type use struct{ permission, path string }

// authorize refuses a call whose caller lacks a permission (recorded form, gcp-facts, section 2): an error for each. Images of
// other projects are public.
func (c *call) authorize() error {
	if imageProject(c.vars["project"]) {
		return nil
	}
	var missing []use
	for _, u := range append([]use{{permission(c.m.Name), c.about()}}, c.uses()...) {
		if u.permission != "" && !c.svc.cloud.Permitted(u.permission) {
			missing = append(missing, u)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	f := wire.APIError{Code: 403, Reason: "forbidden", Message: missing[0].words()}
	for _, u := range missing[1:] {
		f.More = append(f.More, u.words())
	}
	return f
}

func (u use) words() string {
	return fmt.Sprintf("Required '%s' permission for '%s'", u.permission, u.path)
}

// about is the thing that a call is about: what a creation would make, the project for a list, what the path names otherwise.
func (c *call) about() string {
	_, name, _ := strings.Cut(c.m.Name, ".")
	switch {
	case strings.HasPrefix(name, "List") && !strings.HasPrefix(c.m.Name, "InstanceGroup") || name == "AggregatedList" || name == "BulkInsert":
		return c.project()
	case name == "List":
		return c.project()
	case name == "Insert":
		return c.path + "/" + doc.Str(c.body, "name")
	case name == "Get" || name == "Delete" || name == "Patch" || name == "Update" || name == "GetFromFamily":
		return c.path
	}
	return strings.TrimSuffix(c.path, c.path[strings.LastIndexByte(c.path, '/'):]) // without the verb
}

// uses are the permissions that a creation needs of other things (reference pages of the insert methods; for what networks
// allow to be made in them those of subnetworks, firewalls and routers).
func (c *call) uses() []use {
	network := func(d doc.Map) use {
		return use{"compute.networks.updatePolicy", pathOf(doc.Str(d, "network"), c.project())}
	}
	switch c.m.Name {
	case "Subnetworks.Insert", "Routers.Insert", "Routes.Insert":
		return []use{network(c.body)}
	case "Firewalls.Insert":
		if doc.Str(c.body, "network") == "" {
			return []use{{"compute.networks.updatePolicy", c.project() + "/global/networks/default"}}
		}
		return []use{network(c.body)}
	case "Firewalls.Patch", "Firewalls.Update", "Firewalls.Delete", "Routers.Patch", "Routers.Update", "Routers.Delete":
		if o, ok := c.lookup(c.path); ok {
			return []use{network(o.Doc)}
		}
	case "Instances.Insert":
		return c.machineUses(c.instanceBody(), doc.Str(c.body, "name"))
	case "InstanceGroupManagers.Insert", "RegionInstanceGroupManagers.Insert", "InstanceGroupManagers.SetInstanceTemplate":
		return c.groupUses()
	case "InstanceGroupManagers.Patch":
		if c.body["instanceTemplate"] != nil || c.body["versions"] != nil {
			return c.groupUses()
		}
	}
	return nil
}

// instanceBody is what an instance is made of: the body over the properties of the template that the query names.
func (c *call) instanceBody() doc.Map {
	d := doc.Map{}
	if t, ok := c.lookup(pathOf(c.query.Get("sourceInstanceTemplate"), c.project())); ok {
		d = doc.Clone(doc.Object(t.Doc, "properties"))
	}
	for k, v := range c.body {
		d[k] = v
	}
	return d
}

// machineUses are the permissions that a VM needs whose properties and name these are.
func (c *call) machineUses(d doc.Map, name string) []use {
	path := c.scope() + "/instances/" + name
	out := []use{{"compute.disks.create", c.scope() + "/disks/" + name}}
	if t := c.query.Get("sourceInstanceTemplate"); t != "" {
		out = append(out, use{"compute.instanceTemplates.useReadOnly", pathOf(t, c.project())})
	}
	for _, nic := range doc.Objects(d, "networkInterfaces") {
		on := use{"compute.subnetworks.use", pathOf(doc.Str(nic, "subnetwork"), c.project())}
		if on.path == "" { // chosen by the cloud
			on.path = c.project() + "/regions/" + places.RegionName(c.vars["zone"]) + "/subnetworks/" + basename(cmp.Or(doc.Str(nic, "network"), "default"))
		}
		out = append(out, on)
		if len(doc.List(nic, "accessConfigs")) > 0 {
			out = append(out, use{"compute.subnetworks.useExternalIp", on.path})
		}
	}
	for field, verb := range map[string]string{"metadata": "setMetadata", "labels": "setLabels", "tags": "setTags"} {
		if len(doc.Object(d, field)) > 0 {
			out = append(out, use{"compute.instances." + verb, path})
		}
	}
	if len(doc.List(d, "serviceAccounts")) > 0 {
		out = append(out, use{"compute.instances.setServiceAccount", path})
	}
	return out
}

// groupUses are those that a managed instance group needs for its VMs beforehand (reference page of
// instanceGroupManagers.insert). Which resources the cloud names in its refusals is assumed: all of the zone.
func (c *call) groupUses() []use {
	return []use{
		{"compute.instances.create", c.scope() + "/instances/*"},
		{"compute.disks.create", c.scope() + "/disks/*"},
		{"compute.instances.setMetadata", c.scope() + "/instances/*"},
		{"compute.subnetworks.use", c.project() + "/regions/" + places.RegionName(c.vars["zone"]) + "/subnetworks/*"},
	}
}

// permissionMethods tell which permissions the caller has on a thing: those that it has everywhere.
func (svc *service) permissionMethods() map[string]handler {
	out := map[string]handler{}
	for _, name := range []string{"Disks", "Instances", "InstanceTemplates", "Subnetworks"} {
		out[name+".TestIamPermissions"] = func(c *call) (any, error) {
			if _, ok := c.lookup(c.about()); !ok {
				return nil, notFound(c.about())
			}
			d := doc.Map{}
			if held := svc.cloud.Held(doc.Words(c.body, "permissions")); len(held) > 0 {
				d["permissions"] = held
			}
			return d, nil
		}
	}
	return out
}
