package places

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Region is a region with its zones.
type Region struct {
	Name  string
	Zones string // one letter a zone
}

//go:embed zones.tsv
var zonesFile string

//go:embed offers.tsv
var offersFile string

// atlas is what the two files say.
type atlas struct {
	regions   []Region
	platforms map[string][]string        // by zone
	offers    map[string]map[string]bool // by the name of a machine type or GPU: zones
	names     map[string][]string        // by zone: what is offered there
}

// world is read when it is first asked for.
var world = sync.OnceValue(func() atlas { //nolint:gochecknoglobals // a constant table
	a := atlas{platforms: map[string][]string{}, offers: map[string]map[string]bool{}, names: map[string][]string{}}
	for row := range rows(zonesFile) {
		zone, letter := row[0], row[0][len(row[0])-1:]
		a.platforms[zone] = strings.Split(row[2], ", ")
		if n := len(a.regions); n > 0 && a.regions[n-1].Name == RegionName(zone) {
			a.regions[n-1].Zones += letter
			continue
		}
		a.regions = append(a.regions, Region{RegionName(zone), letter})
	}
	slices.SortFunc(a.regions, func(x, y Region) int { return strings.Compare(x.Name, y.Name) })
	for row := range rows(offersFile) {
		zones := map[string]bool{}
		for _, in := range strings.Fields(row[1]) {
			region, letters, _ := strings.Cut(in, ":")
			for _, letter := range letters {
				zones[region+"-"+string(letter)] = true
			}
		}
		for _, name := range strings.Fields(row[0]) {
			a.offers[name] = zones
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.offers)) {
		for zone := range a.offers[name] {
			a.names[zone] = append(a.names[zone], name)
		}
	}
	return a
})

// rows are the lines of a file, cut at tabs, without comments.
func rows(file string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(file) {
			if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' && !yield(strings.Split(line, "\t")) {
				return
			}
		}
	}
}

// All gives all regions, sorted by name.
func All() []Region { return slices.Clone(world().regions) }

// Named finds a region.
func Named(name string) (Region, bool) {
	i, ok := slices.BinarySearchFunc(world().regions, name, func(r Region, name string) int { return strings.Compare(r.Name, name) })
	if !ok {
		return Region{}, false
	}
	return world().regions[i], true
}

// OfZone finds the region of a zone; false when there is no such zone.
func OfZone(zone string) (Region, bool) {
	if _, ok := world().platforms[zone]; !ok {
		return Region{}, false
	}
	return Named(RegionName(zone))
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

// Platforms are the CPU platforms of a zone, in the API's spelling and order.
func Platforms(zone string) []string { return slices.Clone(world().platforms[zone]) }

// Offered says whether a zone has a machine type, or a GPU type that can be attached. What is in no zone is false everywhere.
func Offered(name, zone string) bool { return world().offers[name][zone] }

// Names are the machine types and attachable GPU types that a zone has, sorted.
func Names(zone string) []string { return slices.Clone(world().names[zone]) }

// ZonesWith lists the zones that have a machine type or an attachable GPU type, sorted.
func ZonesWith(name string) []string { return slices.Sorted(maps.Keys(world().offers[name])) }

// Offers are the names of all machine types and attachable GPU types that some zone has, sorted.
func Offers() []string {
	return slices.Sorted(maps.Keys(world().offers))
}
