package compute

import (
	"fmt"
	"net/netip"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

func fillAccess(access doc.Map) {
	doc.Fill(access, doc.Map{"kind": "compute#accessConfig", "name": "external-nat", "type": "ONE_TO_ONE_NAT", "networkTier": "PREMIUM"})
}

// region is the region of the call or of its zone, as a path.
func (c *call) region() string {
	if c.vars["region"] != "" {
		return c.project() + "/regions/" + c.vars["region"]
	}
	return c.project() + "/regions/" + places.RegionName(c.vars["zone"])
}

// checkAddresses refuses addresses that a new instance asks for and cannot have.
func (c *call) checkAddresses(nic doc.Map, at string) error {
	if ip := doc.Str(nic, "networkIP"); ip != "" {
		if _, err := netip.ParseAddr(ip); err != nil {
			return invalid(at+".networkIP", ip, "Must be an IPv4 address.")
		}
	}
	for j, access := range doc.Objects(nic, "accessConfigs") {
		if ip := doc.Str(access, "natIP"); ip != "" {
			if err := c.checkNatIP(ip, fmt.Sprintf("%s.accessConfigs[%d].natIP", at, j)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkNatIP wants a reserved address of the region that is free. The words on a missing one are from a public report
// (hashicorp/terraform#16095), those on one that is in use are assumed.
func (c *call) checkNatIP(ip, field string) error {
	for _, o := range c.tx.List(worldName(c.region() + "/addresses")) {
		if doc.Str(o.Doc, "address") == ip && doc.Str(o.Doc, "addressType") == external {
			if users := addressUsers(c.tx, o); len(users) > 0 {
				return invalid(field, ip, fmt.Sprintf("The specified external IP address '%s' is already in use.", ip))
			}
			return nil
		}
	}
	return invalid(field, ip, fmt.Sprintf("The specified external IP address '%s' was not found in region '%s'.", ip, basename(c.region())))
}

// address gives a NIC its subnetwork and addresses: the internal one of its subnetwork, the external one when it asks for any.
// vm is the path of its instance.
func (c *call) address(nic doc.Map, vm string) *faults.OperationError {
	if doc.Str(nic, "subnetwork") == "" {
		for _, s := range c.tx.List(worldName(c.region() + "/subnetworks")) {
			if doc.Str(s.Doc, "network") == doc.Str(nic, "network") {
				nic["subnetwork"] = doc.Str(s.Doc, "selfLink")
			}
		}
	}
	sub, ok := c.tx.Get(worldName(pathOf(doc.Str(nic, "subnetwork"), c.project())))
	if !ok {
		return &faults.OperationError{Code: "RESOURCE_NOT_FOUND", HTTPStatus: 404, Message: notFound(doc.Str(nic, "subnetwork")).Message}
	}
	ip := doc.Str(nic, "networkIP")
	var refused *faults.OperationError
	if ip == "" {
		ip, refused = c.freeAddress(sub)
	} else {
		refused = c.claim(sub, ip, vm)
	}
	if refused != nil {
		return refused
	}
	doc.Fill(nic, doc.Map{"networkIP": ip, "stackType": "IPV4_ONLY", "fingerprint": c.fingerprint()})
	c.giveExternal(nic)
	return nil
}

// giveExternal gives the access configs of a NIC an ephemeral address where they have none.
func (c *call) giveExternal(nic doc.Map) {
	for _, access := range doc.Objects(nic, "accessConfigs") {
		if doc.Str(access, "natIP") == "" {
			access["natIP"] = c.externalAddress()
		}
	}
}

func (c *call) externalAddress() string {
	n := uint64(c.tx.Count())
	return fmt.Sprintf("34.%d.%d.%d", n>>16%256, n>>8%256, n%256)
}

// freeAddress counts through the range; once it has come to the end it looks for addresses that are free again.
func (c *call) freeAddress(sub *world.Object) (string, *faults.OperationError) {
	p, err := netip.ParsePrefix(doc.Str(sub.Doc, "ipCidrRange"))
	if err != nil {
		return "", &faults.OperationError{Code: "INTERNAL_ERROR", HTTPStatus: 500}
	}
	usable := int64(1)<<(32-p.Bits()) - 4
	if sub.Note == nil {
		sub.Note = map[string]any{}
	}
	link := doc.Str(sub.Doc, "selfLink")
	var held map[string]string
	if doc.Bool(sub.Note, "chosen") { // otherwise nobody is ahead of the count
		held = c.heldAddresses(link, "")
	}
	for next := doc.Num(sub.Note, "next"); next < usable; next++ {
		if ip := offset(p, next+2).String(); held[ip] == "" {
			sub.Note["next"] = next + 1
			c.tx.Put(sub)
			return ip, nil
		}
	}
	sub.Note["next"] = usable
	c.tx.Put(sub)
	held = c.heldAddresses(link, "")
	for i := range usable {
		if ip := offset(p, i+2).String(); held[ip] == "" {
			return ip, nil
		}
	}
	return "", &faults.OperationError{Code: "IP_SPACE_EXHAUSTED", HTTPStatus: 400, Message: fmt.Sprintf("IP space of '%s' is exhausted.", objectPath(sub))}
}

// claim takes an address that was chosen for an instance. One that is reserved is there to be taken.
func (c *call) claim(sub *world.Object, ip, vm string) *faults.OperationError {
	a, err := netip.ParseAddr(ip)
	p, bad := netip.ParsePrefix(doc.Str(sub.Doc, "ipCidrRange"))
	if err != nil || bad != nil || !p.Contains(a) {
		return &faults.OperationError{Code: "INVALID_ARGUMENT", HTTPStatus: 400, Message: fmt.Sprintf(
			"Requested internal IP address '%s' is not in the range of '%s'.", ip, objectPath(sub))}
	}
	if user := c.heldAddresses(doc.Str(sub.Doc, "selfLink"), vm)[ip]; user != "" && !isAddress(user) {
		return &faults.OperationError{Code: "IP_IN_USE_BY_ANOTHER_RESOURCE", HTTPStatus: 400, Message: fmt.Sprintf(
			"IP '%s' is already being used by another resource.", ip)}
	}
	c.markChosen(sub)
	return nil
}

// markChosen remembers that an address of a subnetwork was not counted but chosen.
func (c *call) markChosen(sub *world.Object) {
	if sub.Note == nil {
		sub.Note = map[string]any{}
	}
	sub.Note["chosen"] = true
	c.tx.Put(sub)
}

func offset(p netip.Prefix, n int64) netip.Addr {
	a := p.Addr().As4()
	v := (int64(a[0])<<24 | int64(a[1])<<16 | int64(a[2])<<8 | int64(a[3])) + n
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// heldAddresses gives the holder of each address of a subnetwork: an instance other than except, or else the reserved address.
func (c *call) heldAddresses(subnetwork, except string) map[string]string {
	held := map[string]string{}
	for _, o := range c.tx.List(worldName(c.region() + "/addresses")) {
		if doc.Str(o.Doc, "subnetwork") == subnetwork {
			held[doc.Str(o.Doc, "address")] = objectPath(o)
		}
	}
	for _, below := range c.tx.Below(worldName(c.project()) + "/zones/") {
		if basename(below) != "instances" {
			continue
		}
		for _, vm := range c.tx.List(below) {
			for _, nic := range doc.Objects(vm.Doc, "networkInterfaces") {
				if doc.Str(nic, "subnetwork") == subnetwork && objectPath(vm) != except {
					held[doc.Str(nic, "networkIP")] = objectPath(vm)
				}
			}
		}
	}
	return held
}

// nic finds a network interface that the query names, nic0 otherwise.
func (c *call) nic(vm *world.Object) (doc.Map, error) {
	name := c.query.Get("networkInterface")
	if name == "" {
		return nil, required("networkInterface")
	}
	for _, nic := range doc.Objects(vm.Doc, "networkInterfaces") {
		if doc.Str(nic, "name") == name {
			return nic, nil
		}
	}
	return nil, invalid("networkInterface", name, "The instance has no such network interface.")
}

// onNIC is a handler of a change to a network interface.
func onNIC(k *collection, kind string, f func(*call, *world.Object, doc.Map) error) handler {
	return func(c *call) (any, error) {
		vm, err := k.settled(c)
		if err != nil {
			return nil, err
		}
		nic, err := c.nic(vm)
		if err != nil {
			return nil, err
		}
		if err := f(c, vm, nic); err != nil {
			return nil, err
		}
		nic["fingerprint"] = c.fingerprint()
		return c.changed(k, vm, kind), nil
	}
}

// addAccessConfig gives a NIC an external address.
func addAccessConfig(c *call, vm *world.Object, nic doc.Map) error {
	if len(doc.List(nic, "accessConfigs")) > 0 {
		return invalid("resource.networkInterfaces["+doc.Str(nic, "name")[len("nic"):]+"].accessConfigs", "", "At most one access config currently supported.")
	}
	access := c.body
	fillAccess(access)
	if ip := doc.Str(access, "natIP"); ip != "" {
		if err := c.checkNatIP(ip, "resource.natIP"); err != nil {
			return err
		}
	}
	nic["accessConfigs"] = []any{access}
	if doc.Str(vm.Doc, "status") == "RUNNING" {
		c.giveExternal(nic)
	}
	return nil
}

func (c *call) accessConfig(nic doc.Map, name, field string) (doc.Map, error) {
	if name == "" {
		return nil, required(field)
	}
	for _, access := range doc.Objects(nic, "accessConfigs") {
		if doc.Str(access, "name") == name {
			return access, nil
		}
	}
	return nil, invalid(field, name, "The network interface has no such access config.")
}

func deleteAccessConfig(c *call, _ *world.Object, nic doc.Map) error {
	if _, err := c.accessConfig(nic, c.query.Get("accessConfig"), "accessConfig"); err != nil {
		return err
	}
	delete(nic, "accessConfigs")
	return nil
}

// updateAccessConfig changes what the API lets be changed: the name of the address, not the address (reference of
// instances.updateAccessConfig).
func updateAccessConfig(c *call, _ *world.Object, nic doc.Map) error {
	access, err := c.accessConfig(nic, doc.Str(c.body, "name"), "resource.name")
	if err != nil {
		return err
	}
	for field, v := range c.body {
		switch field {
		case "setPublicPtr", "publicPtrDomainName":
			access[field] = v
		default:
			if !same(access[field], v) {
				return invalid("resource."+field, v, "This field cannot be changed.")
			}
		}
	}
	return nil
}

// same says whether two values of a field say the same: an empty list and null say as much as nothing.
func same(a, b any) bool {
	for _, v := range []*any{&a, &b} {
		if list, ok := (*v).([]any); ok && len(list) == 0 {
			*v = nil
		}
	}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

// updateNIC moves a NIC of a stopped instance to another subnetwork or address (page "Change the attributes of a network interface").
func updateNIC(c *call, vm *world.Object, nic doc.Map) error {
	switch f := doc.Str(c.body, "fingerprint"); {
	case f == "":
		return required("resource.fingerprint")
	case !draws.SameToken(f, doc.Str(nic, "fingerprint")):
		return badFingerprint("Invalid fingerprint.")
	}
	moved := doc.Map{}
	for field, v := range c.body {
		switch field {
		case "network", "subnetwork", "networkIP":
			if v == nil {
				continue
			}
			link := linkBase + pathOf(fmt.Sprint(v), c.project())
			if have := doc.Str(nic, field); have != v && (field == "networkIP" || have != link) {
				moved[field] = v
			}
		case "fingerprint", "name", "kind", "accessConfigs":
		case "aliasIpRanges", "stackType", "ipv6AccessConfigs", "queueCount", "enableVpcScopedDns":
			if same(nic[field], v) {
				continue
			}
			return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator cannot change " + field + " of a network interface"}
		default:
			if !same(nic[field], v) {
				return invalid("resource."+field, v, "This field cannot be changed.")
			}
		}
	}
	if len(moved) == 0 {
		return nil
	}
	if doc.Str(vm.Doc, "status") != "TERMINATED" {
		return invalidUsage("To change the network of a network interface, the instance must be in TERMINATED state.")
	}
	if moved["network"] != nil && moved["subnetwork"] == nil {
		delete(nic, "subnetwork")
	}
	for _, field := range []string{"network", "subnetwork"} {
		if moved[field] != nil {
			nic[field] = moved[field]
		}
	}
	if moved["network"] == nil && moved["subnetwork"] != nil {
		delete(nic, "network")
	}
	delete(nic, "networkIP")
	if moved["networkIP"] != nil {
		nic["networkIP"] = moved["networkIP"]
	}
	if err := c.findNetwork(nic, "resource", "resource."); err != nil {
		return err
	}
	if refused := c.address(nic, objectPath(vm)); refused != nil {
		return wire.APIError{Code: 400, Reason: "invalid", Message: refused.Message}
	}
	for _, access := range doc.Objects(nic, "accessConfigs") {
		c.release(access)
	}
	return nil
}

// release takes an ephemeral external address away: it is kept only while the instance runs (page "IP addresses").
func (c *call) release(access doc.Map) {
	for _, o := range c.tx.List(worldName(c.region() + "/addresses")) {
		if doc.Str(o.Doc, "address") == doc.Str(access, "natIP") {
			return
		}
	}
	delete(access, "natIP")
}
