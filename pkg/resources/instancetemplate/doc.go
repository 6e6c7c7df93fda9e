// Package instancetemplate is the kind "instancetemplate": what the VMs of a managed instance group are like. Templates
// cannot be changed, so they are named by their content: another content is another template, which the group is switched to
// before the old one is deleted. All of that is ordinary steps of a plan.
//
// Worked example:
//
//	t := instancetemplate.Add(set, "vm", instancetemplate.Spec{MachineType: "a2-highgpu-2g", …}) // instancetemplate/vm-1a2b3c4d
//	mig.Add(set, "mig", mig.Spec{Template: t.URL(), BaseInstanceName: "demo-vm-####", TargetSize: 1})
package instancetemplate
