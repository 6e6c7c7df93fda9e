package blueprint

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
)

// Choices are what the settings leave open and a run has to look up or pick. They are recorded, so that they stay.
type Choices struct {
	Image      string       // path of the image that the VMs boot from
	Range      netip.Prefix // of the own network; unused with the project's default network
	Subnetwork string       // path of the default network's subnetwork; empty with the own network
	// Record is what later runs are to be given as recorded: what was chosen, under keys that say what was asked for. Keys of
	// other versions of the program stay.
	Record map[string]string
}

// Recorded gives the choices of earlier runs, and whether they settle everything, so that nobody need be asked.
func Recorded(cfg *config.Config, recorded map[string]string) (Choices, bool) {
	ch, _ := Choose(cfg, recorded, &offer.Answer{})
	return ch, ch.Image != "" && (cfg.Network != config.NewNetwork || ch.Range.IsValid()) && (cfg.Network != config.DefaultNetwork || ch.Subnetwork != "")
}

// Forget gives the recorded choices without the image, so that the newest one is taken.
func Forget(recorded map[string]string) map[string]string {
	out := maps.Clone(recorded)
	maps.DeleteFunc(out, func(key, _ string) bool { return imageKeyOfAny(key) })
	return out
}

// Choose settles what the settings leave open, and finds what is wrong with the settings for this project and zone. What an
// earlier run has chosen stays as long as the same is asked for. Parts of the answer that are nil leave their choice open.
func Choose(cfg *config.Config, recorded map[string]string, a *offer.Answer) (Choices, resources.Problems) {
	c := chooser{cfg: cfg, recorded: recorded, a: a}
	c.Record = Forget(recorded)
	if c.Record == nil {
		c.Record = map[string]string{}
	}
	c.problems = slices.Clone(a.Problems)
	c.machine()
	c.image()
	c.account()
	switch cfg.Network {
	case config.DefaultNetwork:
		c.subnetwork()
	case config.NewNetwork:
		c.addresses()
	case config.MultiNIC: // refused by the settings as long as it is not there
	}
	return c.Choices, c.problems
}

type chooser struct {
	Choices
	cfg      *config.Config
	recorded map[string]string
	a        *offer.Answer
	problems resources.Problems
}

func (c *chooser) fail(path, value, message, hint string) {
	c.problems = append(c.problems, resources.Problem{Path: path, Value: value, Message: message, Hint: hint})
}

func (c *chooser) warn(path, value, message, hint string) {
	c.problems = append(c.problems, resources.Problem{Path: path, Value: value, Message: message, Hint: hint, Severity: resources.SeverityWarning})
}

// choose records a choice.
func (c *chooser) choose(key, value string) {
	if value != "" {
		c.Record[key] = value
	}
}

func (c *chooser) machine() {
	m, cfg := c.a.Machine, c.cfg
	switch {
	case m == nil:
	case m.NoZone:
		c.fail("ZONE", cfg.Zone, "does not exist", "list zones with: gcloud compute zones list")
	case m.NoMachine && len(m.Zones) > 0:
		c.fail("VM_TYPE", cfg.VMType, "is not offered in "+cfg.Zone, "it is in "+strings.Join(m.Zones, ", "))
	case m.NoMachine:
		c.fail("VM_TYPE", cfg.VMType, "is not offered in "+cfg.Zone, "list where it is with: gcloud compute machine-types list --filter=name="+cfg.VMType)
	case m.NoGPU:
		c.fail("ACCELERATOR_TYPE", cfg.AcceleratorType, "is not offered in "+cfg.Zone,
			"list where it is with: gcloud compute accelerator-types list --filter=name="+cfg.AcceleratorType)
	}
}

// account: VMs of an account that is not there, or disabled, are refused when the group makes them, minutes later.
func (c *chooser) account() {
	s, given := c.a.ServiceAccount, c.cfg.ServiceAccount
	switch {
	case s == nil:
	case s.Absent && s.Email != given:
		c.fail("SERVICE_ACCOUNT", given, "the project has no service account "+s.Email,
			"give another one with SERVICE_ACCOUNT, or, within 30 days of its deletion, bring it back: gcloud iam service-accounts undelete --help")
	case s.Absent:
		c.fail("SERVICE_ACCOUNT", given, "does not exist", "list those of the project with: gcloud iam service-accounts list --project="+c.cfg.Project)
	case s.Disabled:
		c.fail("SERVICE_ACCOUNT", given, s.Email+" is disabled", "enable it with: gcloud iam service-accounts enable "+s.Email+" --project="+c.cfg.Project)
	case s.Unread != "":
		c.warn("SERVICE_ACCOUNT", given, "whether "+s.Email+" exists could not be read", s.Unread)
	}
}

func subnetworkKey(cfg *config.Config) string { return "subnetwork/" + cfg.Region }

