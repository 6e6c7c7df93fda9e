package config

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

var (
	mountForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]:(/[^:,\s]+)$`) }) //nolint:gochecknoglobals // a constant
	shareForm = regexp.MustCompile(`^(/[^:,\s]+):([A-Za-z_]+)(?::([0-9]{1,6}))?$`)
	copyForm  = regexp.MustCompile(`^/[^\s:]+$`)
	rayForm   = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*([a-z][a-z0-9.]*)?$`)
	resForm   = regexp.MustCompile(`^(projects/[^/\s]+/(zones|reservations)/[^\s]+|[a-z]([-a-z0-9]{0,61}[a-z0-9])?)$`)
)

// tier is what a Filestore tier takes, in GiB (Filestore documentation, service tiers).
type tier struct {
	name        string
	least, most int
}

var tiers = []tier{ //nolint:gochecknoglobals // a constant table
	{"BASIC_HDD", 1024, 65433}, {"BASIC_SSD", 2560, 65433}, {"HIGH_SCALE_SSD", 10240, 102400}, {"ENTERPRISE", 1024, 10240},
	{"ZONAL", 1024, 102400}, {"REGIONAL", 1024, 102400},
}

// defaultShareGB is the size of a share that gives none (contract).
const defaultShareGB = 2560

// mostEntries bounds how many wrong entries of one list are reported.
const mostEntries = 5

// split cuts a comma list; a trailing comma is allowed.
func split(s string) []string {
	s = strings.TrimSuffix(strings.TrimSpace(s), ",")
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// lists checks the form of what later features read, so that an env-file's mistakes show all at once.
func (r *reader) lists() {
	points := map[string]bool{}
	point := func(key, entry, mount string) {
		mount = path.Clean(mount)
		if points[mount] {
			r.fail(key, entry, "mounts on a path that is used twice", "give every mount a path of its own")
		}
		points[mount] = true
	}
	r.entries("GCS_MOUNT_LIST", func(entry string) {
		if m := mountForm().FindStringSubmatch(entry); m == nil {
			r.fail("GCS_MOUNT_LIST", entry, "is not a mount", "write it like bucket:/mount/path")
		} else {
			point("GCS_MOUNT_LIST", entry, m[1])
		}
	})
	r.entries("NFS_FILESHARE_LIST", func(entry string) {
		if m := shareForm.FindStringSubmatch(entry); m == nil {
			r.fail("NFS_FILESHARE_LIST", entry, "is not a share", "write it like /mount/path:BASIC_SSD:2560")
		} else if r.share(entry, m[2], m[3]) {
			point("NFS_FILESHARE_LIST", entry, m[1])
		}
	})
	r.entries("FALLBACK_ZONES", func(zone string) {
		if !zoneForm.MatchString(zone) {
			r.fail("FALLBACK_ZONES", zone, "is not a zone", "give zones like us-central1-a")
		}
	})
	r.oneOf("ORCHESTRATOR_TYPE", "none", "ray", "gke")
	r.oneOf("PROVISIONING_MODEL", "standard", "spot", "reservation", "flex")
	r.oneOf("PLACEMENT", "none", "compact")
	for _, key := range []string{"GKE_NODE_POOL_COUNT", "GKE_MIN_NODE_COUNT", "GKE_MAX_NODE_COUNT"} {
		r.whole(key, 0, 100000)
	}
	r.entries("GKE_AUTHORIZED_NETWORKS", func(entry string) {
		if p, err := netip.ParsePrefix(entry); err != nil || p.Masked() != p {
			r.fail("GKE_AUTHORIZED_NETWORKS", entry, "is not a range", "give ranges like 203.0.113.0/24")
		}
	})
	r.whole("NIC_COUNT", 2, 16)
	r.whole("NETWORK_MTU", 1300, 8896) // compute v1 discovery document, Network.mtu
	r.duration("CAPACITY_TIMEOUT", 0, 1<<62)
	r.duration("STARTUP_TIMEOUT", 0, 1<<62)
	for _, key := range []string{"STARTUP_COMMAND_EVERY_BOOT", "NOTEBOOK_INSTANCE", "WAIT_FOR_STARTUP"} {
		r.boolean(key)
	}
	r.text("STARTUP_COMMAND")
	r.match("RESERVATION", resForm, "give the name of a reservation, or its path projects/…")
	r.match("RAY_VERSION", rayForm, "give a version like 2.60.0")
	r.match("VM_LOCALFILE_DEST_PATH", copyForm, "give an absolute path")
}

// entries checks every entry of a list, and stops when enough wrong ones are reported.
func (r *reader) entries(key string, check func(entry string)) {
	before := len(r.problems)
	list := split(r.text(key))
	for i, entry := range list {
		if len(r.problems)-before >= mostEntries {
			r.fail(key, "", fmt.Sprintf("has %d more entries, which were not looked at", len(list)-i), "mend these first")
			return
		}
		check(entry)
	}
}

// share checks tier and size of a Filestore share.
func (r *reader) share(entry, name, size string) bool {
	i := slices.IndexFunc(tiers, func(t tier) bool { return t.name == strings.ToUpper(name) })
	if i < 0 {
		var names []string
		for _, t := range tiers {
			names = append(names, t.name)
		}
		r.fail("NFS_FILESHARE_LIST", entry, "has an unknown tier", "give one of "+strings.Join(names, ", "))
		return false
	}
	gb := defaultShareGB
	if n, err := strconv.Atoi(size); err == nil {
		gb = n
	}
	if t := tiers[i]; gb < t.least || gb > t.most {
		r.fail("NFS_FILESHARE_LIST", entry, fmt.Sprintf("asks for %d GB", gb), fmt.Sprintf("%s takes %d to %d GB", t.name, t.least, t.most))
		return false
	}
	return true
}
