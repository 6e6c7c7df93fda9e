package compute

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

func (svc *service) firewalls() *collection {
	return &collection{
		service: "Firewalls", plural: "firewalls", single: "firewall", noun: "firewall", kind: "compute#firewall",
		latency: "compute_firewall", prepare: prepareFirewall,
	}
}

// protocols that are known by name (discovery doc.Map, Firewall.allowed.IPProtocol); a number is accepted too.
var protocols = []string{"tcp", "udp", "icmp", "esp", "ah", "ipip", "sctp", "all"} //nolint:gochecknoglobals // a constant table

var portRange = regexp.MustCompile(`^\d{1,5}(-\d{1,5})?$`)

func prepareFirewall(c *call, d doc.Map) error {
	if doc.Str(d, "network") == "" {
		d["network"] = "global/networks/default" // discovery document: the default network when not given
	}
	network, err := c.refer("resource.network", doc.Str(d, "network"), "networks", "network")
	if err != nil {
		return err
	}
	d["network"] = doc.Str(network.Doc, "selfLink")
	return checkFirewall(d)
}

// checkFirewall checks a whole rule and fills in what the API fills in (recorded: c7n-compute-firewall-get.json).
func checkFirewall(d doc.Map) error {
	doc.Fill(d, doc.Map{
		"priority": 1000, "direction": "INGRESS", "disabled": false, "logConfig": doc.Map{"enable": false}, "description": "",
	})
	if p := doc.Num(d, "priority"); p < 0 || p > 65535 {
		return invalid("resource.priority", p, "Must be between 0 and 65535.")
	}
	if logs := doc.Object(d, "logConfig"); doc.Bool(logs, "enable") {
		doc.Fill(logs, doc.Map{"metadata": "INCLUDE_ALL_METADATA"}) // documented default (page on firewall rules logging)
	}
	allowed, denied := doc.Objects(d, "allowed"), doc.Objects(d, "denied")
	switch {
	case len(allowed) > 0 && len(denied) > 0:
		return wire.APIError{Code: 400, Reason: "invalid", Message: "Invalid value for field 'resource': Firewall cannot have both allowed and denied rules."}
	case len(allowed)+len(denied) == 0:
		return required("resource.allowed")
	}
	for i, rule := range slices.Concat(allowed, denied) {
		if err := checkRule(i, rule); err != nil {
			return err
		}
	}
	if err := checkWhom(d); err != nil {
		return err
	}
	switch doc.Str(d, "direction") {
	case "INGRESS":
		if len(doc.List(d, "sourceRanges"))+len(doc.List(d, "sourceTags"))+len(doc.List(d, "sourceServiceAccounts")) == 0 {
			d["sourceRanges"] = []any{"0.0.0.0/0"}
		}
	case "EGRESS":
		if len(doc.List(d, "destinationRanges")) == 0 {
			d["destinationRanges"] = []any{"0.0.0.0/0"}
		}
	default:
		return invalid("resource.direction", doc.Str(d, "direction"), "Must be INGRESS or EGRESS.")
	}
	for _, field := range []string{"sourceRanges", "destinationRanges"} {
		for i, s := range doc.Words(d, field) {
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

// checkWhom refuses what cannot go together: sources by tag or account with outgoing traffic, and tags with service accounts (discovery document: sourceTags, sourceServiceAccounts, targetServiceAccounts). Words are assumed.
func checkWhom(d doc.Map) error {
	has := func(field string) bool { return len(doc.List(d, field)) > 0 }
	if doc.Str(d, "direction") == "EGRESS" {
		for _, field := range []string{"sourceTags", "sourceServiceAccounts"} {
			if has(field) {
				return invalid("resource."+field, doc.Words(d, field), "Must not be specified for rules with direction EGRESS.")
			}
		}
	}
	for _, pair := range [][2]string{
		{"sourceTags", "sourceServiceAccounts"}, {"sourceTags", "targetServiceAccounts"},
		{"targetTags", "sourceServiceAccounts"}, {"targetTags", "targetServiceAccounts"},
	} {
		if has(pair[0]) && has(pair[1]) {
			return invalid("resource."+pair[0], doc.Words(d, pair[0]), fmt.Sprintf("Cannot be used together with %s.", pair[1]))
		}
	}
	return nil
}

func checkRule(i int, rule doc.Map) error {
	protocol := strings.ToLower(doc.Str(rule, "IPProtocol"))
	if protocol == "" {
		return required(fmt.Sprintf("resource.allowed[%d].IPProtocol", i))
	}
	if n, err := strconv.Atoi(protocol); !slices.Contains(protocols, protocol) && (err != nil || n < 0 || n > 255) {
		return invalid(fmt.Sprintf("resource.allowed[%d].IPProtocol", i), protocol, "Unknown protocol.")
	}
	for j, port := range doc.Words(rule, "ports") {
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
func (svc *service) firewallMethods(k *collection) map[string]handler {
	change := func(kind string) handler {
		return func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			if n := doc.Str(c.body, "network"); n != "" && linkBase+pathOf(n, c.project()) != doc.Str(o.Doc, "network") {
				return nil, invalid("resource.network", n, "The network of a firewall cannot be changed.")
			}
			d := c.changes(o, "network", "direction")
			if err := checkFirewall(d); err != nil {
				return nil, err
			}
			o.Doc = d
			return c.changed(k, o, kind), nil
		}
	}
	return map[string]handler{"Firewalls.Patch": change("patch"), "Firewalls.Update": change("update")}
}

// effectiveFirewalls are the rules of a network. Firewall policies are not emulated, so none applies.
func effectiveFirewalls(c *call, k *collection) (any, error) {
	o, err := k.target(c)
	if err != nil {
		return nil, err
	}
	var rules []any
	for _, rule := range c.tx.List(worldName(c.project() + "/global/firewalls")) {
		if doc.Str(rule.Doc, "network") == doc.Str(o.Doc, "selfLink") && !rule.Visible.After(c.tx.Now()) {
			rules = append(rules, rule.Doc)
		}
	}
	if rules == nil {
		return doc.Map{}, nil
	}
	return doc.Map{"firewalls": rules}, nil
}
