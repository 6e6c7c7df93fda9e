package places

import (
	"slices"
	"strings"
)

// Region is a region with its zones.
type Region struct {
	Name  string
	Zones string // one letter a zone
}

// regions are those in which GPUs of the families in the machine table are offered.
var regions = []Region{ //nolint:gochecknoglobals // a constant table
	{"asia-east1", "abc"},
	{"asia-northeast1", "abc"},
	{"asia-northeast3", "abc"},
	{"asia-south1", "abc"},
	{"asia-southeast1", "abc"},
	{"europe-west1", "bcd"},
	{"europe-west2", "abc"},
	{"europe-west3", "abc"},
	{"europe-west4", "abc"},
	{"me-west1", "abc"},
	{"southamerica-east1", "abc"},
	{"us-central1", "abcf"},
	{"us-east1", "bcd"},
	{"us-east4", "abc"},
	{"us-east5", "abc"},
	{"us-south1", "abc"},
	{"us-west1", "abc"},
	{"us-west2", "abc"},
	{"us-west3", "abc"},
	{"us-west4", "abc"},
}

// All gives all regions, sorted by name.
func All() []Region { return slices.Clone(regions) }

// Named finds a region.
func Named(name string) (Region, bool) {
	i := slices.IndexFunc(regions, func(r Region) bool { return r.Name == name })
	if i < 0 {
		return Region{}, false
	}
	return regions[i], true
}

// OfZone finds the region of a zone; false when there is no such zone.
func OfZone(zone string) (Region, bool) {
	for _, r := range regions {
		if letter, ok := strings.CutPrefix(zone, r.Name+"-"); ok && len(letter) == 1 && strings.Contains(r.Zones, letter) {
			return r, true
		}
	}
	return Region{}, false
}

// RegionName is the region that a zone's name tells, whether or not there is such a zone.
func RegionName(zone string) string {
	i := strings.LastIndexByte(zone, '-')
	if i < 0 {
		return zone
	}
	return zone[:i]
}

// ZoneNames gives the zones of a region in order.
func (r Region) ZoneNames() []string {
	var out []string
	for _, letter := range r.Zones {
		out = append(out, r.Name+"-"+string(letter))
	}
	return out
}
