package emulator

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (em *Emulator) firewalls() *collection {
	return &collection{
		service: "Firewalls", plural: "firewalls", single: "firewall", noun: "firewall", kind: "compute#firewall",
		latency: "compute_firewall", prepare: prepareFirewall,
	}
}

// protocols that are known by name (discovery document, Firewall.allowed.IPProtocol); a number is accepted too.
var protocols = []string{"tcp", "udp", "icmp", "esp", "ah", "ipip", "sctp", "all"} //nolint:gochecknoglobals // a constant table

var portRange = regexp.MustCompile(`^\d{1,5}(-\d{1,5})?$`)

func prepareFirewall(c *call, d document) error {
	if str(d, "network") == "" {
		d["network"] = "global/networks/default" // discovery document: the default network when not given
	}
	network, err := c.refer("resource.network", str(d, "network"), "networks", "network")
	if err != nil {
		return err
	}
	d["network"] = str(network.Doc, "selfLink")
	return checkFirewall(d)
}

// checkFirewall checks a whole rule and fills in what the API fills in (recorded: c7n-compute-firewall-get.json).
func checkFirewall(d document) error {
	fill(d, document{
		"priority": 1000, "direction": "INGRESS", "disabled": false, "logConfig": document{"enable": false}, "description": "",
	})
	if p := num(d, "priority"); p < 0 || p > 65535 {
		return invalid("resource.priority", p, "Must be between 0 and 65535.")
	}
	allowed, denied := objects(d, "allowed"), objects(d, "denied")
	switch {
	case len(allowed) > 0 && len(denied) > 0:
		return failure{code: 400, reason: "invalid", message: "Invalid value for field 'resource': Firewall cannot have both allowed and denied rules."}
	case len(allowed)+len(denied) == 0:
		return required("resource.allowed")
	}
	for i, rule := range slices.Concat(allowed, denied) {
		if err := checkRule(i, rule); err != nil {
			return err
		}
	}
	switch str(d, "direction") {
	case "INGRESS":
		if len(list(d, "sourceRanges"))+len(list(d, "sourceTags"))+len(list(d, "sourceServiceAccounts")) == 0 {
			d["sourceRanges"] = []any{"0.0.0.0/0"}
		}
	case "EGRESS":
		if len(list(d, "destinationRanges")) == 0 {
			d["destinationRanges"] = []any{"0.0.0.0/0"}
		}
	default:
		return invalid("resource.direction", str(d, "direction"), "Must be INGRESS or EGRESS.")
	}
	for _, field := range []string{"sourceRanges", "destinationRanges"} {
		for i, s := range words(d, field) {
			if strings.Contains(s, ":") {
				continue // IPv6
			}
			if !strings.Contains(s, "/") {
				s += "/32"
			}
			if _, err := parseRange(fmt.Sprintf("resource.%s[%d]", field, i), s); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkRule(i int, rule document) error {
	protocol := strings.ToLower(str(rule, "IPProtocol"))
	if protocol == "" {
		return required(fmt.Sprintf("resource.allowed[%d].IPProtocol", i))
	}
	if n, err := strconv.Atoi(protocol); !slices.Contains(protocols, protocol) && (err != nil || n < 0 || n > 255) {
		return invalid(fmt.Sprintf("resource.allowed[%d].IPProtocol", i), protocol, "Unknown protocol.")
	}
	for j, port := range words(rule, "ports") {
		if !portRange.MatchString(port) {
			return invalid(fmt.Sprintf("resource.allowed[%d].ports[%d]", i, j), port, "Must be a port number or a range of port numbers.")
		}
		for _, end := range strings.Split(port, "-") {
			if n, err := strconv.Atoi(end); err != nil || n > 65535 {
				return invalid(fmt.Sprintf("resource.allowed[%d].ports[%d]", i, j), port, "Ports end at 65535.")
			}
		}
	}
	rule["IPProtocol"] = protocol
	return nil
}

// firewallMethods: PATCH merges and replaces lists as a whole, PUT replaces everything; the network cannot change.
func (em *Emulator) firewallMethods(k *collection) map[string]computeHandler {
	change := func(replace bool) computeHandler {
		return func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			if n := str(c.body, "network"); n != "" && linkBase+pathOf(n, c.project()) != str(o.Doc, "network") {
				return nil, invalid("resource.network", n, "The network of a firewall cannot be changed.")
			}
			d := document{}
			if !replace {
				d = clone(o.Doc)
			}
			maps.Copy(d, c.body)
			for _, fixed := range []string{"id", "kind", "name", "network", "selfLink", "creationTimestamp", "direction"} {
				d[fixed] = o.Doc[fixed]
			}
			if err := checkFirewall(d); err != nil {
				return nil, err
			}
			o.Doc = d
			return c.changed(k, o, map[bool]string{true: "update", false: "patch"}[replace]), nil
		}
	}
	return map[string]computeHandler{"Firewalls.Patch": change(false), "Firewalls.Update": change(true)}
}
