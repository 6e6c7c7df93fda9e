package listfilter_test

import (
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator/listfilter"
)

func TestMatch(t *testing.T) {
	r := map[string]any{
		"name": "demo-net", "mtu": 1460.0, "autoCreateSubnetworks": false, "creationTimestamp": "2026-11-23T01:02:03.000-08:00",
		"labels":    map[string]any{"team": "ml", "a.b": "c"},
		"network":   "https://www.googleapis.com/compute/v1/projects/p/global/networks/demo-net",
		"disks":     []any{map[string]any{"boot": true, "type": "x"}, map[string]any{"boot": false, "type": "y"}},
		"targetTag": "a b",
	}
	for expression, want := range map[string]bool{
		"":                                       true,
		"name=demo-net":                          true,
		"name = other":                           false,
		"name != other":                          true,
		"missing != other":                       true,
		`name eq "demo-.*"`:                      true,
		`name eq demo`:                           false,
		`name ne ".*net"`:                        false,
		"name:demo":                              true,
		"name:*":                                 true,
		"missing:*":                              false,
		"name = demo*":                           true,
		"mtu > 1000":                             true,
		"mtu<1000":                               false,
		"mtu >= 1460 AND mtu <= 1460":            true,
		"labels.team = ml":                       true,
		"labels.a.b = c":                         true,
		"(name = demo-net) (labels.team = ml)":   true,
		"(name = x) OR (labels.team = ml)":       true,
		"name = x labels.team = y OR mtu = 1460": false, // OR binds more tightly than AND and than nothing
		"mtu = 1460 OR name = x AND name = x":    false,
		"name=x AND mtu=1 OR name=demo-net":      false,
		"name = demo-net AND mtu = 1 OR mtu = 1460": true,
		"NOT name = demo-net":                       false,
		"-name = demo-net":                          false,
		"disks.type = y":                            true,
		"disks.boot = true":                         true,
		"autoCreateSubnetworks = false":             true,
		"targetTag = \"a b\"":                       true,
		`network eq ".*/networks/demo-net"`:         true,
		`network = "https://www.googleapis.com/compute/v1/projects/p/global/networks/demo-net"`: true,
		`network = https://www.googleapis.com/compute/v1/projects/p/global/networks/demo-net`:   true,
		"creationTimestamp > 2026-11-22T00:00:00.000-08:00":                                     true,
	} {
		f, err := listfilter.Parse(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := f.Match(r); got != want {
			t.Errorf("%s: got %v, want %v", expression, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, expression := range []string{"name", "name =", "= x", "(name = x", "name = x)", `name = "x`, "name eq [", "AND", "name = x OR", "!", "name eq x AND mtu = 1", "(name ne x) (mtu:1)"} {
		if _, err := listfilter.Parse(expression); err == nil {
			t.Errorf("%q was accepted", expression)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`(name eq "a.*") (b = c)`, "NOT (a:b OR c<=2)", `x = 'q\'r'`} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		filter, err := listfilter.Parse(s)
		if err == nil {
			filter.Match(map[string]any{"name": "n", "labels": map[string]any{"a": "b"}})
		}
	})
}
