package compute

import (
	_ "embed" // the table below
	"strings"
)

// outputOnlyTable has the fields that only Compute Engine writes, a message a line: those that its discovery document calls
// "[Output Only]", of all messages that can be in a request. The descriptors in computepb do not tell them. InstanceGroupManager's
// namedPorts is not among them: the text calls it so, and Terraform's provider sends it with an insert.
//
//go:embed output_only.txt
var outputOnlyTable string

func outputOnly() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(outputOnlyTable) {
		words := strings.Fields(line)
		out[words[0]] = words[1:]
	}
	return out
}
