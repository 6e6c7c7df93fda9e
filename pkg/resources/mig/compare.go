package mig

import (
	"regexp"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// baseName is the pattern of the compute v1 discovery document, InstanceGroupManager.baseInstanceName.
var baseName = regexp.MustCompile(`^[a-z](([-a-z0-9]{0,57})|([-a-z0-9]{0,51}-#{1,10}(\[[0-9]{1,10}\])?))$`)

// Check refuses a group that the API refuses.
func (Driver) Check(s Spec) []resources.Problem {
	var out []resources.Problem
	if !baseName.MatchString(s.BaseInstanceName) {
		out = append(out, resources.Problem{Path: "baseInstanceName", Value: s.BaseInstanceName, Message: "is not a base for names of VMs", Hint: "shorten NAME_PREFIX"})
	}
	if s.TargetSize < 0 || s.TargetSize > 1000 {
		out = append(out, resources.Problem{Path: "targetSize", Message: "must be between 0 and 1000"})
	}
	return out
}

// Compare says what differs: the size changes in place, another template recreates the VMs, another base name replaces the group.
func (Driver) Compare(want, have Spec) []resources.Change {
	return resources.Join(
		resources.RefField("template", want.Template, have.Template, resources.Restart),
		resources.Field("baseInstanceName", want.BaseInstanceName, have.BaseInstanceName, resources.Replace),
		resources.Field("targetSize", want.TargetSize, have.TargetSize, resources.InPlace),
	)
}
