package config

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

func (r *reader) network(c *Config) {
	c.Network = NetworkMode(r.oneOf("NETWORK_CONFIG", string(DefaultNetwork), string(NewNetwork), string(MultiNIC)))
	c.ExternalIP = r.boolean("EXTERNAL_IP")
	c.Subnetwork = r.subnetwork(c)
	c.NetworkRange = r.networkRange(c)
}

// subnetForm is a name (RFC 1035), or the path of a subnetwork with its region and perhaps its project.
var subnetForm = regexp.MustCompile(`^(?:(?:projects/(?:[a-z][a-z0-9.-]{0,62}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]/)?regions/([a-z]+-[a-z]+[0-9]+)/subnetworks/)?[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$`)

// subnetwork reads which subnetwork of the project's default network is to be used.
func (r *reader) subnetwork(c *Config) string {
	const key = "SUBNETWORK"
	s := r.match(key, subnetForm, "give the name of a subnetwork, or its path like regions/us-central1/subnetworks/NAME")
	if s == "" {
		return ""
	}
	if c.Network != DefaultNetwork && c.Network != "" {
		r.fail(key, s, "chooses among the subnetworks of the project's default network, but NETWORK_CONFIG is "+string(c.Network), "leave it out, or set NETWORK_CONFIG=default_network")
		return ""
	}
	if region := subnetForm.FindStringSubmatch(s)[1]; region != "" && c.Region != "" && region != c.Region {
		r.fail(key, s, "is in "+region+", but ZONE="+c.Zone+" is in "+c.Region, "give a subnetwork of "+c.Region)
		return ""
	}
	return s
}

// namedRange is an IPv4 range and what it is for.
type namedRange struct{ cidr, what string }

// Ranges of the VPC documentation, page "Subnets", sections "Prohibited IPv4 subnet ranges" and "Valid IPv4 ranges"
// (https://cloud.google.com/vpc/docs/subnets). Not listed are Google's own public addresses, which no program can know for good.
// 240.0.0.0/4 is among the valid ones there, with the remark that some operating systems do not take it.
var (
	prohibitedRanges = []namedRange{ //nolint:gochecknoglobals // a constant table
		{"0.0.0.0/8", "the local network"}, {"127.0.0.0/8", "loopback"}, {"169.254.0.0/16", "link-local"}, {"224.0.0.0/4", "multicast"},
		{"255.255.255.255/32", "limited broadcast"}, {"199.36.153.4/30", "restricted.googleapis.com"}, {"199.36.153.8/30", "private.googleapis.com"},
	}
	classE       = netip.MustParsePrefix("240.0.0.0/4") //nolint:gochecknoglobals // a constant
	insideRanges = []string{                            //nolint:gochecknoglobals // a constant table
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24",
		"203.0.113.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
	}
)

// The least and the most that VPC takes: a subnetwork has a range of 8 addresses or more (same page), and no valid range that is
// not public is larger than 10.0.0.0/8, but for 240.0.0.0/4.
const largestRange, smallestRange = 8, 29

// networkRange reads the range of our own subnetworks; an invalid Prefix when none is given.
func (r *reader) networkRange(c *Config) netip.Prefix {
	const key = "NETWORK_RANGE"
	s := r.text(key)
	if s == "" {
		return netip.Prefix{}
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		r.fail(key, s, "is not an IPv4 range", "write it like 10.8.0.0/16")
		return netip.Prefix{}
	}
	if p.Masked() != p {
		r.fail(key, s, "has bits behind its prefix", "did you mean "+p.Masked().String()+"?")
		return netip.Prefix{}
	}
	for _, bad := range prohibitedRanges {
		if q := netip.MustParsePrefix(bad.cidr); p.Overlaps(q) {
			r.fail(key, s, fmt.Sprintf("overlaps %s (%s), in which VPC forbids subnetworks", bad.cidr, bad.what), "give a private range like 10.8.0.0/16, or leave it out: then a free one is chosen")
			return netip.Prefix{}
		}
	}
	switch {
	case p.Bits() < largestRange || p.Bits() > smallestRange:
		word := "small"
		if p.Bits() < largestRange {
			word = "large"
		}
		r.fail(key, s, "is too "+word+" for a subnetwork", fmt.Sprintf("give a prefix length from %d to %d, like 10.8.0.0/16", largestRange, smallestRange))
		return netip.Prefix{}
	case c.Network == DefaultNetwork:
		r.fail(key, s, "has no meaning on the project's default network", "set NETWORK_CONFIG=new_network, or leave it out")
	case 1<<(32-p.Bits())-4 < c.InstanceCount:
		r.fail(key, s, "has too few addresses for INSTANCE_COUNT", "give a larger range")
	}
	inside := slices.ContainsFunc(insideRanges, func(cidr string) bool {
		q := netip.MustParsePrefix(cidr)
		return q.Contains(p.Addr()) && q.Contains(lastOf(p))
	})
	switch {
	case !inside:
		r.warn(key, "is not a private range: what has these addresses outside cannot be reached from the VMs", "")
	case classE.Overlaps(p):
		r.warn(key, "lies in 240.0.0.0/4, which some operating systems do not take", "make sure that the image's does")
	}
	return p
}

// lastOf is the last address of an IPv4 range.
func lastOf(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(a[:])|(1<<(32-p.Bits())-1))
	return netip.AddrFrom4(a)
}

// account is the e-mail address of a service account, or "default": NAME@PROJECT.iam.gserviceaccount.com,
// NUMBER-compute@developer.gserviceaccount.com, PROJECT@appspot.gserviceaccount.com (IAM documentation, "Types of service accounts").
var account = regexp.MustCompile(`^(?:default|[a-z0-9][a-z0-9.-]*@(?:[a-z0-9][a-z0-9-]*\.)+gserviceaccount\.com)$`)

// serviceAccount reads the service account of the VMs.
func (r *reader) serviceAccount(c *Config) string {
	const key = "SERVICE_ACCOUNT"
	s := r.text(key)
	if account.MatchString(s) {
		return s
	}
	project := c.Project
	if project == "" {
		project = "PROJECT"
	}
	hint := fmt.Sprintf("give an address like NAME@%s.iam.gserviceaccount.com (gcloud iam service-accounts list --project %s), or leave it out for the project's default", project, project)
	if bare := s[strings.LastIndexByte(s, ':')+1:]; bare != s && account.MatchString(bare) {
		hint = "write the address alone: " + line(key, bare)
	}
	if r.values[key].source == fromEnv && r.envFile != "" {
		hint += "; the variable may be another program's: unset it, or put the right one into the env-file"
	}
	r.fail(key, s, "is not a service account", hint)
	return ""
}
