package compute_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// state gives the state of the only peering of a network.
func (c client) peering(network string) doc.Map {
	c.Helper()
	list := doc.Objects(c.must("GET", "global/networks/"+network, ""), "peerings")
	if len(list) == 0 {
		return doc.Map{}
	}
	return list[0]
}

func TestAPeeringIsActiveWhenBothSidesHaveIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		for _, name := range []string{"a", "b"} {
			c.done(c.must("POST", "global/networks", `{"name":"`+name+`","autoCreateSubnetworks":false}`))
		}
		op := c.must("POST", "global/networks/a/addPeering", `{"networkPeering":{"name":"to-b","network":"global/networks/b","exchangeSubnetRoutes":true,"exportCustomRoutes":true}}`)
		const busy = "There is a peering operation in progress on the local or peer network. Try again later."
		if says := c.refusal(400, "POST", "global/networks/b/addPeering", `{"name":"to-a","peerNetwork":"global/networks/a","autoCreateRoutes":true}`); says != busy {
			t.Error(says)
		}
		op = c.done(op)
		if doc.Str(op, "operationType") != "addPeering" {
			t.Error(op)
		}
		p := c.peering("a")
		if doc.Str(p, "state") != "INACTIVE" || !strings.HasSuffix(doc.Str(p, "stateDetails"), "]: Waiting for peer network to connect.") || p["connectionStatus"] != nil ||
			doc.Str(p, "network") != "https://www.googleapis.com/compute/beta/projects/test-project/global/networks/b" || doc.Str(p, "updateStrategy") != "INDEPENDENT" {
			t.Errorf("one side: %v", p)
		}
		c.done(c.must("POST", "global/networks/b/addPeering", `{"name":"to-a","peerNetwork":"global/networks/a","autoCreateRoutes":true}`))
		for _, name := range []string{"a", "b"} {
			if p := c.peering(name); doc.Str(p, "state") != "ACTIVE" || !strings.HasSuffix(doc.Str(p, "stateDetails"), "]: Connected.") {
				t.Errorf("both sides, %s: %v", name, p)
			}
		}
		if doc.Bool(c.peering("b"), "connectionStatus", "trafficConfiguration", "importCustomRoutesFromPeer") {
			t.Error("b takes routes that it does not want")
		}
		op = c.done(c.must("PATCH", "global/networks/b/updatePeering", `{"networkPeering":{"name":"to-a","importCustomRoutes":true}}`))
		if doc.Str(op, "operationType") != "updatePeering" || !doc.Bool(c.peering("b"), "connectionStatus", "trafficConfiguration", "importCustomRoutesFromPeer") ||
			!doc.Bool(c.peering("a"), "connectionStatus", "trafficConfiguration", "exportCustomRoutesToPeer") {
			t.Errorf("updated: %v, %v, %v", op, c.peering("a"), c.peering("b"))
		}
		op = c.done(c.must("POST", "global/networks/a/removePeering", `{"name":"to-b"}`))
		if doc.Str(op, "operationType") != "removePeering" || len(c.peering("a")) != 0 || doc.Str(c.peering("b"), "state") != "INACTIVE" {
			t.Errorf("removed: %v, %v, %v", op, c.peering("a"), c.peering("b"))
		}
		c.refusal(400, "POST", "global/networks/a/removePeering", `{"name":"to-b"}`)
		c.refusal(501, "GET", "global/networks/a/listPeeringRoutes?peeringName=to-b", "")
	})
}

func TestWhatCannotBePeered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		for _, name := range []string{"a", "b", "c"} {
			c.done(c.must("POST", "global/networks", `{"name":"`+name+`","autoCreateSubnetworks":false}`))
		}
		c.done(c.must("POST", "regions/us-central1/subnetworks", `{"name":"a","network":"global/networks/a","ipCidrRange":"10.0.0.0/16"}`))
		c.done(c.must("POST", "regions/us-central1/subnetworks", `{"name":"b","network":"global/networks/b","ipCidrRange":"10.0.1.0/24"}`))
		for _, body := range []string{
			`{}`, `{"networkPeering":{"name":"p"}}`, `{"networkPeering":{"network":"global/networks/c"}}`,
			`{"networkPeering":{"name":"p","network":"global/networks/none"}}`, `{"networkPeering":{"name":"p","network":"global/networks/a"}}`,
			`{"networkPeering":{"name":"p","network":"global/networks/b"}}`,
			`{"networkPeering":{"name":"p","network":"global/networks/c","exchangeSubnetRoutes":false}}`,
		} {
			c.refusal(400, "POST", "global/networks/a/addPeering", body)
		}
		// One of another project, which the emulator does not have, is waited for.
		c.done(c.must("POST", "global/networks/a/addPeering", `{"networkPeering":{"name":"far","network":"projects/another-project/global/networks/far"}}`))
		if p := c.peering("a"); doc.Str(p, "state") != "INACTIVE" {
			t.Error(p)
		}
		c.refusal(400, "POST", "global/networks/a/addPeering", `{"networkPeering":{"name":"far","network":"global/networks/c"}}`)
		c.done(c.must("POST", "global/networks/a/addPeering", `{"networkPeering":{"name":"to-c","network":"global/networks/c"}}`))
		c.done(c.must("POST", "global/networks/c/addPeering", `{"networkPeering":{"name":"to-a","network":"global/networks/a"}}`))
		c.refusal(400, "POST", "regions/us-central1/subnetworks", `{"name":"c","network":"global/networks/c","ipCidrRange":"10.0.8.0/24"}`)
		c.done(c.must("POST", "regions/us-central1/subnetworks", `{"name":"c","network":"global/networks/c","ipCidrRange":"10.9.8.0/24"}`))
		// The peer of a network that goes waits again.
		c.done(c.must("DELETE", "regions/us-central1/subnetworks/a", ""))
		if op := c.done(c.must("DELETE", "global/networks/a", "")); op["error"] != nil {
			t.Error(op)
		}
		if p := c.peering("c"); doc.Str(p, "state") != "INACTIVE" {
			t.Error(p)
		}
	})
}

// A peering whose operation will fail was never there.
func TestAPeeringThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, `{"rules":[{"match":{"path":"addPeering$"},"fault":{"failOperation":{"code":"INTERNAL_ERROR","message":"no"}}}]}`)
		for _, name := range []string{"a", "b"} {
			c.done(c.must("POST", "global/networks", `{"name":"`+name+`","autoCreateSubnetworks":false}`))
		}
		op := c.must("POST", "global/networks/a/addPeering", `{"networkPeering":{"name":"p","network":"global/networks/b"}}`)
		pass(time.Second)
		if len(c.peering("a")) != 0 || c.done(op)["error"] == nil || len(c.peering("a")) != 0 {
			t.Error(c.peering("a"))
		}
	})
}
