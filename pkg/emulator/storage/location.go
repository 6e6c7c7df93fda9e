package storage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// place sets where a new bucket is: a multi-region, a dual-region by its name or by its two regions, or a region (page "Bucket
// locations").
func (c *call) place(d, body doc.Map) error {
	location := strings.ToUpper(cmp.Or(doc.Str(body, "location"), "US"))
	d["location"] = location
	_, region := places.Named(strings.ToLower(location))
	var two []any
	for _, one := range doc.Words(body, "customPlacementConfig", "dataLocations") {
		if _, ok := places.Named(strings.ToLower(one)); !ok {
			return errLocation
		}
		two = append(two, strings.ToUpper(one))
	}
	multi := slices.Contains([]string{"US", "EU", "ASIA"}, location)
	switch {
	case len(two) == 2 && multi && two[0] != two[1]:
		d["locationType"], d["rpo"], d["customPlacementConfig"] = "dual-region", "DEFAULT", doc.Map{"dataLocations": two}
	case len(two) > 0:
		return errLocation
	case multi:
		d["locationType"], d["rpo"] = "multi-region", "DEFAULT" // recorded: storage-bucket.log
	case slices.Contains([]string{"ASIA1", "EUR4", "EUR5", "EUR7", "EUR8", "NAM4"}, location):
		d["locationType"], d["rpo"] = "dual-region", "DEFAULT"
	case region:
		d["locationType"] = "region"
	default:
		return errLocation
	}
	return nil
}

// errLocation has the words of the XML API's InvalidLocationConstraint.
var errLocation = wire.APIError{Code: 400, Reason: "invalid", Message: "The specified location constraint is not valid."}
