package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// whyAbsent is why something is made that is not there.
func (d *decision) whyAbsent() string {
	if !d.recorded() {
		return "does not exist"
	}
	switch d.record.Status {
	case state.Ready:
		return "was deleted outside of this tool"
	case state.Failed:
		return "an earlier run could not create it"
	case state.Doomed:
		return "an earlier run was deleting it"
	case state.Updating:
		return "was deleted outside of this tool, while an earlier run was changing it"
	case state.Intended:
		return "an earlier run meant to create it"
	}
	return "does not exist"
}

// whyDiffers tells a change of the settings from a change made behind our back.
func (d *decision) whyDiffers(changes []resources.Change) (string, error) {
	paths := changedPaths(changes)
	switch {
	case d.record == nil || len(d.record.Inputs) == 0:
		return "differs in " + paths, nil
	case d.record.Status == state.Updating:
		return "an earlier run was changing it: " + paths, nil
	case d.record.Status == state.Failed:
		return "an earlier run could not make it as wanted: " + paths, nil
	}
	byUser, err := d.node.Changed(d.record.Inputs)
	if err != nil {
		return "", err
	}
	if len(byUser) == 0 {
		return "was changed outside of this tool: " + paths, nil
	}
	why, settings := d.whyRefers(byUser)
	if len(settings) > 0 {
		why = slices.Insert(why, 0, "the settings changed: "+changedPaths(settings))
	}
	return strings.Join(why, "; "), nil
}

// whyRefers takes from what differs from the recorded settings what follows from something else: a node that was referred to before
// publishes another value now.
func (d *decision) whyRefers(changes []resources.Change) (why []string, rest []resources.Change) {
	for _, c := range changes {
		ref, ok := c.Want.(interface {
			From() (resources.Address, bool)
			After() (resources.Address, bool)
			Output() string
		})
		if !ok {
			rest = append(rest, c)
			continue
		}
		from, refers := ref.From()
		text := fmt.Sprintf("refers to %s, whose %s changed", from, ref.Output())
		if _, unknown := ref.After(); unknown {
			text = fmt.Sprintf("refers to %s, whose %s is known only when that is there again", from, ref.Output())
		}
		switch {
		case !refers || !slices.Contains(d.record.Needs, from.String()):
			rest = append(rest, c)
		case !slices.Contains(why, text):
			why = append(why, text)
		}
	}
	return why, rest
}

// whyFormer is why what the record names is to go: the node has moved, or it is to be made under another name.
func (d *decision) whyFormer() string {
	moved := resources.ID(d.record.Computed) != d.node.Computed()
	switch {
	case d.verdict == replace:
		return d.why + ": it cannot be changed in place"
	case d.record.Computed != "" && !moved:
		return "is not there any more; whatever is left of it goes"
	}
	return "is now to be " + d.node.ID.Path()
}
