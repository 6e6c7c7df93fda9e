package emulator_test

import (
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

const computeBase = "https://compute.googleapis.com/compute/v1/"

// body is what is sent: with our names, and with our fingerprints and etags in place of the recorded ones.
func (r *replayer) body(e exchange) string {
	sent, ok := r.names.fill(e.sent).(map[string]any)
	if !ok {
		return ""
	}
	if strings.Contains(text(sent), `ingerprint"`) || strings.Contains(text(sent), `"etag"`) {
		_, now := r.c.call("GET", r.names.filled(e.resource()), "")
		refresh(sent, now, now)
	}
	return text(sent)
}

// refresh puts in what the thing has now: at the same place, or at its top.
func refresh(sent, now, top map[string]any) {
	for k, v := range sent {
		inner, _ := v.(map[string]any)
		switch {
		case inner != nil:
			below, _ := now[k].(map[string]any)
			refresh(inner, below, top)
		case !slices.Contains([]string{"fingerprint", "labelFingerprint", "etag"}, k):
		case now[k] != nil:
			sent[k] = now[k]
		case top[k] != nil:
			sent[k] = top[k]
		}
	}
}

// seed makes what a recording reads and never made.
func (r *replayer) seed(e exchange) {
	body, _ := e.answer.(map[string]any)
	if !e.reads() || body == nil {
		return
	}
	switch body["kind"] {
	case "compute#instanceGroupManager":
		r.seedGroup(e, body)
	case "compute#network":
		r.seedPeerings(e, body)
	}
}

// groupInputs are the fields of a group that a client sets.
var groupInputs = []string{"name", "baseInstanceName", "instanceLifecyclePolicy", "listManagedInstancesResults", "standbyPolicy", "targetSize", "updatePolicy", "namedPorts"}

// seedGroup makes a group of a GKE node pool from the recorded answer. Where that has another template, GKE has replaced the
// VMs by then, and the group is made anew.
func (r *replayer) seedGroup(e exchange, recorded map[string]any) {
	group, _ := r.names.fill(recorded).(map[string]any)
	url := r.names.filled(e.resource())
	template := doc.Str(group, "instanceTemplate")
	if r.seeded[url] == template {
		return
	}
	if r.seeded[url] != "" {
		r.must("DELETE", url, nil)
	}
	_, path, _ := strings.Cut(template, "/compute/beta/")
	coll, name := path[:strings.LastIndex(path, "/")], path[strings.LastIndex(path, "/")+1:]
	r.must("POST", computeBase+coll, map[string]any{"name": name, "properties": map[string]any{
		"machineType":       "e2-medium",
		"disks":             []any{map[string]any{"boot": true, "autoDelete": true, "initializeParams": map[string]any{"sourceImage": "projects/debian-cloud/global/images/family/debian-12"}}},
		"networkInterfaces": []any{map[string]any{"network": "global/networks/default"}},
	}})
	body := map[string]any{"versions": []any{map[string]any{"instanceTemplate": template}}}
	for _, field := range groupInputs {
		if v, ok := group[field]; ok {
			body[field] = v
		}
	}
	r.must("POST", url[:strings.LastIndex(url, "/")], body)
	r.seeded[url] = template
}

// seedPeerings peers a network that was there before with the networks of managed services, as recorded.
func (r *replayer) seedPeerings(e exchange, recorded map[string]any) {
	url := r.names.filled(e.resource())
	_, now := r.c.call("GET", url, "")
	if now["peerings"] != nil {
		return
	}
	network, _ := r.names.fill(recorded).(map[string]any)
	for _, p := range doc.Objects(network, "peerings") {
		_, path, _ := strings.Cut(doc.Str(p, "network"), "/compute/beta/")
		at := strings.LastIndex(path, "/")
		r.must("POST", computeBase+path[:at], map[string]any{"name": path[at+1:], "autoCreateSubnetworks": false})
		ours := map[string]any{"exchangeSubnetRoutes": true}
		for _, field := range []string{"name", "network", "exportCustomRoutes", "importCustomRoutes", "exportSubnetRoutesWithPublicIp", "importSubnetRoutesWithPublicIp", "stackType"} {
			ours[field] = p[field]
		}
		traffic := doc.Object(p, "connectionStatus", "trafficConfiguration")
		r.must("POST", url+"/addPeering", map[string]any{"networkPeering": ours})
		r.must("POST", computeBase+path+"/addPeering", map[string]any{"networkPeering": map[string]any{
			"name": "back", "network": strings.TrimPrefix(url, "https://compute.googleapis.com/compute/v1/"), "exchangeSubnetRoutes": true,
			"exportCustomRoutes": traffic["importCustomRoutesFromPeer"], "importCustomRoutes": traffic["exportCustomRoutesToPeer"],
			"exportSubnetRoutesWithPublicIp": traffic["importSubnetRoutesWithPublicIpFromPeer"], "importSubnetRoutesWithPublicIp": traffic["exportSubnetRoutesWithPublicIpToPeer"],
		}})
	}
}

// hold puts a firewall rule into a network before the first deletion that did not delete it in the recording, because there
// was one, and takes it away before the deletion that did.
func (r *replayer) hold(i int) {
	e := r.list[i]
	if e.method != "DELETE" || !strings.Contains(e.resource(), "/global/networks/") {
		return
	}
	again := slices.ContainsFunc(r.list[i+1:], func(later exchange) bool { return later.method == "DELETE" && later.url == e.url && later.good() })
	switch {
	case !again && r.holder != "":
		r.must("DELETE", r.holder, nil)
		r.holder = ""
	case again && r.holder == "":
		name := r.holding()
		if name == "" {
			return
		}
		network := r.names.filled(e.resource())
		coll := strings.Replace(network[:strings.LastIndex(network, "/")], "/networks", "/firewalls", 1)
		r.must("POST", coll, map[string]any{
			"name": name, "network": strings.TrimPrefix(network, computeBase), "allowed": []any{map[string]any{"IPProtocol": "tcp"}},
		})
		r.holder = coll + "/" + name
	}
}

// holding is the name of the rule that a recorded failure names.
func (r *replayer) holding() string {
	const words = "is already being used by 'projects/${projectId}/global/firewalls/"
	for _, e := range r.list {
		if _, name, ok := strings.Cut(text(e.answer), words); ok {
			return r.names.filled(name[:strings.Index(name, "'")])
		}
	}
	return ""
}

// must makes a call of the preparations and waits for what it starts.
func (r *replayer) must(method, url string, body map[string]any) {
	r.t.Helper()
	sent := ""
	if body != nil {
		sent = text(body)
	}
	if status, answer := r.c.call(method, url, sent); status != 200 {
		r.t.Fatalf("preparing: %s %s: %d %s", method, url, status, text(answer))
	}
	wait(pause)
}
