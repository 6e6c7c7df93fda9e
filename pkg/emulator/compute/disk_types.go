package compute

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
)

//go:embed disk_types.tsv
var diskTypesFile string

// diskTypeRow is a row of disk_types.tsv; regional is "-" when there are no regional disks of it.
type diskTypeRow struct{ name, words, sizes, defaultGB, regional string }

var diskTypeTable = sync.OnceValue(func() []diskTypeRow { //nolint:gochecknoglobals // a constant table
	var out []diskTypeRow
	for row := range tableRows(diskTypesFile) {
		out = append(out, diskTypeRow{row[0], row[1], row[2], row[3], row[4]})
	}
	return out
})

// doc is the type as a zone or a region ("zones/Z", "regions/R") shows it; nil when the region has none (shape: discovery document).
func (k diskTypeRow) doc(project, scope string) doc.Map {
	sizes, where := k.sizes, "zone"
	if strings.HasPrefix(scope, "regions/") {
		sizes, where = k.regional, "region"
	}
	if sizes == "-" || scope == "global" {
		return nil
	}
	return doc.Map{
		"kind": "compute#diskType", "id": fmt.Sprint(30000 + uint64(draws.Uniform(0, k.name, 1)*10000)), "name": k.name, "description": k.words,
		"validDiskSize": sizes, "defaultDiskSizeGb": k.defaultGB, "creationTimestamp": firstDay, where: linkBase + project + "/" + scope,
		"selfLink": linkBase + project + "/" + scope + "/diskTypes/" + k.name,
	}
}

// diskTypeMethods read disk types of zones and of regions.
func (svc *service) diskTypeMethods() map[string]handler {
	of := shelf(func(c *call, scope string) []func() doc.Map {
		var items []func() doc.Map
		for _, k := range diskTypeTable() {
			if d := k.doc(c.project(), scope); d != nil {
				items = append(items, func() doc.Map { return d })
			}
		}
		return items
	})
	get := func(c *call) (any, error) {
		for _, d := range of.render(c, strings.TrimPrefix(c.scope(), c.project()+"/")) {
			if doc.Str(d, "name") == c.vars["diskType"] {
				return d, nil
			}
		}
		return nil, notFound(c.path)
	}
	list := func(c *call) (any, error) {
		kind := "compute#diskTypeList"
		if c.vars["region"] != "" {
			kind = "compute#regionDiskTypeList" // discovery document
		}
		return c.virtual(c.scope()+"/diskTypes", kind, of.render(c, strings.TrimPrefix(c.scope(), c.project()+"/")))
	}
	return map[string]handler{
		"DiskTypes.Get": get, "DiskTypes.List": list, "RegionDiskTypes.Get": get, "RegionDiskTypes.List": list,
		"DiskTypes.AggregatedList": func(c *call) (any, error) {
			return c.overScopes("diskTypes", "compute#diskTypeAggregatedList", of)
		},
	}
}
