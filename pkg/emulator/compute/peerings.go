package compute

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// A peering is an entry of network.peerings. It is ACTIVE only while the peer network has one back. Shapes are recorded: with a
// peer in compute-instance-template-and-instances.log, without one in a public recording of addPeering. The subnetwork routes
// that peered networks exchange (nextHopPeering) are not recorded and not made; listPeeringRoutes answers 501.

// betaLink begins the links to peer networks in answers of v1 (both recordings).
const betaLink = "https://www.googleapis.com/compute/beta/"

// peeringFields are what a client sets of a peering and may change later.
var peeringFields = []string{"importCustomRoutes", "exportCustomRoutes", "importSubnetRoutesWithPublicIp", "exportSubnetRoutesWithPublicIp", "stackType"} //nolint:gochecknoglobals // a constant table

func addPeering(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	given := doc.Object(c.body, "networkPeering")
	if given == nil { // the older form of the request (discovery document)
		given = doc.Map{"name": c.body["name"], "network": c.body["peerNetwork"]}
		if auto, ok := c.body["autoCreateRoutes"]; ok {
			given["exchangeSubnetRoutes"] = auto
		}
	}
	name, ref := doc.Str(given, "name"), doc.Str(given, "network")
	switch {
	case name == "":
		return nil, required("networkPeering.name")
	case !resourceName.MatchString(name):
		return nil, invalid("networkPeering.name", name, fmt.Sprintf("Must be a match of regex '%s'", namePattern))
	case ref == "":
		return nil, required("networkPeering.network")
	case given["exchangeSubnetRoutes"] == false: // "should always be true" (discovery document)
		return nil, invalid("networkPeering.exchangeSubnetRoutes", false, "Must be true.")
	}
	peerPath := pathOf(ref, c.project())
	for _, p := range doc.Objects(o.Doc, "peerings") {
		if doc.Str(p, "name") == name || names(doc.Str(p, "network"), peerPath) { // documented; words assumed
			return nil, invalid("networkPeering.name", name, fmt.Sprintf("The network already has the peering '%s' with '%s'.", doc.Str(p, "name"), doc.Str(p, "network")))
		}
	}
	if peerPath == objectPath(o) {
		return nil, invalid("networkPeering.network", ref, "A network cannot be peered with itself.") // assumed words
	}
	peer, err := c.peer(ref, peerPath)
	if err != nil {
		return nil, err
	}
	if err := c.peeringBusy(o, peer); err != nil {
		return nil, err
	}
	if err := c.peeringOverlap(o, peer); err != nil {
		return nil, err
	}
	p := doc.Map{
		"name": name, "network": betaLink + peerPath, "autoCreateRoutes": true, "exchangeSubnetRoutes": true,
		"exportCustomRoutes": false, "importCustomRoutes": false, "exportSubnetRoutesWithPublicIp": true,
		"importSubnetRoutesWithPublicIp": false, "stackType": "IPV4_ONLY", "updateStrategy": "INDEPENDENT",
	}
	for _, field := range peeringFields {
		if v, ok := given[field]; ok {
			p[field] = v
		}
	}
	return c.peeringChanged(k, o, peer, "addPeering", append(doc.List(o.Doc, "peerings"), p)), nil
}

// updatePeering changes the fields that are sent. They are all that can be changed (discovery document: UpdatePeeringRequest).
func updatePeering(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	given := doc.Object(c.body, "networkPeering")
	i, peer, err := c.findPeering(o, "networkPeering.name", doc.Str(given, "name"))
	if err != nil {
		return nil, err
	}
	list := doc.List(doc.Clone(o.Doc), "peerings")
	p, _ := list[i].(doc.Map)
	for _, field := range peeringFields {
		if v, ok := given[field]; ok {
			p[field] = v
		}
	}
	return c.peeringChanged(k, o, peer, "updatePeering", list), nil
}

func removePeering(c *call, k *collection) (any, error) {
	o, err := k.settled(c)
	if err != nil {
		return nil, err
	}
	i, peer, err := c.findPeering(o, "name", doc.Str(c.body, "name"))
	if err != nil {
		return nil, err
	}
	return c.peeringChanged(k, o, peer, "removePeering", slices.Delete(slices.Clone(doc.List(o.Doc, "peerings")), i, i+1)), nil
}

// findPeering finds a peering by name, and its peer; that is nil when the emulator does not have it. The words of the refusal
// are assumed.
func (c *call) findPeering(o *world.Object, field, name string) (int, *world.Object, error) {
	if name == "" {
		return 0, nil, required(field)
	}
	for i, p := range doc.Objects(o.Doc, "peerings") {
		if doc.Str(p, "name") == name {
			peer, _ := c.lookup(pathOf(doc.Str(p, "network"), c.project()))
			return i, peer, c.peeringBusy(o, peer)
		}
	}
	return 0, nil, invalid(field, name, fmt.Sprintf("There is no peering '%s' of the network '%s'.", name, objectPath(o)))
}

// peer finds a network to peer with. One of another project may be unknown here; the peering then waits for it.
func (c *call) peer(ref, path string) (*world.Object, error) {
	if peer, ok := c.lookup(path); ok || !strings.HasPrefix(path, c.project()+"/") {
		return peer, nil
	}
	return nil, invalid("networkPeering.network", ref, "The referenced network resource cannot be found.") // assumed for peerings
}

// peeringBusy refuses while another change of a peering of either network is under way (words of public reports).
func (c *call) peeringBusy(networks ...*world.Object) error {
	for _, o := range networks {
		if o == nil {
			continue
		}
		if until, err := time.Parse(time.RFC3339Nano, doc.Str(o.Note, "peering")); err == nil && c.tx.Now().Before(until) {
			return wire.APIError{Code: 400, Reason: "badRequest",
				Message: "There is a peering operation in progress on the local or peer network. Try again later."}
		}
	}
	return nil
}

