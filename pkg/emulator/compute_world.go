package emulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// region is a region of the emulated world with its zones and the range that auto-mode networks have there.
type region struct {
	name      string
	zones     string // one letter a zone
	autoRange string
}

// regions are those in which GPUs of the families in the machine table are offered. The range of us-central1 is recorded
// (c7n-compute-subnetwork-default-get.json); the others are from memory of the page on auto-mode networks: /20s of
// 10.128.0.0/9 in any case, which is what the API guarantees.
var regions = []region{ //nolint:gochecknoglobals // a constant table
	{"asia-east1", "abc", "10.140.0.0/20"},
	{"asia-northeast1", "abc", "10.146.0.0/20"},
	{"asia-northeast3", "abc", "10.178.0.0/20"},
	{"asia-south1", "abc", "10.160.0.0/20"},
	{"asia-southeast1", "abc", "10.148.0.0/20"},
	{"europe-west1", "bcd", "10.132.0.0/20"},
	{"europe-west2", "abc", "10.154.0.0/20"},
	{"europe-west3", "abc", "10.156.0.0/20"},
	{"europe-west4", "abc", "10.164.0.0/20"},
	{"me-west1", "abc", "10.208.0.0/20"},
	{"southamerica-east1", "abc", "10.158.0.0/20"},
	{"us-central1", "abcf", "10.128.0.0/20"},
	{"us-east1", "bcd", "10.142.0.0/20"},
	{"us-east4", "abc", "10.150.0.0/20"},
	{"us-east5", "abc", "10.202.0.0/20"},
	{"us-south1", "abc", "10.206.0.0/20"},
	{"us-west1", "abc", "10.138.0.0/20"},
	{"us-west2", "abc", "10.168.0.0/20"},
	{"us-west3", "abc", "10.180.0.0/20"},
	{"us-west4", "abc", "10.182.0.0/20"},
}

func (em *Emulator) hasRegion(name string) bool {
	return slices.ContainsFunc(regions, func(r region) bool { return r.name == name })
}

// zone finds the region of a zone; nil when there is no such zone.
func (em *Emulator) zone(name string) *region {
	for i, r := range regions {
		if letter, ok := strings.CutPrefix(name, r.name+"-"); ok && len(letter) == 1 && strings.Contains(r.zones, letter) {
			return &regions[i]
		}
	}
	return nil
}

func (r region) zoneNames() []string {
	var out []string
	for _, letter := range r.zones {
		out = append(out, r.name+"-"+string(letter))
	}
	return out
}

// scopes lists all scopes as aggregated lists name them.
func (em *Emulator) scopes() []string {
	out := []string{"global"}
	for _, r := range regions {
		out = append(out, "regions/"+r.name)
		for _, z := range r.zoneNames() {
			out = append(out, "zones/"+z)
		}
	}
	slices.Sort(out)
	return out
}

// projectNumber is stable for a project id.
func projectNumber(project string) string {
	return fmt.Sprint(100000000000 + uint64(uniform(0, project, 1)*899999999999))
}

// ensureProject puts what a new project has into the world on first sight: the project, and the network "default" with its
// subnetworks, routes and firewall rules.
func (em *Emulator) ensureProject(tx *world.Tx, project string) error {
	name := "cloudresourcemanager.googleapis.com/projects/" + project
	if _, ok := tx.Get(name); ok {
		return nil
	}
	tx.Put(&world.Object{
		Name: name, Kind: "cloudresourcemanager#project", Service: "cloudresourcemanager.googleapis.com", State: "ACTIVE",
		Created: tx.Now(), Builtin: true, Ready: true,
		Doc: document{"projectId": project, "projectNumber": projectNumber(project)},
	})
	for _, api := range em.opt.Disabled {
		em.setService(tx, project, api, false)
	}
	if slices.Contains(em.opt.NoDefaultNetwork, project) {
		return nil
	}
	c := &call{em: em, tx: tx, vars: map[string]string{"project": project}}
	return c.defaultNetwork()
}

