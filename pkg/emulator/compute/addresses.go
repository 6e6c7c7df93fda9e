package compute

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

const (
	external = "EXTERNAL"
	internal = "INTERNAL"
)

// addresses are reserved addresses of a region; addressMethods adds the global ones. No recording of one exists: the fields of a read
// are those of public output of 2024 and 2025.
func (svc *service) addresses() *collection {
	return &collection{
		service: "Addresses", plural: "addresses", single: "address", noun: "address", kind: "compute#address", latency: "compute_address",
		prepare: prepareAddress,
		user: func(c *call, o *world.Object) error {
			if users := addressUsers(c.tx, o); len(users) > 0 {
				return inUse("address", objectPath(o), users[0])
			}
			return nil
		},
		view: func(tx *world.Tx, o *world.Object, d doc.Map) {
			users := addressUsers(tx, o)
			switch {
			case !o.Ready:
				d["status"] = "RESERVING"
			case len(users) > 0:
				d["status"] = "IN_USE"
				for i := range users {
					users[i] = linkBase + users[i]
				}
				d["users"] = doc.Anys(users)
			default:
				d["status"] = "RESERVED"
			}
		},
	}
}

// addressMethods are those beyond the common ones, and global addresses: the same in another scope.
func (svc *service) addressMethods(k *collection) map[string]handler {
	global := *k
	global.service = "GlobalAddresses"
	out := global.methods()
	maps.Copy(out, map[string]handler{
		"Addresses.AggregatedList":  func(c *call) (any, error) { return c.aggregated("addresses", "compute#addressAggregatedList", k) },
		"Addresses.SetLabels":       k.setLabels,
		"GlobalAddresses.SetLabels": global.setLabels,
	})
	return out
}

func isAddress(path string) bool { return strings.Contains(path, "/addresses/") }

// addressUsers gives the paths of what uses an address: instances and, by its link, routers with NAT.
func addressUsers(tx *world.Tx, o *world.Object) []string {
	parts := strings.Split(objectPath(o), "/") // projects/P/regions/R/addresses/A, or projects/P/global/addresses/A
	if parts[2] != "regions" {
		return nil // only load balancers and peerings use global ones: there are none
	}
	project := worldName("projects/" + parts[1])
	ip := doc.Str(o.Doc, "address")
	var out []string
	region, ok := places.Named(parts[3])
	if !ok {
		return nil
	}
	for _, zone := range region.ZoneNames() {
		for _, vm := range tx.List(project + "/zones/" + zone + "/instances") {
			if usesAddress(vm.Doc, o.Doc, ip) {
				out = append(out, objectPath(vm))
			}
		}
	}
	for _, router := range tx.List(project + "/regions/" + parts[3] + "/routers") {
		for _, nat := range doc.Objects(router.Doc, "nats") {
			for _, link := range doc.Words(nat, "natIps") {
				if pathOf(link, "projects/"+parts[1]) == objectPath(o) {
					out = append(out, objectPath(router))
				}
			}
		}
	}
	return out
}

func usesAddress(vm, address doc.Map, ip string) bool {
	for _, nic := range doc.Objects(vm, "networkInterfaces") {
		if doc.Str(address, "addressType") == internal {
			if doc.Str(nic, "networkIP") == ip && doc.Str(nic, "subnetwork") == doc.Str(address, "subnetwork") {
				return true
			}
			continue
		}
		for _, access := range doc.Objects(nic, "accessConfigs") {
			if doc.Str(access, "natIP") == ip {
				return true
			}
		}
	}
	return false
}

func prepareAddress(c *call, d doc.Map) error {
	for _, outputOnly := range []string{"users", "region"} {
		delete(d, outputOnly)
	}
	doc.Fill(d, doc.Map{"addressType": external, "description": ""})
	if err := checkLabels(doc.Object(d, "labels"), "resource.labels"); err != nil {
		return err
	}
	if doc.Str(d, "ipVersion") == "IPV6" || d["ipCollection"] != nil || d["networkAttachment"] != nil {
		return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator reserves IPv4 addresses of Google and of subnetworks only"}
	}
	d["labelFingerprint"] = labelPrint(d)
	switch kind := doc.Str(d, "addressType"); {
	case kind == external:
		return c.reserveExternal(d)
	case kind == internal && c.vars["region"] != "":
		return c.reserveInternal(d)
	case kind == internal:
		return c.reserveRange(d)
	default:
		return invalid("resource.addressType", kind, "Must be EXTERNAL or INTERNAL.")
	}
}

// reserveExternal gives an address, or keeps the ephemeral one of an instance when it is named.
func (c *call) reserveExternal(d doc.Map) error {
	doc.Fill(d, doc.Map{"networkTier": "PREMIUM"})
	if tier := doc.Str(d, "networkTier"); tier != "PREMIUM" && (tier != "STANDARD" || c.vars["region"] == "") {
		return invalid("resource.networkTier", tier, "Must be PREMIUM, or STANDARD for a regional address.")
	}
	for _, field := range []string{"subnetwork", "network", "prefixLength"} {
		if d[field] != nil {
			return invalid("resource."+field, d[field], "This field can only be given for INTERNAL addresses.")
		}
	}
	ip := doc.Str(d, "address")
	if ip == "" {
		d["address"] = c.externalAddress()
		return nil
	}
	probe := &world.Object{Name: worldName(c.scope() + "/addresses/" + doc.Str(d, "name")), Doc: d}
	if len(addressUsers(c.tx, probe)) == 0 || c.reserved(ip) {
		return invalid("resource.address", ip, "Specified IP address is not allocated to the project or does not belong to the specified scope.")
	}
	return nil
}