// peeringOverlap refuses networks whose subnetworks meet (VPC documentation, "Subnet IP ranges must not overlap"). The words are
// assumed.
func (c *call) peeringOverlap(o, peer *world.Object) error {
	if peer == nil {
		return nil
	}
	for _, theirs := range rangesOf(c.tx, peer) {
		for _, ours := range rangesOf(c.tx, o) {
			if ours.Overlaps(theirs) {
				return wire.APIError{Code: 400, Reason: "badRequest", Message: fmt.Sprintf(
					"An IP range in the peer network (%s) overlaps with an IP range (%s) in the local network.", theirs, ours)}
			}
		}
	}
	return nil
}

// rangesOf are all ranges of the subnetworks of a network.
func rangesOf(tx *world.Tx, network *world.Object) []netip.Prefix {
	var out []netip.Prefix
	for _, r := range places.All() {
		for _, sub := range tx.List(projectOf(network) + "/regions/" + r.Name + "/subnetworks") {
			if doc.Str(sub.Doc, "network") != doc.Str(network.Doc, "selfLink") {
				continue
			}
			for _, s := range ranges(sub.Doc) {
				if p, err := netip.ParsePrefix(s); err == nil {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// peeringChanged gives a network other peerings and starts the operation. Will it fail, everything stays as it was.
func (c *call) peeringChanged(k *collection, o, peer *world.Object, kind string, list []any) doc.Map {
	takes := c.svc.cloud.Draw(c.tx, k.latency+".peering")
	if c.fails() == nil {
		if len(list) > 0 {
			o.Doc["peerings"] = list
		} else {
			delete(o.Doc, "peerings")
		}
		connect(c.tx, o, peer)
		until := c.tx.Now().Add(takes).Format(time.RFC3339Nano)
		for _, network := range []*world.Object{o, peer} {
			if network == nil {
				continue
			}
			if network.Note == nil {
				network.Note = map[string]any{}
			}
			network.Note["peering"] = until
			c.tx.Put(network)
		}
	}
	return c.start(kind, operations.Work{Target: o, Takes: takes, Effect: operations.Keep})
}

// connect brings the peerings between two networks to what they are now: active when both have one.
func connect(tx *world.Tx, o, peer *world.Object) {
	ours := peeringWith(o, peer)
	theirs := peeringWith(peer, o)
	switch {
	case ours != nil && theirs != nil:
		activate(tx, ours, theirs)
		activate(tx, theirs, ours)
	case theirs != nil:
		await(tx, theirs)
	case ours != nil:
		await(tx, ours)
	}
	for _, p := range doc.Objects(o.Doc, "peerings") {
		if doc.Str(p, "state") == "" { // with a peer that the emulator does not have
			await(tx, p)
		}
	}
}

// disconnect is for the peer of a network that goes.
func disconnect(tx *world.Tx, o *world.Object, p doc.Map) {
	peer, ok := tx.Get(worldName(pathOf(doc.Str(p, "network"), "")))
	if !ok {
		return
	}
	if theirs := peeringWith(peer, o); theirs != nil {
		await(tx, theirs)
		tx.Put(peer)
	}
}

func peeringWith(o, peer *world.Object) doc.Map {
	if o == nil || peer == nil {
		return nil
	}
	for _, p := range doc.Objects(o.Doc, "peerings") {
		if names(doc.Str(p, "network"), objectPath(peer)) {
			return p
		}
	}
	return nil
}

// activate shows a peering as recorded when both sides have one. What is exchanged is what one side offers and the other takes
// (page on VPC Network Peering); the recording had everything on.
func activate(tx *world.Tx, ours, theirs doc.Map) {
	if doc.Str(ours, "state") != "ACTIVE" {
		ours["state"], ours["stateDetails"] = "ACTIVE", fmt.Sprintf("[%s]: Connected.", timestamp(tx.Now()))
	}
	stack := "IPV4_ONLY"
	if doc.Str(ours, "stackType") == "IPV4_IPV6" && doc.Str(theirs, "stackType") == "IPV4_IPV6" {
		stack = "IPV4_IPV6"
	}
	ours["connectionStatus"] = doc.Map{"updateStrategy": "INDEPENDENT", "trafficConfiguration": doc.Map{
		"exportCustomRoutesToPeer":               doc.Bool(ours, "exportCustomRoutes") && doc.Bool(theirs, "importCustomRoutes"),
		"importCustomRoutesFromPeer":             doc.Bool(ours, "importCustomRoutes") && doc.Bool(theirs, "exportCustomRoutes"),
		"exportSubnetRoutesWithPublicIpToPeer":   doc.Bool(ours, "exportSubnetRoutesWithPublicIp") && doc.Bool(theirs, "importSubnetRoutesWithPublicIp"),
		"importSubnetRoutesWithPublicIpFromPeer": doc.Bool(ours, "importSubnetRoutesWithPublicIp") && doc.Bool(theirs, "exportSubnetRoutesWithPublicIp"),
		"stackType":                              stack,
	}}
}

// await shows a peering as recorded while only one side has one.
func await(tx *world.Tx, p doc.Map) {
	if doc.Str(p, "state") == "INACTIVE" {
		return
	}
	p["state"], p["stateDetails"] = "INACTIVE", fmt.Sprintf("[%s]: Waiting for peer network to connect.", timestamp(tx.Now()))
	delete(p, "connectionStatus")
}