func (c *call) defaultNetwork() error {
	d := document{"name": "default", "description": "Default network for the project", "autoCreateSubnetworks": true}
	if err := prepareNetwork(c, d); err != nil {
		return err
	}
	k := c.em.collections["networks"]
	network := c.place(k, c.project()+"/global/networks/default", d)
	network.Builtin, network.Ready = true, true
	c.em.networkInserted(c, network)
	for _, rule := range []document{
		{"name": "default-allow-internal", "sourceRanges": []any{"10.128.0.0/9"}, "allowed": []any{
			document{"IPProtocol": "tcp", "ports": []any{"0-65535"}}, document{"IPProtocol": "udp", "ports": []any{"0-65535"}}, document{"IPProtocol": "icmp"}}},
		{"name": "default-allow-ssh", "allowed": []any{document{"IPProtocol": "tcp", "ports": []any{"22"}}}},
		{"name": "default-allow-rdp", "allowed": []any{document{"IPProtocol": "tcp", "ports": []any{"3389"}}}},
		{"name": "default-allow-icmp", "allowed": []any{document{"IPProtocol": "icmp"}}},
	} {
		maps.Copy(rule, document{"network": str(network.Doc, "selfLink"), "priority": 65534})
		if err := checkFirewall(rule); err != nil {
			return err
		}
		o := c.place(c.em.collections["firewalls"], c.project()+"/global/firewalls/"+str(rule, "name"), rule)
		o.Builtin, o.Ready = true, true
	}
	return nil
}

// worldMethods are reads of what is simply there: the project, zones, regions.
func (em *Emulator) worldMethods() map[string]computeHandler {
	return map[string]computeHandler{
		"Projects.Get": func(c *call) (any, error) {
			project := c.vars["project"]
			return document{
				"kind": "compute#project", "id": projectNumber(project), "name": project, "selfLink": linkBase + c.project(),
				"creationTimestamp":      timestamp(c.tx.Now()),
				"defaultServiceAccount":  projectNumber(project) + "-compute@developer.gserviceaccount.com",
				"commonInstanceMetadata": document{"kind": "compute#metadata", "fingerprint": "42WmSpB8rSM="},
				"defaultNetworkTier":     "PREMIUM", "xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
			}, nil
		},
		"Zones.Get": func(c *call) (any, error) {
			r := em.zone(c.vars["zone"])
			if r == nil {
				return nil, notFound(c.path)
			}
			return c.zoneDoc(*r, c.vars["zone"]), nil
		},
		"Zones.List": func(c *call) (any, error) {
			var items []document
			for _, r := range regions {
				for _, z := range r.zoneNames() {
					items = append(items, c.zoneDoc(r, z))
				}
			}
			return c.virtual(c.project()+"/zones", "compute#zoneList", items)
		},
		"Regions.Get": func(c *call) (any, error) {
			i := slices.IndexFunc(regions, func(r region) bool { return r.name == c.vars["region"] })
			if i < 0 {
				return nil, notFound(c.path)
			}
			return c.regionDoc(regions[i]), nil
		},
		"Regions.List": func(c *call) (any, error) {
			var items []document
			for _, r := range regions {
				items = append(items, c.regionDoc(r))
			}
			return c.virtual(c.project()+"/regions", "compute#regionList", items)
		},
	}
}

func (c *call) zoneDoc(r region, zone string) document {
	return document{
		"kind": "compute#zone", "id": fmt.Sprint(2000 + uint64(uniform(0, zone, 1)*1000)), "name": zone, "description": zone, "status": "UP",
		"region": linkBase + c.project() + "/regions/" + r.name, "selfLink": linkBase + c.project() + "/zones/" + zone,
		"creationTimestamp": "1969-12-31T16:00:00.000-08:00", "supportsPzs": false,
	}
}

func (c *call) regionDoc(r region) document {
	var zones []any
	for _, z := range r.zoneNames() {
		zones = append(zones, linkBase+c.project()+"/zones/"+z)
	}
	return document{
		"kind": "compute#region", "id": fmt.Sprint(1000 + uint64(uniform(0, r.name, 1)*1000)), "name": r.name, "description": r.name,
		"status": "UP", "zones": zones, "selfLink": linkBase + c.project() + "/regions/" + r.name,
		"creationTimestamp": "1969-12-31T16:00:00.000-08:00",
	}
}

// virtual is a page of a list that is not stored: names are in order, filters and pages work as everywhere.
func (c *call) virtual(scope, kind string, items []document) (any, error) {
	filter, err := c.filter()
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(d document) bool { return !filter.Match(d) })
	shown, token, err := c.cut(items)
	if err != nil {
		return nil, err
	}
	out := document{"kind": kind, "id": scope, "selfLink": linkBase + scope}
	if len(shown) > 0 {
		out["items"] = anys(shown)
	}
	if token != "" {
		out["nextPageToken"] = token
	}
	return out, nil
}
