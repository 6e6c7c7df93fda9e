package machines

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed general.tsv
var generalFile string

// series is what the types of a machine series have in common.
type series struct {
	boots []string
	arm   bool
}

// Which disks a series boots from. The three kinds of Persistent Disk for the older ones, no pd-standard for C3, C3D, H3, M3 and Z3,
// Hyperdisk Balanced alone for the newer ones: from memory of the pages on the machine families.
var (
	persistent = []string{"pd-standard", "pd-balanced", "pd-ssd"}        //nolint:gochecknoglobals // a constant table
	solid      = []string{"pd-balanced", "pd-ssd", "hyperdisk-balanced"} //nolint:gochecknoglobals // a constant table
	hyper      = []string{"hyperdisk-balanced"}                          //nolint:gochecknoglobals // a constant table
)

var allSeries = map[string]series{ //nolint:gochecknoglobals // a constant table
	"c2": {boots: persistent}, "c2d": {boots: persistent}, "e2": {boots: persistent}, "f1": {boots: persistent}, "g1": {boots: persistent},
	"m1": {boots: persistent}, "m2": {boots: persistent}, "n1": {boots: persistent}, "n2": {boots: persistent}, "n2d": {boots: persistent},
	"t2a": {boots: persistent, arm: true}, "t2d": {boots: persistent},
	"c3": {boots: solid}, "c3d": {boots: solid}, "h3": {boots: solid}, "m3": {boots: solid}, "z3": {boots: solid},
	"c4": {boots: hyper}, "c4a": {boots: hyper, arm: true}, "c4d": {boots: hyper}, "c4n": {boots: hyper}, "h4d": {boots: hyper},
	"m4": {boots: hyper}, "m4n": {boots: hyper}, "n4": {boots: hyper}, "n4a": {boots: hyper, arm: true}, "n4d": {boots: hyper},
	"x4": {boots: hyper},
}

// generalTypes are the types without GPUs of their own. N1 can take GPUs. Bare metal is not to be had as Spot (page "Spot VMs").
func generalTypes() []Type {
	var out []Type
	for line := range strings.Lines(generalFile) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		cpus, err := strconv.Atoi(row[1])
		gb, err2 := strconv.ParseFloat(row[2], 64)
		family, _, _ := strings.Cut(row[0], "-")
		of, known := allSeries[family]
		if err != nil || err2 != nil || !known {
			panic(fmt.Sprintf("general.tsv: %q", line)) // the file is part of the program and read by a test
		}
		t := Type{
			Name: row[0], CPUs: cpus, MemoryGB: gb, BootDisks: of.boots, Arch: "X86_64", NICs: min(8, max(2, cpus)),
			Provisioning: []string{"STANDARD", "SPOT"}, Shared: slices.Contains(row[3:], "shared"),
		}
		if of.arm {
			t.Arch = "ARM64"
		}
		if strings.HasSuffix(t.Name, "-metal") {
			t.Provisioning = []string{"STANDARD"}
		}
		if last := row[len(row)-1]; last == "DEPRECATED" || last == "OBSOLETE" {
			t.Deprecated = last
		}
		out = append(out, t)
	}
	return out
}
