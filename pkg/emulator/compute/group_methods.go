package compute

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// groupChange checks a change of a group and makes it in the group's document. What it returns is done to the VMs, unless the
// operation will fail.
type groupChange func(*call, *world.Object) (func(), error)

// failing is a change that is taken, and whose operation then fails.
type failing faults.OperationError

func (f failing) Error() string { return f.Message }

// groupMethods are the verbs of managed instance groups. Their operations are DONE when the change is recorded, not when the
// VMs follow (discovery doc.Map).
func (svc *service) groupMethods(k *collection) map[string]handler {
	const manager, verb = "InstanceGroupManagers.", "compute.instanceGroupManagers."
	out := map[string]handler{
		manager + "Patch":                k.changing("patch", patchGroup),
		manager + "ListManagedInstances": func(c *call) (any, error) { return svc.listManaged(c, k) },
		manager + "ListErrors":           func(c *call) (any, error) { return svc.listGroupErrors(c, k) },
		manager + "ListPerInstanceConfigs": func(c *call) (any, error) {
			return listConfigs(c, k)
		},
		manager + "AggregatedList": func(c *call) (any, error) {
			return c.aggregated("instanceGroupManagers", "compute#instanceGroupManagerAggregatedList", k)
		},
		"InstanceGroups.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("instanceGroups", "compute#instanceGroupAggregatedList", svc.collections["instanceGroups"])
		},
		"InstanceGroups.ListInstances": func(c *call) (any, error) { return svc.listGroupInstances(c) },
		"InstanceGroups.SetNamedPorts": func(c *call) (any, error) { return setNamedPorts(c, svc.collections["instanceGroups"]) },
		// Nobody can make an autoscaler here, so there are none: gcloud asks before it shows a group.
		"Autoscalers.List": func(c *call) (any, error) {
			return c.virtual(c.scope()+"/autoscalers", "compute#autoscalerList", nil)
		},
		"Autoscalers.AggregatedList": func(c *call) (any, error) {
			return c.nowhere("autoscalers", "compute#autoscalerAggregatedList")
		},
	}
	// The operationType of createInstances is known (gcp-facts, section 1); the others are made alike.
	for method, change := range map[string]groupChange{
		"resize": resizeGroup, "setInstanceTemplate": setGroupTemplate,
		"createInstances": svc.createInGroup, "deleteInstances": svc.deleteFromGroup, "abandonInstances": svc.abandonFromGroup,
		"recreateInstances": svc.recreateInGroup, "applyUpdatesToInstances": svc.applyUpdates,
		"suspendInstances": svc.halting(suspended, "targetSuspendedSize", "forceSuspend"),
		"stopInstances":    svc.halting(stopped, "targetStoppedSize", "forceStop"),
		"resumeInstances":  svc.waking(suspended, "targetSuspendedSize"),
		"startInstances":   svc.waking(stopped, "targetStoppedSize"),

		"patchPerInstanceConfigs": putConfigs, "updatePerInstanceConfigs": putConfigs, "deletePerInstanceConfigs": deleteConfigs,
	} {
		out[manager+strings.ToUpper(method[:1])+method[1:]] = k.changing(verb+method, change)
	}
	return out
}

// changing is the handler of a change. Only what has passed all checks changes anything.
func (k *collection) changing(kind string, f groupChange) handler {
	return func(c *call) (any, error) {
		o, err := k.settled(c)
		if err != nil {
			return nil, err
		}
		before := o.Doc
		o.Doc = doc.Clone(before)
		do, err := f(c, o)
		var late failing
		if err != nil {
			o.Doc = before
		}
		if errors.As(err, &late) {
			fail := faults.OperationError(late)
			return c.start(kind, operations.Work{Target: o, Takes: c.svc.cloud.Draw(c.tx, k.latency+".update"), Effect: operations.Keep, Fail: &fail}), nil
		}
		if err != nil {
			return nil, err
		}
		if c.fails() != nil {
			return c.changed(k, o, kind), nil
		}
		o.Doc["fingerprint"] = c.fingerprint()
		if o.Note == nil {
			o.Note = map[string]any{}
		}
		o.Note["rolling"] = true // until no VM lacks anything
		op := c.changed(k, o, kind)
		if do != nil {
			do()
		}
		c.svc.reconcile(c.tx, o)
		return op, nil
	}
}

// patchGroup merges a body into a group (RFC 7396, discovery document). Named ports belong to the group's twin and are set there:
// terraform-provider-google knows that a patch does not change them.
func patchGroup(c *call, o *world.Object) (func(), error) {
	if f := doc.Str(c.body, "fingerprint"); f != "" && !draws.SameToken(f, doc.Str(o.Doc, "fingerprint")) {
		return nil, badFingerprint("Invalid fingerprint.")
	}
	for _, fixed := range []string{"name", "baseInstanceName"} {
		if v := doc.Str(c.body, fixed); v != "" && v != doc.Str(o.Doc, fixed) {
			return nil, invalid("resource."+fixed, v, "This field cannot be changed.")
		}
	}
	if v := c.body["namedPorts"]; !hollow(v) {
		return nil, invalid("resource.namedPorts", v, "This field cannot be changed.")
	}
	before := maps.Clone(o.Doc)
	settings := doc.Clone(before)
	doc.Merge(settings, c.body)
	for _, output := range append([]string{"id", "kind", "selfLink", "zone", "creationTimestamp", "status", "fingerprint", "versions", "instanceTemplate"}, groupOutputs...) {
		if settings[output] = before[output]; before[output] == nil {
			delete(settings, output)
		}
	}
	if doc.Str(c.body, "instanceTemplate") != "" || len(doc.List(c.body, "versions")) > 0 {
		if err := c.setVersions(settings, c.body); err != nil {
			return nil, err
		}
	}
	if err := c.checkGroup(settings, doc.Object(c.body, "updatePolicy")); err != nil {
		return nil, err
	}
	o.Doc = settings
	if asSent(doc.Object(before, "allInstancesConfig")) == asSent(doc.Object(settings, "allInstancesConfig")) {
		return nil, nil //nolint:nilnil // nothing to do, nothing wrong
	}
	return func() {
		o.Note["revision"] = timestamp(c.tx.Now())
		c.tx.Put(o)
	}, nil
}

func resizeGroup(c *call, o *world.Object) (func(), error) {
	if !c.query.Has("size") {
		return nil, required("size")
	}
	size := doc.Num(doc.Map{"size": c.query.Get("size")}, "size")
	if fmt.Sprint(size) != c.query.Get("size") {
		return nil, invalid("size", c.query.Get("size"), "Must be a number.")
	}
	if err := checkSize("size", size); err != nil {
		return nil, err
	}
	o.Doc["targetSize"] = size
	return nil, c.checkGroup(o.Doc, nil)
}

func setGroupTemplate(c *call, o *world.Object) (func(), error) {
	if err := c.setVersions(o.Doc, c.body); err != nil {
		return nil, err
	}
	return nil, c.checkGroup(o.Doc, nil)
}