// subnetwork names the one in which the VMs are: an auto-mode network would find its own, a custom-mode one would not. A choice that was
// recorded wins as long as its subnetwork is there, so that a second one that appears rolls no VMs.
func (c *chooser) subnetwork() {
	wanted, earlier, n := c.cfg.Subnetwork, c.recorded[subnetworkKey(c.cfg)], c.a.Network
	if n == nil {
		if wanted == "" || named(earlier, wanted) {
			c.Subnetwork = earlier
		}
		return
	}
	have := strings.Join(names(n.Subnetworks), ", ")
	i := slices.IndexFunc(n.Subnetworks, func(path string) bool { return named(path, wanted) })
	switch {
	case n.Absent:
		c.fail("NETWORK_CONFIG", string(config.DefaultNetwork), `the project has no network "default"`, "set NETWORK_CONFIG=new_network")
	case len(n.Subnetworks) == 0:
		c.fail("NETWORK_CONFIG", string(config.DefaultNetwork), `the network "default" has no subnetwork for VMs in `+c.cfg.Region, "set NETWORK_CONFIG=new_network")
	case wanted != "" && i < 0:
		c.fail("SUBNETWORK", wanted, `is no subnetwork of the network "default" in `+c.cfg.Region, "there are: "+have)
	case wanted != "":
		c.Subnetwork = n.Subnetworks[i]
	case slices.Contains(n.Subnetworks, earlier):
		c.Subnetwork = earlier
	case len(n.Subnetworks) > 1:
		c.fail("SUBNETWORK", "", `the network "default" has several subnetworks in `+c.cfg.Region+": "+have,
			"choose one, for example with SUBNETWORK="+names(n.Subnetworks)[0])
	default:
		c.Subnetwork = n.Subnetworks[0]
	}
	c.choose(subnetworkKey(c.cfg), c.Subnetwork)
	if c.Subnetwork != "" && !c.cfg.ExternalIP && !n.NAT {
		c.warn("EXTERNAL_IP", "no", `the network "default" has no NAT in `+c.cfg.Region+": the VMs will have no way out",
			"set NETWORK_CONFIG=new_network, or add a Cloud NAT yourself")
	}
}

// named says whether a path is what a name, or a path, means.
func named(path, name string) bool {
	return name != "" && (path == name || strings.HasSuffix(path, "/"+name))
}

func names(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = last(p)
	}
	return out
}

func last(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

const rangeKey = "networkRange"

// recordedRange is the range that the own network is to have, when settings or records settle it.
func recordedRange(cfg *config.Config, recorded map[string]string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(recorded[rangeKey])
	if err != nil || cfg.NetworkRange.IsValid() && cfg.NetworkRange != p || Hosts(p) < cfg.InstanceCount {
		return netip.Prefix{}, false
	}
	return p, true
}

// addresses settles the range of the own network.
func (c *chooser) addresses() {
	earlier, settled := recordedRange(c.cfg, c.recorded)
	switch {
	case settled:
		c.Range = earlier
	case c.cfg.NetworkRange.IsValid():
		c.Range = c.cfg.NetworkRange
		c.overlaps()
	case c.a.RangesRead:
		var used []netip.Prefix
		for _, r := range c.a.Ranges {
			if r.User != c.ours("regions/"+c.cfg.Region+"/subnetworks", ownSubnetwork) {
				used = append(used, r.Prefix)
			}
		}
		p, err := PickRange(used, c.cfg.InstanceCount)
		if err != nil {
			c.fail("NETWORK_RANGE", "", err.Error(), "")
			return
		}
		c.Range = p
	default:
		return
	}
	c.choose(rangeKey, c.Range.String())
}

// ours is the path of something of our own in the project.
func (c *chooser) ours(collection, name string) string {
	return "projects/" + c.cfg.Project + "/" + collection + "/" + c.cfg.NamePrefix + "-" + name
}

// overlaps tells which ranges in use a given one meets. Our network is an island: VPC refuses only what overlaps in the network
// itself or in what it is peered with, whose routes it has (VPC documentation, "Subnets": ranges must be unique within a
// network and its peers). Elsewhere the same range may be used, but peering the two will be refused later.
func (c *chooser) overlaps() {
	hint := "give another range, or leave it out and a free one is chosen"
	list := slices.Clone(c.a.Ranges)
	slices.SortFunc(list, func(a, b offer.Range) int {
		return cmp.Or(a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()), cmp.Compare(a.User, b.User))
	})
	given := c.cfg.NetworkRange.String()
	for _, r := range list {
		switch {
		case !r.Prefix.Overlaps(c.cfg.NetworkRange) || r.User == c.ours("regions/"+c.cfg.Region+"/subnetworks", ownSubnetwork):
		case r.Network == c.ours("global/networks", ownNetwork):
			c.fail("NETWORK_RANGE", given, fmt.Sprintf("overlaps %s of %s, which is in the same network", r.Prefix, r.User), hint)
		default:
			c.warn("NETWORK_RANGE", given, fmt.Sprintf("overlaps %s of %s: the two networks can never be peered", r.Prefix, r.User), hint)
		}
	}
}