// reserved says whether an address is reserved in the scope of the call.
func (c *call) reserved(ip string) bool {
	for _, o := range c.tx.List(worldName(c.scope() + "/addresses")) {
		if doc.Str(o.Doc, "address") == ip {
			return true
		}
	}
	return false
}

// reserveInternal reserves an address of a subnetwork, that of the network "default" unless one is given.
func (c *call) reserveInternal(d doc.Map) error {
	doc.Fill(d, doc.Map{"purpose": "GCE_ENDPOINT", "networkTier": "PREMIUM"})
	switch purpose := doc.Str(d, "purpose"); purpose {
	case "GCE_ENDPOINT", "SHARED_LOADBALANCER_VIP":
	default:
		return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator does not reserve addresses for " + purpose}
	}
	if doc.Str(d, "subnetwork") == "" {
		d["subnetwork"] = c.scope() + "/subnetworks/default"
	}
	sub, err := c.refer("resource.subnetwork", doc.Str(d, "subnetwork"), "subnetworks", "subnetwork")
	if err != nil {
		return err
	}
	d["subnetwork"] = doc.Str(sub.Doc, "selfLink")
	ip := doc.Str(d, "address")
	if ip == "" {
		free, full := c.freeAddress(sub)
		if full != nil {
			return wire.APIError{Code: 400, Reason: "invalid", Message: full.Message}
		}
		d["address"] = free
		return nil
	}
	a, bad := netip.ParseAddr(ip)
	p, _ := netip.ParsePrefix(doc.Str(sub.Doc, "ipCidrRange"))
	if bad != nil || !p.Contains(a) {
		return invalid("resource.address", ip, fmt.Sprintf("The address is not in the range of subnetwork '%s'.", objectPath(sub)))
	}
	if user := c.heldAddresses(doc.Str(sub.Doc, "selfLink"), "")[ip]; user != "" && isAddress(user) {
		return invalid("resource.address", ip, "Specified IP address is already reserved.")
	}
	c.markChosen(sub)
	return nil
}

// reserveRange reserves a range of a network for peering with Google's services: the only purpose of a global internal address that is
// emulated. A range that is not given is found in 10.0.0.0/8.
func (c *call) reserveRange(d doc.Map) error {
	if purpose := doc.Str(d, "purpose"); purpose != "VPC_PEERING" {
		return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator reserves global internal ranges for VPC_PEERING only, not for " + purpose}
	}
	network, err := c.refer("resource.network", doc.Str(d, "network"), "networks", "network")
	if err != nil {
		return err
	}
	d["network"] = doc.Str(network.Doc, "selfLink")
	doc.Fill(d, doc.Map{"networkTier": "PREMIUM"}) // public output of 2025
	bits := int(doc.Num(d, "prefixLength"))
	if bits < 8 || bits > 30 {
		return invalid("resource.prefixLength", bits, "Must be between 8 and 30.")
	}
	taken := c.networkRanges(doc.Str(d, "network"))
	if doc.Bool(network.Doc, "autoCreateSubnetworks") {
		taken = append(taken, netip.MustParsePrefix("10.128.0.0/9")) // kept for regions to come
	}
	if given := doc.Str(d, "address"); given != "" {
		p, bad := netip.ParsePrefix(fmt.Sprintf("%s/%d", given, bits))
		if bad != nil || p.Masked() != p {
			return invalid("resource.address", given, "Must be the first address of the range.")
		}
		if overlaps(taken, p) {
			return invalid("resource.address", given, "The range overlaps another range of the network.")
		}
		return nil
	}
	step := int64(1) << (32 - bits)
	for at := int64(0); at < 1<<24; at += step {
		p := netip.PrefixFrom(offset(netip.MustParsePrefix("10.0.0.0/8"), at), bits)
		if !overlaps(taken, p) {
			d["address"] = p.Addr().String()
			return nil
		}
	}
	return invalid("resource.prefixLength", bits, "No range of this size is free in the network.")
}

// networkRanges gives the ranges of a network: of its subnetworks, and the reserved ones.
func (c *call) networkRanges(network string) []netip.Prefix {
	var out []netip.Prefix
	for _, r := range places.All() {
		for _, sub := range c.tx.List(worldName(c.project() + "/regions/" + r.Name + "/subnetworks")) {
			if doc.Str(sub.Doc, "network") != network {
				continue
			}
			for _, s := range ranges(sub.Doc) {
				if p, err := netip.ParsePrefix(s); err == nil {
					out = append(out, p)
				}
			}
		}
	}
	for _, o := range c.tx.List(worldName(c.project() + "/global/addresses")) {
		if doc.Str(o.Doc, "network") == network {
			if p, err := netip.ParsePrefix(fmt.Sprintf("%s/%d", doc.Str(o.Doc, "address"), doc.Num(o.Doc, "prefixLength"))); err == nil {
				out = append(out, p)
			}
		}
	}
	return out
}

func overlaps(taken []netip.Prefix, p netip.Prefix) bool {
	for _, other := range taken {
		if other.Overlaps(p) {
			return true
		}
	}
	return false
}
