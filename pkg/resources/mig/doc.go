// Package mig is the kind "mig": a zonal managed instance group, whose VMs come and go together.
//
// The operations of a group are done when a change is recorded, not when its VMs follow, so the driver waits for the group:
// one read of the group a look, and one list of its VMs to see what keeps it. A group whose VMs cannot be made never becomes
// stable and tries for ever, so the first error that time will not mend (no capacity, quota, permission) ends the wait.
//
// Worked example:
//
//	g := mig.Add(set, "mig", mig.Spec{Template: t.URL(), BaseInstanceName: "demo-vm-####", TargetSize: 16})
package mig
